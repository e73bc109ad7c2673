//! How are tokens given back? (RFC 7009)

use std::time::Duration;

use reqwest::StatusCode;

use super::{
    store::Login,
    web::{self, Web},
};
use crate::{call::target::Target, output};

/// How long an issuer may take for it: the person wants to leave.
pub const TIME: Duration = Duration::from_secs(10);

/// Gives the tokens of a login back: the refresh token, with which most issuers end all that came of it, and the access
/// token, for those that do not.
///
/// # Errors
/// Why that was not possible, in words.
pub async fn revoke(web: &Web, login: &Login) -> Result<(), String> {
    let issuer = output::line(&login.issuer);
    let Some(endpoint) = &login.revocation_endpoint else {
        return Err(format!(
            "not given back: {issuer} takes no tokens back, so they end by themselves"
        ));
    };
    let not = |why: String| format!("not given back: {why}; the tokens end by themselves");
    let endpoint = endpoint.parse::<Target>().map_err(not)?;
    let proof = login.client.proof(&login.issuer, &login.methods);
    let proof = proof.map_err(|failure| not(failure.message().to_owned()))?;
    let own = || proof.fields.iter().map(|(name, value)| (*name, &**value));
    let refresh = login.tokens.refresh.as_deref().map(|token| (token, "refresh_token"));
    for (token, kind) in refresh.into_iter().chain([(&*login.tokens.access, "access_token")]) {
        let fields: Vec<_> =
            [("token", token), ("token_type_hint", kind)].into_iter().chain(own()).collect();
        let answer =
            web.form(&endpoint, &fields, proof.basic.clone(), "nobody needs it any more").await;
        let answer = answer.map_err(|failure| not(failure.message().to_owned()))?;
        if answer.status != StatusCode::OK {
            return Err(not(format!("{issuer} answers {}", web::refusal(&answer).1)));
        }
    }
    Ok(())
}
