//! Does the layer keep the promises that steps 6 to 8 keep by hand? Our own method table, which knows nothing of tokens, behind it.

use axum::{
    Router,
    middleware::{from_fn, from_fn_with_state},
    routing::{get, post},
};
use common::{PublicUrl, server};
use mcp_auth::{
    AuthLayer, call::ScopeTable, jwks, jwt, limits, metadata::ProtectedResource, origin,
    testing::Kind,
};
use workshop_tests::{
    Target, Token,
    guarded::{SCOPES, table},
    issuer::Issuer,
    judge, steps,
};

/// Step 7's method table, which asks for no scope, with the layer where step 8 has a door and a table of its own.
fn app(settings: &step7::Settings, url: &PublicUrl, table: ScopeTable) -> Router {
    let knocking = origin::Rule::new(url.hosts(), url.origin(), &settings.origins);
    let knocking = knocking.public(url.route("/token"));
    let files = step7::issuer::keys(settings, url).unwrap();
    let keys = jwks::KeySet::new(files.jwks(), settings.clock.clone());
    let (issuer, audience) = (url.to_string(), url.endpoint());
    let verifier = jwt::Verifier::new(keys.clone(), issuer, audience, settings.tokens.leeway);
    let metadata =
        ProtectedResource::new(&url.endpoint(), &url.to_string(), SCOPES.parse().unwrap()).unwrap();
    let auth = AuthLayer::new(metadata.clone(), verifier).unwrap();
    let auth = auth.first_scope("mcp:read").mcp_scopes(table).clock(settings.clock.clone());
    let table = post(step7::mcp::answer).with_state(step7::mcp::Server::new(settings));
    Router::new()
        .route("/health", get(server::health))
        .route("/ready", get(jwks::ready).with_state(keys.clone()))
        .route("/.well-known/jwks.json", get(jwks::publish).with_state(keys))
        .route(&url.route("/mcp"), table.fallback(server::wrong_method).layer(auth))
        .merge(metadata.routes())
        .merge(step7::issuer::routes(settings, url).unwrap())
        .method_not_allowed_fallback(server::wrong_method)
        .fallback(server::not_found)
        .layer(from_fn_with_state(knocking, origin::check))
        .layer(from_fn_with_state(settings.limits.places(), limits::concurrency))
        .layer(from_fn(server::log))
}

#[tokio::test]
async fn the_layer_keeps_the_contracts_1_to_8() {
    let url = PublicUrl::localhost(9000).on_loopback(9000);
    let issuer = Issuer::new(&url.to_string(), &url.endpoint()).unwrap();
    let dir = issuer.files().dir().display().to_string();
    let settings: step7::Settings = steps::settings(&["--keys-dir", &dir]).unwrap();
    let token = issuer.token(&serde_json::json!({})).unwrap();
    let target =
        Target::app(app(&settings, &url, table().role("admin", SCOPES)), &url.endpoint(), 8)
            .unwrap();
    let target = target.with_issuer(issuer).with_caller(Some(Token(token)));
    let report = judge::contracts(&target).await;
    assert!(report.is_kept(), "{report}");
}

#[tokio::test]
async fn the_layer_refuses_every_bad_token() {
    let issuer = crate::bad_tokens::issuer();
    let dir = issuer.keys_dir().display().to_string();
    let mut settings: step7::Settings = steps::settings(&["--keys-dir", &dir]).unwrap();
    settings.clock = issuer.clock().clone();
    let url = PublicUrl::localhost(9000).on_loopback(9000);
    let report = issuer
        .refuses_bad_tokens(app(&settings, &url, table().role("admin", SCOPES)), &url.endpoint())
        .await;
    assert!(report.is_clean(), "{report}");
    assert_eq!(report.tried(), Kind::all().count(), "{report}");
}
