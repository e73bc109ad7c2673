//! What can be done here, and where? (RFC 8414 §2)

use mcp_auth::{algorithm::Algorithm, issuer::assertion};
use serde_json::{Value, json};

use crate::Server;

impl Server {
    /// The document: exactly what works.
    pub(crate) fn metadata(&self) -> Value {
        let Self { issuer, offer, documents, .. } = self;
        let auth = ["none", "client_secret_basic", "client_secret_post", "private_key_jwt"];
        let signed = assertion::ALGORITHMS.map(Algorithm::name);
        json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{issuer}/authorize"),
            "token_endpoint": format!("{issuer}/token"),
            "jwks_uri": format!("{issuer}/jwks.json"),
            "registration_endpoint": format!("{issuer}/register"),
            "revocation_endpoint": format!("{issuer}/revoke"),
            "introspection_endpoint": format!("{issuer}/introspect"),
            "scopes_supported": offer.scopes.iter().collect::<Vec<_>>(),
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
            "token_endpoint_auth_methods_supported": auth,
            "revocation_endpoint_auth_methods_supported": auth,
            "introspection_endpoint_auth_methods_supported": &auth[1..],
            "token_endpoint_auth_signing_alg_values_supported": signed,
            "revocation_endpoint_auth_signing_alg_values_supported": signed,
            "introspection_endpoint_auth_signing_alg_values_supported": signed,
            "code_challenge_methods_supported": ["S256"],
            "client_id_metadata_document_supported": documents.is_some(),
            "authorization_response_iss_parameter_supported": true,
        })
    }
}
