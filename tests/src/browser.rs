//! Who logs in? A browser without scripts and without a screen, and a person in front of it: it follows links, keeps cookies and
//! fills in forms, those of the workshop's authorization server and those of Keycloak. It is a client too; programs that are
//! clients themselves get `tests/clients/browser.py`, or `cli/tests/cli/login/browser.rs`.

use std::collections::BTreeMap;

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use mcp_auth::issuer::disk::random;
use reqwest::{Client, Method, Url, header, redirect::Policy};
use serde_json::{Value, json};

/// More pages than this in a row lead nowhere.
const PAGES: usize = 12;
/// Where the code is sent to; nobody listens there, and nobody needs to.
const REDIRECT: &str = "http://127.0.0.1:1/callback";

/// An authorization server, and a client that it has registered.
#[derive(Clone, Debug)]
pub struct Login {
    client: Client,
    /// Its name.
    pub issuer: String,
    /// Its metadata (RFC 8414).
    pub metadata: Value,
    /// The client's id.
    pub client_id: String,
}

impl Login {
    /// Registers a public client for these scopes (RFC 7591).
    ///
    /// # Errors
    /// A sentence.
    pub async fn at(issuer: &str, scopes: &str) -> Result<Self, String> {
        let client = Client::builder().redirect(Policy::none()).no_proxy().tls_certs_only([]);
        let client = client.build().map_err(|error| error.to_string())?;
        let url = Url::parse(issuer).map_err(|error| format!("{issuer}: {error}"))?;
        let path = url.path().trim_end_matches('/');
        let root = issuer.strip_suffix(path).unwrap_or(issuer);
        let well_known = format!("{root}/.well-known/oauth-authorization-server{path}");
        let metadata = json(client.get(well_known)).await?;
        let request = client.post(endpoint(&metadata, "registration_endpoint")?).json(&json!({
            "client_name": "workshop-tests",
            "redirect_uris": [REDIRECT],
            "grant_types": ["authorization_code", "refresh_token"],
            "token_endpoint_auth_method": "none",
            "scope": scopes,
        }));
        let registered = json(request).await?;
        let client_id = registered["client_id"].as_str().unwrap_or_default().to_owned();
        Ok(Self { client, issuer: issuer.to_owned(), metadata, client_id })
    }

    /// The same, as another client that the server knows.
    #[must_use]
    pub fn of(&self, client_id: &str) -> Self {
        Self { client_id: client_id.to_owned(), ..self.clone() }
    }

