//! Who signs a token? A key of the folder, a key in a file, or a secret that two parties share.

use std::{fs, path::Path};

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use clap::ValueEnum;
use mcp_auth::issuer::{
    disk::must_be_private,
    keys::{Alg, SigningKey},
};
use serde_json::{Map, Value, json};

use super::Args;
use crate::{exit::Failure, output};

/// The algorithms that `token` signs with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Algorithm {
    /// RSA and SHA-256: the servers of the workshop take this one alone
    #[value(name = "RS256")]
    Rs256,
    /// A shared secret (--secret-file) and SHA-256: whoever can check such a token can make one
    #[value(name = "HS256")]
    Hs256,
    /// ECDSA on P-256 and SHA-256
    #[value(name = "ES256")]
    Es256,
    /// Ed25519
    #[value(name = "EdDSA")]
    EdDsa,
}

/// What a token is signed with.
pub enum Signer {
    /// A private key, whose public half everybody may know.
    Key(SigningKey),
    /// A shared secret.
    Secret(Box<hmac::Key>),
}

impl Signer {
    /// The key or secret that the arguments name.
    pub fn new(args: &Args) -> Result<Self, Failure> {
        if let Some(path) = &args.secret_file {
            return secret(path, args.alg);
        }
        let alg = match args.alg {
            Some(Algorithm::Hs256) => {
                return Err(Failure::usage(
                    "HS256 needs a secret that both sides know: --secret-file FILE",
                ));
            }
            Some(Algorithm::Es256) => Alg::Es256,
            Some(Algorithm::EdDsa) => Alg::EdDsa,
            Some(Algorithm::Rs256) | None => Alg::Rs256,
        };
        if let Some(path) = &args.key {
            let key = SigningKey::from_pem(&read(path)?)
                .map_err(|error| Failure::usage(format!("{}: {error}", path.display())))?;
            if args.alg.is_some() && key.alg() != alg {
                let text = format!("{} is a key for {}, not for {alg}", path.display(), key.alg());
                return Err(Failure::usage(text));
            }
            return Ok(Self::Key(key));
        }
        let files = args.folder.files();
        if alg == Alg::Rs256 && args.wanted.server.is_development() {
            // the server would make one too, so whoever comes first does
            let (key, made) = files.ensure()?;
            if made {
                let dir = files.dir().display();
                output::note(&format!(
                    "made a development key in {dir}; the steps find it there too"
                ));
            }
            return Ok(Self::Key(key));
        }
        Ok(Self::Key(files.signing_key(alg)?))
    }

    /// A signed token with these claims.
    pub fn token(&self, claims: &Map<String, Value>) -> Result<String, Failure> {
        let claims = Value::Object(claims.clone());
        match self {
            Self::Key(key) => {
                key.token("at+jwt", &claims).map_err(|error| Failure::other(error.to_string()))
            }
            Self::Secret(secret) => {
                let header = json!({"alg": "HS256", "typ": "at+jwt"});
                let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
                let message = format!("{}.{}", part(&header), part(&claims));
                let tag = hmac::sign(secret, message.as_bytes());
                Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(tag)))
            }
        }
    }
}

fn secret(path: &Path, alg: Option<Algorithm>) -> Result<Signer, Failure> {
    if alg.is_some_and(|alg| alg != Algorithm::Hs256) {
        return Err(Failure::usage(
            "--secret-file is for HS256; the other algorithms sign with a key",
        ));
    }
    must_be_private(path)?;
    let text = fs::read(path).map_err(|error| unreadable(path, &error))?;
    let secret = text.trim_ascii();
    if secret.len() < 32 {
        return Err(Failure::usage(format!(
            "the secret in {} has {} bytes; HS256 needs 32 or more (RFC 7518 §3.2), or it can be guessed",
            path.display(),
            secret.len()
        )));
    }
    Ok(Signer::Secret(Box::new(hmac::Key::new(hmac::HMAC_SHA256, secret))))
}

fn read(path: &Path) -> Result<String, Failure> {
    must_be_private(path)?;
    fs::read_to_string(path).map_err(|error| unreadable(path, &error))
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::usage(format!("{} cannot be read: {error}", path.display()))
}
