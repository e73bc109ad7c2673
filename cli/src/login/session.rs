//! What does a call show to a server that the person has logged in at? The token of that login, renewed when it ends, and
//! with more scope when the server asks for it.

use serde_json::Value;

use super::{
    audience,
    client::{Origin, Wanted},
    flow::{self, Wish},
    grant::{self, Asker, Tokens},
    issuer::Chosen,
    store::{Login, Store, Way},
    web::Web,
};
use crate::{
    call::target::Target,
    exit::{Failure, Status},
    output, times,
};

/// A token that ends within so many seconds is renewed first: it could end on its way.
const EARLY: i64 = 10;

/// A login in use.
pub struct Session {
    store: Store,
    web: Web,
    login: Login,
}

impl Session {
    /// The login at this server, if there is one.
    pub fn find(store: Store, web: Web, target: &Target) -> Result<Option<Self>, Failure> {
        let login = store.login(target)?;
        Ok(login.map(|login| Self { store, web, login }))
    }

    /// A token to call with.
    pub async fn token(&mut self) -> Result<String, Failure> {
        let ends = self.login.tokens.expires;
        if ends.is_some_and(|ends| ends - EARLY <= times::now()) {
            self.renew("the token ends").await?;
        }
        Ok(self.login.tokens.access.clone())
    }

    /// Another token than the one that the server has refused.
    pub async fn another(&mut self) -> Result<String, Failure> {
        self.renew("the server does not take the token").await?;
        Ok(self.login.tokens.access.clone())
    }

    /// Gets new tokens, unless another command has done so in the meantime: a refresh token is good for one of them.
    async fn renew(&mut self, why: &str) -> Result<(), Failure> {
        let turn = self.store.turn(&self.login.url).await?;
        let target = self.login.url.parse::<Target>().map_err(Failure::other)?;
        let Some(kept) = self.store.login(&target)? else {
            return Err(over(&self.login, "another command has logged out"));
        };
        let is_newer = kept.tokens.access != self.login.tokens.access;
        self.login = kept;
        if is_newer {
            return Ok(());
        }
        let login = &self.login;
        let tokens = match (login.way, &login.tokens.refresh) {
            (Way::Code, None) => {
                return Err(over(login, "its token is over, and there is no refresh token"));
            }
            (Way::Code, Some(refresh)) => {
                let fields = [("grant_type", "refresh_token"), ("refresh_token", refresh)];
                self.ask(&fields, why).await
            }
            (Way::ClientCredentials, _) => {
                let mut fields = vec![("grant_type", "client_credentials")];
                if !login.tokens.scope.is_empty() {
                    fields.push(("scope", &login.tokens.scope));
                }
                self.ask(&fields, why).await
            }
        };
        let tokens = match tokens {
            Ok(tokens) => tokens,
            Err(failure) if is_over(&failure) => {
                // it will not become good again, and the issuer may count who tries
                self.store.forget(&turn, &self.login.url)?;
                if grant::says_unknown_client(&failure)
                    && self.login.client.origin == Origin::Registered
                {
                    self.store.forget_client(&self.login.issuer)?;
                }
                return Err(failure.and(&format!(
                    "  the login has ended; log in again: mcp-auth login {}",
                    target.shown()
                )));
            }
            Err(failure) => return Err(failure),
        };
        let before = self.login.tokens.refresh.take();
        // an issuer that gives no new one means the old one (RFC 6749 §6)
        self.login.tokens = Tokens { refresh: tokens.refresh.or(before), ..tokens };
        if let Err(failure) = audience::check(&self.web, &self.login).await {
            self.store.forget(&turn, &self.login.url)?;
            return Err(failure);
        }
        self.store.keep(&turn, &self.login)
    }

    async fn ask(&self, fields: &[(&str, &str)], why: &str) -> Result<Tokens, Failure> {
        let Login { issuer, methods, client, resource, token_endpoint, .. } = &self.login;
        let endpoint = token_endpoint.parse::<Target>().map_err(Failure::other)?;
        let asker = Asker { issuer, endpoint: &endpoint, methods, client, resource };
        asker.ask(&self.web, fields, &self.login.tokens.scope, why).await
    }

    /// Which scope a refusal names that the login lacks; nothing when more scope would not help.
    pub fn lacks(&self, failure: &Failure) -> Option<String> {
        let named = |key: &str| failure.detail(key).and_then(Value::as_str);
        if !failure.is(Status::Forbidden) || named("error") != Some("insufficient_scope") {
            return None;
        }
        let lacking = grant::missing(named("scope")?, &self.login.tokens.scope);
        Some(lacking).filter(|lacking| !lacking.is_empty())
    }

    /// The client that the person has named for it.
    pub fn named_client(&self) -> Option<&str> {
        let client = &self.login.client;
        (client.origin == Origin::Named).then_some(&client.id)
    }

    /// The issuer, where the person has named it.
    pub fn named_issuer(&self) -> Option<&str> {
        (self.login.chosen == Chosen::ByPerson).then_some(&self.login.issuer)
    }

    /// Whom a token may be for beside the server, where the person has named that.
    pub fn audience(&self) -> Option<&str> {
        self.login.audience.as_deref()
    }

    /// Is it the client's own?
    pub fn is_in_own_name(&self) -> bool {
        self.login.way == Way::ClientCredentials
    }

    /// What to ask for, so that nothing is lost that the login has.
    pub fn union(&self, more: &str) -> String {
        grant::union(&self.login.tokens.scope, more)
    }

    /// Logs in again, for all that the login had and for more; the token.
    pub async fn step_up(&mut self, scope: String, wish: StepUp) -> Result<String, Failure> {
        let Login { url, issuer, client, .. } = &self.login;
        let known = client.origin != Origin::Registered;
        let wish = Wish {
            target: url.parse().map_err(Failure::other)?,
            issuer: Some(issuer.clone()),
            chosen: self.login.chosen,
            scope: Some(scope),
            stays: self.login.tokens.refresh.is_some(), // not all issuers name that among the scopes
            audience: self.login.audience.clone(),
            client: Wanted { named: known.then(|| client.clone()), document: None },
            in_own_name: self.is_in_own_name(),
            page: wish.page,
            time: wish.time,
        };
        self.web.trace.begin();
        let (login, _) = flow::log_in(&self.web, &self.store, &wish).await?;
        self.login = login;
        Ok(self.login.tokens.access.clone())
    }
}

/// How the person logs in again.
pub struct StepUp {
    /// How the page is opened.
    pub page: super::Page,
    /// How long he may take.
    pub time: std::time::Duration,
}

/// Is the refresh token, or the client, good for nothing any more?
fn is_over(failure: &Failure) -> bool {
    failure.detail("error").is_some_and(|error| error == "invalid_grant")
        || grant::says_unknown_client(failure)
}

fn over(login: &Login, why: &str) -> Failure {
    let url = output::line(&login.url);
    let text = format!("the login at {url} has ended: {why}; log in again: mcp-auth login {url}");
    Failure::new(Status::Refused, text)
}
