//! What would one write without the layer? A middleware around `jsonwebtoken`, as tutorials have it, and the same with the
//! cache that somebody adds when it is too slow.

use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, PoisonError, RwLock},
};

use anyhow::Context as _;
use axum::{
    extract::{Request, State},
    http::{StatusCode, header},
    middleware::Next,
    response::Response,
};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, jwk::JwkSet};
use serde::Deserialize;

use crate::tokens::{ISSUER, RESOURCE, now};

/// What the middleware leaves for the handlers.
#[derive(Clone, Debug, Deserialize)]
pub struct Claims {
    /// Who is calling.
    pub sub: String,
    /// What he may do.
    pub scope: String,
    /// Until when.
    pub exp: u64,
}

/// One key and what a token must say.
pub struct Jwt {
    key: DecodingKey,
    validation: Validation,
    seen: RwLock<HashMap<String, Claims>>,
}

impl Jwt {
    /// With the first key of this file.
    ///
    /// # Errors
    /// When there is none.
    pub fn new(keys: &Path) -> anyhow::Result<Arc<Self>> {
        let set: JwkSet = serde_json::from_slice(&std::fs::read(keys)?)?;
        let first = set.keys.first().context("the key set is empty")?;
        let mut validation = Validation::new(Algorithm::RS256);
        validation.set_audience(&[RESOURCE]);
        validation.set_issuer(&[ISSUER]);
        let key = DecodingKey::from_jwk(first)?;
        Ok(Arc::new(Self { key, validation, seen: RwLock::default() }))
    }

    fn decode(&self, token: &str) -> Result<Claims, StatusCode> {
        let decoded = decode::<Claims>(token, &self.key, &self.validation);
        decoded.map(|token| token.claims).map_err(|_| StatusCode::UNAUTHORIZED)
    }

    fn cached(&self, token: &str) -> Result<Claims, StatusCode> {
        let seen = self.seen.read().unwrap_or_else(PoisonError::into_inner).get(token).cloned();
        let now = now().map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
        if let Some(claims) = seen.filter(|claims| claims.exp > now) {
            return Ok(claims);
        }
        let claims = self.decode(token)?;
        let mut seen = self.seen.write().unwrap_or_else(PoisonError::into_inner);
        seen.insert(token.to_owned(), claims.clone());
        Ok(claims)
    }
}

fn bearer(request: &Request) -> Result<&str, StatusCode> {
    let value = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    value.and_then(|value| value.strip_prefix("Bearer ")).ok_or(StatusCode::UNAUTHORIZED)
}

/// Checks every token anew.
///
/// # Errors
/// 401 for whatever is wrong.
pub async fn check(
    State(jwt): State<Arc<Jwt>>,
    mut request: Request,
    next: Next,
) -> Result<Response, StatusCode> {
    let claims = jwt.decode(bearer(&request)?)?;
    request.extensions_mut().insert(claims);
    Ok(next.run(request).await)
}

/// Keeps what it has checked, by the token's text, until the token ends; without a limit, as one writes it.
///
/// # Errors
/// 401 for whatever is wrong.
pub async fn check_cached(
    State(jwt): State<Arc<Jwt>>,
    mut request: Request,
    next: Next,
) -> Result<Response, StatusCode> {
    let claims = jwt.cached(bearer(&request)?)?;
    request.extensions_mut().insert(claims);
    Ok(next.run(request).await)
}
