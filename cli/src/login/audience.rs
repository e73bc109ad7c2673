//! Is the token for the server that it is about to be shown to?

use super::store::Login;
use crate::{call::peek::for_others, output};

/// Says so when the token is for others. An issuer that passes over `resource` (RFC 8707) gives one for whomever the scope stands
/// for, so a hostile server that names the scope of another one could use it there. A hint and no refusal: what stands in a
/// token is between the issuer and the server.
pub fn warn(login: &Login) {
    let Some(others) = for_others(&login.tokens.access, &login.resource) else { return };
    let (others, resource) = (output::line(&others), output::line(&login.resource));
    output::note(&format!(
        "careful: the token says that it is for {others}, and not for {resource}: who gets it could use it there. Do you \
         trust that server? `mcp-auth logout` gives the token back"
    ));
}
