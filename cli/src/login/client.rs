//! As which program does this command log in? One that the person names, one that a document describes, or one that
//! registers itself; in this order (C1).

use base64::{Engine as _, engine::general_purpose::STANDARD};
use reqwest::header::HeaderValue;
use serde::{Deserialize, Serialize};
use url::form_urlencoded::byte_serialize;

use super::issuer::{Chosen, Issuer};
use crate::{
    call::{show::quoted, target::Target},
    exit::Failure,
    output,
};

/// How the issuer came to know it.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// An administrator has registered it, and the person has named it.
    Named,
    /// The issuer reads a document about it; its id is the URL.
    Document,
    /// It has registered itself (RFC 7591).
    Registered,
}

impl Origin {
    /// For people.
    pub fn words(self) -> &'static str {
        match self {
            Self::Named => "named with --client-id",
            Self::Document => "described by that document",
            Self::Registered => "registered by this command",
        }
    }
}

/// A client of one issuer.
#[derive(Clone, Deserialize, Serialize)]
pub struct Client {
    /// Its id.
    pub id: String,
    /// Its secret, if it has one.
    pub secret: Option<String>,
    /// How it came to be known.
    pub origin: Origin,
    /// The method of the token endpoint that the issuer has given it when it registered.
    pub method: Option<String>,
    /// When its secret ends, in seconds since 1970 (RFC 7591 §3.2.1).
    pub expires: Option<i64>,
    /// The port that it has registered; others will do where the issuer follows RFC 8252 §7.3.
    pub port: Option<u16>,
}

/// What a token request carries to show who sends it.
pub struct Proof {
    /// Parameters of the form.
    pub fields: Vec<(&'static str, String)>,
    /// The header.
    pub basic: Option<HeaderValue>,
}

impl Client {
    /// A client that somebody has named.
    pub fn named(id: String, secret: Option<String>, origin: Origin) -> Self {
        Self { id, secret, origin, method: None, expires: None, port: None }
    }

    /// How it shows who it is, in a way that the issuer takes (RFC 6749 §2.3, RFC 8414).
    pub fn proof(&self, issuer: &str, methods: &[String]) -> Result<Proof, Failure> {
        let id = ("client_id", self.id.clone());
        let Some(secret) = &self.secret else {
            return Ok(Proof { fields: vec![id], basic: None });
        };
        let known = ["client_secret_basic", "client_secret_post"];
        let takes = |method: &&&str| methods.iter().any(|one| one == **method);
        let given =
            self.method.as_deref().and_then(|given| known.iter().find(|one| **one == given));
        match given.or_else(|| known.iter().find(takes)) {
            Some(&"client_secret_basic") => {
                // both are form-encoded first, so that a colon in an id divides nothing
                let part = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
                let pair = STANDARD.encode(format!("{}:{}", part(&self.id), part(secret)));
                let basic = HeaderValue::from_str(&format!("Basic {pair}")).ok();
                Ok(Proof { fields: Vec::new(), basic })
            }
            Some(_) => {
                Ok(Proof { fields: vec![id, ("client_secret", secret.clone())], basic: None })
            }
            None => Err(Failure::other(format!(
                "the issuer {} takes no secret of a client in a way that this command knows: it takes {}, and \
                 this command {}",
                output::line(issuer),
                output::line(&methods.join(", ")),
                known.join(", ")
            ))),
        }
    }
}

/// What the person has said about the client.
#[derive(Clone)]
pub struct Wanted {
    /// The client that he names.
    pub named: Option<Client>,
    /// The URL of a document about one.
    pub document: Option<String>,
}

impl Wanted {
    /// The client that the person names, where it may show itself. A secret belongs to one issuer (C5), and it is the server
    /// that names the issuer: a hostile one would name its own, and have the secret. So the person says whose it is; on this
    /// machine too, where other people's programs and containers listen.
    pub fn named_at(&self, issuer: &str, chosen: Chosen) -> Result<Option<Client>, Failure> {
        let Some(named) = &self.named else { return Ok(None) };
        if named.secret.is_some() && chosen == Chosen::ByServer {
            let issuer = output::line(issuer);
            return Err(Failure::usage(format!(
                "the server says that one logs in at {issuer}, and a secret is shown to its own issuer alone: if that \
                 is the one which has given you the secret, say so with --issuer {}",
                quoted(&issuer)
            )));
        }
        Ok(Some(named.clone()))
    }

