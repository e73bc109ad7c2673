//! What does a client get for a code, a refresh token, or its secret? (OAuth 2.1 §3.2)

mod answer;

use aws_lc_rs::digest::{SHA256, digest};
use axum::http::HeaderMap;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use mcp_auth::{
    ScopeSet,
    issuer::{disk::random, form::Form},
};
use serde_json::{Value, json};
use tracing::{error, warn};

use crate::{
    Server,
    audit::Event,
    client::{Client, Source},
    refused::Refused,
    store::{Binding, Grant, Redeemed},
};

/// Seconds that an access token is good for, if nothing else is said.
pub const ACCESS: i64 = 300;
/// Seconds that a refresh token may lie unused.
pub const REFRESH: i64 = 14 * 24 * 3600;
/// Seconds after which a person is asked again, however often the client refreshes.
pub const GRANT: i64 = 90 * 24 * 3600;
/// Seconds that a code is good for.
pub const CODE: i64 = 60;

impl Server {
    /// Answers a token request.
    pub async fn token(&self, headers: &HeaderMap, form: &Form) -> Result<Value, Refused> {
        let grant = form.one("grant_type")?.ok_or(Refused::request("grant_type is missing"))?;
        let client = self.client(headers, form).await?;
        let answer = match grant {
            "authorization_code" => self.for_code(&client, form).await,
            "refresh_token" => self.for_refresh_token(&client, form).await,
            "client_credentials" => self.for_itself(&client, form),
            _ => Err(Refused::new("unsupported_grant_type", "there is no such grant here")),
        }?;
        let now = self.clock.now();
        if let Source::Registered { used } = client.source
            && used.is_none_or(|used| used < now - 3600)
        {
            // the code or token is used up: whatever becomes of this, the client gets its answer
            if let Err(error) = self.store.is_in_use(&client.id, now).await {
                error!("a client that is in use may be forgotten: {error}");
            }
        }
        Ok(answer)
    }

    async fn for_code(&self, client: &Client, form: &Form) -> Result<Value, Refused> {
        let code = form.one("code")?.ok_or(Refused::request("code is missing"))?;
        let verifier = form.one("code_verifier")?;
        let redirect = form.one("redirect_uri")?;
        let (now, next) = (self.clock.now(), random());
        let fits = |grant: &Grant, binding: &Binding| {
            if grant.allowed.client != client.id {
                return Err(invalid("the code is another client's"));
            }
            // who leaves it out means the one; who sends it must mean the same (OAuth 2.1 §10.2)
            if redirect.is_some_and(|redirect| redirect != binding.redirect) {
                return Err(invalid("redirect_uri is not the one that the code was sent to"));
            }
            if !verifier.is_some_and(|verifier| is_preimage(verifier, &binding.challenge)) {
                return Err(invalid("code_verifier does not fit the challenge"));
            }
            same_resource(form, &grant.allowed.resource)?;
            Ok(client.may_refresh)
        };
        match self.store.use_code(code, (&next, now + REFRESH), now, fits).await? {
            Redeemed::Good(grant) => {
                let refresh = client.may_refresh.then_some(&*next);
                self.answer(&grant, &grant.allowed.scope, refresh, now)
            }
            Redeemed::Unfit(refused) => Err(refused),
            Redeemed::Again(grant) => {
                let why = "a code came a second time: what the first gave has ended";
                self.replayed(client, &grant, why);
                Err(invalid("the code was used already"))
            }
            Redeemed::Unknown => Err(invalid("the code is unknown or has expired")),
        }
    }

