//! What is a token given for? A code, a refresh token, or a client's own name; and may the answer be believed? (RFC 6749 §5)

use reqwest::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    client::Client,
    web::{self, Web},
};
use crate::{
    call::target::Target,
    exit::{Failure, Status},
    output, times,
};

/// A longer token is none: no header carries it.
const LONGEST: usize = 64 << 10;

/// What an issuer has given.
#[derive(Clone, Deserialize, Serialize)]
pub struct Tokens {
    /// What a call shows.
    pub access: String,
    /// What gets the next one.
    pub refresh: Option<String>,
    /// When the access token ends, in seconds since 1970, if the issuer says it.
    pub expires: Option<i64>,
    /// What it allows.
    pub scope: String,
}

#[derive(Deserialize)]
struct Answer {
    access_token: String,
    token_type: String,
    expires_in: Option<Value>,
    refresh_token: Option<String>,
    scope: Option<String>,
}

/// Whom a token is asked of, by whom, and for which server.
pub struct Asker<'a> {
    /// The name of the issuer.
    pub issuer: &'a str,
    /// Its token endpoint.
    pub endpoint: &'a Target,
    /// The ways to show who one is that it takes.
    pub methods: &'a [String],
    /// Who asks.
    pub client: &'a Client,
    /// What the token is to be for (RFC 8707).
    pub resource: &'a str,
}

impl Asker<'_> {
    /// Asks for tokens. What the issuer does not say about their scope is what was asked for (RFC 6749 §5.1).
    pub async fn ask(
        &self,
        web: &Web,
        grant: &[(&str, &str)],
        scope: &str,
        why: &str,
    ) -> Result<Tokens, Failure> {
        let proof = self.client.proof(self.issuer, self.methods)?;
        let own = proof.fields.iter().map(|(name, value)| (*name, &**value));
        let fields: Vec<_> =
            grant.iter().copied().chain([("resource", self.resource)]).chain(own).collect();
        let answer = web.form(self.endpoint, &fields, proof.basic, why).await?;
        let issuer = output::line(self.issuer);
        if answer.status != StatusCode::OK {
            let (error, said) = web::refusal(&answer);
            let status =
                if answer.status.is_server_error() { Status::Other } else { Status::Refused };
            return Err(Failure::new(status, format!("{issuer} gives no token ({said})"))
                .with("error", error)
                .with("http", answer.status.as_u16()));
        }
        let now = times::now();
        let answer: Answer =
            web::read(&answer, self.endpoint, "an answer with a token (RFC 6749 §5.1)")?;
        let no =
            |why: &str| Err(Failure::other(format!("the token of {issuer} is not taken: {why}")));
        if !answer.token_type.eq_ignore_ascii_case("bearer") {
            // RFC 6749 §7.1: who does not know the type must not use the token
            let kind = output::line(&answer.token_type);
            return no(&format!("it is of the type {kind}, and this command knows Bearer"));
        }
        let tokens = [Some(&answer.access_token), answer.refresh_token.as_ref()];
        for token in tokens.into_iter().flatten() {
            if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
                return no("it is empty, or has characters that no header can carry");
            }
            if token.len() > LONGEST {
                return no("it is longer than 64 KiB, and no server reads such a header");
            }
        }
        let seconds = answer.expires_in.as_ref().and_then(seconds);
        Ok(Tokens {
            access: answer.access_token,
            refresh: answer.refresh_token,
            expires: seconds.map(|seconds| now.saturating_add(seconds as i64)),
            scope: answer.scope.unwrap_or_else(|| scope.to_owned()),
        })
    }
}

/// A number of seconds; some issuers write it as text.
fn seconds(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.parse().ok())
}

/// Does the issuer say that it does not know the client, or not any more? Keycloak says `unauthorized_client` where RFC 6749
/// §5.2 has `invalid_client`.
pub fn says_unknown_client(failure: &Failure) -> bool {
    let error = failure.detail("error").and_then(Value::as_str).unwrap_or_default();
    matches!(error, "invalid_client" | "unauthorized_client")
        || failure.detail("http").is_some_and(|http| *http == 401)
}

/// All words of both, each once, in their order.
pub fn union(one: &str, other: &str) -> String {
    let mut words: Vec<&str> = Vec::new();
    for word in one.split_whitespace().chain(other.split_whitespace()) {
        if !words.contains(&word) {
            words.push(word);
        }
    }
    words.join(" ")
}

/// The words of `wanted` that `had` lacks.
pub fn missing(wanted: &str, had: &str) -> String {
    let words =
        wanted.split_whitespace().filter(|word| !had.split_whitespace().any(|one| one == *word));
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_words_in_a_set() {
        assert_eq!(union("a b", "b  c a"), "a b c");
        assert_eq!(union("", " a"), "a");
        assert_eq!(missing("a b c", "b"), "a c");
        assert_eq!(missing("mcp:tool", "mcp:tools"), "mcp:tool");
    }
}