    /// Logs a person in, who allows what is asked, and gives the answer of the token endpoint.
    ///
    /// # Errors
    /// The word of an error answer, such as `access_denied`, or a sentence.
    pub async fn tokens(
        &self,
        (person, password): (&str, &str),
        scopes: &str,
        resource: &str,
    ) -> Result<Value, String> {
        let (state, verifier) = (random(), random());
        let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()));
        let mut link = endpoint(&self.metadata, "authorization_endpoint")?;
        link.query_pairs_mut().extend_pairs([
            ("response_type", "code"),
            ("client_id", &self.client_id),
            ("redirect_uri", REDIRECT),
            ("state", &state),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
            ("scope", scopes),
            ("resource", resource),
        ]);
        let back = self.walk(link, person, password).await?;
        let given: BTreeMap<_, _> = back.query_pairs().into_owned().collect();
        if given.get("state") != Some(&state) || given.get("iss") != Some(&self.issuer) {
            return Err(format!("state or iss are not those of the question: {back}"));
        }
        if let Some(error) = given.get("error") {
            return Err(error.clone());
        }
        self.token(&[
            ("grant_type", "authorization_code"),
            ("code", given.get("code").map(String::as_str).unwrap_or_default()),
            ("redirect_uri", REDIRECT),
            ("code_verifier", &verifier),
            ("resource", resource),
        ])
        .await
    }

    /// Asks the token endpoint as this client.
    ///
    /// # Errors
    /// A sentence with what was answered.
    pub async fn token(&self, form: &[(&str, &str)]) -> Result<Value, String> {
        let form: Vec<_> = form.iter().copied().chain([("client_id", &*self.client_id)]).collect();
        json(self.client.post(endpoint(&self.metadata, "token_endpoint")?).form(&form)).await
    }

    /// From page to page until the browser is sent back to the client.
    async fn walk(&self, link: Url, person: &str, password: &str) -> Result<Url, String> {
        // by name: there is one server; `Secure` is ignored, as Keycloak says it on plain HTTP too
        let mut cookies = BTreeMap::<String, String>::new();
        let (mut method, mut url, mut form) = (Method::GET, link, Vec::new());
        for _ in 0..PAGES {
            if url.as_str().starts_with(REDIRECT) {
                return Ok(url);
            }
            let known: Vec<_> =
                cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let mut request = self.client.request(method.clone(), url.clone());
            request = request.header(header::COOKIE, known.join("; "));
            if method == Method::POST {
                request = request.form(&form);
            }
            let answer = request.send().await.map_err(|error| error.to_string())?;
            for set in answer.headers().get_all(header::SET_COOKIE) {
                let pair = set.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
                let (name, value) = pair.split_once('=').unwrap_or_default();
                cookies.insert(name.to_owned(), value.to_owned());
            }
            if let Some(to) = answer.headers().get(header::LOCATION) {
                let to = to.to_str().map_err(|_| "an address that is no text")?;
                (method, url) = (Method::GET, url.join(to).map_err(|error| error.to_string())?);
                continue;
            }
            let (status, page) = (answer.status(), answer.text().await.unwrap_or_default());
            let filled = filled(&page, person, password);
            let (action, fields) =
                filled.ok_or_else(|| format!("{status}: nothing to do on {page}"))?;
            if form.iter().any(|(name, _)| name == "password")
                && fields.iter().any(|(name, _)| name == "password")
            {
                return Err(format!("{person} is asked for a password again: {page}"));
            }
            (method, url, form) =
                (Method::POST, url.join(&action).map_err(|e| e.to_string())?, fields);
        }
        Err(format!("{PAGES} pages, and no end: {url}"))
    }
}

/// Where the form of a page goes, and what the person says in it.
fn filled(page: &str, person: &str, password: &str) -> Option<(String, Vec<(String, String)>)> {
    let form = page.split_once("<form")?.1.split_once("</form>")?.0;
    let hidden = form.split("<input").filter(|input| input.contains("type=\"hidden\""));
    let mut fields: Vec<_> = hidden
        .filter_map(|input| {
            Some((attribute(input, "name")?, attribute(input, "value").unwrap_or_default()))
        })
        .collect();
    let mut say = |name: &str, value: &str| fields.push((name.to_owned(), value.to_owned()));
    if form.contains("name=\"username\"") {
        say("username", person);
        say("password", password);
    } else if form.contains("name=\"decision\"") {
        say("decision", "allow");
    } else if form.contains("name=\"accept\"") {
        say("accept", "Yes");
    } else {
        return None;
    }
    Some((attribute(form, "action")?, fields))
}

fn attribute(text: &str, name: &str) -> Option<String> {
    let value = text.split_once(&format!("{name}=\""))?.1.split_once('"')?.0;
    Some(value.replace("&quot;", "\"").replace("&amp;", "&"))
}

fn endpoint(metadata: &Value, name: &str) -> Result<Url, String> {
    let url = metadata[name].as_str().unwrap_or_default();
    Url::parse(url).map_err(|_| format!("{name} is missing in {metadata}"))
}

async fn json(request: reqwest::RequestBuilder) -> Result<Value, String> {
    let answer = request.send().await.map_err(|error| error.to_string())?;
    let (status, url) = (answer.status(), answer.url().clone());
    let text = answer.text().await.unwrap_or_default();
    match serde_json::from_str(&text) {
        Ok(value) if status.is_success() => Ok(value),
        _ => Err(format!("{url} answered {status}: {text}")),
    }
}
