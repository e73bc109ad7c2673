//! Where does an issuer do what? The metadata of an authorization server (RFC 8414, OpenID Connect Discovery).

use reqwest::StatusCode;
use serde::{Deserialize, Serialize};

use super::{
    address,
    trace::Party,
    web::{self, Web},
};
use crate::{
    call::{show::quoted, target::Target},
    exit::Failure,
    output,
};

/// An issuer, and what it can do.
pub struct Issuer {
    /// Its name, to the letter.
    pub name: String,
    /// Where people log in.
    pub authorization: Option<Target>,
    /// Where tokens are.
    pub token: Target,
    /// Where programs make themselves known (RFC 7591).
    pub registration: Option<Target>,
    /// Where tokens are given back (RFC 7009).
    pub revocation: Option<Target>,
    /// How clients show who they are.
    pub methods: Vec<String>,
    /// Does it read documents about clients?
    pub reads_documents: bool,
    /// Does it promise to say its name in each answer (RFC 9207)?
    pub says_iss: bool,
    /// Can a program ask to stay logged in while the person is away?
    pub stays: bool,
    challenges: Vec<String>,
}

/// Who has said which issuer it is?
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Chosen {
    /// The person, with `--issuer`.
    ByPerson,
    /// The server alone.
    #[default]
    ByServer,
}

#[derive(Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: Option<String>,
    token_endpoint: String,
    registration_endpoint: Option<String>,
    revocation_endpoint: Option<String>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    code_challenge_methods_supported: Vec<String>,
    #[serde(default)]
    scopes_supported: Vec<String>,
    #[serde(default)]
    client_id_metadata_document_supported: bool,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

impl Issuer {
    /// Looks for the metadata at its three addresses, in the order that MCP names (S2).
    pub async fn find(web: &Web, name: &str, near: &Target) -> Result<Self, Failure> {
        let mut found = None;
        for place in addresses(name, near)? {
            let answer =
                web.get(Party::Issuer, &place, "where does one log in, and get tokens?").await?;
            if answer.status != StatusCode::OK {
                continue;
            }
            let what = "metadata of an authorization server (RFC 8414)";
            let document: Document = web::read(&answer, &place, what)?;
            if document.issuer == name {
                return Self::read(document, near);
            }
            found = Some((place, document.issuer));
        }
        Err(Failure::other(match found {
            // whoever could make us take another issuer's metadata could send the person, and his code, there (RFC 8414 §3.3)
            Some((place, said)) => format!(
                "{} speaks for the issuer {}, not for {}: they must be equal to the letter",
                place.shown(),
                output::line(&said),
                output::line(name)
            ),
            None => format!(
                "the issuer {} has no metadata at /.well-known/oauth-authorization-server or \
                 openid-configuration: is it running, and is this its name?",
                output::line(name)
            ),
        }))
    }

    fn read(document: Document, near: &Target) -> Result<Self, Failure> {
        let maybe = |text: &Option<String>, what: &str| {
            text.as_deref().map(|text| address::of(text, what, near)).transpose()
        };
        let basic = || vec!["client_secret_basic".to_owned()]; // what RFC 8414 §2 says of silence
        Ok(Self {
            authorization: maybe(&document.authorization_endpoint, "authorization_endpoint")?,
            token: address::of(&document.token_endpoint, "token_endpoint", near)?,
            registration: maybe(&document.registration_endpoint, "registration_endpoint")?,
            revocation: maybe(&document.revocation_endpoint, "revocation_endpoint")?,
            methods: document.token_endpoint_auth_methods_supported.unwrap_or_else(basic),
            reads_documents: document.client_id_metadata_document_supported,
            says_iss: document.authorization_response_iss_parameter_supported,
            stays: document.scopes_supported.iter().any(|scope| scope == "offline_access"),
            challenges: document.code_challenge_methods_supported,
            name: document.issuer,
        })
    }

    /// Where people log in, if a code that is stolen on its way back is good for nothing (PKCE, RFC 7636; C2): who does not
    /// say that he checks it is not believed to.
    pub fn authorization(&self) -> Result<&Target, Failure> {
        let name = output::line(&self.name);
        if !self.challenges.iter().any(|method| method == "S256") {
            return Err(Failure::other(format!(
                "the issuer {name} does not say that it checks PKCE (S256 is not among its \
                 code_challenge_methods_supported): whoever steals the code on its way could use it, so nobody \
                 is sent there"
            )));
        }
        self.authorization.as_ref().ok_or_else(|| {
            Failure::other(format!(
                "people cannot log in at {name}: it has no authorization_endpoint; --client-credentials is for programs"
            ))
        })
    }

    /// Whether an answer can be known to be its own. A hostile issuer could send people on from its own page to that of another
    /// one, and be shown the code of that one (mix-up, RFC 9700 §4.4): nobody sees here where a browser is led. With the name of
    /// who answers in each answer that is seen (RFC 9207); who does not promise it is named by the person (C4).
    ///
    /// That holds where the other one says its name too: then the answer has two, and is refused. One that does not, and lets
    /// strangers register a redirect URI with `iss=…` in it, could be mixed up all the same; nothing here can tell.
    pub fn can_be_told_apart(&self, chosen: Chosen) -> Result<(), Failure> {
        self.authorization()?; // first what no name helps against
        if self.says_iss || chosen == Chosen::ByPerson {
            return Ok(());
        }
        let name = output::line(&self.name);
        Err(Failure::usage(format!(
            "{name}, which the server names, does not promise to say its name in the answer (RFC 9207): a hostile one could \
             send you on to the page of another issuer, and have the code that comes of it; if {name} is where you log in, \
             say so with --issuer {}",
            quoted(&name)
        )))
    }
}

/// Where the metadata of an issuer may stand.
fn addresses(name: &str, near: &Target) -> Result<Vec<Target>, Failure> {
    let issuer = address::of(name, "issuer", near)?;
    if issuer.url().query().is_some() {
        return Err(Failure::other(format!(
            "the issuer {} has a query, which no issuer has (RFC 8414 §2)",
            issuer.shown()
        )));
    }
    let (origin, path) = (issuer.origin(), issuer.url().path().trim_end_matches('/').to_owned());
    let mut all = vec![
        format!("{origin}/.well-known/oauth-authorization-server{path}"),
        format!("{origin}/.well-known/openid-configuration{path}"),
    ];
    if !path.is_empty() {
        all.push(format!("{origin}{path}/.well-known/openid-configuration"));
    }
    all.iter().map(|one| address::of(one, "metadata of the issuer", near)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_looked_for_where_mcp_says() {
        let near = "http://localhost:9000/mcp".parse().unwrap();
        let addresses = |name: &str| {
            let all = addresses(name, &near).unwrap();
            all.iter().map(Target::shown).collect::<Vec<_>>()
        };
        let origin = "http://localhost:8080";
        let with_path = [
            format!("{origin}/.well-known/oauth-authorization-server/realms/mcp-realm"),
            format!("{origin}/.well-known/openid-configuration/realms/mcp-realm"),
            format!("{origin}/realms/mcp-realm/.well-known/openid-configuration"),
        ];
        assert_eq!(addresses(&format!("{origin}/realms/mcp-realm")), with_path);
        let without = [
            format!("{origin}/.well-known/oauth-authorization-server"),
            format!("{origin}/.well-known/openid-configuration"),
        ];
        assert_eq!(addresses(origin), without);
        assert_eq!(addresses(&format!("{origin}/")), without);
        assert!(super::addresses("http://localhost:8080/?x", &near).is_err());
    }
}
