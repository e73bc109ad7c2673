//! What can be found out later about those who were refused?

use std::sync::{Arc, Mutex};

use axum::{body::Body, http::Request};
use mcp_auth_server::{Builder, audit::Audit};
use serde_json::{Value, json};

use crate::{
    browser::Browser,
    steps::{consent_page, exchange_with, managed, register, registered},
    world::{LOCAL, SECRET, WEB, World, request},
};

/// The lines that a server writes.
#[derive(Clone, Default)]
pub struct Lines(Arc<Mutex<Vec<Value>>>);

impl Lines {
    pub async fn world(&self, change: impl FnOnce(Builder) -> Builder) -> World {
        let kept = self.0.clone();
        let audit = Audit::new(move |line| {
            kept.lock().unwrap().push(serde_json::from_str(line).unwrap());
        });
        World::with(|builder| change(builder.audit(audit))).await
    }

    /// All since the last time.
    pub fn all(&self) -> Vec<Value> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }

    /// All since the last time, but for time and number.
    fn since(&self) -> Vec<Value> {
        let mut lines = self.all();
        for line in &mut lines {
            let line = line.as_object_mut().unwrap();
            line.retain(|name, _| !["time", "request"].contains(&name.as_str()));
        }
        lines
    }
}

#[tokio::test]
async fn a_refused_token_request_names_the_client_and_says_if_it_only_claimed_to_be_one() {
    let lines = Lines::default();
    let world = lines.world(|builder| builder).await;
    let unproven = "an unknown client, or not its proof";
    let refused = |reason: &str| json!({"event": "token", "outcome": "refused", "reason": reason});
    let with = |mut line: Value, name: &str, value: &str| {
        line[name] = value.into();
        line
    };
    let unknown_code = "the code is unknown or has expired";
    for (fields, line) in [
        (&[("client_id", "local")][..], with(refused(unknown_code), "client", "local")),
        (
            &[("client_id", "secret"), ("client_secret", SECRET)],
            with(refused(unknown_code), "client", "secret"),
        ),
        (
            &[("client_id", "secret"), ("client_secret", "a wrong secret")],
            with(refused(unproven), "claimed", "secret"),
        ),
        (&[("client_id", "secret")], with(refused(unproven), "claimed", "secret")),
        (&[("client_id", "a secret by mistake")], refused(unproven)),
        (&[("client_id", "nobody"), ("client_secret", "a wrong secret")], refused(unproven)),
    ] {
        exchange_with(&world, "no code", fields).await;
        assert_eq!(lines.since(), [line], "{fields:?}");
    }
    world.token(&[("grant_type", "authorization_code"), ("code", "x")]).await;
    assert_eq!(lines.since(), [refused("client_id is missing")]);
    for path in ["/introspect", "/revoke"] {
        world.form(path, &[("client_id", "secret"), ("client_secret", "x"), ("token", "x")]).await;
        assert_eq!(lines.since()[0]["claimed"], "secret", "{path}");
    }
}

#[tokio::test]
async fn a_refused_registration_has_its_line_and_so_has_a_wrong_token_of_one() {
    let lines = Lines::default();
    let world = lines.world(|builder| builder.proxies(1)).await;
    let metadata = json!({"redirect_uris": ["http://evil.example/"]}).to_string();
    let request = Request::post("/register")
        .header("content-type", "application/json")
        .header("x-forwarded-for", "198.51.100.7");
    assert_eq!(world.send(request.body(Body::from(metadata)).unwrap()).await.status, 400);
    let why = "a redirect URI is https, or http to this machine";
    assert_eq!(
        lines.since(),
        [
            json!({"event": "register", "outcome": "refused", "reason": why, "address": "198.51.100.7"})
        ]
    );
    assert_eq!(
        world.send(Request::post("/register").body(Body::empty()).unwrap()).await.status,
        400
    );
    assert_eq!(lines.since()[0]["reason"], "the body must be application/json");
    let client = registered(&world, &json!({"redirect_uris": [WEB]})).await;
    let id = &client["client_id"];
    assert_eq!(lines.since()[0]["client"], *id);
    let why = "not the registration's token";
    let line = json!({"event": "register", "outcome": "refused", "reason": why, "claimed": id});
    for (method, token) in [("GET", "wrong"), ("PUT", "wrong"), ("DELETE", "wrong"), ("GET", "")] {
        assert_eq!(managed(&world, method, &client, token).await.status, 401);
        assert_eq!(lines.since(), std::slice::from_ref(&line), "{method}");
    }
    let nobody = json!({"registration_client_uri": "/register/a-secret-by-mistake"});
    assert_eq!(managed(&world, "GET", &nobody, "wrong").await.status, 401);
    assert_eq!(lines.since(), [json!({"event": "register", "outcome": "refused", "reason": why})]);
    let token = client["registration_access_token"].as_str().unwrap();
    assert_eq!(managed(&world, "PUT", &client, token).await.status, 400);
    assert_eq!(lines.since()[0]["client"], *id, "it was the client that said something wrong");
}

