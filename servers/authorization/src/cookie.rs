//! Whose browser is this? One cookie with a random value, and by it the proof that a form is ours.

use aws_lc_rs::hmac;
use axum::http::{HeaderMap, HeaderValue, header};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// The cookie of this server.
#[derive(Clone, Debug)]
pub struct Cookies {
    is_secure: bool,
    key: hmac::Key,
}

impl Cookies {
    /// For an issuer on https, or for one in development.
    #[must_use]
    pub fn new(is_secure: bool, key: &str) -> Self {
        Self { is_secure, key: hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes()) }
    }

    /// With `__Host-` no other host of the domain, and nobody on plain http, can set it.
    fn name(&self) -> &'static str {
        if self.is_secure { "__Host-visit" } else { "visit" }
    }

    /// The value that the browser sent, once.
    #[must_use]
    pub fn read<'h>(&self, headers: &'h HeaderMap) -> Option<&'h str> {
        let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let pairs =
            all.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let mut ours = pairs.filter(|(name, _)| *name == self.name()).map(|(_, value)| value);
        match (ours.next(), ours.next()) {
            (Some(value), None) if (20..=100).contains(&value.len()) => Some(value),
            _ => None,
        }
    }

    /// The header that sets it.
    ///
    /// # Errors
    /// When the value cannot stand in a header; a random one can.
    pub fn set(&self, value: &str) -> Result<HeaderValue, header::InvalidHeaderValue> {
        let secure = if self.is_secure { "; Secure" } else { "" };
        HeaderValue::try_from(format!(
            "{}={value}; Path=/; HttpOnly; SameSite=Lax{secure}",
            self.name()
        ))
    }

    /// What a form carries that is made for this browser and this request.
    #[must_use]
    pub fn csrf(&self, visit: &str, purpose: &str, request: &str) -> String {
        URL_SAFE_NO_PAD.encode(hmac::sign(&self.key, &Self::text(visit, purpose, request)))
    }

    /// Is this form ours, made for this browser and this request?
    #[must_use]
    pub fn is_ours(&self, given: &str, visit: &str, purpose: &str, request: &str) -> bool {
        let tag = URL_SAFE_NO_PAD.decode(given).unwrap_or_default();
        hmac::verify(&self.key, &Self::text(visit, purpose, request), &tag).is_ok()
    }

    fn text(visit: &str, purpose: &str, request: &str) -> Vec<u8> {
        format!("{}:{visit}{}:{purpose}{request}", visit.len(), purpose.len()).into_bytes()
    }
}
