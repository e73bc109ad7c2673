//! Can somebody log in with the official Rust client, from the bare URL of a server to a tool, and stay logged in?
//!
//! `login ERA URL`, with the environment of `login.py`; `MCP_EXPECT=program`: there is no person (client credentials)

use std::{collections::BTreeSet, env, error::Error, sync::Arc, time::Duration};

use anyhow::{Context as _, Result, bail, ensure};
use rmcp::{
    model::{CallToolRequestParams, ProtocolVersion},
    service::{
        ClientLifecycleMode, ClientServiceExt as _, RoleClient, RunningService, ServiceError,
    },
    transport::{
        StreamableHttpClientTransport,
        auth::{
            AuthClient, AuthError, AuthorizationCallback, AuthorizationManager,
            AuthorizationRequest, ClientCredentialsConfig, OAuthState,
        },
        streamable_http_client::{InsufficientScopeError, StreamableHttpClientTransportConfig},
    },
};
use serde_json::{Value, json};
use tokio::sync::Mutex;

const REDIRECT: &str = "http://127.0.0.1:33418/callback";

type Client = AuthClient<reqwest::Client>;

fn said(name: &str) -> Option<String> {
    env::var(name).ok()
}

/// The scopes of the workshop: an issuer may have others, for names and for staying logged in.
fn ours<'a>(scopes: impl Iterator<Item = &'a str>) -> BTreeSet<String> {
    scopes.filter(|scope| scope.starts_with("mcp:")).map(str::to_owned).collect()
}

fn lifecycle(era: &str) -> ClientLifecycleMode {
    match era {
        "modern" => {
            ClientLifecycleMode::Discover { preferred_versions: vec![ProtocolVersion::LATEST] }
        }
        _ => ClientLifecycleMode::Initialize,
    }
}

/// The person, and what he was asked for so far.
#[derive(Default)]
struct Person {
    asked: Vec<BTreeSet<String>>,
    clients: BTreeSet<String>,
}

impl Person {
    /// Opens the browser; what it is sent back with.
    async fn asked(&mut self, url: &str) -> Result<String> {
        let url: reqwest::Url = url.parse()?;
        let one = |name: &str| {
            let found = url.query_pairs().find(|(found, _)| found == name);
            found.map(|(_, value)| value.into_owned()).unwrap_or_default()
        };
        self.asked.push(ours(one("scope").split(' ')));
        self.clients.insert(one("client_id"));
        let browser = said("BROWSER").context("BROWSER is missing")?;
        let mut browser = tokio::process::Command::new(browser);
        let back = browser.arg(url.as_str()).env("LOGIN_PRINT", "yes").output().await?;
        ensure!(back.status.success(), "the browser saw what nobody expects");
        Ok(String::from_utf8(back.stdout)?.trim().to_owned())
    }

    /// Logs in, as the challenge says.
    async fn log_in(&mut self, url: &str, challenge: &str) -> Result<AuthorizationManager> {
        let mut state = OAuthState::new(url, None).await?;
        let mut request = AuthorizationRequest::new(REDIRECT).with_challenge(challenge);
        request = request.with_initial_scope_selection(); // what the challenge names, not all that there is
        request = request.with_client_name("The Rust client").with_application_type("native");
        if let Some(id) = said("MCP_CLIENT_ID") {
            request = request.with_preregistered_client(id);
        } else if let Some(document) = said("MCP_CLIENT_METADATA_URL") {
            request = request.with_client_metadata_url(document);
        }
        state.start_authorization(request).await?;
        let back = self.asked(&state.get_authorization_url().await?).await?;
        state.handle_callback_url(&back).await?;
        state.into_authorization_manager().context("nobody is logged in")
    }

    /// Asks for one scope more.
    async fn step_up(&mut self, manager: &Mutex<AuthorizationManager>, scope: &str) -> Result<()> {
        let manager = manager.lock().await;
        let back = self.asked(&manager.request_scope_upgrade(scope).await?).await?;
        let AuthorizationCallback { code, csrf_token, issuer, .. } =
            AuthorizationCallback::from_redirect_url(&back)?;
        manager.exchange_code_for_token_with_issuer(&code, &csrf_token, issuer.as_deref()).await?;
        Ok(())
    }
}

/// Gets a token in the program's own name: there is nobody to ask. It asks at once for what it will need.
async fn program(url: &str) -> Result<AuthorizationManager> {
    let mut state = OAuthState::new(url, None).await?;
    let config = ClientCredentialsConfig::ClientSecret {
        client_id: said("MCP_CLIENT_ID").context("MCP_CLIENT_ID is missing")?,
        client_secret: said("MCP_CLIENT_SECRET").context("MCP_CLIENT_SECRET is missing")?,
        scopes: vec!["mcp:read".into(), "mcp:tools".into()],
        resource: Some(url.into()),
    };
    state.authenticate_client_credentials(config).await?;
    state.into_authorization_manager().context("the program is not logged in")
}

