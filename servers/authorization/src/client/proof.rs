//! Which client has sent this, and does it show that it is the one? By a secret, by a signature, or not at all.

use std::sync::Arc;

use axum::http::{HeaderMap, header};
use mcp_auth::{
    issuer::{
        assertion::Assertion,
        client::Credentials,
        form::{Form, Twice},
    },
    verify::Cause,
};
use tracing::{info, warn};

use super::{
    Client, Proof,
    document::{Documents, LATER, Missing},
    metadata,
};
use crate::{Server, caller, refused::Refused};

/// For a client that must not register anew, or throw its tokens away, because its document cannot be read for a moment.
const NOT_NOW: &str = "the document about this client cannot be fetched at the moment";
const UNTRUSTED: &str = "the document about this client cannot be fetched: TLS with its host fails, \
     perhaps because its certificate has expired, or is for another name";

impl Server {
    /// The client of this id, wherever it is from.
    ///
    /// # Errors
    /// When the database fails, or nobody knows at the moment.
    pub(crate) async fn find(&self, id: &str) -> Result<Option<Arc<Client>>, Refused> {
        if let Some(client) = self.clients.get(id) {
            return Ok(Some(client.clone()));
        }
        if Documents::is_address(id) {
            let Some(documents) = &self.documents else { return Ok(None) };
            let why = match documents.get(id).await {
                Ok(client) => return Ok(Some(client)),
                Err(Missing::Nobody) => return Ok(None),
                Err(Missing::NotNow) => NOT_NOW,
                Err(Missing::Untrusted) => UNTRUSTED,
            };
            return Err(Refused::NotNow { why, retry_after: LATER });
        }
        let Some(stored) = self.store.registered(id).await? else { return Ok(None) };
        Ok(metadata::client(stored).map(Arc::new))
    }

    /// The client that has sent this request, if it shows who it is.
    pub(crate) async fn client(
        &self,
        headers: &HeaderMap,
        form: &Form,
    ) -> Result<Arc<Client>, Refused> {
        let (client, is_shown) = match self.named(headers, form).await? {
            Some(named) => named,
            None => return Err(unknown(headers)),
        };
        if !is_shown {
            caller::is(caller::Named::Claimed(client.id.clone()));
            return Err(unknown(headers));
        }
        caller::is(caller::Named::Known(client.id.clone()));
        Ok(client)
    }

    /// The client that this request names, and does it show that it is the one?
    async fn named(
        &self,
        headers: &HeaderMap,
        form: &Form,
    ) -> Result<Option<(Arc<Client>, bool)>, Refused> {
        let has_header = headers.contains_key(header::AUTHORIZATION);
        if let Some(assertion) = Assertion::find(form)? {
            if has_header {
                return Err(Twice.into());
            }
            return self.signed_by(assertion).await;
        }
        if let Some(credentials) = Credentials::find(headers, form)? {
            let client = self.find(credentials.id()).await?;
            return Ok(client.map(|client| {
                let is_shown = client.knows(credentials.secret());
                (client, is_shown)
            }));
        }
        if has_header {
            return Ok(None); // it cannot be read
        }
        // no credentials: a public client says who it is, and proves nothing
        let id = form.one("client_id")?.ok_or(Refused::Nobody)?;
        let client = self.find(id).await?;
        Ok(client.map(|client| {
            let is_public = client.proof.is_none();
            (client, is_public)
        }))
    }

    /// The client that this names, and has it signed it, for this server, now, and once?
    async fn signed_by(
        &self,
        assertion: Result<Assertion<'_>, Cause>,
    ) -> Result<Option<(Arc<Client>, bool)>, Refused> {
        let refused = |cause: Cause| info!("an assertion of a client is refused: {cause}");
        let assertion = match assertion {
            Ok(assertion) => assertion,
            Err(cause) => {
                refused(cause);
                return Ok(None);
            }
        };
        let Some(client) = self.find(assertion.client()).await? else { return Ok(None) };
        let Proof::Keys(keys) = &client.proof else { return Ok(Some((client, false))) };
        let endpoint = format!("{}/token", self.issuer);
        let accepted = match assertion.accept(keys, &[&self.issuer, &endpoint], self.clock.now()) {
            Ok(accepted) => accepted,
            Err(cause) => {
                refused(cause);
                return Ok(Some((client, false)));
            }
        };
        let is_first = self.store.is_first(&client.id, &accepted.jti, accepted.expires).await?;
        if !is_first {
            warn!(client = client.id, "an assertion came a second time");
        }
        Ok(Some((client, is_first)))
    }
}

fn unknown(headers: &HeaderMap) -> Refused {
    Refused::Client { in_header: headers.contains_key(header::AUTHORIZATION) }
}
