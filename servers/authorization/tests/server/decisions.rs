//! What does the audit say of a login, from the first page to the end of its tokens?

use serde_json::{Value, json};

use crate::{
    audit::Lines,
    browser::Browser,
    steps::{exchange, pair, refresh},
    world::{LOCAL, NOW, RESOURCE, VERIFIER, request},
};

#[tokio::test]
async fn each_decision_has_its_line_and_none_has_a_secret() {
    let lines = Lines::default();
    let world = lines.world(|builder| builder).await;
    let mut browser = Browser::default();
    let page = browser.get(&world, &request("local", LOCAL, &[])).await;
    browser.log_in(&world, &page, "my password by mistake", "my password by mistake").await;
    browser.log_in(&world, &page, "alice", "a wrong password").await;
    let page = browser.log_in(&world, &page, "alice", "a good password").await;
    let answer = browser.decide(&world, &page, "allow").await;
    let code = answer.parameter("code").unwrap();
    let (access, renewed) = pair(&exchange(&world, "local", LOCAL, &code).await);
    exchange(&world, "local", LOCAL, &code).await;
    refresh(&world, "local", &renewed).await;
    world.form("/revoke", &[("token", &renewed), ("client_id", "local")]).await;
    browser.get(&world, &request("local", LOCAL, &[("code_challenge_method", "plain")])).await;
    browser.get(&world, &request("nobody", LOCAL, &[])).await;

    let lines = lines.all();
    let told = lines.iter().map(|line| {
        let said = |name: &str| line[name].as_str();
        (said("event").unwrap(), said("outcome").unwrap(), said("person"))
    });
    let alice = Some("alice");
    assert_eq!(
        told.collect::<Vec<_>>(),
        [
            ("login", "refused", None),
            ("login", "refused", alice),
            ("login", "allowed", alice),
            ("consent", "allowed", alice),
            ("code", "allowed", alice),
            ("token", "allowed", alice),
            ("replay", "refused", None),
            ("token", "refused", None),
            ("token", "refused", None),
            ("authorize", "refused", None),
            ("authorize", "refused", None),
        ],
        "{lines:#?}"
    );
    let grants: Vec<_> = [4, 5, 6].iter().map(|line| &lines[*line]["grant"]).collect();
    assert!(grants[0].is_string() && grants.iter().all(|grant| *grant == grants[0]), "{grants:?}");
    assert_eq!(lines[5]["resource"], RESOURCE);
    assert!(lines.iter().all(|line| line["time"] == json!(NOW)));
    let (all, csrf) = (Value::from(lines).to_string(), page.hidden("csrf"));
    for secret in [
        &*code,
        &renewed,
        &access,
        VERIFIER,
        &csrf,
        "my password",
        "a good password",
        "a wrong password",
    ] {
        assert!(!all.contains(secret), "{secret}");
    }
}
