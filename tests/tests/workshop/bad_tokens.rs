//! Does each step with a door refuse each bad token of the table, and does it take what only looks bad?

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode, header},
};
use common::PublicUrl;
use mcp_auth::{
    Clock, VerifyError,
    testing::{Expected, Issuer, Kind},
};
use tower::ServiceExt as _;
use workshop_tests::steps;

const NAME: &str = "http://localhost:9000";
const AUDIENCE: &str = "http://localhost:9000/mcp";
const NOW: i64 = 1_800_000_000;

pub(crate) fn issuer() -> Issuer {
    Issuer::new(NAME, AUDIENCE).unwrap().with_clock(Clock::new(|| NOW))
}

/// A step with the keys and the clock of this issuer.
macro_rules! app {
    ($step:ident, $issuer:expr) => {{
        let dir = $issuer.keys_dir().display().to_string();
        let mut settings: $step::Settings = steps::settings(&["--keys-dir", &dir]).unwrap();
        settings.clock = $issuer.clock().clone();
        assert_eq!(settings.tokens.leeway, $issuer.leeway(), "the default leeway");
        $step::app(&settings, &PublicUrl::localhost(9000).on_loopback(9000)).unwrap()
    }};
}

async fn refuses_all(app: Router, issuer: &Issuer) {
    let report = issuer.refuses_bad_tokens(app, AUDIENCE).await;
    assert!(report.is_clean(), "{report}");
    assert_eq!(report.tried(), Kind::all().count(), "{report}");
}

#[tokio::test]
async fn step6_refuses_every_bad_token() {
    let issuer = issuer();
    refuses_all(app!(step6, issuer), &issuer).await;
}

#[tokio::test]
async fn step7_refuses_every_bad_token() {
    let issuer = issuer();
    refuses_all(app!(step7, issuer), &issuer).await;
}

#[tokio::test]
async fn step8_refuses_every_bad_token() {
    let issuer = issuer();
    refuses_all(app!(step8, issuer), &issuer).await;
}

#[tokio::test]
async fn step9_refuses_every_bad_token() {
    let issuer = Issuer::start(AUDIENCE).await.unwrap().with_clock(Clock::new(|| NOW));
    let mut settings: step9::Settings = steps::settings(&[]).unwrap();
    settings.clock = issuer.clock().clone();
    let url = PublicUrl::localhost(9000).on_loopback(9000);
    refuses_all(step9::app(&settings, &url, issuer.name()).await.unwrap(), &issuer).await;
}

/// The table asks that a scope that only looks like one of ours gets what no scope gets. That says something only
/// where no scope gets nothing.
#[tokio::test]
async fn step8_gives_nothing_to_a_token_without_scope() {
    let issuer = issuer();
    let app = app!(step8, issuer);
    let powerless = Kind::all().filter(|kind| kind.expected() == Expected::Powerless);
    let tokens = powerless.map(|kind| issuer.token("alice").bad(kind).mint().unwrap());
    for token in tokens.chain([issuer.token("alice").mint().unwrap()]) {
        let request = Request::post("/mcp")
            .header(header::HOST, "localhost:9000")
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .body(Body::from(r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#));
        let response = app.clone().oneshot(request.unwrap()).await.unwrap();
        assert_eq!(response.status(), StatusCode::FORBIDDEN);
    }
}

/// Whoever mounts the endpoint past the door opens it to nobody: without a caller there are no rights.
#[tokio::test]
async fn step8_without_its_door_lets_nobody_list_or_call() {
    let settings: step8::Settings = steps::settings(&[]).unwrap();
    let endpoint = axum::routing::post(step8::mcp::answer);
    let app = Router::new().route("/mcp", endpoint.with_state(step8::mcp::Server::new(&settings)));
    for method in ["tools/list", "tools/call", "prompts/list", "prompts/get", "ping"] {
        let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}"}}"#);
        let request = Request::post("/mcp").header(header::CONTENT_TYPE, "application/json");
        let response = app.clone().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
        assert_eq!(response.status(), StatusCode::FORBIDDEN, "{method}");
    }
}

/// The step's own verifier and the library's are twins: the same table, the same causes.
#[test]
fn step6_tells_its_log_the_cause_that_the_table_names() {
    let issuer = issuer();
    let (keys, leeway) = (issuer.key_set(), issuer.leeway());
    let verifier = step6::jwt::Verifier::new(keys, NAME.into(), AUDIENCE.into(), leeway);
    for kind in Kind::all() {
        let token = issuer.token("alice").scope("mcp:read").bad(kind).mint().unwrap();
        match (kind.expected(), verifier.verify(&token, NOW)) {
            (Expected::Refused(cause), Err(VerifyError::Invalid(found))) => {
                assert_eq!(found, cause, "{kind}");
            }
            (Expected::Taken | Expected::Powerless, Ok(_)) => {}
            (expected, result) => panic!("{kind}: expected {expected:?}, got {result:?}"),
        }
    }
}
