//! Requests that nobody has thought of, put together from parts that mean something here.

use axum::{body::Body, http::Request};
use mcp_auth::issuer::form::Form;
use proptest::{prelude::*, test_runner::TestRunner};

use crate::{
    browser::Browser,
    steps::consent_page,
    world::{CHALLENGE, LOCAL, RESOURCE, SECRET, VERIFIER, WEB, World, encoded, request},
};

const NAMES: [&str; 24] = [
    "client_id",
    "client_secret",
    "redirect_uri",
    "response_type",
    "response_mode",
    "scope",
    "state",
    "resource",
    "request",
    "code_challenge",
    "code_challenge_method",
    "code",
    "code_verifier",
    "grant_type",
    "refresh_token",
    "token",
    "csrf",
    "decision",
    "username",
    "password",
    "client_assertion",
    "client_assertion_type",
    "prompt",
    "request_uri",
];

const VALUES: [&str; 26] = [
    "local",
    "web",
    "secret",
    "nobody",
    "https://client.example/c",
    LOCAL,
    WEB,
    RESOURCE,
    SECRET,
    CHALLENGE,
    VERIFIER,
    "S256",
    "plain",
    "code",
    "query",
    "authorization_code",
    "refresh_token",
    "client_credentials",
    "mcp:read",
    "mcp:read admin",
    "allow",
    "deny",
    "alice",
    "a.b.c",
    "\0\r\n",
    "\u{202e}\u{1f512}",
];

/// What is changed about a good request: this parameter is set to this value, stands there too, or is left out.
fn changes() -> impl Strategy<Value = Vec<(String, Option<String>, bool)>> {
    let name =
        prop_oneof![9 => prop::sample::select(&NAMES[..]).prop_map(str::to_owned), 1 => ".{0,8}"];
    let value =
        prop_oneof![9 => prop::sample::select(&VALUES[..]).prop_map(str::to_owned), 1 => ".{0,40}"];
    prop::collection::vec(
        (name, prop::option::weighted(0.8, value), prop::bool::weighted(0.2)),
        0..5,
    )
}

fn changed(
    good: &[(String, String)],
    changes: &[(String, Option<String>, bool)],
) -> Vec<(String, String)> {
    let mut fields = good.to_vec();
    for (name, value, is_added) in changes {
        if !is_added {
            fields.retain(|(other, _)| other != name);
        }
        fields.extend(value.clone().map(|value| (name.clone(), value)));
    }
    fields
}

fn owned(fields: &[(&str, &str)]) -> Vec<(String, String)> {
    fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn nothing_breaks_and_nothing_comes_out() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (world, browser, page) = runtime.block_on(async {
        let world = World::with(|builder| builder.without_rates()).await;
        let mut browser = Browser::default();
        let page = consent_page(&world, &mut browser, &request("local", LOCAL, &[])).await;
        (world, browser, page)
    });
    let asked = request("local", LOCAL, &[]);
    let asked = Form::parse(asked.split_once('?').unwrap().1.as_bytes()).unwrap();
    let asked: Vec<_> =
        NAMES.iter().filter_map(|name| Some((*name, asked.one(name).ok()??))).collect();
    let (form, csrf) = (page.hidden("request"), page.hidden("csrf"));
    let code = [
        ("grant_type", "authorization_code"),
        ("code", "x"),
        ("code_verifier", VERIFIER),
        ("client_id", "local"),
    ];
    let server = [("token", "a.b.c"), ("client_id", RESOURCE), ("client_secret", SECRET)];
    let login = [("request", &*form), ("csrf", &csrf), ("username", "alice"), ("password", "x")];
    let good = [
        ("/authorize", owned(&asked)),
        ("/consent", owned(&[("request", &form), ("csrf", &csrf), ("decision", "allow")])),
        ("/login", owned(&login)),
        ("/token", owned(&code)),
        ("/introspect", owned(&server)),
        ("/revoke", owned(&server)),
    ];
    let config =
        ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() };
    let parts = (
        prop::sample::select(good.to_vec()),
        changes(),
        prop::bool::weighted(0.8),
        prop::bool::weighted(0.1),
    );
    TestRunner::new(config)
        .run(&parts, |((path, good), changes, has_cookie, has_basic)| {
            let fields = changed(&good, &changes);
            let form: Vec<_> = fields.iter().map(|(name, value)| (&**name, &**value)).collect();
            let form = encoded(&form);
            let mut request = match path {
                "/authorize" => Request::get(format!("{path}?{form}")),
                _ => {
                    Request::post(path).header("content-type", "application/x-www-form-urlencoded")
                }
            };
            if has_cookie {
                request = request.header("cookie", browser.cookie.as_ref().unwrap());
            }
            if has_basic {
                request = request.header("authorization", "Basic c2VjcmV0OngK");
            }
            let answer = runtime.block_on(world.send(request.body(Body::from(form)).unwrap()));
            prop_assert!(answer.status < 500, "{}", answer.text);
            prop_assert!(path != "/token" || answer.status != 200, "{}", answer.text);
            prop_assert!(!answer.text.contains("\"active\":true"));
            if let Some(to) = answer.headers.get("location") {
                prop_assert!(to.as_bytes().iter().all(u8::is_ascii_graphic), "{to:?}");
                let to = to.to_str().unwrap();
                let is_known =
                    [LOCAL, WEB, "/authorize?"].iter().any(|known| to.starts_with(known));
                prop_assert!(is_known, "{to}");
                // an empty parameter is as if it were not there
                let counts = |(name, value): &&(String, String)| {
                    ["request", "csrf", "decision"].contains(&&**name) && !value.is_empty()
                };
                let mut said: Vec<_> = fields.iter().filter(counts).collect();
                let mut ours: Vec<_> = good.iter().filter(counts).collect();
                said.sort();
                ours.sort();
                let is_ours = said == ours;
                let has_said_yes = path == "/consent" && has_cookie && is_ours;
                prop_assert_eq!(to.contains("code="), has_said_yes, "{}", to);
            }
            Ok(())
        })
        .unwrap();
}
