//! Who issues tokens in a test? An issuer in process, who knows his own key and those of an attacker.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
    time::Duration,
};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{
    Token,
    served::{Served, StartError},
};
use crate::{
    Clock,
    issuer::{
        disk::io,
        files::{FileError, KeyFiles},
        keys::{Alg, KeyError, SigningKey},
    },
    jwks::KeySet,
};

/// An issuer in process, and what an attacker would have.
///
/// ```
/// use mcp_auth::testing::Issuer;
/// let issuer = Issuer::new("https://login.example.com", "https://mcp.example.com/mcp")?;
/// let good = issuer.token("alice").scope("mcp:read mcp:tools").mint()?;
/// let bad = issuer.token("alice").scope("mcp:read").bad("alg-none".parse()?).mint()?;
/// # assert!(good != bad);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Issuer {
    name: String,
    audience: String,
    scope: String,
    clock: Clock,
    shares_clock: bool,
    leeway: Duration,
    folder: PathBuf,
    _temporary: Option<TempDir>,
    ours: SigningKey,
    encryption: OnceLock<SigningKey>,
    retired: OnceLock<SigningKey>,
    other: OnceLock<SigningKey>,
    _served: Option<Served>,
}

impl Issuer {
    /// An issuer that can be asked, for servers that are given an issuer's URL: on a free port of 127.0.0.1 it serves its
    /// metadata (RFC 8414) and its keys (RFC 7517). That address is its [`name`](Self::name). It stops when it is dropped.
    ///
    /// ```
    /// use mcp_auth::{AuthLayer, jwt::Policy, metadata::ProtectedResource, remote::Remote, testing::Issuer};
    /// # use axum::{Router, routing::post};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let resource = "https://mcp.example.com/mcp";
    /// let issuer = Issuer::start(resource).await?;
    ///
    /// // the server under test, as in production but for the issuer's URL
    /// let verifier = Remote::new(Policy::new(issuer.name(), resource)).connect().await?;
    /// let metadata = ProtectedResource::new(resource, issuer.name(), "mcp:read".parse()?)?;
    /// let app = Router::new()
    ///     .route("/mcp", post(|| async { "in" }))
    ///     .layer(AuthLayer::new(metadata, verifier)?);
    ///
    /// let report = issuer.refuses_bad_tokens(app, resource).await;
    /// assert!(report.is_clean(), "{report}");
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// When keys cannot be made or stored, or no port can be had.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub async fn start(audience: &str) -> Result<Self, StartError> {
        let (listener, name) = Served::bind().await?;
        let issuer = Self::new(&name, audience)?;
        let served = Served::start(listener, &name, issuer.key_set());
        Ok(Self { _served: Some(served), ..issuer })
    }

    /// An issuer of this name, with new keys in a folder of their own, whose tokens are for this audience. It also
    /// publishes a key for encryption and one that is past its time, as issuers do.
    ///
    /// # Errors
    /// When keys cannot be made, or not be stored in the system's folder for temporary files.
    pub fn new(name: &str, audience: &str) -> Result<Self, FileError> {
        let failed = |error| io(&std::env::temp_dir(), error);
        let temporary = tempfile::tempdir().map_err(failed)?;
        let files = KeyFiles::new(temporary.path().join("keys"));
        let ours = files.generate(Alg::Rs256, 2048)?;
        let (encryption, retired) = (new_key()?, new_key()?);
        let published = json!({"keys": [
            ours.jwk()?,
            with(encryption.jwk()?, "use", "enc".into()),
            with(retired.jwk()?, "exp", 1.into()),
        ]});
        std::fs::write(files.jwks(), published.to_string()).map_err(failed)?;
        Ok(Self {
            _temporary: Some(temporary),
            encryption: encryption.into(),
            retired: retired.into(),
            ..Self::with_key(ours, files.dir().to_owned(), name, audience)
        })
    }

    /// An issuer who signs with the key in this folder, which stays as it is. So it publishes no
    /// key for encryption and none that is past its time, and bad tokens made with such keys are signed with a key that
    /// nobody knows.
    ///
    /// # Errors
    /// When there is no RS256 key, or others can read it.
    pub fn from_keys(files: &KeyFiles, name: &str, audience: &str) -> Result<Self, FileError> {
        let ours = files.signing_key(Alg::Rs256)?;
        Ok(Self::with_key(ours, files.dir().to_owned(), name, audience))
    }

    fn with_key(ours: SigningKey, folder: PathBuf, name: &str, audience: &str) -> Self {
        Self {
            name: name.to_owned(),
            audience: audience.to_owned(),
            scope: "mcp:read mcp:tools mcp:prompts".to_owned(),
            clock: Clock::default(),
            shares_clock: false,
            leeway: Duration::from_secs(5),
            folder,
            _temporary: None,
            ours,
            encryption: OnceLock::new(),
            retired: OnceLock::new(),
            other: OnceLock::new(),
            _served: None,
        }
    }

    /// The same issuer by this clock, which must be that of the server under test too: then the bad tokens
    /// within a minute of a time limit are tried as well.
    #[must_use]
    pub fn with_clock(self, clock: Clock) -> Self {
        Self { clock, shares_clock: true, ..self }
    }

    /// The same issuer, for a server that takes times as if its clock were wrong by this much. Defaults to 5 s.
    #[must_use]
    pub fn with_leeway(self, leeway: Duration) -> Self {
        Self { leeway, ..self }
    }

    /// The same issuer, for a server where a token must have these scopes to list the tools. Defaults to
    /// `mcp:read mcp:tools mcp:prompts`.
    #[must_use]
    pub fn with_scope(self, scope: &str) -> Self {
        Self { scope: scope.to_owned(), ..self }
    }

    /// A good token about this subject, unless the builder is told otherwise.
    pub fn token(&self, subject: &str) -> Token<'_> {
        Token::new(self, subject)
    }

    /// Its name, which stands in `iss`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whom its tokens are for, unless they say otherwise.
    #[must_use]
    pub fn audience(&self) -> &str {
        &self.audience
    }

    /// Its clock.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// By how much the server's clock may be wrong.
    #[must_use]
    pub fn leeway(&self) -> Duration {
        self.leeway
    }

    /// Its folder of keys, for a server that reads them from there.
    #[must_use]
    pub fn keys_dir(&self) -> &Path {
        &self.folder
    }

    /// Its public keys.
    #[must_use]
    pub fn key_set(&self) -> Arc<KeySet> {
        KeySet::new(KeyFiles::new(&self.folder).jwks(), self.clock.clone())
    }

    /// The scopes that a server under test asks for.
    pub(super) fn scope(&self) -> &str {
        &self.scope
    }

    /// Has the server under test the same clock?
    pub(super) fn shares_clock(&self) -> bool {
        self.shares_clock
    }

    /// The key that signs.
    pub(super) fn ours(&self) -> &SigningKey {
        &self.ours
    }

    /// A key that is published for encryption.
    pub(super) fn encryption(&self) -> Result<&SigningKey, KeyError> {
        once(&self.encryption)
    }

    /// A key that is past its time.
    pub(super) fn retired(&self) -> Result<&SigningKey, KeyError> {
        once(&self.retired)
    }

    /// The key of somebody else.
    pub(super) fn other(&self) -> Result<&SigningKey, KeyError> {
        once(&self.other)
    }
}

/// Makes a key when it is first needed: it takes a moment, and a good token needs none of them.
fn once(key: &OnceLock<SigningKey>) -> Result<&SigningKey, KeyError> {
    if let Some(made) = key.get() {
        return Ok(made);
    }
    let new = new_key()?;
    Ok(key.get_or_init(|| new))
}

fn new_key() -> Result<SigningKey, KeyError> {
    SigningKey::generate(Alg::Rs256, 2048)
}

fn with(mut object: Value, name: &str, value: Value) -> Value {
    object[name] = value;
    object
}
