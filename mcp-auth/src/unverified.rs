//! What does a token say of itself, before anybody has checked it? Three parts of base64url: two objects and a signature.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use crate::{members, verify::Cause};

/// A token that was read and not checked. Nothing in it is true until its signature has been checked.
pub(crate) struct Unverified<'a> {
    header: Map<String, Value>,
    claims: Map<String, Value>,
    message: &'a str,
    signature: &'a str,
}

impl<'a> Unverified<'a> {
    /// Reads the parts of a signed token (RFC 7515 §3.1).
    pub(crate) fn parse(token: &'a str) -> Result<Self, Cause> {
        let mut parts = token.split('.');
        let (Some(header), Some(claims), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(Cause::Malformed("there are not three parts"));
        };
        Ok(Self {
            header: object(header, "the header")?,
            claims: object(claims, "the claims")?,
            message: &token[..token.len() - signature.len() - 1],
            signature,
        })
    }

    /// The issuer that a token names, to choose who checks it.
    pub(crate) fn issuer(token: &'a str) -> Result<String, Cause> {
        match Self::parse(token)?.claims.remove("iss") {
            Some(Value::String(issuer)) => Ok(issuer),
            _ => Err(Cause::Issuer),
        }
    }

    /// What the log adds when a token was refused for a claim that it does not have at all: who makes such tokens.
    pub(crate) fn hint(token: &'a str, cause: Cause) -> &'static str {
        let name = match cause {
            Cause::Audience => "aud",
            Cause::Claim("sub") => "sub",
            _ => return "",
        };
        if Self::parse(token).is_ok_and(|token| !token.claims.contains_key(name)) {
            "; it has none, like those of a Keycloak client with \"Always use lightweight access token\" on"
        } else {
            ""
        }
    }

    pub(crate) fn header(&self) -> &Map<String, Value> {
        &self.header
    }

    pub(crate) fn claims(&self) -> &Map<String, Value> {
        &self.claims
    }

    pub(crate) fn into_claims(self) -> Map<String, Value> {
        self.claims
    }

    /// What is signed: header and claims as they came.
    pub(crate) fn message(&self) -> &'a str {
        self.message
    }

    pub(crate) fn signature(&self) -> &'a str {
        self.signature
    }
}

/// A part of a token: base64url without padding, of an object in which each member stands once.
fn object(part: &str, name: &'static str) -> Result<Map<String, Value>, Cause> {
    let json = URL_SAFE_NO_PAD.decode(part).map_err(|_| Cause::Malformed("base64url"))?;
    members::object(&json).ok_or(Cause::Malformed(name))
}
