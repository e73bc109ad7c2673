//! How does a client register itself, and change or delete what it has said? (RFC 7591, RFC 7592)

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, Request, State},
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};
use common::server::wrong_method;
use mcp_auth::{bearer, issuer::disk::random, limits};
use serde_json::{Value, json};
use tracing::info;

use super::metadata::{Metadata, invalid};
use crate::{
    Server,
    audit::Event,
    caller,
    rate::Kind,
    refused::Refused,
    store::{Kept, Registered, Room, hash},
};

/// Bytes of a registration.
const MAX_METADATA: usize = 16 * 1024;
const TIME: std::time::Duration = std::time::Duration::from_secs(10);
/// Why nobody more can register for a while.
const FULL: &str = "so many clients have registered that there is no room for more at the moment";
/// Seconds after which a client that gets no tokens is forgotten.
pub const IDLE: i64 = 90 * 24 * 3600;
/// Seconds after which one is forgotten that has never got any.
pub const NEVER_USED: i64 = 24 * 3600;

async fn metadata_of(request: Request) -> Result<Metadata, Refused> {
    let (parts, body) = request.into_parts();
    if !limits::is_type(&parts.headers, "application/json") {
        return Err(invalid("the body must be application/json"));
    }
    let body = limits::collect(body, MAX_METADATA, TIME).await;
    let body = body.map_err(|_| invalid("the body is too large, or came too slowly"))?;
    if limits::hides_json(&body) {
        return Err(invalid("the body has a member that holds JSON in a text"));
    }
    let read = serde_json::from_slice::<Metadata>(&body);
    read.map_err(|_| invalid("the body is no client metadata as JSON"))?.accepted()
}

/// `POST /register`.
pub async fn register(State(server): State<Arc<Server>>, request: Request) -> Response {
    let answer = server.register(request).await;
    answer.inspect_err(|refused| server.refusal("register", refused)).into_response()
}

/// `GET`, `PUT` and `DELETE /register/ID`, with the token that the client got when it registered.
pub async fn manage(
    State(server): State<Arc<Server>>,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    let answer = server.manage(&id, request).await;
    answer.inspect_err(|refused| server.refusal("register", refused)).into_response()
}

/// What is told of a registration, which nobody between us and the client may keep.
fn told(status: StatusCode, answer: Value) -> Response {
    (status, [(header::CACHE_CONTROL, "no-store")], Json(answer)).into_response()
}

impl Server {
    async fn register(&self, request: Request) -> Result<Response, Refused> {
        self.count(Kind::Register)?;
        let metadata = metadata_of(request).await?;
        let address = caller::household().map_or_else(String::new, |address| address.to_string());
        let (id, registration) = (random(), random());
        let secret = metadata.has_secret().then(random);
        let stored = Registered {
            id: id.clone(),
            metadata: serde_json::to_string(&metadata).map_err(Refused::broken)?,
            secret: secret.as_deref().map(hash),
            registration: hash(&registration),
            address,
            created: self.clock.now(),
            used: None,
        };
        let room = Room::default();
        match self.store.register(&stored, room).await? {
            Kept::Yes => {}
            Kept::Full => {
                let retry_after = room.spared.unsigned_abs();
                return Err(Refused::NotNow { why: FULL, retry_after });
            }
            Kept::TooManyFromOne(number) => return Err(Refused::TooManyClients(number)),
        }
        self.about(&id, "registered");
        info!(client = id, name = metadata.client_name, "registered");
        let answer = self.described(&stored, &metadata, &registration, secret.as_deref());
        Ok(told(StatusCode::CREATED, answer))
    }

    fn about(&self, client: &str, reason: &str) {
        let (client, reason) = (Some(client), Some(reason));
        self.audit(&Event { event: "register", client, reason, ..Event::default() });
    }

    async fn manage(&self, id: &str, request: Request) -> Result<Response, Refused> {
        self.count(Kind::Register)?;
        let token = bearer::token(request.uri(), request.headers(), 1024).map(str::to_owned);
        let stored = self.store.registered(id).await?;
        let Some(mut stored) = stored else { return Err(Refused::Registration) };
        let Ok(token) = token else {
            caller::is(caller::Named::Claimed(stored.id));
            return Err(Refused::Registration);
        };
        let (given, kept) = (hash(&token), stored.registration.as_bytes());
        if aws_lc_rs::constant_time::verify_slices_are_equal(given.as_bytes(), kept).is_err() {
            caller::is(caller::Named::Claimed(stored.id));
            return Err(Refused::Registration);
        }
        caller::is(caller::Named::Known(stored.id.clone()));
        let before = || serde_json::from_str::<Metadata>(&stored.metadata).map_err(Refused::broken);
        let metadata = match request.method().as_str() {
            "GET" => before()?,
            "PUT" => {
                let metadata = metadata_of(request).await?;
                if !metadata.is_about(id) {
                    return Err(invalid("client_id is another one (RFC 7592 §2.2)"));
                }
                if !metadata.proves_like(&before()?) {
                    return Err(invalid(
                        "a client cannot change how it shows who it is: register anew",
                    ));
                }
                stored.metadata = serde_json::to_string(&metadata).map_err(Refused::broken)?;
                self.store.change(id, &stored.metadata).await?;
                self.about(id, "changed");
                metadata
            }
            "DELETE" => {
                self.store.unregister(id, self.clock.now()).await?;
                self.about(id, "deleted");
                return Ok(StatusCode::NO_CONTENT.into_response());
            }
            _ => {
                let allow = [(header::ALLOW, "GET, PUT, DELETE")];
                return Ok((allow, wrong_method().await).into_response());
            }
        };
        Ok(told(StatusCode::OK, self.described(&stored, &metadata, &token, None)))
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
