//! The door: what is asked of a request, in order, before anybody reads its body.

use std::{fmt, sync::Arc};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use common::tools::{NoArguments, Tool};
use mcp_auth::{Clock, Identity, bearer, challenge::Challenge};
use schemars::JsonSchema;
use serde::Serialize;
use tracing::{debug, info};

use crate::{Settings, jwt::Verifier};

/// What the door needs to decide.
pub struct Door {
    verifier: Verifier,
    challenge: Challenge,
    clock: Clock,
    max_authorization: usize,
}

impl Door {
    /// A door that this verifier keeps.
    pub fn new(settings: &Settings, verifier: Verifier) -> Arc<Self> {
        Arc::new(Self {
            verifier,
            challenge: Challenge::default(),
            clock: settings.clock.clone(),
            max_authorization: settings.tokens.max_authorization,
        })
    }

    /// Who is calling, or the answer to a caller who may not.
    fn identify(&self, request: &Request) -> Result<Identity, Box<Response>> {
        let token = bearer::token(request.uri(), request.headers(), self.max_authorization);
        let token = token.map_err(|error| {
            info!("refused: {error}");
            self.challenge.refused_header(error)
        })?;
        let identity = self.verifier.verify(token, self.clock.now()).map_err(|error| {
            info!("refused the token: {error}"); // the caller does not learn why
            self.challenge.refused_token(&error)
        })?;
        Ok(identity)
    }
}

/// Asks for a token on every request, whatever the method: there is no session that one could have
/// entered earlier (A8).
pub async fn check(State(door): State<Arc<Door>>, mut request: Request, next: Next) -> Response {
    match door.identify(&request) {
        Ok(identity) => {
            debug!(subject = identity.subject(), client = identity.client(), "let in");
            request.extensions_mut().insert(identity);
            next.run(request).await
        }
        Err(refusal) => *refusal,
    }
}

#[derive(Serialize, JsonSchema)]
struct Caller {
    /// Whom the token is about
    subject: String,
    /// A name for people
    name: Option<String>,
    /// The program that the token was given to
    client: Option<String>,
    scopes: Vec<String>,
    roles: Vec<String>,
    /// When the token ends, in seconds since 1970
    expires: i64,
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { subject, scopes, roles, .. } = self;
        write!(f, "{subject}, scopes [{}], roles [{}]", scopes.join(" "), roles.join(" "))
    }
}

/// The tool `whoami`: shows the caller what the server knows of him.
pub fn whoami() -> Tool {
    Tool::new("whoami", "Who am I", "Shows who is calling", |cx, _: NoArguments| async move {
        let who = cx.extensions.get::<Identity>().ok_or("nobody is known to be calling")?;
        Ok(Caller {
            subject: who.subject().into(),
            name: who.name().map(str::to_owned),
            client: who.client().map(str::to_owned),
            scopes: who.scopes().iter().map(str::to_owned).collect(),
            roles: who.roles().map(str::to_owned).collect(),
            expires: who.expires(),
        })
    })
}
