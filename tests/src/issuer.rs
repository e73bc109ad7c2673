//! Who signs the tokens that promises are tried with? The keys that the server under test trusts.

use std::{
    fmt,
    path::PathBuf,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use mcp_auth::{
    issuer::{files::KeyFiles, keys::Alg, keys::SigningKey},
    testing,
};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Everything that can be allowed.
pub const ALL_SCOPES: &str = "mcp:read mcp:tools mcp:prompts";

/// A folder of keys, the name that tokens carry as `iss`, and the one they carry as `aud`.
#[derive(Clone)]
pub struct Issuer {
    files: KeyFiles,
    key: Arc<SigningKey>,
    name: String,
    audience: String,
    _folder: Option<Arc<TempDir>>,
    _served: Option<Arc<testing::Issuer>>,
}

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Issuer({})", self.name)
    }
}

impl Issuer {
    /// The keys of a folder.
    ///
    /// # Errors
    /// A sentence, when there is no key for RS256 or ES256.
    pub fn of(dir: impl Into<PathBuf>, name: &str, audience: &str) -> Result<Self, String> {
        let files = KeyFiles::new(dir);
        let key = files.signing_key(Alg::Rs256).or_else(|_| files.signing_key(Alg::Es256));
        let key = key.map_err(|error| error.to_string())?;
        let (name, audience) = (name.to_owned(), audience.to_owned());
        Ok(Self { files, key: Arc::new(key), name, audience, _folder: None, _served: None })
    }

    /// A new key in a folder that is removed with the issuer.
    ///
    /// # Errors
    /// A sentence, when there is no place for it.
    pub fn new(name: &str, audience: &str) -> Result<Self, String> {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let dir = folder.path().join("keys");
        KeyFiles::new(&dir).ensure().map_err(|error| error.to_string())?;
        Ok(Self { _folder: Some(Arc::new(folder)), ..Self::of(dir, name, audience)? })
    }

    /// An issuer that servers can ask for its keys, at an address of this machine, which is its name.
    ///
    /// # Errors
    /// A sentence, when there is no place or no port for it.
    pub async fn served(audience: &str) -> Result<Self, String> {
        let served = testing::Issuer::start(audience).await.map_err(|error| error.to_string())?;
        let own = Self::of(served.keys_dir(), served.name(), audience)?;
        Ok(Self { _served: Some(Arc::new(served)), ..own })
    }

    /// The same keys, for an issuer of this name and tokens for this audience.
    #[must_use]
    pub fn named(self, name: &str, audience: &str) -> Self {
        Self { name: name.to_owned(), audience: audience.to_owned(), ..self }
    }

    /// The folder of keys.
    #[must_use]
    pub fn files(&self) -> &KeyFiles {
        &self.files
    }

    /// The issuer's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The claims of a good token with all scopes, which is good for five minutes.
    #[must_use]
    pub fn claims(&self) -> Value {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = since.map_or(0, |since| since.as_secs());
        json!({
            "iss": self.name,
            "aud": self.audience,
            "sub": "contract",
            "client_id": "workshop-tests",
            "scope": ALL_SCOPES,
            "iat": now,
            "exp": now + 300,
        })
    }

    /// A good token, but for these claims: `null` takes one out.
    ///
    /// # Errors
    /// A sentence, when it cannot be signed.
    pub fn token(&self, changed: &Value) -> Result<String, String> {
        let mut claims = self.claims();
        for (name, value) in changed.as_object().into_iter().flatten() {
            if value.is_null() {
                claims.as_object_mut().and_then(|claims| claims.remove(name));
            } else {
                claims[name] = value.clone();
            }
        }
        self.key.token("at+jwt", &claims).map_err(|error| error.to_string())
    }

    /// A token with this header and these claims, signed with our key whatever they say.
    ///
    /// # Errors
    /// A sentence, when it cannot be signed.
    pub fn odd_token(&self, header: &Value, claims: &Value) -> Result<String, String> {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let parts = format!("{}.{}", part(header), part(claims));
        self.key.sign(&parts).map_err(|error| error.to_string())
    }

    /// The name of the key that signs.
    #[must_use]
    pub fn kid(&self) -> &str {
        self.key.kid()
    }
}