#[tokio::test]
async fn a_form_that_is_not_ours_has_its_line() {
    let lines = Lines::default();
    let world = lines.world(|builder| builder).await;
    let why = "the form was not made for this browser, or shows what is so no longer";
    let mut browser = Browser::default();
    let login = browser.get(&world, &request("local", LOCAL, &[])).await;
    let (mut other, cookie) = (Browser::default(), browser.cookie.clone());
    other.get(&world, &request("local", LOCAL, &[])).await;
    for (cookie, status) in [(None, 400), (other.cookie, 303)] {
        let mut foreign = Browser { cookie };
        let (asked, csrf) = (login.hidden("request"), login.hidden("csrf"));
        let fields =
            [("request", &*asked), ("csrf", &csrf), ("username", "alice"), ("password", "x")];
        assert_eq!(foreign.post(&world, "/login", &fields).await.status, status);
        assert_eq!(lines.since(), [json!({"event": "login", "outcome": "refused", "reason": why})]);
    }
    let mut browser = Browser { cookie };
    let mut page = consent_page(&world, &mut browser, &request("local", LOCAL, &[])).await;
    lines.since();
    page.text = page.text.replace(&page.hidden("csrf"), "forged");
    assert_eq!(browser.decide(&world, &page, "allow").await.status, 303);
    let [line] = &lines.since()[..] else { panic!("one line") };
    let told =
        ["event", "outcome", "reason", "client", "person"].map(|name| line[name].as_str().unwrap());
    assert_eq!(told, ["consent", "refused", why, "local", "alice"]);
    browser.get(&world, &request("local", "https://evil.example/", &[])).await;
    let [line] = &lines.since()[..] else { panic!("one line") };
    assert_eq!((&line["event"], &line["claimed"]), (&"authorize".into(), &"local".into()));
}

#[tokio::test]
async fn who_is_not_let_in_has_his_line_and_a_flood_of_it_has_few() {
    let lines = Lines::default();
    let world = lines.world(|builder| builder.proxies(1)).await;
    let knock = async |name: &str, value: &str| {
        let request = Request::post("/login").header("x-forwarded-for", "198.51.100.7");
        let request = request.header(name, value).body(Body::empty());
        assert_eq!(world.send(request.unwrap()).await.status, 403, "{name}");
        lines.since()
    };
    let why = "a foreign name, or a page of others";
    let line =
        json!({"event": "knock", "outcome": "refused", "reason": why, "address": "198.51.100.7"});
    for (name, value) in [("host", "evil.example"), ("origin", "https://evil.example")] {
        assert_eq!(knock(name, value).await, std::slice::from_ref(&line), "{name}");
    }
    let mut flood = Vec::new();
    for _ in 0..50 {
        flood.extend(knock("origin", "https://evil.example").await);
    }
    let limits = flood.iter().filter(|line| line["event"] == "limit").count();
    assert!(limits == 1 && flood.len() < 12, "{flood:#?}");
}

#[tokio::test]
async fn a_flood_has_one_line_a_minute_for_an_address() {
    let lines = Lines::default();
    let world = lines.world(|builder| builder.proxies(1)).await;
    let send = async |path: &str, address: &str| {
        let request = Request::post(path).header("x-forwarded-for", address);
        world.send(request.body(Body::empty()).unwrap()).await.status
    };
    let count =
        |lines: &[Value], event: &str| lines.iter().filter(|line| line["event"] == event).count();
    for address in ["10.0.0.1", "10.0.0.2"] {
        let mut refused = 0;
        for _ in 0..200 {
            refused += usize::from(send("/register", address).await == 429);
        }
        let lines = lines.since();
        assert!(refused > 160, "{refused}");
        assert_eq!(count(&lines, "limit"), 1);
        assert_eq!(
            count(&lines, "register"),
            200 - refused,
            "what was not counted out has its lines"
        );
        let line = lines.iter().find(|line| line["event"] == "limit").unwrap();
        let why = "too many registrations, or requests about one";
        assert_eq!(
            *line,
            json!({"event": "limit", "outcome": "refused", "reason": why, "address": address})
        );
    }
    for path in ["/token", "/revoke", "/login", "/introspect"] {
        let mut left = 10_000;
        while send(path, "10.0.0.1").await != 429 && left > 0 {
            left -= 1;
        }
        assert!(left > 0, "{path}");
        assert_eq!(count(&lines.since(), "limit"), 0, "{path}: it was told of this address");
    }
    let answer = register(&world, &json!({"redirect_uris": [WEB]})).await;
    assert_eq!(answer.status, 201, "others are not counted with it");
}
