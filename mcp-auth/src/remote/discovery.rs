//! Where are the keys of an issuer? In its metadata (RFC 8414, OpenID Connect Discovery), at one of three addresses (S2).

use reqwest::Url;
use serde::Deserialize;

use super::http::{FetchError, Http};

/// What we need of the metadata.
#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    jwks_uri: String,
}

/// The addresses where metadata may stand, in the order in which clients ask.
pub(super) fn addresses(issuer: &str) -> Result<Vec<String>, FetchError> {
    let malformed =
        |why: &str| FetchError::Malformed { url: issuer.to_owned(), why: why.to_owned() };
    let form = "an issuer is an https URL without query and fragment";
    let url = Url::parse(issuer).map_err(|_| malformed(form))?;
    if !matches!(url.scheme(), "http" | "https") || issuer.contains(['?', '#']) {
        return Err(malformed(form));
    }
    let (origin, path) = (url.origin().ascii_serialization(), url.path().trim_end_matches('/'));
    let mut addresses = vec![
        format!("{origin}/.well-known/oauth-authorization-server{path}"),
        format!("{origin}/.well-known/openid-configuration{path}"),
    ];
    if !path.is_empty() {
        addresses.push(format!("{origin}{path}/.well-known/openid-configuration"));
    }
    Ok(addresses)
}

/// The address of the keys of this issuer.
///
/// # Errors
/// The most telling of the errors: that of the last address where something stands, else that of the first one.
pub(super) async fn keys_of(issuer: &str, http: &Http) -> Result<String, FetchError> {
    let mut found: Option<FetchError> = None;
    for address in addresses(issuer)? {
        match keys_at(&address, issuer, http).await {
            Ok(keys) => return Ok(keys),
            Err(error @ FetchError::Unreachable { .. }) => return Err(error), // nor at the others
            Err(error) => {
                let is_nothing = matches!(error, FetchError::Status { status: 404 | 405, .. });
                if found.is_none() || !is_nothing {
                    found = Some(error);
                }
            }
        }
    }
    Err(found.unwrap_or_else(|| FetchError::Insecure(issuer.to_owned())))
}

async fn keys_at(address: &str, issuer: &str, http: &Http) -> Result<String, FetchError> {
    let document = http.get(address).await?;
    let malformed = |why: String| FetchError::Malformed { url: address.to_owned(), why };
    let metadata: Metadata = serde_json::from_slice(&document)
        .map_err(|error| malformed(format!("it is no metadata of an issuer: {error}")))?;
    if metadata.issuer != issuer {
        // RFC 8414 §3.3: whoever could make us take another issuer's metadata could make us take its keys
        return Err(FetchError::WrongIssuer {
            url: address.to_owned(),
            said: metadata.issuer,
            expected: issuer.to_owned(),
        });
    }
    Ok(metadata.jwks_uri)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_well_known_path_stands_before_the_path_of_an_issuer_and_then_behind_it() {
        let issuer = "https://login.example.com/realms/a";
        let expected = [
            "https://login.example.com/.well-known/oauth-authorization-server/realms/a",
            "https://login.example.com/.well-known/openid-configuration/realms/a",
            "https://login.example.com/realms/a/.well-known/openid-configuration",
        ];
        assert_eq!(addresses(issuer).unwrap(), expected);
        for issuer in ["https://login.example.com:8443", "https://login.example.com:8443/"] {
            let expected = [
                "https://login.example.com:8443/.well-known/oauth-authorization-server",
                "https://login.example.com:8443/.well-known/openid-configuration",
            ];
            assert_eq!(addresses(issuer).unwrap(), expected);
        }
        for bad in
            ["login.example.com", "ftp://a.example", "https://a.example?x", "https://a.example/#b"]
        {
            assert!(addresses(bad).is_err(), "{bad}");
        }
    }
}
