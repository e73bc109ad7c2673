//! What does a document say about its client, and how long may it be believed?

use std::{sync::Arc, time::Duration};

use mcp_auth::{issuer::assertion, limits::hides_json};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::Value;

use super::{Client, Proof, Source, is_name};
use crate::redirect;

/// How long a document is believed: as it says, within these.
const SHORTEST: Duration = Duration::from_secs(60);
const LONGEST: Duration = Duration::from_secs(24 * 3600);

#[derive(Deserialize)]
struct Document {
    client_id: String,
    client_name: Option<String>,
    #[serde(default)]
    redirect_uris: Vec<String>,
    token_endpoint_auth_method: Option<String>,
    scope: Option<String>,
    grant_types: Option<Vec<String>>,
    client_secret: Option<IgnoredAny>,
    jwks: Option<Value>,
}

/// The client that these bytes describe, found at the address that is its id.
pub(super) fn read(id: &str, bytes: &[u8]) -> Result<Client, String> {
    if hides_json(bytes) {
        return Err("it has a member that holds JSON in a text".into());
    }
    client(id, serde_json::from_slice(bytes).map_err(|error| error.to_string())?)
}

fn client(id: &str, document: Document) -> Result<Client, String> {
    if document.client_id != id {
        return Err("its client_id is not its address".into());
    }
    // everybody reads it, so there is no secret in it (draft §4.1)
    let proof = match (document.token_endpoint_auth_method.as_deref(), &document.jwks) {
        _ if document.client_secret.is_some() => return Err("it has a client_secret".into()),
        (None | Some("none"), _) => Proof::Public,
        (Some("private_key_jwt"), Some(jwks)) => {
            let keys = assertion::keys(jwks).map_err(|error| format!("its jwks: {error}"))?;
            Proof::Keys(Arc::new(keys))
        }
        _ => {
            return Err(
                "its token_endpoint_auth_method is not none, nor private_key_jwt with a jwks"
                    .into(),
            );
        }
    };
    if document.redirect_uris.is_empty() {
        return Err("it has no redirect_uris".into());
    }
    for uri in &document.redirect_uris {
        redirect::check(uri).map_err(|error| format!("{uri:?}: {error}"))?;
    }
    let grants = document.grant_types.unwrap_or_else(|| vec!["authorization_code".into()]);
    let may = |grant: &str| grants.iter().any(|one| one == grant);
    Ok(Client {
        id: id.to_owned(),
        name: document.client_name.filter(|name| is_name(name)), // else it is called by its id
        redirects: document.redirect_uris,
        scope: document.scope.map(|scope| scope.split(' ').collect()),
        proof,
        may_ask_people: may("authorization_code"),
        may_refresh: may("refresh_token"),
        may_act_alone: false,
        source: Source::Document,
    })
}

/// How long the document says that it may be kept (RFC 9111 §5.2), within our limits.
pub(super) fn lifetime(cache_control: &str) -> Duration {
    let directives = || cache_control.split(',').map(|one| one.trim().to_ascii_lowercase());
    if directives().any(|one| one == "no-store" || one == "no-cache") {
        return SHORTEST;
    }
    let seconds = directives().find_map(|one| one.strip_prefix("max-age=")?.parse().ok());
    Duration::from_secs(seconds.unwrap_or(300)).clamp(SHORTEST, LONGEST)
}

#[cfg(test)]
mod tests {
    use mcp_auth::issuer::keys::{Alg, SigningKey};
    use serde_json::json;

    use super::*;

    #[test]
    fn a_document_shows_keys_or_nothing_and_never_a_secret() {
        let id = "https://client.example/client.json";
        let key = SigningKey::generate(Alg::Es256, 0).unwrap();
        let described = |more: Value| {
            let mut document = json!({"client_id": id, "redirect_uris": ["http://localhost/cb"]});
            for (name, value) in more.as_object().unwrap() {
                document[name] = value.clone();
            }
            read(id, document.to_string().as_bytes())
        };
        let method = |method: &str| json!({"token_endpoint_auth_method": method});
        assert!(matches!(described(json!({})).unwrap().proof, Proof::Public));
        assert!(matches!(described(method("none")).unwrap().proof, Proof::Public));
        let mut signs = method("private_key_jwt");
        assert!(described(signs.clone()).is_err(), "with which key?");
        signs["jwks"] = json!({"keys": [key.jwk().unwrap()]});
        assert!(matches!(described(signs).unwrap().proof, Proof::Keys(_)));
        for bad in [
            method("client_secret_basic"),
            method("client_secret_post"),
            json!({"client_secret": "everybody reads it"}),
            json!({"jwks": {"$serde_json::private::RawValue": "{}"}}),
            json!({"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "https://client.example/keys"}),
            json!({"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": [{"kty": "oct", "k": "eA"}]}}),
        ] {
            assert!(described(bad.clone()).is_err(), "{bad}");
        }
    }
}
