//! What does an access token say, and what is answered with it? (RFC 9068 §2.2, RFC 6749 §5.1)

use mcp_auth::{ScopeSet, issuer::disk::random};
use serde_json::{Value, json};
use tracing::info;

use crate::{Server, audit::Event, refused::Refused, store::Grant};

impl Server {
    /// For what a person has allowed.
    pub(super) fn answer(
        &self,
        grant: &Grant,
        scope: &ScopeSet,
        refresh: Option<&str>,
        now: i64,
    ) -> Result<Value, Refused> {
        let allowed = &grant.allowed;
        let people = self.people.now();
        let person = people.under(&allowed.person, &allowed.stamp);
        let person =
            person.ok_or(Refused::new("invalid_grant", "what the person has allowed has ended"))?;
        let claims = json!({
            "iss": self.issuer, "aud": allowed.resource, "sub": allowed.person, "client_id": allowed.client,
            "scope": scope.to_string(), "roles": person.roles,
            "iat": now, "exp": now.saturating_add(self.access),
            // the grant's name, so that a token ends with it
            "jti": format!("{}.{}", grant.id, random()),
        });
        self.signed(&claims, scope, refresh, Some(&grant.id))
    }

    /// For these claims, of which the scope is one.
    pub(super) fn signed(
        &self,
        claims: &Value,
        scope: &ScopeSet,
        refresh: Option<&str>,
        grant: Option<&str>,
    ) -> Result<Value, Refused> {
        let token = self.signer.sign(claims).map_err(Refused::broken)?;
        info!(client = %claims["client_id"], %scope, "token issued");
        let said = |name: &str| claims[name].as_str();
        self.audit(&Event {
            event: "token",
            person: said("sub"),
            resource: said("aud"),
            scope: Some(scope.to_string()),
            grant,
            ..Event::default()
        });
        let mut answer = json!({
            "access_token": token, "token_type": "Bearer", "expires_in": self.access, "scope": scope.to_string(),
        });
        if let Some(refresh) = refresh {
            answer["refresh_token"] = refresh.into();
        }
        Ok(answer)
    }
}
