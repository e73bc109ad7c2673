//! How does a login go, from the URL of a server to tokens? Everything in its order (MCP, authorization flow steps).

use std::{sync::Arc, time::Duration};

use reqwest::header::LOCATION;

use super::{
    Page, audience, browser,
    client::{Client, Origin, Wanted},
    code::Request,
    grant::{self, Asker, Tokens},
    issuer::{Chosen, Issuer},
    listener::{self, Listener},
    registration,
    resource::Resource,
    store::{Login, Store, Way},
    trace::{Party, masked},
    web::Web,
};
use crate::{call::target::Target, exit::Failure, output};

/// What the person wants.
pub struct Wish {
    /// The server.
    pub target: Target,
    /// Whom to log in at, if the server leaves a choice.
    pub issuer: Option<String>,
    /// Who has said so.
    pub chosen: Chosen,
    /// What to ask for; else what the server names.
    pub scope: Option<String>,
    /// Is he to stay logged in?
    pub stays: bool,
    /// Whom a token may be for beside that server.
    pub audience: Option<String>,
    /// As whom.
    pub client: Wanted,
    /// Is the token for the client itself?
    pub in_own_name: bool,
    /// How the page is opened.
    pub page: Page,
    /// How long the person may take.
    pub time: Duration,
}

/// The parties and their names.
struct Parties<'a> {
    web: &'a Web,
    store: &'a Store,
    wish: &'a Wish,
    resource: Resource,
    issuer: Issuer,
    scope: String,
}

/// Logs in, and keeps the login; with it what scope was asked for.
pub async fn log_in(web: &Web, store: &Store, wish: &Wish) -> Result<(Login, String), Failure> {
    if !wish.target.keeps_secrets() {
        return Err(Failure::usage(format!(
            "nobody logs in at {}: without TLS anybody on the way could send us elsewhere, and read the token; use https://",
            wish.target.origin()
        )));
    }
    let resource = Resource::find(web, &wish.target).await?;
    let issuer = resource.issuer(wish.issuer.as_deref())?.to_owned();
    let issuer = Issuer::find(web, &issuer, &wish.target).await?;
    let scope = scope(wish, &resource, &issuer);
    let parties = Parties { web, store, wish, resource, issuer, scope };
    let (client, tokens) = if wish.in_own_name {
        parties.in_own_name().await?
    } else {
        parties.with_a_person().await?
    };
    let Parties { resource, issuer, scope, .. } = parties;
    let login = Login {
        url: wish.target.url().to_string(),
        resource: resource.name,
        issuer: issuer.name,
        chosen: wish.chosen,
        token_endpoint: issuer.token.url().to_string(),
        revocation_endpoint: issuer.revocation.map(|there| there.url().to_string()),
        methods: issuer.methods,
        client,
        way: if wish.in_own_name { Way::ClientCredentials } else { Way::Code },
        audience: wish.audience.clone(),
        tokens,
    };
    audience::check(web, &login).await?;
    audience::tell(&login);
    let turn = store.turn(&login.url).await?;
    store.keep(&turn, &login)?;
    Ok((login, scope))
}

/// What is asked for: what the person wants, else what the server wants (C3); and to stay logged in, where that can be had.
fn scope(wish: &Wish, resource: &Resource, issuer: &Issuer) -> String {
    let needed = wish.scope.as_ref().or(resource.scope.as_ref()).map_or("", String::as_str);
    // an empty request means what the issuer gives to everybody: one more word would make it mean that word alone
    let stays = wish.stays && issuer.stays && !wish.in_own_name && !needed.is_empty();
    grant::union(needed, if stays { "offline_access" } else { "" })
}

