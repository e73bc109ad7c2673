//! What servers say of themselves, and whom they send us to, is not believed.

use axum::{
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use serde_json::{Value, json};

use super::fake::{Fake, ISSUER, RESOURCE, answer, challenge, issuer, origin, parameter, resource};
use crate::support::Server;

/// The login ends before anybody is asked, and says why.
pub fn refused(fake: &Fake, args: &[&str], words: &str) {
    let done = fake.login_with(args, |link| panic!("nobody should be asked: {link}"));
    assert_ne!(done.status, 0, "{}", done.out);
    assert!(done.err.contains(words), "{words:?} is missing in:\n{}", done.err);
    fake.no_token_asked();
}

#[test]
fn everything_goes_in_its_order() {
    let fake = Fake::new(|_| None);
    let done = fake.login(&["--trace"]);
    assert_eq!(done.status, 0, "{}", done.err);
    let asked: Vec<_> = fake.server.seen().iter().map(|seen| seen.path.clone()).collect();
    assert_eq!(asked, ["/mcp", RESOURCE, ISSUER, "/register", "/token"]);
    let (origin, link) = (&fake.server.origin, &*done.link);
    assert!(link.starts_with(&format!("{origin}/authorize?kept=1&")), "{link}");
    for (name, value) in [
        ("response_type", "code"),
        ("client_id", "c-1"),
        ("code_challenge_method", "S256"),
        ("scope", "mcp:read mcp:tools"),
        ("resource", &fake.server.url()),
    ] {
        assert_eq!(parameter(link, name), value);
    }
    let token = fake.asked("/token").remove(0);
    let hash = aws_lc_rs::digest::digest(
        &aws_lc_rs::digest::SHA256,
        token.form("code_verifier").unwrap().as_bytes(),
    );
    use base64::Engine as _;
    let hash = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(hash);
    assert_eq!(hash, parameter(link, "code_challenge"));
    for (name, value) in [
        ("grant_type", "authorization_code"),
        ("code", "code-1"),
        ("client_id", "c-1"),
        ("resource", &fake.server.url()),
        ("redirect_uri", &parameter(link, "redirect_uri")),
    ] {
        assert_eq!(token.form(name).as_deref(), Some(value), "{name}");
    }
    let drawn: Vec<_> = done.err.lines().filter(|line| line.starts_with("   ")).collect();
    let expected = [
        "   |        +------>|      |   POST /mcp -> 401",
        "   |        +------>|      |   GET /.well-known/oauth-protected-resource/mcp -> 200",
        "   |        +------------->|   GET /.well-known/oauth-authorization-server -> 200",
        "   |        +------------->|   POST /register -> 201",
        "   |<-------+       |      |   /authorize kept=1 response_type=code",
        "   +------->|       |      |   GET /callback code=*** state=***",
        "   |        +------------->|   POST /token grant_type=authorization_code code=***",
    ];
    assert_eq!(drawn.len(), expected.len(), "{}", done.err);
    for (line, expected) in drawn.iter().zip(expected) {
        assert!(line.starts_with(expected), "{line}\n{expected}");
    }
}

#[test]
fn metadata_is_found_without_a_word_in_the_challenge() {
    for root in [false, true] {
        let fake = Fake::new(move |seen| match &*seen.path {
            "/mcp" if seen.header("authorization").is_empty() => Some(challenge("Bearer")),
            RESOURCE if root => Some(StatusCode::NOT_FOUND.into_response()),
            "/.well-known/oauth-protected-resource" => Some(answer(200, resource(&origin(seen)))),
            _ => None,
        });
        let done = fake.login(&[]);
        assert_eq!(done.status, 0, "{}", done.err);
        assert_eq!(fake.asked("/.well-known/oauth-protected-resource").len(), usize::from(root));
    }
}

#[test]
fn a_server_that_wants_no_token_or_says_nothing_is_told_apart() {
    let open = Fake::new(|seen| match &*seen.path {
        "/mcp" => Some(crate::support::modern(seen)),
        _ => Some(StatusCode::NOT_FOUND.into_response()),
    });
    refused(&open, &[], "asks nobody for a token");
    let silent = Fake::new(|seen| match &*seen.path {
        "/mcp" => Some(challenge("Bearer")),
        _ => Some(StatusCode::NOT_FOUND.into_response()),
    });
    refused(&silent, &[], "wants a token and does not say where to get one");
}

#[test]
fn a_resource_of_somebody_else_is_refused() {
    for name in ["https://bank.example/mcp", "", "http://localhost/mcp"] {
        let fake = Fake::with_resource(move |document| document["resource"] = name.into());
        refused(&fake, &[], "and not about http://127.0.0.1:");
    }
    let slash = |document: &mut Value| {
        let name = format!("{}/", document["resource"].as_str().unwrap());
        document["resource"] = name.into();
    };
    refused(&Fake::with_resource(slash), &[], "and not about");
}

#[test]
fn addresses_that_are_none_of_the_web_are_not_asked() {
    for bad in ["file:///etc/passwd", "javascript:alert(1)", "data:text/html,x", "ftp://a.example/"]
    {
        let named = Fake::new(move |seen| {
            let text = format!("Bearer resource_metadata=\"{bad}\"");
            (seen.path == "/mcp").then(|| challenge(&text))
        });
        refused(&named, &[], &format!("the resource_metadata {bad} is not asked"));
        let issuer = move |document: &mut Value| document["authorization_servers"] = json!([bad]);
        refused(&Fake::with_resource(issuer), &[], &format!("the issuer {bad} is not asked"));
        for endpoint in [
            "authorization_endpoint",
            "token_endpoint",
            "registration_endpoint",
            "revocation_endpoint",
        ] {
            let fake = Fake::with_issuer(move |document| document[endpoint] = bad.into());
            refused(&fake, &[], &format!("the {endpoint} {bad} is not asked"));
        }
    }
}

#[test]
fn nobody_logs_in_at_a_server_without_tls_on_a_network() {
    let fake = Fake::new(|_| None);
    let mut command = fake.logins.command("login");
    command.args(["http://mcp.example.invalid/mcp", "--no-browser"]);
    let done = super::world::alone(command);
    assert_eq!(done.status, 2, "{}", done.err);
    assert!(done.err.contains("use https://"), "{}", done.err);
}

#[test]
fn redirects_lead_nowhere() {
    let other = Server::start(|_| StatusCode::OK.into_response());
    for path in [RESOURCE, ISSUER, "/register"] {
        let to = other.origin.clone();
        let fake = Fake::new(move |seen| {
            (seen.path == path)
                .then(|| (StatusCode::FOUND, [("location", to.clone())]).into_response())
        });
        refused(&fake, &[], "redirects are not followed");
    }
    let to = other.origin.clone();
    let fake = Fake::with_token(move || {
        (StatusCode::TEMPORARY_REDIRECT, [("location", to.clone())]).into_response()
    });
    let done = fake.login(&[]);
    assert_eq!(done.status, 1, "{}", done.err);
    assert!(other.seen().is_empty(), "somebody else was asked");
}

#[test]
fn what_is_asked_for_is_what_the_server_names() {
    let scope = |fake: &Fake, args: &[&str]| parameter(&fake.login(args).link, "scope");
    let challenged = |offline: bool| {
        Fake::new(move |seen| match &*seen.path {
            "/mcp" => Some(challenge(&format!(
                "Bearer scope=\"mcp:read\", resource_metadata=\"{}{RESOURCE}\"",
                origin(seen)
            ))),
            ISSUER if offline => {
                let mut document = issuer(&origin(seen));
                document["scopes_supported"] = json!(["mcp:read", "offline_access"]);
                Some(answer(200, document))
            }
            _ => None,
        })
    };
    assert_eq!(scope(&challenged(false), &[]), "mcp:read");
    assert_eq!(scope(&challenged(true), &[]), "mcp:read offline_access");
    assert_eq!(scope(&challenged(true), &["--scope", "b  a b"]), "b a");
    let silent = Fake::with_resource(|document| {
        document.as_object_mut().unwrap().remove("scopes_supported");
    });
    let link = silent.login(&[]).link;
    assert!(!link.contains("scope="), "{link}");
}

#[test]
fn what_is_no_metadata_is_told_as_such() {
    let texts: [fn() -> Response; 4] = [
        || "<html>".into_response(),
        || answer(200, json!([])),
        || answer(200, json!({"resource": 5})),
        || answer(200, json!({"issuer": {}, "token_endpoint": []})),
    ];
    for text in texts {
        let fake = Fake::new(move |seen| (seen.path == RESOURCE).then(text));
        refused(&fake, &[], "is not metadata of a protected resource");
        let fake = Fake::new(move |seen| (seen.path == ISSUER).then(text));
        refused(&fake, &[], "is not metadata of an authorization server");
    }
    let gone =
        Fake::new(|seen| (seen.path == ISSUER).then(|| StatusCode::NOT_FOUND.into_response()));
    refused(&gone, &[], "has no metadata at");
}
