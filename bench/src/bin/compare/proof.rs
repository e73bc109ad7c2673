//! Is what was answered right? And would it be noticed if it were not?

use std::time::Duration;

use anyhow::{Context as _, ensure};
use bench::wrk;
use mcp_auth::{
    Clock,
    algorithm::Algorithm,
    issuer::keys::Alg,
    jwks::{self, KeySet},
    jwt::{Policy, Verifier},
};

use crate::{
    flow,
    load::{self, Kind, Load},
    party::{ASKED, PASSWORD, Party, RESOURCE, Setup, Site, runtime},
};

/// A resource server that believes this server.
pub struct Resource {
    verifier: Verifier,
    now: i64,
}

impl Resource {
    /// With the keys that are published now.
    pub fn of(server: &Site) -> anyhow::Result<Self> {
        let ask = async { server.connect().await?.get(server.party.paths()[3], "").await };
        let answer = runtime()?.block_on(ask)?;
        let keys = jwks::parse_foreign(answer.body.as_bytes())?;
        let all = [Algorithm::Es256, Algorithm::Rs256, Algorithm::EdDsa];
        let policy = Policy::new(&server.url, RESOURCE).algorithms(all);
        let policy = policy.leeway(Duration::from_secs(60));
        let verifier = Verifier::with_policy(KeySet::fixed(keys, Clock::default()), policy);
        Ok(Self { verifier, now: i64::try_from(bench::tokens::now()?)? })
    }

    /// The `jti` of this token, which must be good, for this client, with the scopes that were asked for.
    pub fn check(&self, token: &str, client: &str) -> anyhow::Result<String> {
        let identity = self.verifier.verify(token, self.now);
        let identity =
            identity.map_err(|error| anyhow::anyhow!("a token is no good: {error}: {token}"))?;
        ensure!(identity.client() == Some(client), "a token is for another client");
        ensure!(identity.scopes().to_string() == ASKED, "a token has other scopes");
        let jti = identity.claim("/jti").and_then(|jti| jti.as_str());
        Ok(jti.context("a token has no name")?.to_owned())
    }
}

/// The same, once.
pub fn check_token(token: &str, server: &Site, client: &str) -> anyhow::Result<()> {
    Resource::of(server)?.check(token, client).map(drop)
}

/// A check that cannot fail is none: each kind of load is told to expect something else, and must say so.
pub fn wrong_answers_are_noticed(setup: &Setup) -> anyhow::Result<()> {
    let folder = setup.folder()?;
    let ours = setup.start(Party::ours(Alg::Es256), &folder)?;
    let theirs = setup.start(Party::theirs(Alg::Es256), &setup.folder()?)?;
    let noticed = |what: &str, outcome: anyhow::Result<_>, words: &str| {
        let said = outcome.err().map(|error| format!("{error:#}")).unwrap_or_default();
        ensure!(said.contains(words), "nobody notices {what}: {said:?}");
        Ok(())
    };
    let load = |kind| Load { kind, by: wrk::Load { connections: 1, seconds: 1 } };
    let run = |load: Load, expected: &str| {
        load::prepare(load.kind, &ours.site, folder.path())?;
        load.expecting(&ours.site, folder.path(), expected)?.end().map(drop)
    };
    noticed("other scopes", run(load(Kind::Program), "mcp:read mcp:prompts"), "are wrong")?;
    noticed("another answer", run(load(Kind::Known(1)), "{\"active\":true}"), "are wrong")?;
    let token = runtime()?.block_on(flow::once(&ours.site, PASSWORD, RESOURCE))?;
    check_token(&token, &ours.site, "app")?;
    let keys_of_others = check_token(&token, &theirs.site, "app");
    noticed("tokens of somebody else", keys_of_others, "a token is no good")?;
    let mistyped =
        runtime()?.block_on(flow::once(&ours.site, "another password", RESOURCE)).map(drop);
    noticed("that nobody has logged in", mistyped, "Name or password is wrong.")
}