impl Parties<'_> {
    fn asker<'a>(&'a self, client: &'a Client) -> Asker<'a> {
        Asker {
            issuer: &self.issuer.name,
            endpoint: &self.issuer.token,
            methods: &self.issuer.methods,
            client,
            resource: &self.resource.name,
        }
    }

    async fn in_own_name(&self) -> Result<(Client, Tokens), Failure> {
        let (issuer, wish) = (&self.issuer, self.wish);
        let client = wish.client.named_at(&issuer.name, wish.chosen)?;
        let client = client.ok_or_else(|| {
            Failure::usage("--client-credentials needs a client that an administrator has made: --client-id ID")
        })?;
        let mut fields = vec![("grant_type", "client_credentials")];
        if !self.scope.is_empty() {
            fields.push(("scope", &self.scope));
        }
        let why = "a token for the client itself";
        let tokens = self.asker(&client).ask(self.web, &fields, &self.scope, why).await?;
        Ok((client, tokens))
    }

    /// By a code. A registration from before may be forgotten at the issuer: then there is a new one, once.
    async fn with_a_person(&self) -> Result<(Client, Tokens), Failure> {
        self.issuer.can_be_told_apart(self.wish.chosen)?;
        if let Some(client) = self.wish.client.known(&self.issuer, self.wish.chosen)? {
            let listener = Listener::open(self.wish.page.callback_port, None).await?;
            let request = self.request(&client, &listener)?;
            let tokens = self.tokens(&client, listener, request).await?;
            return Ok((client, tokens));
        }
        if let Some(client) = self.registered_before()? {
            let listener = Listener::open(self.wish.page.callback_port, client.port).await?;
            let request = self.request(&client, &listener)?;
            if self.is_known(&request).await? {
                match self.tokens(&client, listener, request).await {
                    Err(failure) if grant::says_unknown_client(&failure) => {}
                    done => return Ok((client, done?)),
                }
            }
            output::note("the issuer does not know this command any more, so it registers anew");
            self.store.forget_client(&self.issuer.name)?;
        }
        let listener = Listener::open(self.wish.page.callback_port, None).await?;
        let client = registration::register(self.web, &self.issuer, listener.port).await?;
        self.store.keep_client(&self.issuer.name, &client)?;
        let request = self.request(&client, &listener)?;
        let tokens = self.tokens(&client, listener, request).await?;
        Ok((client, tokens))
    }

    /// The registration from before, if its secret is still good.
    fn registered_before(&self) -> Result<Option<Client>, Failure> {
        let client = self.store.client(&self.issuer.name)?;
        let now = crate::times::now();
        Ok(client.filter(|client| client.expires.is_none_or(|end| end > now)))
    }

    fn request(&self, client: &Client, listener: &Listener) -> Result<Request, Failure> {
        let redirect = listener.redirect();
        Request::new(&self.issuer, client, redirect, &self.resource.name, &self.scope)
    }

    /// Would the person see the page to log in, and not one that says that nobody knows us? An issuer tells only browsers.
    async fn is_known(&self, request: &Request) -> Result<bool, Failure> {
        let why = "does the issuer still know this command?";
        let answer = self.web.page(&request.link, why).await?;
        let location = answer.headers.get(LOCATION).and_then(|to| to.to_str().ok());
        let sent_back =
            location.is_some_and(|to| listener::says_unknown_client(to, &request.redirect));
        // not 403 or 404: a guard in front of the issuer says that to all that is no browser
        Ok(!matches!(answer.status.as_u16(), 400 | 401) && !sent_back)
    }

    async fn tokens(
        &self,
        client: &Client,
        listener: Listener,
        request: Request,
    ) -> Result<Tokens, Failure> {
        let link = browser::harmless(request.link.url().as_str());
        self.show(client, &request, &link);
        let request = Arc::new(request);
        let code = listener.answer(request.clone(), self.wish.time).await?;
        let said = "GET /callback code=*** state=***";
        let why = "the answer to our question: it knows the state";
        self.web.trace.tell([Party::Browser, Party::Us], said, why);
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", &*code),
            ("redirect_uri", &request.redirect),
            ("code_verifier", &request.verifier),
        ];
        let why = "tokens for the code, and the proof that it is ours";
        self.asker(client).ask(self.web, &fields, &self.scope, why).await
    }

    fn show(&self, client: &Client, request: &Request, link: &str) {
        let fields: Vec<_> = request.link.url().query_pairs().into_owned().collect();
        let fields = masked(fields.iter().map(|(name, value)| (&**name, &**value)));
        let what = format!("{} {fields}", request.link.url().path());
        self.web.trace.tell([Party::Us, Party::Browser], &what, "log in there, and allow it");
        if client.origin == Origin::Named && client.secret.is_none() {
            output::note(&format!("as the client {}", output::line(&client.id)));
        }
        let opened = !self.wish.page.no_browser && browser::open(link);
        let head = if opened {
            "your browser opens the page to log in; if it does not, open it yourself:"
        } else {
            "log in here:"
        };
        output::note(&format!("{head}\n  {link}"));
        let seconds = self.wish.time.as_secs();
        output::note(&format!("waiting for at most {seconds} s; Ctrl-C stops"));
    }
}
