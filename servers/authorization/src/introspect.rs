//! Is this token still good, and who may ask? (RFC 7662, RFC 7009)

use axum::http::HeaderMap;
use mcp_auth::{Identity, issuer::form::Form};
use serde_json::{Value, json};

use crate::{Server, audit::Event, refused::Refused, store::Token};

impl Server {
    /// What is known of a token, for a resource server that it is meant for. Everything else is the same to everybody: not
    /// active, whether it is expired, revoked, another server's, or no token at all (RFC 7662 §2.2).
    ///
    /// # Errors
    /// [`Refused`], for whoever shows not who he is.
    pub async fn introspect(&self, headers: &HeaderMap, form: &Form) -> Result<Value, Refused> {
        let client = self.client(headers, form).await?;
        if client.proof.is_none() {
            return Err(Refused::Client { in_header: false });
        }
        let token = form.one("token")?.ok_or(Refused::request("token is missing"))?;
        // a resource server's id is its URL
        let known = self.known(token).await?.filter(|(_, resource)| client.id == *resource);
        let told = |reason, person| {
            let (event, reason) = ("introspect", Some(reason));
            self.audit(&Event { event, reason, person, ..Event::default() });
        };
        let Some((identity, resource)) = known else {
            told("not active, or not for this server", None);
            return Ok(json!({"active": false}));
        };
        told("active", Some(identity.subject()));
        let claim = |name: &str| identity.claim(name).cloned();
        let mut answer = json!({
            "active": true, "token_type": "Bearer", "iss": self.issuer, "aud": resource,
            "sub": identity.subject(), "client_id": identity.client(), "scope": identity.scopes().to_string(),
            "exp": identity.expires(), "iat": claim("/iat"), "jti": claim("/jti"),
        });
        if let Some(roles) = claim("/roles") {
            answer["roles"] = roles; // a client that acts for itself has none
        }
        Ok(answer)
    }

    /// Ends an access token, or a refresh token with all that came of its grant. Only for the client that it was given to.
    ///
    /// # Errors
    /// [`Refused`], for whoever shows not who he is.
    pub async fn revoke(&self, headers: &HeaderMap, form: &Form) -> Result<(), Refused> {
        let client = self.client(headers, form).await?;
        let token = form.one("token")?.ok_or(Refused::request("token is missing"))?;
        let now = self.clock.now();
        let revoked = |reason, grant| {
            let (event, reason) = ("revoke", Some(reason));
            self.audit(&Event { event, reason, grant, ..Event::default() });
        };
        if let Some(grant) = self.store.end_of(token, &client.id, now).await? {
            revoked("a refresh token, and all that came of its grant", Some(&*grant));
        } else if let Some((identity, _)) = self.known(token).await?
            && identity.client() == Some(&client.id)
            && let Some(jti) = identity.claim("/jti").and_then(Value::as_str)
        {
            self.store.revoke(jti, identity.expires()).await?;
            revoked("an access token", jti.split_once('.').map(|(grant, _)| grant));
        }
        Ok(())
    }

    /// The access token, if we have made it and it is still good, and the server that it is for.
    async fn known(&self, token: &str) -> Result<Option<(Identity, String)>, Refused> {
        let now = self.clock.now();
        let verified = self.verifiers.iter().find_map(|(resource, verifier, cache)| {
            verifier
                .verify_with(cache, token, now)
                .ok()
                .map(|identity| (identity, resource.clone()))
        });
        let Some((identity, resource)) = verified else { return Ok(None) };
        let jti = identity.claim("/jti").and_then(Value::as_str).unwrap_or_default();
        let grant = jti.split_once('.').map(|(grant, _)| grant);
        // what came of a grant is a person's, as he was then
        let people = self.people.now();
        let stamp = people.get(identity.subject()).map(|person| &*person.stamp);
        if grant.is_some() && stamp.is_none() {
            return Ok(None);
        }
        let owned = |(grant, stamp): (&str, &str)| (grant.to_owned(), stamp.to_owned());
        let token = Token { jti: jti.to_owned(), grant: grant.zip(stamp).map(owned) };
        Ok(self.store.is_good(token).await?.then_some((identity, resource)))
    }
}