    /// The client that need not be registered, if there is one.
    pub fn known(&self, issuer: &Issuer, chosen: Chosen) -> Result<Option<Client>, Failure> {
        let named = self.named_at(&issuer.name, chosen)?;
        Ok(named.or_else(|| self.described(issuer)))
    }

    fn described(&self, issuer: &Issuer) -> Option<Client> {
        let document = self.document.as_ref()?;
        if !issuer.reads_documents {
            let name = output::line(&issuer.name);
            output::note(&format!(
                "{name} does not read documents about clients, so --client-metadata-url is of no use there"
            ));
            return None;
        }
        Some(Client::named(document.clone(), None, Origin::Document))
    }
}

/// The URL of a document about a client, as a client id may be one.
pub fn document(text: &str) -> Result<String, String> {
    let is_safe = |target: &Target| target.keeps_secrets() && target.url().path() != "/";
    let fits = text.parse::<Target>().is_ok_and(|target| is_safe(&target));
    let form = "the URL of a document about a client is https (or, for tests, on this machine), with a path, such as \
                https://app.example/client.json";
    if fits { Ok(text.to_owned()) } else { Err(form.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proof(client: &Client, methods: &[&str]) -> Result<Proof, Failure> {
        let methods: Vec<_> = methods.iter().map(|one| (*one).to_owned()).collect();
        client.proof("https://login.example", &methods)
    }

    #[test]
    fn a_secret_goes_the_way_that_the_issuer_takes() {
        let client = Client::named("a:b".into(), Some("p w%".into()), Origin::Named);
        let basic = proof(&client, &["client_secret_post", "client_secret_basic"]).unwrap();
        let expected = format!("Basic {}", STANDARD.encode("a%3Ab:p+w%25"));
        assert_eq!(basic.basic.unwrap(), &*expected);
        assert!(basic.fields.is_empty());
        let post = proof(&client, &["client_secret_post"]).unwrap();
        assert_eq!(post.fields[1], ("client_secret", "p w%".to_owned()));
        assert!(post.basic.is_none());
        assert!(proof(&client, &["private_key_jwt"]).is_err());
        let given = Client { method: Some("client_secret_post".into()), ..client };
        assert!(proof(&given, &["client_secret_basic"]).unwrap().basic.is_none());
        let public = Client::named("c".into(), None, Origin::Named);
        let none = proof(&public, &["private_key_jwt"]).unwrap();
        assert_eq!((none.fields, none.basic), (vec![("client_id", "c".to_owned())], None));
    }

    #[test]
    fn a_secret_is_shown_to_no_issuer_that_a_server_alone_has_named() {
        let wanted = |secret: Option<&str>| {
            let named = Client::named("robot".into(), secret.map(Into::into), Origin::Named);
            Wanted { named: Some(named), document: None }
        };
        for issuer in ["https://login.example", "http://localhost:9100"] {
            let shown = |wanted: &Wanted, chosen| wanted.named_at(issuer, chosen);
            let (secret, public) = (wanted(Some("a secret")), wanted(None));
            let refused = shown(&secret, Chosen::ByServer).map(drop).unwrap_err();
            assert!(refused.message().contains(&format!("--issuer '{issuer}'")));
            assert!(shown(&secret, Chosen::ByPerson).unwrap().is_some());
            assert!(shown(&public, Chosen::ByServer).unwrap().is_some());
        }
    }

    #[test]
    fn a_document_about_a_client_is_behind_tls_and_has_a_path() {
        for good in ["https://app.example/client.json", "http://localhost:7700/client.json"] {
            assert!(document(good).is_ok(), "{good}");
        }
        for bad in [
            "http://app.example/client.json",
            "https://app.example",
            "https://app.example/",
            "https://me@app.example/c",
            "https://app.example/c#f",
            "client.json",
            "",
        ] {
            assert!(document(bad).is_err(), "{bad}");
        }
    }
}
