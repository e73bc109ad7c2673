//! How does a client register itself, and change or delete what it has said? (RFC 7591, RFC 7592)

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, Request, State},
    http::{StatusCode, header, request::Parts},
    response::{IntoResponse as _, Response},
};
use mcp_auth::{bearer, issuer::disk::random, limits, refusal::refuse};
use serde_json::{Value, json};
use tracing::info;

use super::metadata::{Metadata, refused};
use crate::{
    Server,
    audit::{Event, Outcome},
    caller, http,
    rate::Kind,
    refused::Refused,
    store::{Registered, hash},
};

/// Bytes of a registration.
const MAX_METADATA: usize = 16 * 1024;
const TIME: std::time::Duration = std::time::Duration::from_secs(10);
/// Clients that may have registered themselves: in all, and from one address.
const MOST: i64 = 10_000;
const MOST_FROM_ONE: i64 = 100;
/// Seconds after which a client that gets no tokens is forgotten.
pub const IDLE: i64 = 90 * 24 * 3600;
/// Seconds after which one is forgotten that has never got any.
pub const NEVER_USED: i64 = 24 * 3600;

async fn metadata_of(request: Request) -> Result<(Parts, Metadata), Response> {
    let (parts, body) = request.into_parts();
    if !limits::is_type(&parts.headers, "application/json") {
        return Err(refused("invalid_client_metadata", "the body must be application/json"));
    }
    let body = limits::collect(body, MAX_METADATA, TIME)
        .await
        .map_err(axum::response::IntoResponse::into_response)?;
    let read = serde_json::from_slice::<Metadata>(&body);
    let read = read.map_err(|_| {
        refused("invalid_client_metadata", "the body is no client metadata as JSON")
    })?;
    Ok((parts, read.accepted()?))
}

/// `POST /register`.
pub async fn register(State(server): State<Arc<Server>>, request: Request) -> Response {
    let (Ok(answer) | Err(answer)) = server.register(request).await;
    answer
}

/// `GET`, `PUT` and `DELETE /register/ID`, with the token that the client got when it registered.
pub async fn manage(
    State(server): State<Arc<Server>>,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    let (Ok(answer) | Err(answer)) = server.manage(&id, request).await;
    answer
}

fn broken(error: impl std::fmt::Display) -> Response {
    Refused::broken(error).into_response()
}

impl Server {
    async fn register(&self, request: Request) -> Result<Response, Response> {
        self.count(Kind::Register).map_err(axum::response::IntoResponse::into_response)?;
        let (_, metadata) = metadata_of(request).await?;
        let address = caller::household().map_or_else(String::new, |address| address.to_string());
        let (id, registration) = (random(), random());
        let secret = metadata.has_secret().then(random);
        let stored = Registered {
            id: id.clone(),
            metadata: serde_json::to_string(&metadata).map_err(broken)?,
            secret: secret.as_deref().map(hash),
            registration: hash(&registration),
            address,
            created: self.clock.now(),
            used: None,
        };
        if !self.store.register(&stored, MOST, MOST_FROM_ONE).await.map_err(broken)? {
            self.about(&id, Outcome::Refused, "too many clients have registered");
            return Err(Refused::TooMany { retry_after: 3600 }.into_response());
        }
        self.about(&id, Outcome::Allowed, "registered");
        info!(client = id, name = metadata.client_name, "registered");
        let answer = self.described(&stored, &metadata, &registration, secret.as_deref());
        Ok((StatusCode::CREATED, [(header::CACHE_CONTROL, "no-store")], Json(answer))
            .into_response())
    }

    fn about(&self, client: &str, outcome: Outcome, reason: &str) {
        let (client, reason) = (Some(client), Some(reason));
        self.audit(&Event { event: "register", outcome, client, reason, ..Event::default() });
    }

    async fn manage(&self, id: &str, request: Request) -> Result<Response, Response> {
        let unauthorized = || {
            let refusal = refuse(
                StatusCode::UNAUTHORIZED,
                "invalid_token",
                "this is not the client's registration token",
            );
            ([(header::WWW_AUTHENTICATE, "Bearer")], refusal).into_response()
        };
        self.count(Kind::Register).map_err(axum::response::IntoResponse::into_response)?;
        let token = bearer::token(request.uri(), request.headers(), 1024).map(str::to_owned);
        let stored = self.store.registered(id).await.map_err(broken)?;
        let (Ok(token), Some(mut stored)) = (token, stored) else { return Err(unauthorized()) };
        let (given, kept) = (hash(&token), stored.registration.as_bytes());
        if aws_lc_rs::constant_time::verify_slices_are_equal(given.as_bytes(), kept).is_err() {
            return Err(unauthorized());
        }
        let metadata = match request.method().as_str() {
            "GET" => serde_json::from_str(&stored.metadata).map_err(broken)?,
            "PUT" => {
                let (_, metadata) = metadata_of(request).await?;
                if !metadata.is_about(id) {
                    let why = "client_id is another one (RFC 7592 §2.2)";
                    return Err(refused("invalid_client_metadata", why));
                }
                let before: Metadata = serde_json::from_str(&stored.metadata).map_err(broken)?;
                if !metadata.proves_like(&before) {
                    return Err(refused(
                        "invalid_client_metadata",
                        "a client cannot change how it shows who it is: register anew",
                    ));
                }
                stored.metadata = serde_json::to_string(&metadata).map_err(broken)?;
                self.store.change(id, &stored.metadata).await.map_err(broken)?;
                self.about(id, Outcome::Allowed, "changed");
                metadata
            }
            "DELETE" => {
                self.store.unregister(id, self.clock.now()).await.map_err(broken)?;
                self.about(id, Outcome::Allowed, "deleted");
                return Ok(StatusCode::NO_CONTENT.into_response());
            }
            _ => {
                let allow = [(header::ALLOW, "GET, PUT, DELETE")];
                return Ok((allow, http::wrong_method().await).into_response());
            }
        };
        let answer = self.described(&stored, &metadata, &token, None);
        Ok(([(header::CACHE_CONTROL, "no-store")], Json(answer)).into_response())
    }

    fn described(
        &self,
        stored: &Registered,
        metadata: &Metadata,
        registration: &str,
        secret: Option<&str>,
    ) -> Value {
        let mut answer = serde_json::to_value(metadata).unwrap_or_default();
        if let Some(members) = answer.as_object_mut() {
            members.retain(|_, value| !value.is_null());
        }
        answer["client_id"] = stored.id.as_str().into();
        answer["client_id_issued_at"] = stored.created.into();
        answer["response_types"] = json!(["code"]);
        answer["registration_client_uri"] =
            format!("{}/register/{}", self.issuer, stored.id).into();
        answer["registration_access_token"] = registration.into(); // also to who has just shown it (RFC 7592 §3)
        if let Some(secret) = secret {
            answer["client_secret"] = secret.into();
            answer["client_secret_expires_at"] = 0.into();
        }
        answer
    }
}
