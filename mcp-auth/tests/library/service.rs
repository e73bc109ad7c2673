//! Is a server found out that takes what it should not, and is one that does right left alone?

use std::time::Duration;

use axum::{
    Router,
    extract::Request,
    http::StatusCode,
    middleware::{Next, from_fn},
    response::{IntoResponse as _, Response},
    routing::post,
};
use mcp_auth::{
    AuthLayer, Cause, Clock, ScopeSet, VerifyError, bearer,
    challenge::Challenge,
    issuer::files::KeyFiles,
    jwt::Policy,
    metadata::ProtectedResource,
    remote::Remote,
    testing::{Expected, Issuer, Kind},
};
use tokio::net::TcpStream;

use crate::issuer::{AUDIENCE, NAME, NOW, shared, verifier};

/// A guarded server of a few lines.
fn server(issuer: &Issuer) -> Router {
    guarded(issuer, Clock::new(|| NOW), |error| Challenge::default().refused_token(error))
}

/// A guarded server that answers a bad token in its own way.
fn guarded(issuer: &Issuer, clock: Clock, refuse: fn(&VerifyError) -> Response) -> Router {
    let verifier = verifier(issuer);
    let door = move |request: Request, next: Next| {
        let token = bearer::token(request.uri(), request.headers(), 8192).map(str::to_owned);
        let checked = token.map(|token| verifier.verify(&token, clock.now()));
        async move {
            match checked {
                Ok(Ok(who)) if who.scopes().contains("mcp:read") => next.run(request).await,
                Ok(Ok(_)) => StatusCode::FORBIDDEN.into_response(),
                Ok(Err(error)) => refuse(&error),
                Err(error) => Challenge::default().refused_header(error),
            }
        }
    };
    Router::new().route("/mcp", post(|| async { "in" })).layer(from_fn(door))
}

#[tokio::test]
async fn a_guarded_server_passes() {
    let issuer = shared();
    let report = issuer.refuses_bad_tokens(server(issuer), AUDIENCE).await;
    assert!(report.is_clean(), "{report}");
    assert_eq!(report.tried(), Kind::all().count());
}

#[tokio::test]
async fn rows_close_to_a_limit_are_left_out_when_the_clocks_may_differ() {
    let issuer = Issuer::new(NAME, AUDIENCE).unwrap();
    let invalid = |error: &VerifyError| Challenge::default().refused_token(error);
    let server = guarded(&issuer, Clock::default(), invalid);
    let report = issuer.refuses_bad_tokens(server, AUDIENCE).await;
    assert!(report.is_clean(), "{report}");
    let close = Kind::all().filter(|kind| kind.is_close()).count();
    assert_eq!(report.tried(), Kind::all().count() - close);
    assert!(report.to_string().contains(&format!("{close} left out")), "{report}");
}

#[tokio::test]
async fn a_server_without_a_door_is_found_out() {
    let open = Router::new().route("/mcp", post(|| async { "in" }));
    let report = shared().refuses_bad_tokens(open, AUDIENCE).await;
    let refused = Kind::all().filter(|kind| matches!(kind.expected(), Expected::Refused(_)));
    assert_eq!(report.failures().len(), refused.count(), "{report}");
    assert!(report.to_string().contains("alg-none: expected 401"), "{report}");
}

#[tokio::test]
async fn a_server_that_refuses_everybody_is_found_out() {
    let shut = Router::new().route("/mcp", post(|| async { Challenge::default().invalid() }));
    let report = shared().refuses_bad_tokens(shut, AUDIENCE).await;
    assert_eq!(report.failures()[0].kind, "good", "{report}");
    assert_eq!(report.tried(), 0);
}

#[tokio::test]
async fn a_server_that_forgets_the_audience_is_found_out() {
    let issuer = shared();
    let elsewhere = "https://elsewhere.example/mcp";
    let report = issuer.refuses_bad_tokens(server(issuer), elsewhere).await;
    assert_eq!(
        report.failures()[0].kind,
        "good",
        "its own tokens are for another server: {report}"
    );
}

#[tokio::test]
async fn a_server_that_tells_the_cause_is_found_out() {
    let issuer = shared();
    let telling = guarded(issuer, Clock::new(|| NOW), |error| {
        let (parts, _) = Challenge::default().refused_token(error).into_parts();
        (parts.status, parts.headers, error.to_string()).into_response()
    });
    let report = issuer.refuses_bad_tokens(telling, AUDIENCE).await;
    let failed: Vec<_> = report.failures().iter().map(|failure| failure.kind).collect();
    assert!(!failed.contains(&"opaque") && failed.contains(&"alg-none"), "{report}");
}

#[tokio::test]
async fn a_refusal_without_its_challenge_is_found_out() {
    let issuer = shared();
    let bare = |_: &VerifyError| StatusCode::UNAUTHORIZED.into_response();
    let bare = guarded(issuer, Clock::new(|| NOW), bare);
    let report = issuer.refuses_bad_tokens(bare, AUDIENCE).await;
    let refused = Kind::all().filter(|kind| matches!(kind.expected(), Expected::Refused(_)));
    assert_eq!(report.failures().len(), refused.count(), "{report}");
}

#[test]
fn an_issuer_can_sign_with_the_keys_of_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let files = KeyFiles::new(folder.path().join("keys"));
    assert!(Issuer::from_keys(&files, NAME, AUDIENCE).is_err(), "there is no key yet");
    files.ensure().unwrap();
    let issuer = Issuer::from_keys(&files, NAME, AUDIENCE).unwrap().with_clock(Clock::new(|| NOW));
    let token = issuer.token("alice").mint().unwrap();
    assert_eq!(verifier(&issuer).verify(&token, NOW).unwrap().subject(), "alice");
    for kind in ["key-enc", "key-retired", "key-other-kid"] {
        let token = issuer.token("alice").bad(kind.parse().unwrap()).mint().unwrap();
        let result = verifier(&issuer).verify(&token, NOW);
        assert_eq!(result.unwrap_err(), Cause::Key.into(), "{kind}");
    }
}

#[tokio::test]
async fn an_issuer_can_be_asked_where_its_keys_are_until_it_is_dropped() {
    let issuer = Issuer::start(AUDIENCE).await.unwrap();
    let policy = Policy::new(issuer.name(), AUDIENCE);
    let verifier = Remote::new(policy).connect().await.unwrap();
    let metadata = ProtectedResource::new(AUDIENCE, issuer.name(), ScopeSet::default()).unwrap();
    let auth = AuthLayer::new(metadata, verifier).unwrap();
    let app = Router::new().route("/mcp", post(|| async { "in" })).layer(auth);
    let report = issuer.refuses_bad_tokens(app, AUDIENCE).await;
    assert!(report.is_clean(), "{report}");
    let address = issuer.name().strip_prefix("http://").unwrap().to_owned();
    drop(issuer);
    let is_gone = async {
        while TcpStream::connect(&address).await.is_ok() {
            tokio::task::yield_now().await; // the task is told to stop, and stops when it is its turn
        }
    };
    tokio::time::timeout(Duration::from_secs(10), is_gone).await.expect("nobody listens any more");
}
