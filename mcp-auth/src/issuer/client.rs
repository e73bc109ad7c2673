//! Which program is asking for a token, and does it know its secret? (RFC 6749 §2.3.1)

use std::{fmt, path::Path};

use aws_lc_rs::digest::{SHA256, digest};
use axum::http::{HeaderMap, header::AUTHORIZATION};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;

use super::{
    disk::{DiskError, must_be_private, random, write_once},
    form::{Form, Twice, unescape},
};

/// Characters that a secret must have at least.
pub const SHORTEST_SECRET: usize = 16;

/// A program that may ask for tokens in its own name.
#[derive(Clone, Deserialize, Serialize)]
pub struct Client {
    client_id: String,
    client_secret: String,
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The id is empty or not visible ASCII.
    #[error("a client id is visible ASCII without blanks, not {0:?}")]
    Id(String),
    /// The secret can be guessed.
    #[error("a client secret has at least {SHORTEST_SECRET} characters, best random ones")]
    Short,
    /// Id or secret is not set, or cannot be read.
    #[error("{0}")]
    Unset(String),
    /// The file is not what this module writes.
    #[error("{0} is not a client's id and secret as JSON; remove it to have a new one made")]
    Malformed(String),
    /// The file system said no.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

impl Client {
    /// A client with this id and secret.
    ///
    /// # Errors
    /// [`ClientError::Id`], [`ClientError::Short`].
    pub fn new(id: &str, secret: &str) -> Result<Self, ClientError> {
        if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(ClientError::Id(id.to_owned()));
        }
        if secret.len() < SHORTEST_SECRET {
            return Err(ClientError::Short);
        }
        Ok(Self { client_id: id.to_owned(), client_secret: secret.to_owned() })
    }

    /// The client in this file, which is made with a random secret if it is not there.
    ///
    /// # Errors
    /// [`ClientError`]; also when others can read the file.
    pub fn in_file(path: &Path, id: &str) -> Result<Self, ClientError> {
        let made = Self::new(id, &random())?;
        let text = serde_json::to_string_pretty(&made).unwrap_or_default() + "\n";
        if write_once(path, &text, true)? {
            return Ok(made);
        }
        must_be_private(path)?;
        let malformed = || ClientError::Malformed(path.display().to_string());
        let text = std::fs::read(path).map_err(|_| malformed())?;
        let found: Self = serde_json::from_slice(&text).map_err(|_| malformed())?;
        Self::new(&found.client_id, &found.client_secret)
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.client_id
    }

    /// Its secret, for whoever keeps it or shows it to the issuer.
    #[must_use]
    pub fn secret(&self) -> &str {
        &self.client_secret
    }

    /// Is this the client's id and secret? Takes as long for a wrong secret as for the right one.
    #[must_use]
    pub fn is(&self, credentials: &Credentials) -> bool {
        let hash = |text: &str| digest(&SHA256, text.as_bytes());
        let same = |a: &str, b: &str| hash(a).as_ref().ct_eq(hash(b).as_ref());
        let both =
            same(&self.client_id, &credentials.id) & same(&self.client_secret, &credentials.secret);
        both.into()
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Client({})", self.client_id)
    }
}

/// What a request says of its client, not yet believed.
pub struct Credentials {
    id: String,
    secret: String,
}

impl Credentials {
    /// Whom the client says to be.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What it shows for that.
    #[must_use]
    pub fn secret(&self) -> &str {
        &self.secret
    }

    /// Id and secret from `Authorization: Basic` or from the form; `None` when there are none, or
    /// they cannot be read.
    ///
    /// # Errors
    /// [`Twice`], when they stand in both, or twice in one: whoever checks one may believe the
    /// other (RFC 6749 §2.3).
    pub fn find(headers: &HeaderMap, form: &Form) -> Result<Option<Self>, Twice> {
        let mut given = headers.get_all(AUTHORIZATION).iter();
        let (id, secret) = (form.one("client_id")?, form.one("client_secret")?);
        match (given.next(), given.next(), secret) {
            (Some(header), None, None) => {
                let found = header.to_str().ok().and_then(Self::basic);
                Ok(found.filter(|found| id.is_none_or(|id| id == found.id)))
            }
            (None, None, Some(secret)) => {
                Ok(id.map(|id| Self { id: id.to_owned(), secret: secret.to_owned() }))
            }
            (None, None, None) => Ok(None),
            _ => Err(Twice),
        }
    }

    fn basic(header: &str) -> Option<Self> {
        let (scheme, coded) = header.split_once(' ')?;
        let coded = scheme.eq_ignore_ascii_case("basic").then_some(coded.trim())?;
        let text = String::from_utf8(STANDARD.decode(coded).ok()?).ok()?;
        let (id, secret) = text.split_once(':')?;
        Some(Self { id: unescape(id)?, secret: unescape(secret)? })
    }
}
