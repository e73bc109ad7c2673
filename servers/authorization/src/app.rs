//! What does the program serve, as it was set?

use anyhow::{Context as _, bail, ensure};
use axum::{Router, middleware::from_fn, routing::get};
use common::{PublicUrl, server};
use mcp_auth::{
    issuer::{disk, files::KeyFiles},
    origin::Host,
};
use tracing::info;

use crate::{
    AuthorizationServer,
    audit::Audit,
    client::{self, document::Documents},
    config::Rights,
    demo::DEMO,
    passwords::Passwords,
    people::People,
    roster::Roster,
    settings::{Service, Settings},
    store::Store,
};

/// All that the program answers, and the server, whose housekeeping runs beside it.
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
        .scopes(&settings.rights)
        .algorithm(service.algorithm)
        .access_tokens_last(service.access_token_lifetime)
        .hosts(
            url.hosts().into_iter().chain(service.allow_host.iter().map(Host::to_string)).collect(),
        )
        .proxies(service.trusted_proxies)
        .audit(Audit::in_file(&audit).with_context(|| format!("{} (--audit)", audit.display()))?)
        .documents(documents);
    builder = match people {
        Some(people) => builder.roster(people),
        None => builder.demo(&settings.rights)?,
    };
    if let Some(file) = &service.clients {
        builder = builder.clients(client::file::read(file)?);
    }
    if service.no_rate_limits {
        builder = builder.without_rates();
    }
    let server = builder.build(KeyFiles::new(data.join("keys")), store).await?;
    info!("keys and database are in {}, decisions in {}", data.display(), audit.display());
    let router = server
        .routes()
        .route("/health", get(server::health))
        .method_not_allowed_fallback(server::wrong_method)
        .fallback(server::not_found)
        .layer(from_fn(server::log));
    Ok((router, server))
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
    if service.dangerously_fetch_private_client_metadata {
        return Ok(Documents::dangerously_private(authorities)?);
    }
    Ok(Documents::new(authorities)?)
}

/// Those of the file; none is needed in development.
fn people(
    service: &Service,
    rights: &Rights,
    is_development: bool,
) -> anyhow::Result<Option<Roster>> {
    let Some(file) = &service.people else {
        ensure!(
            is_development,
            "others can reach this server, so nobody has a password that everybody knows: make a file with `authorization user add NAME --people FILE`, and name it with --people FILE"
        );
        return Ok(None);
    };
    let roster = Roster::in_file(file.clone(), People::new(rights.by_role()))?;
    // a hash is slow on purpose: only of who is there, and only where it matters
    let (now, passwords) = (roster.now(), Passwords::default());
    let is_known = |name, password| {
        now.get(name).is_some_and(|person| passwords.fits(password, Some(&person.password)))
    };
    if !is_development
        && let Some((name, ..)) = DEMO.iter().find(|(name, password, _)| is_known(name, password))
    {
        bail!(
            "others can reach this server, and everybody knows the password of {name}: set another one with `authorization user password {name}`"
        );
    }
    Ok(Some(roster))
}
