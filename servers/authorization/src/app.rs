//! What does the program serve, as it was set?

use std::{collections::HashMap, sync::Arc};

use anyhow::{Context as _, bail, ensure};
use axum::{
    Router,
    middleware::{from_fn, from_fn_with_state},
    routing::get,
};
use common::{PublicUrl, server};
use mcp_auth::{
    ScopeSet,
    issuer::{client::Client as Program, disk, files::KeyFiles},
    limits,
    origin::Host,
};
use tokio::sync::Semaphore;
use tracing::info;

use crate::{
    AuthorizationServer,
    audit::Audit,
    client::{self, Client, document::Documents},
    config::Rights,
    passwords::Passwords,
    people::People,
    roster::Roster,
    settings::{DEMO, Service, Settings},
    store::Store,
};

/// Requests that are answered at a time.
const PLACES: usize = 256;

/// The whole program, and what runs beside it.
///
/// # Errors
/// One sentence, when a setting cannot work.
pub async fn app(
    settings: &Settings,
    url: &PublicUrl,
) -> anyhow::Result<(Router, AuthorizationServer)> {
    let (service, is_development) = (&settings.service, url.is_development());
    let issuer = url.to_string();
    if !is_development && !issuer.starts_with("https://") {
        bail!(
            "others can reach this server, so its name must begin with https:// (--issuer): passwords come here"
        );
    }
    let resources = service.resources(is_development);
    let data = service.data(is_development)?;
    let people = people(service, &settings.rights, is_development)?;
    let documents = documents(service)?;
    disk::create_private_dir(&data)?;
    // or somebody else could put another database, and other keys, in place of these
    disk::must_be_guarded(&data).context(
        "only its owner may write into the folder of data; on a volume where others may, name a folder in it that is not there yet",
    )?;
    let store = Store::open(&data.join("authorization.db")).await?;
    let audit = service.audit(&data);
    let mut builder = AuthorizationServer::builder(&issuer, resources)
        .algorithm(service.algorithm)
        .access_tokens_last(service.access_token_lifetime)
        .hosts(
            url.hosts().into_iter().chain(service.allow_host.iter().map(Host::to_string)).collect(),
        )
        .proxies(service.trusted_proxies)
        .audit(Audit::in_file(&audit).with_context(|| format!("{} (--audit)", audit.display()))?)
        .documents(documents)
        .roster(people);
    for (scope, words) in &settings.rights.scopes {
        builder = builder.scope(scope, words);
    }
    if let Some(file) = &service.clients {
        builder = builder.clients(client::file::read(file)?);
    }
    if is_development && service.people.is_none() {
        builder = builder.demo(DEMO.map(|(name, password, _)| (name, password)).to_vec());
    }
    if service.no_rate_limits {
        builder = builder.without_rates();
    }
    let server = builder.build(KeyFiles::new(data.join("keys")), store).await?;
    info!("keys and database are in {}, decisions in {}", data.display(), audit.display());
    let router = server
        .routes()
        .layer(from_fn_with_state(Arc::new(Semaphore::new(PLACES)), limits::concurrency))
        .route("/health", get(server::health))
        .method_not_allowed_fallback(server::wrong_method)
        .fallback(server::not_found)
        .layer(from_fn(server::log));
    Ok((router, server))
}

/// A server for development: in memory, and with people whom everybody knows. They can log in for as long as it runs.
/// This program can get tokens in its own name.
///
/// # Errors
/// One sentence.
pub async fn demo(
    issuer: &str,
    resources: impl IntoIterator<Item = impl Into<String>>,
    keys: KeyFiles,
    program: &Program,
) -> anyhow::Result<AuthorizationServer> {
    let rights = Rights::default();
    let mut builder = AuthorizationServer::builder(issuer, resources)
        .people(demo_people(nobody(&rights))?)
        .demo(DEMO.map(|(name, password, _)| (name, password)).to_vec())
        .clients(HashMap::from([(program.id().to_owned(), Client::program(program))]))
        .documents(Documents::new(Vec::new(), false)?);
    for (scope, words) in &rights.scopes {
        builder = builder.scope(scope, words);
    }
    Ok(builder.build(keys, Store::in_memory().await?).await?)
}

fn nobody(rights: &Rights) -> People {
    let opens = |scopes: &Vec<String>| scopes.iter().map(String::as_str).collect::<ScopeSet>();
    People::new(rights.roles.iter().map(|(role, scopes)| (role.clone(), opens(scopes))))
}

fn demo_people(mut people: People) -> anyhow::Result<People> {
    for (name, password, role) in DEMO {
        people = people.with(name, password, &[role])?;
    }
    Ok(people)
}

fn documents(service: &Service) -> anyhow::Result<Documents> {
    let authorities = match &service.client_metadata_ca {
        None => Vec::new(),
        Some(file) => {
            let named = || format!("{} (--client-metadata-ca)", file.display());
            let pem = std::fs::read(file).with_context(named)?;
            let all = reqwest::Certificate::from_pem_bundle(&pem).with_context(named)?;
            ensure!(!all.is_empty(), "{} has no certificate in PEM", named());
            all
        }
    };
    Ok(Documents::new(authorities, service.dangerously_fetch_private_client_metadata)?)
}

fn people(service: &Service, rights: &Rights, is_development: bool) -> anyhow::Result<Roster> {
    let nobody = nobody(rights);
    if let Some(file) = &service.people {
        let roster = Roster::in_file(file.clone(), nobody)?;
        // a hash is slow on purpose: only of who is there, and only where it matters
        let (now, passwords) = (roster.now(), Passwords::default());
        let is_known = |name, password| {
            now.get(name).is_some_and(|person| passwords.fits(password, Some(&person.password)))
        };
        if !is_development
            && let Some((name, ..)) =
                DEMO.iter().find(|(name, password, _)| is_known(name, password))
        {
            bail!(
                "others can reach this server, and everybody knows the password of {name}: set another one with `authorization user password {name}`"
            );
        }
        return Ok(roster);
    }
    if !is_development {
        bail!(
            "others can reach this server, so nobody has a password that everybody knows: make a file with `authorization user add NAME --people FILE`, and name it with --people FILE"
        );
    }
    Ok(Roster::fixed(demo_people(nobody)?))
}