    async fn for_refresh_token(&self, client: &Client, form: &Form) -> Result<Value, Refused> {
        if !client.may_refresh {
            return Err(Refused::new(
                "unauthorized_client",
                "this client may not use refresh_token",
            ));
        }
        let token =
            form.one("refresh_token")?.ok_or(Refused::request("refresh_token is missing"))?;
        let asked: Option<ScopeSet> = form.one("scope")?.map(|scope| scope.split(' ').collect());
        let (now, next) = (self.clock.now(), random());
        // looked at first: a request that cannot be answered must not cost the client its token
        if let Some(grant) = self.store.refresh_token(token, now).await?
            && grant.allowed.client == client.id
        {
            same_resource(form, &grant.allowed.resource)?;
            if asked.as_ref().is_some_and(|asked| !asked.is_subset(&grant.allowed.scope)) {
                return Err(Refused::new("invalid_scope", "more than was allowed"));
            }
            let left = self.left(&grant, client);
            if asked.as_ref().is_some_and(|asked| asked.intersection(&left).is_empty())
                && !left.is_empty()
            {
                return Err(Refused::new("invalid_scope", "none of these may be had any more"));
            }
        }
        let grant = match self.store.rotate(token, &client.id, (&next, now + REFRESH), now).await? {
            Redeemed::Good(grant) => grant,
            Redeemed::Again(grant) => {
                self.replayed(
                    client,
                    &grant,
                    "a refresh token came a second time: the grant has ended",
                );
                return Err(invalid("the refresh token was used already"));
            }
            Redeemed::Unknown => {
                return Err(invalid("the refresh token is unknown or has expired"));
            }
            Redeemed::Unfit(never) => match never {},
        };
        let mut scope = self.left(&grant, client);
        if let Some(asked) = asked {
            scope = scope.intersection(&asked);
        }
        if scope.is_empty() {
            self.store.end(&grant.id, now).await?;
            return Err(invalid("nothing is left of what was allowed"));
        }
        self.answer(&grant, &scope, Some(&next), now)
    }

    /// What is left of what was allowed: never more than person and client may have by now.
    fn left(&self, grant: &Grant, client: &Client) -> ScopeSet {
        let rights = self.people.now().rights(&grant.allowed.person);
        let left = grant.allowed.scope.intersection(&rights);
        client.scope.as_ref().map_or(left.clone(), |most| left.intersection(most))
    }

    fn for_itself(&self, client: &Client, form: &Form) -> Result<Value, Refused> {
        if !client.may_act_alone || client.proof.is_none() {
            return Err(Refused::new(
                "unauthorized_client",
                "this client may not use client_credentials",
            ));
        }
        // a server that reads `sub` alone would take it for that person (RFC 9068 §5)
        if self.people.now().get(&client.id).is_some() {
            return Err(Refused::new(
                "unauthorized_client",
                "a person has the name of this client",
            ));
        }
        let resource = self.offer.resource(form);
        let resource = resource.map_err(|why| Refused::new("invalid_target", why))?;
        let most =
            client.scope.as_ref().unwrap_or(&self.offer.scopes).intersection(&self.offer.scopes);
        let asked: ScopeSet = form.one("scope")?.unwrap_or_default().split(' ').collect();
        let scope = if asked.is_empty() { most } else { asked.intersection(&most) };
        if scope.is_empty() {
            return Err(Refused::new("invalid_scope", "this client can have none of these scopes"));
        }
        let now = self.clock.now();
        let claims = json!({
            "iss": self.issuer, "aud": resource, "sub": client.id, "client_id": client.id,
            "scope": scope.to_string(), "iat": now, "exp": now.saturating_add(self.access), "jti": random(),
        });
        self.signed(&claims, &scope, None, None)
    }

    fn replayed(&self, client: &Client, grant: &str, why: &str) {
        warn!(client = client.id, grant, "{why}");
        self.audit(&Event { grant: Some(grant), ..Event::refused("replay", why) });
    }
}

fn same_resource(form: &Form, resource: &str) -> Result<(), Refused> {
    if form.all("resource").any(|named| named != resource) {
        return Err(Refused::new("invalid_target", "this was allowed for another resource"));
    }
    Ok(())
}

fn invalid(why: &'static str) -> Refused {
    Refused::new("invalid_grant", why)
}

/// Does this verifier belong to the challenge (RFC 7636 §4.6)?
fn is_preimage(verifier: &str, challenge: &str) -> bool {
    let is_verifier = (43..=128).contains(&verifier.len())
        && verifier.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b));
    is_verifier && URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes())) == challenge
}