/// The scope that a refusal asks for.
fn lacking(error: &ServiceError) -> Option<String> {
    let ServiceError::TransportSend(error) = error else { return None };
    let mut each: Option<&(dyn Error + 'static)> = Some(&*error.error);
    while let Some(error) = each {
        if let Some(found) = error.downcast_ref::<InsufficientScopeError>() {
            return found.get_required_scope().map(str::to_owned);
        }
        each = error.source();
    }
    None
}

struct Visit {
    era: String,
    url: String,
    client: Client,
    person: Person,
}

impl Visit {
    async fn connect(&self) -> Result<RunningService<RoleClient, ()>> {
        let config = StreamableHttpClientTransportConfig::with_uri(self.url.as_str());
        let transport = StreamableHttpClientTransport::with_client(self.client.clone(), config);
        Ok(().serve_with_lifecycle(transport, lifecycle(&self.era)).await?)
    }

    /// Calls the tool, and asks the person for the scope that it lacks.
    async fn whoami(&mut self) -> Result<Value> {
        for _ in 0..2 {
            let session = self.connect().await?;
            let answer = session.call_tool(CallToolRequestParams::new("whoami")).await;
            match answer {
                Ok(answer) => return answer.structured_content.context("whoami says nothing"),
                Err(error) => {
                    let scope = lacking(&error).with_context(|| format!("{error:?}"))?;
                    let manager: Arc<Mutex<AuthorizationManager>> =
                        self.client.auth_manager.clone();
                    self.person.step_up(&manager, &scope).await?;
                }
            }
        }
        bail!("the server asks for a scope that the person has allowed")
    }

    /// Waits until the server says that the access token is good for nothing.
    async fn has_ended(&self, token: &str) -> Result<()> {
        let http = reqwest::Client::new();
        let ended = async {
            while http.post(&self.url).bearer_auth(token).send().await?.status() != 401 {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            anyhow::Ok(())
        };
        tokio::time::timeout(Duration::from_secs(30), ended).await?
    }
}

/// The program calls the tool in its own name.
async fn program_tour(era: &str, url: &str) -> Result<()> {
    let client = AuthClient::new(reqwest::Client::new(), program(url).await?);
    let mut visit =
        Visit { era: era.to_owned(), url: url.to_owned(), client, person: Person::default() };
    let who = visit.whoami().await?;
    ensure!(who["client"].as_str() == said("MCP_CLIENT_ID").as_deref(), "whoami says {who}");
    Ok(())
}

async fn tour(era: &str, url: &str) -> Result<()> {
    let refused =
        ().serve_with_lifecycle(StreamableHttpClientTransport::from_uri(url), lifecycle(era));
    let Err(refused) = refused.await else { bail!("a caller whom nobody knows was served") };
    let challenge = refused.auth_challenge().context("there is no challenge")?;
    let mut person = Person::default();
    let manager = person.log_in(url, challenge).await?;
    let client = AuthClient::new(reqwest::Client::new(), manager);
    let mut visit = Visit { era: era.to_owned(), url: url.to_owned(), client, person };
    let tools = visit.connect().await?.list_all_tools().await?;
    ensure!(tools.iter().any(|tool| tool.name == "whoami"), "tools/list does not have whoami");
    let who = visit.whoami().await?;
    ensure!([&who["subject"], &who["name"]].contains(&&json!("mcp-admin")), "whoami says {who}");
    let set = |scopes: &[&str]| scopes.iter().map(|scope| (*scope).to_owned()).collect();
    let scopes = who["scopes"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let at_once = said("MCP_ASKED").map(|scopes| ours(scopes.split(' ')));
    let known = at_once.clone().unwrap_or_else(|| set(&["mcp:read", "mcp:tools"]));
    ensure!(ours(scopes) == known, "whoami says {who}");
    let steps: Vec<BTreeSet<String>> =
        at_once.map_or_else(|| vec![set(&["mcp:read"]), known], |scopes| vec![scopes]);
    ensure!(visit.person.asked == steps, "the person was asked for {:?}", visit.person.asked);
    let expected = said("MCP_CLIENT_ID").or(said("MCP_CLIENT_METADATA_URL"));
    let clients = &visit.person.clients;
    ensure!(clients.len() == 1, "the client called itself {clients:?}");
    ensure!(
        expected.is_none_or(|id| clients.contains(&id)),
        "the client called itself {clients:?}"
    );
    if said("MCP_EXPECT").as_deref() == Some("refresh") {
        let old = visit.client.get_access_token().await?;
        visit.has_ended(&old).await?;
        ensure!(visit.whoami().await?["subject"] == who["subject"], "nobody is known any more");
        ensure!(visit.client.get_access_token().await? != old, "the access token is the old one");
        ensure!(visit.person.asked.len() == steps.len(), "the person was asked again");
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = env::args().skip(1);
    let (era, url) = (arguments.next().context("ERA")?, arguments.next().context("URL")?);
    let expected = said("MCP_EXPECT");
    let result = match expected.as_deref() {
        Some("program") => program_tour(&era, &url).await,
        _ => tour(&era, &url).await,
    };
    match (result, expected.as_deref()) {
        (Err(error), Some("denied")) => ensure!(
            matches!(error.downcast_ref(), Some(AuthError::AuthorizationFailed(_))),
            "it ends with {error:?}"
        ),
        (Ok(()), Some("denied")) => bail!("the person said no, and was not heard"),
        (result, _) => result?,
    }
    let how = match (said("MCP_CLIENT_ID"), said("MCP_CLIENT_METADATA_URL")) {
        (Some(_), _) => "known beforehand",
        (None, Some(_)) => "CIMD",
        (None, None) => "DCR",
    };
    println!(
        "ok: Rust client, {era}, {how}{}",
        expected.map(|e| format!(", {e}")).unwrap_or_default()
    );
    Ok(())
}
