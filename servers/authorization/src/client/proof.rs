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
use crate::{Server, refused::Refused};

/// For a client that must not register anew, or throw its tokens away, because its document cannot be read for a moment.
const NOT_NOW: &str = "the document about this client cannot be fetched at the moment";

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
            return match documents.get(id).await {
                Ok(client) => Ok(Some(client)),
                Err(Missing::Nobody) => Ok(None),
                Err(Missing::NotNow) => Err(Refused::NotNow { why: NOT_NOW, retry_after: LATER }),
            };
        }
        let Some(stored) = self.store.registered(id).await? else { return Ok(None) };
        Ok(metadata::client(stored).map(Arc::new))
    }

    /// The client that has sent this request, if it shows who it is.
    ///
    /// # Errors
    /// [`Refused::Client`].
    pub(crate) async fn client(
        &self,
        headers: &HeaderMap,
        form: &Form,
    ) -> Result<Arc<Client>, Refused> {
        let unknown = Refused::Client { in_header: headers.contains_key(header::AUTHORIZATION) };
        if let Some(assertion) = Assertion::find(form)? {
            if headers.contains_key(header::AUTHORIZATION) {
                return Err(Twice.into());
            }
            return self.signed_by(assertion).await?.ok_or(unknown);
        }
        match Credentials::find(headers, form)? {
            Some(credentials) => {
                let client = self.find(credentials.id()).await?;
                client.filter(|client| client.knows(credentials.secret())).ok_or(unknown)
            }
            // no credentials, and none that cannot be read either: a public client says who it is, and proves nothing
            None if !headers.contains_key(header::AUTHORIZATION) => {
                let id = form.one("client_id")?.unwrap_or_default();
                let client = self.find(id).await?;
                client.filter(|client| client.proof.is_none()).ok_or(unknown)
            }
            None => Err(unknown),
        }
    }

    /// The client that has signed this, for this server, now, and once.
    async fn signed_by(
        &self,
        assertion: Result<Assertion<'_>, Cause>,
    ) -> Result<Option<Arc<Client>>, Refused> {
        let refused = |cause: Cause| {
            info!("an assertion of a client is refused: {cause}");
            Ok(None)
        };
        let assertion = match assertion {
            Ok(assertion) => assertion,
            Err(cause) => return refused(cause),
        };
        let Some(client) = self.find(assertion.client()).await? else { return Ok(None) };
        let Proof::Keys(keys) = &client.proof else { return Ok(None) };
        let endpoint = format!("{}/token", self.issuer);
        let accepted = match assertion.accept(keys, &[&self.issuer, &endpoint], self.clock.now()) {
            Ok(accepted) => accepted,
            Err(cause) => return refused(cause),
        };
        if !self.store.is_first(&client.id, &accepted.jti, accepted.expires).await? {
            warn!(client = client.id, "an assertion came a second time");
            return Ok(None);
        }
        Ok(Some(client))
    }
}
