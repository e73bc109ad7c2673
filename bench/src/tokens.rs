//! Which tokens are the servers asked with? Real ones, of the size that issuers give, from an issuer of our own.

use std::{fs, path::Path, thread, time::SystemTime};

use anyhow::Context as _;
use mcp_auth::issuer::keys::{Alg, SigningKey};
use serde_json::{Value, json};

/// Who issues the tokens.
pub const ISSUER: &str = "https://login.example.com/realms/mcp";
/// Whom they are for, and what the servers call themselves.
pub const RESOURCE: &str = "https://mcp.example.com/mcp";
/// How many bad tokens of a kind there are.
pub const BAD: usize = 1000;

/// Tokens live for a day: longer than any measurement.
const LIFETIME: u64 = 24 * 3600;

/// Now, in seconds since 1970.
///
/// # Errors
/// When the clock stands before 1970.
pub fn now() -> anyhow::Result<u64> {
    Ok(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs())
}

/// The claims of one of many callers: those of RFC 9068, and the roles and names that Keycloak adds.
#[must_use]
pub fn claims(number: usize, audience: &str, now: u64) -> Value {
    json!({
        "iss": ISSUER, "aud": audience, "sub": format!("7e1b5e2c-40c6-4fdc-9d8e-{number:012}"),
        "iat": now, "exp": now + LIFETIME, "jti": format!("onrtac:f3b9a1de-7f55-{number:012}"),
        "typ": "Bearer", "azp": "mcp-client", "client_id": "mcp-client",
        "scope": "mcp:read mcp:tools mcp:prompts", "realm_access": {"roles": ["reader", "writer"]},
        "preferred_username": format!("user-{number:06}"),
    })
}

/// So many good tokens, signed with this key by two threads.
///
/// # Errors
/// When the cryptographic library fails.
pub fn good(key: &SigningKey, count: usize, now: u64) -> anyhow::Result<Vec<String>> {
    let part = |numbers: std::ops::Range<usize>| {
        numbers
            .map(|n| key.token("at+jwt", &claims(n, RESOURCE, now)))
            .collect::<Result<Vec<_>, _>>()
    };
    thread::scope(|scope| {
        let half = scope.spawn(|| part(0..count / 2));
        let mut second = part(count / 2..count)?;
        let first = half.join().map_err(|_| anyhow::anyhow!("a thread that signs has died"))?;
        let mut all = first?;
        all.append(&mut second);
        Ok(all)
    })
}

/// Fills a folder: `keys.json`, and one token a line in `good.txt`, `bad-signature.txt` and `wrong-audience.txt`. What is
/// there and fresh is left as it is.
///
/// # Errors
/// When a file cannot be written, or the cryptographic library fails.
pub fn prepare(folder: &Path, count: usize) -> anyhow::Result<()> {
    if is_fresh(folder, count) {
        return Ok(());
    }
    fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    let now = now()?;
    let ours = SigningKey::generate(Alg::Rs256, 2048)?;
    let foreign: Result<Vec<_>, _> = (0..BAD)
        .map(|n| ours.token("at+jwt", &claims(n, "https://other.example.com/mcp", now)))
        .collect();
    let forged: Result<Vec<_>, _> = (0..BAD).map(|n| forged(&ours, n, now)).collect();
    let write = |name: &str, text: String| fs::write(folder.join(name), text);
    write("wrong-audience.txt", foreign?.join("\n"))?;
    write("bad-signature.txt", forged?.join("\n"))?;
    write("keys.json", json!({"keys": [ours.jwk()?]}).to_string())?;
    write("good.txt", good(&ours, count, now)?.join("\n"))?; // last: whoever was broken off begins anew
    Ok(())
}

/// A token that says all that a good one says, with the signature of another one. Of the same key, because a
/// signature of another key may be a number that is too large for ours, and refused without any arithmetic.
pub(crate) fn forged(ours: &SigningKey, n: usize, now: u64) -> anyhow::Result<String> {
    let token = |n| ours.token("at+jwt", &claims(n, RESOURCE, now));
    let (good, other) = (token(n)?, token(n + 1)?);
    let parts = good.rsplit_once('.').zip(other.rsplit_once('.'));
    let ((message, _), (_, signature)) = parts.context("a token has no parts")?;
    Ok(format!("{message}.{signature}"))
}

/// Is the file of good tokens there, large enough, and less than half a day old?
fn is_fresh(folder: &Path, count: usize) -> bool {
    let file = folder.join("good.txt");
    let made = fs::metadata(&file).and_then(|data| data.modified()).ok();
    let age = made.and_then(|made| made.elapsed().ok());
    age.is_some_and(|age| age.as_secs() < LIFETIME / 2)
        && fs::read_to_string(&file).is_ok_and(|text| text.lines().count() >= count)
}
