//! What only a real identity provider can show. `WORKSHOP_KEYCLOAK` is the name of its realm, such as
//! `http://localhost:8080/realms/mcp-realm`, and `WORKSHOP_AUDIENCE` whom its tokens are for. One test at a time: they
//! change the realm.

use std::{
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use mcp_auth::issuer::keys::{Alg, SigningKey};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use workshop_tests::browser::Login;

use super::{ALL, World, may_do, text};
use crate::running::Server;

mod admin;

use admin::Admin;

/// How often step 9 asks for keys in these tests.
const REFRESH: Duration = Duration::from_secs(2);

fn told(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| {
        panic!("{name} is not set; scripts/check_all.sh --only keycloak sets it")
    })
}

impl World {
    /// With the people of a Keycloak that runs.
    pub(super) async fn keycloak() -> Self {
        let (issuer, resource) = (told("WORKSHOP_KEYCLOAK"), told("WORKSHOP_AUDIENCE"));
        let refresh = REFRESH.as_secs().to_string();
        let server = Server::start(
            9,
            &[
                &["--issuer", &issuer, "--audience", &resource],
                &["--issuer-refresh", &*refresh][..],
            ]
            .concat(),
        );
        let login = Login::at(&issuer, &ALL.join(" ")).await.unwrap();
        Self { server, login, resource }
    }

