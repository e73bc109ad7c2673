//! How is a server to be?

mod build;

use std::collections::HashMap;

use mcp_auth::{Clock, issuer::keys::Alg};

use crate::{
    audit::Audit,
    client::{Client, document::Documents},
    config::Rights,
    demo::{DEMO, Known},
    people::{People, PeopleError},
    rate::Rates,
    roster::Roster,
    token,
};

pub use build::BuildError;

/// How an authorization server is to be.
pub struct Builder {
    issuer: String,
    resources: Vec<String>,
    /// Each scope, and what it allows.
    scopes: HashMap<String, String>,
    clock: Clock,
    alg: Alg,
    people: Roster,
    demo: &'static [Known],
    clients: HashMap<String, Client>,
    documents: Option<Documents>,
    hosts: Vec<String>,
    audit: Audit,
    rates: Option<Rates>,
    proxies: usize,
    access: i64,
}

impl Builder {
    pub(crate) fn new(
        issuer: &str,
        resources: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        Self {
            issuer: issuer.to_owned(),
            resources: resources.into_iter().map(Into::into).collect(),
            scopes: HashMap::new(),
            clock: Clock::default(),
            alg: Alg::Es256,
            people: Roster::fixed(People::default()),
            demo: &[],
            clients: HashMap::new(),
            documents: None,
            hosts: Vec::new(),
            audit: Audit::default(),
            rates: Some(Rates::default()),
            proxies: 0,
            access: token::ACCESS,
        }
    }

    /// A scope, and what it allows in words that end the sentence "It could then …".
    #[must_use]
    pub fn scope(mut self, name: &str, words: &str) -> Self {
        self.scopes.insert(name.to_owned(), words.to_owned());
        self
    }

    /// All scopes of these.
    pub(crate) fn scopes(self, rights: &Rights) -> Self {
        rights.scopes.iter().fold(self, |builder, (name, words)| builder.scope(name, words))
    }

    /// Who can log in.
    #[must_use]
    pub fn people(self, people: People) -> Self {
        self.roster(Roster::fixed(people))
    }

    /// Who can log in, where that may change.
    #[must_use]
    pub fn roster(self, people: Roster) -> Self {
        Self { people, ..self }
    }

    /// Those of [`DEMO`] can log in, and the page to log in shows their passwords: for development.
    pub(crate) fn demo(self, rights: &Rights) -> Result<Self, PeopleError> {
        let nobody = People::new(rights.by_role());
        let people = DEMO.into_iter().try_fold(nobody, |people, (name, password, role)| {
            people.with(name, password, &[role])
        })?;
        Ok(Self { demo: &DEMO, ..self.people(people) })
    }

    /// Clients that are known beforehand.
    #[must_use]
    pub fn clients(self, clients: HashMap<String, Client>) -> Self {
        Self { clients, ..self }
    }

    /// Clients that are documents (CIMD). Defaults to none.
    #[must_use]
    pub fn documents(self, documents: Documents) -> Self {
        Self { documents: Some(documents), ..self }
    }

    /// What access tokens are signed with. Defaults to ES256.
    #[must_use]
    pub fn algorithm(self, alg: Alg) -> Self {
        Self { alg, ..self }
    }

    /// Names beside that of the issuer by which this server may be called, as they stand in `Host`.
    #[must_use]
    pub fn hosts(self, hosts: Vec<String>) -> Self {
        Self { hosts, ..self }
    }

    /// Where decisions are written down. Defaults to the log.
    #[must_use]
    pub fn audit(self, audit: Audit) -> Self {
        Self { audit, ..self }
    }

    /// Counts no requests per address: for measurements, or where something in front of this server counts. Attempts to log in
    /// are counted all the same.
    #[must_use]
    pub fn without_rates(self) -> Self {
        Self { rates: None, ..self }
    }

    /// How many proxies in front of this server add to `X-Forwarded-For`. Defaults to none, and the header is not read.
    #[must_use]
    pub fn proxies(self, proxies: usize) -> Self {
        Self { proxies, ..self }
    }

    /// Seconds that an access token is good for. Defaults to 300.
    #[must_use]
    pub fn access_tokens_last(self, seconds: i64) -> Self {
        Self { access: seconds, ..self }
    }

    /// What time it is. Defaults to the system's clock.
    #[must_use]
    pub fn clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }
}
