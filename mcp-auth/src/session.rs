//! Whose session is this? An old-era session id is a name, not a key: it opens nothing to anybody but the caller that it
//! was given to (G9, A13).
//!
//! The id that the guarded server gives leaves with a seal: a keyed hash over the id and its owner (issuer, subject and
//! client). An id whose seal is not that of the caller reaches the server as one that nobody has, so it is answered as an
//! unknown one. Nothing is remembered, so nothing can be filled up, and the owner's next token goes on where the last one
//! ended.

use aws_lc_rs::{constant_time, hmac};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::{
    Identity,
    secret::{self, NoRandomness},
};

/// The header that carries the id of a session.
pub(crate) const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");

/// Seals the ids of sessions.
#[derive(Clone)]
pub(crate) struct Sessions {
    key: hmac::Key,
}

impl Sessions {
    /// With a key of its own: sessions end with the program.
    pub(crate) fn new() -> Result<Self, NoRandomness> {
        Ok(Self { key: secret::key()? })
    }

    /// With a key that several instances of a server share.
    pub(crate) fn with_key(secret: &[u8; 32]) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, secret) }
    }

    /// Takes the seal off the id that a request carries; an id that is not the caller's becomes one that nobody has.
    pub(crate) fn open(&self, headers: &mut HeaderMap, caller: &Identity) {
        let mut given = headers.get_all(&SESSION).iter();
        let (Some(first), more) = (given.next(), given.next()) else { return };
        let opened = first.to_str().ok().filter(|_| more.is_none()).and_then(|sealed| {
            let (id, seal) = sealed.rsplit_once('.')?;
            let is_his = constant_time::verify_slices_are_equal(
                seal.as_bytes(),
                self.seal(id, caller).as_bytes(),
            );
            is_his.ok().and_then(|()| HeaderValue::from_str(id).ok())
        });
        headers.insert(SESSION, opened.unwrap_or_else(|| self.nobody(caller)));
    }

    /// Seals the id that an answer carries.
    pub(crate) fn close(&self, headers: &mut HeaderMap, caller: &Identity) {
        let Some(id) = headers.remove(&SESSION) else { return };
        let sealed = id.to_str().map(|id| format!("{id}.{}", self.seal(id, caller)));
        if let Some(sealed) = sealed.ok().and_then(|sealed| HeaderValue::try_from(sealed).ok()) {
            headers.insert(SESSION, sealed);
        }
    }

    /// 128 bits over the id and its owner, each with its length before it, so that no two owners write the same.
    fn seal(&self, id: &str, owner: &Identity) -> String {
        let mut context = hmac::Context::with_key(&self.key);
        for part in [Some(id), Some(owner.issuer()), Some(owner.subject()), owner.client()] {
            let length = part.map_or(u64::MAX, |part| part.len() as u64);
            context.update(&length.to_be_bytes());
            context.update(part.unwrap_or_default().as_bytes());
        }
        URL_SAFE_NO_PAD.encode(&context.sign().as_ref()[..16])
    }

    /// An id that no server has given: it is a hash under our key.
    fn nobody(&self, caller: &Identity) -> HeaderValue {
        let id = format!("unknown-{}", self.seal("", caller));
        HeaderValue::try_from(id).unwrap_or_else(|_| HeaderValue::from_static("unknown"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn caller(issuer: &str, subject: &str, client: Value, expires: i64) -> Identity {
        let mut claims = json!({"iss": issuer, "sub": subject, "exp": expires});
        claims["client_id"] = client;
        let mut claims = claims.as_object().unwrap().clone();
        claims.retain(|_, value| !value.is_null());
        Identity::from_checked_claims(claims, "k").unwrap()
    }

    fn opened(sessions: &Sessions, headers: &HeaderMap, caller: &Identity) -> String {
        let mut headers = headers.clone();
        sessions.open(&mut headers, caller);
        assert_eq!(headers.get_all(&SESSION).iter().count(), 1);
        headers[&SESSION].to_str().unwrap().to_owned()
    }

    #[test]
    fn a_session_is_for_its_owner_alone_whatever_token_he_has() {
        let sessions = Sessions::new().unwrap();
        let alice = caller("i", "alice", "c".into(), 1000);
        let mut headers = HeaderMap::from_iter([(SESSION, "abc.def".parse().unwrap())]);
        sessions.close(&mut headers, &alice);
        assert_ne!(headers[&SESSION], "abc.def");
        assert_eq!(opened(&sessions, &headers, &alice), "abc.def");
        let her_next_token = caller("i", "alice", "c".into(), 2000);
        assert_eq!(opened(&sessions, &headers, &her_next_token), "abc.def");
        for other in [
            caller("i", "bob", "c".into(), 1000),
            caller("i2", "alice", "c".into(), 1000),
            caller("i", "alice", "c2".into(), 1000),
            caller("i", "alice", Value::Null, 1000),
            caller("i", "alicec", Value::Null, 1000),
        ] {
            assert_ne!(opened(&sessions, &headers, &other), "abc.def", "{other:?}");
        }
        let elsewhere = Sessions::new().unwrap();
        assert_ne!(opened(&elsewhere, &headers, &alice), "abc.def", "another key");
    }

    #[test]
    fn an_id_without_its_seal_or_with_a_second_one_is_nobodys() {
        let sessions = Sessions::with_key(&[7; 32]);
        let alice = caller("i", "alice", "c".into(), 1000);
        let mut sealed = HeaderMap::from_iter([(SESSION, "abc".parse().unwrap())]);
        sessions.close(&mut sealed, &alice);
        let sealed = sealed[&SESSION].to_str().unwrap().to_owned();
        let cut = &sealed[..sealed.len() - 1];
        let moved = sealed.replace("abc", "abd"); // her own seal on the id of somebody else's session
        for given in [
            &["abc"][..],
            &["abc."],
            &[""],
            &[cut],
            &[&moved],
            &[&sealed, "abc"],
            &["abc", &sealed],
        ] {
            let mut headers = HeaderMap::new();
            for value in given {
                headers.append(SESSION, value.parse().unwrap());
            }
            assert!(opened(&sessions, &headers, &alice).starts_with("unknown-"), "{given:?}");
        }
        let mut none = HeaderMap::new();
        sessions.open(&mut none, &alice);
        assert!(none.is_empty(), "no id stays no id");
    }
}