    /// A token for a name and a password, as a client that may ask so; the answer of the token endpoint.
    async fn direct(&self, client: &str, name: &str, word: &str, scope: &str) -> Value {
        let login = self.login.of(client);
        let form =
            [("grant_type", "password"), ("username", name), ("password", word), ("scope", scope)];
        let end = Instant::now() + Duration::from_secs(10);
        loop {
            match login.token(&form).await {
                Ok(answer) => return answer,
                // It looks at one password of a person at a time, and is done with the last one a little after its answer.
                Err(busy) if busy.contains("Invalid user credentials") && Instant::now() < end => {
                    sleep(Duration::from_millis(200)).await;
                }
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// A token in the name of a program: of those any number may be asked for at once.
    async fn program(&self, scope: &str) -> Value {
        let secret = ("client_secret", "service-secret-of-the-workshop");
        let form = [("grant_type", "client_credentials"), secret, ("scope", scope)];
        self.login.of("mcp-service").token(&form).await.unwrap()
    }

    /// The log of the server has this cause of a refusal.
    fn has_refused(&self, cause: &str) {
        self.server
            .stderr
            .wait_for(|line| line.contains("refused the token") && line.contains(cause));
    }
}

/// What a token says, believed without a look at its signature.
fn claims(token: &str) -> Value {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let part = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    serde_json::from_slice(&part).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Keycloak: scripts/check_all.sh --only keycloak"]
async fn tokens_for_others_and_tokens_of_another_kind_are_refused() {
    let world = World::keycloak().await;
    let other = world.direct("other-app", "mcp-admin", "admin123", "profile").await;
    assert_eq!(world.status(&text(&other, "access_token")).await, 401);
    world.has_refused("aud");
    let ours = world.direct("mcp-test-client", "mcp-admin", "admin123", "openid mcp:read").await;
    assert_eq!(world.status(&text(&ours, "access_token")).await, 200);
    assert_eq!(world.status(&text(&ours, "id_token")).await, 401);
    assert_eq!(world.status(&text(&ours, "refresh_token")).await, 401);
    let master = Admin::new(&world).await;
    assert_eq!(world.status(&master.token).await, 401);
    world.has_refused("another issuer");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Keycloak: scripts/check_all.sh --only keycloak"]
async fn a_token_that_is_bound_to_a_key_is_no_bearer_token() {
    let world = World::keycloak().await;
    let key = SigningKey::generate(Alg::Es256, 0).unwrap();
    let endpoint = text(&world.login.metadata, "token_endpoint");
    let answer = admin::with_proof(&key, &endpoint).await;
    assert_eq!(answer["token_type"], "DPoP");
    let token = text(&answer, "access_token");
    assert!(claims(&token)["cnf"]["jkt"].is_string(), "{}", claims(&token));
    assert_eq!(world.status(&token).await, 401);
    world.has_refused("another kind of token"); // Keycloak says "DPoP" where others say "Bearer"
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Keycloak: scripts/check_all.sh --only keycloak"]
async fn an_audience_may_be_a_text_or_a_list_and_must_be_there() {
    let world = World::keycloak().await;
    let admin = Admin::new(&world).await;
    let audience = json!({
        "name": "audience", "protocol": "openid-connect", "protocolMapper": "oidc-audience-mapper",
        "config": {"included.custom.audience": world.resource, "access.token.claim": "true"},
    });
    let one = admin.client(json!([audience]), json!({})).await;
    let token = text(&world.direct(&one, "mcp-user", "user123", "basic").await, "access_token");
    assert_eq!(claims(&token)["aud"], world.resource);
    assert_eq!(world.status(&token).await, 200);
    let token = world.token("mcp-user", "mcp:read").await;
    assert!(claims(&token)["aud"].is_array(), "{}", claims(&token));
    assert_eq!(world.status(&token).await, 200);
    // most claims are left out, so nobody can tell whom it is for
    let lightweight = json!({"client.use.lightweight.access.token.enabled": "true"});
    let light = admin.client(json!([]), lightweight).await;
    let token = text(&world.direct(&light, "mcp-user", "user123", "basic").await, "access_token");
    assert_eq!(claims(&token)["aud"], Value::Null);
    assert_eq!(world.status(&token).await, 401);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Keycloak: scripts/check_all.sh --only keycloak"]
async fn who_is_disabled_gets_no_new_token_and_the_old_one_ends() {
    let world = World::keycloak().await;
    let admin = Admin::new(&world).await;
    let (person, word) = admin.person("user").await;
    let name = &person.1;
    let short = admin.client(json!([]), json!({"access.token.lifespan": "2"})).await;
    admin
        .put(
            &format!(
                "clients/{}/optional-client-scopes/{}",
                admin.id_of(&short).await,
                admin.scope("mcp:read").await
            ),
            json!({}),
        )
        .await;
    let answer = world.direct(&short, name, &word, "mcp:read").await;
    let token = text(&answer, "access_token");
    admin.put(&format!("users/{}", person.0), json!({"enabled": false})).await;
    assert_eq!(world.status(&token).await, 200, "nobody is asked about a token that is good");
    let login = world.login.of(&short);
    let refresh = text(&answer, "refresh_token");
    let refused =
        login.token(&[("grant_type", "refresh_token"), ("refresh_token", &refresh)]).await;
    assert!(refused.is_err_and(|error| error.contains("invalid_grant")));
    let end = Instant::now() + Duration::from_secs(20); // two seconds, and five by which clocks may differ
    while world.status(&token).await != 401 {
        assert!(Instant::now() < end, "an expired token still opens");
        sleep(Duration::from_millis(200)).await;
    }
    world.has_refused("expired");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Keycloak: scripts/check_all.sh --only keycloak"]
async fn keys_are_rotated_while_twenty_call_and_nobody_good_is_refused() {
    let world = Arc::new(World::keycloak().await);
    let admin = Admin::new(&world).await;
    let old = world.token("mcp-user", "mcp:read").await;
    let (stop, calls) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let callers: Vec<_> = (0..20)
        .map(|_| {
            let (world, stop, calls) = (world.clone(), stop.clone(), calls.clone());
            tokio::spawn(async move {
                let mut token = world.program("mcp:read").await;
                while !stop.load(Relaxed) {
                    for _ in 0..5 {
                        assert_eq!(world.status(&text(&token, "access_token")).await, 200);
                        calls.fetch_add(1, Relaxed);
                        sleep(Duration::from_millis(20)).await;
                    }
                    token = world.program("mcp:read").await;
                }
            })
        })
        .collect();
    let mut kids = vec![admin::kid(&old)];
    for _ in 0..3 {
        let before = calls.load(Relaxed);
        admin.new_key().await;
        let young = world.token("mcp-user", "mcp:read").await;
        assert!(!kids.contains(&admin::kid(&young)), "the key has not changed");
        kids.push(admin::kid(&young));
        assert_eq!(world.status(&young).await, 200, "a new key is asked for when a token names it");
        assert_eq!(world.status(&old).await, 200, "the old key is still published");
        while calls.load(Relaxed) < before + 200
            && callers.iter().all(|caller| !caller.is_finished())
        {
            sleep(Duration::from_millis(10)).await;
        }
    }
    stop.store(true, Relaxed);
    for caller in callers {
        caller.await.unwrap();
    }
    admin.forget_key(&kids[0]).await;
    let begun = Instant::now();
    while world.status(&old).await == 200 {
        assert!(
            begun.elapsed() < REFRESH + Duration::from_secs(3),
            "a key that is gone still opens"
        );
        sleep(Duration::from_millis(50)).await;
    }
    may_do(&world, &world.token("mcp-user", "mcp:read").await, &["mcp:read"], "after all").await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Keycloak: scripts/check_all.sh --only keycloak"]
async fn while_keycloak_is_away_who_has_a_token_is_served_and_new_keys_are_found_afterwards() {
    let world = World::keycloak().await;
    let token = world.token("mcp-user", "mcp:read").await;
    keycloak("stop");
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(60) {
        assert_eq!(world.status(&token).await, 200);
        sleep(Duration::from_millis(500)).await;
    }
    world.server.stderr.wait_for(|line| line.contains("could not be fetched"));
    let ready = world.server.get("/ready");
    let age: u64 =
        ready.split("\"key_age\":").nth(1).unwrap().split(',').next().unwrap().parse().unwrap();
    assert!(ready.contains("200 OK") && (50..90).contains(&age), "{ready}");
    // whoever starts meanwhile waits
    let late =
        tokio::task::spawn_blocking(|| tokio::runtime::Handle::current().block_on(started_late()));
    keycloak("start");
    let late = late.await.unwrap();
    late.get("/health");
    let admin = Admin::new(&world).await;
    admin.new_key().await;
    let young = world.token("mcp-user", "mcp:read").await;
    assert_ne!(admin::kid(&young), admin::kid(&token));
    assert_eq!(world.status(&young).await, 200);
    let ready = world.server.get("/ready");
    assert!(ready.contains("\"key_age\":") && !ready.contains(&format!(":{age}")), "{ready}");
}

async fn started_late() -> Server {
    let issuer = told("WORKSHOP_KEYCLOAK");
    Server::start(9, &["--issuer", &issuer])
}

/// Asks the script that has started it.
fn keycloak(command: &str) {
    let port = told("WORKSHOP_KEYCLOAK").split(['/', ':']).nth(4).unwrap().to_owned();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/keycloak.sh");
    let mut script = Command::new(script);
    script.args([command, "--port", &port, "--audience", &told("WORKSHOP_AUDIENCE")]);
    if let Ok(version) = std::env::var("WORKSHOP_KEYCLOAK_VERSION") {
        script.args(["--version", &version]);
    }
    let done = script.output().unwrap();
    assert!(done.status.success(), "{command}: {}", String::from_utf8_lossy(&done.stderr));
}
