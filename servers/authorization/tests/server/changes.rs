//! What happens to those who are inside when somebody outside is changed?

use std::{
    path::Path,
    time::{Duration, Instant},
};

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher as _, SaltString},
};
use mcp_auth::{ScopeSet, issuer::disk::replace};
use mcp_auth_server::{people::People, roster::Roster};
use serde_json::{Value, json};

use crate::{
    browser::Browser,
    steps::{consent_page, exchange, pair, refresh},
    world::{LOCAL, World, request},
};

/// A hash whose password takes this many rounds over a mebibyte to check.
fn hash(password: &str, rounds: u32) -> String {
    let params = Params::new(1024, rounds, 1, None).unwrap();
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::default(), params);
    let salt = SaltString::from_b64("c29tZSBzYWx0IG9m").unwrap();
    argon2.hash_password(password.as_bytes(), &salt).unwrap().to_string()
}

fn write(file: &Path, people: &Value) {
    replace(file, &people.to_string(), true).unwrap();
}

fn roster(file: &Path) -> Roster {
    let set = |scopes: &str| scopes.parse::<ScopeSet>().unwrap();
    let rights = [("user", set("mcp:read mcp:tools")), ("guest", set("mcp:read"))];
    let nobody = People::new(rights.map(|(role, scopes)| (role.to_owned(), scopes)));
    Roster::in_file(file.to_owned(), nobody).unwrap()
}

/// Waits until it is so; the file is looked at once a second.
async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !is_so().await {
        assert!(Instant::now() < deadline, "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_broken_file_of_people_is_told_and_read_again_when_it_is_mended() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("people.json");
    let alice = json!({"alice": {"password": hash("a good password", 1), "roles": ["user"]}});
    write(&file, &alice);
    let people = roster(&file);
    let world = World::with(|builder| builder.roster(people)).await;
    let ready = async || Browser::default().get(&world, "/ready").await.status;
    assert_eq!(ready().await, 200);
    for broken in ["nonsense", "{\"alice\": {\"password\": \"not a hash\"}}"] {
        replace(&file, broken, true).unwrap();
        until("it is still ready", async || ready().await == 503).await;
        let mut browser = Browser::default();
        let page = consent_page(&world, &mut browser, &request("local", LOCAL, &[])).await;
        assert!(page.text.contains("Allow"), "those of before stay: {}", page.text);
        write(&file, &alice);
        until("it is not ready again", async || ready().await == 200).await;
    }
}

/// Somebody who was locked out and let in again, or who has got another password, or another person of that name.
#[tokio::test]
async fn what_began_under_another_stamp_has_ended() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("people.json");
    let alice = |stamp: &str| json!({"alice": {"password": hash("a good password", 1), "roles": ["user"], "stamp": stamp}});
    write(&file, &alice("one"));
    let people = roster(&file);
    let world = World::with(|builder| builder.roster(people)).await;
    let asked = request("local", LOCAL, &[]);
    let mut browser = Browser::default();
    let page = consent_page(&world, &mut browser, &asked).await;
    let answer = browser.decide(&world, &page, "allow").await;
    let tokens = exchange(&world, "local", LOCAL, &answer.parameter("code").unwrap()).await;
    let (access, refreshing) = pair(&tokens);
    let page = browser.get(&world, &asked).await;
    let waiting = browser.decide(&world, &page, "allow").await.parameter("code").unwrap();
    assert!(crate::steps::is_active(&world, &access).await);

    write(&file, &alice("two"));
    until("the session lives on", async || {
        browser.get(&world, &asked).await.text.contains("Password")
    })
    .await;
    assert!(!crate::steps::is_active(&world, &access).await, "introspection knows at once");
    assert_eq!(refresh(&world, "local", &refreshing).await.status, 400);
    assert_eq!(exchange(&world, "local", LOCAL, &waiting).await.status, 400);
}

#[tokio::test]
async fn a_refresh_for_what_is_no_longer_had_does_not_end_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("people.json");
    let alice =
        |role: &str| json!({"alice": {"password": hash("a good password", 1), "roles": [role]}});
    write(&file, &alice("user"));
    let people = roster(&file);
    let world = World::with(|builder| builder.roster(people)).await;
    let mut browser = Browser::default();
    let page = consent_page(&world, &mut browser, &request("local", LOCAL, &[])).await;
    let answer = browser.decide(&world, &page, "allow").await;
    let tokens = exchange(&world, "local", LOCAL, &answer.parameter("code").unwrap()).await;
    let token = pair(&tokens).1;
    write(&file, &alice("guest"));
    until("her role is still the old one", async || {
        let page = browser.get(&world, &request("local", LOCAL, &[])).await;
        !page.text[page.text.find("It could then").unwrap()..].contains("mcp:tools")
    })
    .await;
    let fields = [
        ("grant_type", "refresh_token"),
        ("refresh_token", &token),
        ("client_id", "local"),
        ("scope", "mcp:tools"),
    ];
    let gone = world.token(&fields).await;
    assert_eq!((gone.status, &gone.json()["error"]), (400, &"invalid_scope".into()));
    let rest = refresh(&world, "local", &token).await;
    assert_eq!((rest.status, &rest.json()["scope"]), (200, &"mcp:read".into()), "{}", rest.text);
}

/// Two passwords are checked at a time. Whoever hangs up while his is checked has not freed a place: a core still works for him.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_hangs_up_frees_no_place_while_his_password_is_still_checked() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("people.json");
    let slow = json!({"password": hash("slow", 1), "roles": []});
    let mut people =
        json!({"alice": {"password": hash("a good password", 1), "roles": ["user"]}, "slow": slow});
    // how long it takes is in the hash; what comes out need not fit
    let long = people["slow"]["password"].as_str().unwrap().replace("t=1,", "t=2000,");
    people["slow"]["password"] = long.into();
    write(&file, &people);
    let people = roster(&file);
    let world = World::with(|builder| builder.roster(people)).await;
    let asked = request("local", LOCAL, &[]);
    for _ in 0..2 {
        let mut browser = Browser::default();
        let page = browser.get(&world, &asked).await;
        let login = browser.log_in(&world, &page, "slow", "slow");
        let hung_up = tokio::time::timeout(Duration::from_millis(100), login).await;
        assert!(hung_up.is_err(), "it was not slow");
    }
    let mut browser = Browser::default();
    let page = browser.get(&world, &asked).await;
    let begun = Instant::now();
    let page = browser.log_in(&world, &page, "alice", "a good password").await;
    assert!(page.text.contains("Allow"), "{}", page.text);
    assert!(begun.elapsed() > Duration::from_millis(200), "a third was checked beside the two");
}
