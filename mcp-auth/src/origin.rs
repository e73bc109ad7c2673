//! Who may knock? `Host`, `Origin` and CORS, by exact match.
//!
//! A web page that somebody visits can send requests to servers on his own machine, and with DNS
//! rebinding it can even pretend to be one of them. The page cannot forge two headers: `Origin`
//! says where it came from, `Host` which name it used. So both must be exactly known (T2).

use std::{collections::HashSet, fmt, str::FromStr, sync::Arc};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header, uri::Authority},
    middleware::Next,
    response::{IntoResponse, Response},
};
use tracing::info;

use crate::refusal::{refuse, shown};

/// Whom to let in beside ourselves.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "clap", derive(clap::Args))]
#[cfg_attr(feature = "clap", command(next_help_heading = "Who may knock"))]
pub struct Origins {
    /// Another origin whose pages may call, such as http://localhost:6274; may be given again, in the variable with commas
    #[cfg_attr(
        feature = "clap",
        arg(long, env = "MCP_ALLOW_ORIGIN", value_delimiter = ',', value_name = "ORIGIN")
    )]
    pub allow_origin: Vec<Origin>,
    /// Another name under which this server may be called, such as mcp.example.com:8443; may be given again, in the variable with commas
    #[cfg_attr(
        feature = "clap",
        arg(long, env = "MCP_ALLOW_HOST", value_delimiter = ',', value_name = "HOST")
    )]
    pub allow_host: Vec<Host>,
}

/// Scheme, host and port, as a browser writes them into `Origin`: never `*`, never `null`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin(String);

/// A host, with its port if it has one, as it stands in the header `Host`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Host(String);

impl FromStr for Origin {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let lower = text.to_ascii_lowercase();
        // a browser leaves out the port that goes without saying
        let port = if lower.starts_with("https:") { ":443" } else { ":80" };
        let lower = lower.strip_suffix(port).unwrap_or(&lower).to_owned();
        let rest = lower.strip_prefix("http://").or_else(|| lower.strip_prefix("https://"));
        if rest.is_some_and(is_authority) {
            Ok(Self(lower))
        } else {
            Err("an origin is http:// or https://, a host and if needed a port, nothing more, \
                 such as http://localhost:6274")
        }
    }
}

impl FromStr for Host {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let host = Some(text.to_ascii_lowercase()).filter(|host| is_authority(host));
        host.map(Self)
            .ok_or("a host is a name or address and if needed a port, such as mcp.example.com:8443")
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Is this a host, with its port if it has one, and nothing else?
fn is_authority(text: &str) -> bool {
    let has_host = |parsed: Authority| !parsed.host().is_empty();
    !text.contains(['@', '*']) && text.parse().is_ok_and(has_host)
}

/// The rule of one server: exactly these hosts, exactly these origins.
#[derive(Clone, Debug)]
pub struct Rule {
    hosts: HashSet<String>,
    origins: HashSet<String>,
    public: Vec<String>,
    forms: Vec<String>,
}

impl Rule {
    /// A server with these names of its own (`hosts`), with this `origin`, and with whom the settings let in.
    #[must_use]
    pub fn new(
        hosts: impl IntoIterator<Item = impl Into<String>>,
        origin: impl Into<String>,
        settings: &Origins,
    ) -> Arc<Self> {
        let allowed_hosts = settings.allow_host.iter().map(ToString::to_string);
        let allowed_origins = settings.allow_origin.iter().map(ToString::to_string);
        Arc::new(Self {
            hosts: hosts.into_iter().map(Into::into).chain(allowed_hosts).collect(),
            origins: allowed_origins.chain([origin.into()]).collect(),
            public: vec!["/.well-known/".into()],
            forms: Vec::new(),
        })
    }

    /// The same rule, but a form that is sent to this path may say `Origin: null`, as it does from a page of ours with
    /// `Referrer-Policy: no-referrer`, and from one that somebody has put into a sandbox. So whoever reads it must know his
    /// own forms by something else, which is bound to the browser.
    #[must_use]
    pub fn form(self: Arc<Self>, path: String) -> Arc<Self> {
        let mut rule = Arc::unwrap_or_clone(self);
        rule.forms.push(path);
        Arc::new(rule)
    }

    /// The same rule, but every page may read this path too, without credentials; as may it
    /// everything under `/.well-known/`.
    #[must_use]
    pub fn public(self: Arc<Self>, path: String) -> Arc<Self> {
        let mut rule = Arc::unwrap_or_clone(self);
        rule.public.push(path);
        Arc::new(rule)
    }

    /// Is the request addressed to us? An HTTP/2 `:authority` counts, and so does an absolute URL.
    fn knows_host(&self, uri: &Uri, headers: &HeaderMap) -> bool {
        let mut hosts = headers.get_all(header::HOST).iter().map(HeaderValue::to_str);
        let asked = match (uri.authority(), hosts.next()) {
            (None, None) | (_, Some(Err(_))) => return false,
            (Some(name), None) => vec![name.as_str()],
            (None, Some(Ok(host))) => vec![host],
            (Some(name), Some(Ok(host))) => vec![name.as_str(), host],
        };
        hosts.next().is_none()
            && asked.iter().all(|host| self.hosts.contains(&host.to_ascii_lowercase()))
    }

    /// The origin, if there is one and we know it.
    fn knows_origin(&self, headers: &HeaderMap) -> Result<Option<HeaderValue>, ()> {
        let mut origins = headers.get_all(header::ORIGIN).iter();
        match (origins.next(), origins.next()) {
            (None, _) => Ok(None),
            (Some(origin), None) if origin.to_str().is_ok_and(|o| self.origins.contains(o)) => {
                Ok(Some(origin.clone()))
            }
            _ => Err(()),
        }
    }

    /// Is it a form of ours, from a page that says no origin?
    fn may_be_null(&self, path: &str, headers: &HeaderMap) -> bool {
        let mut origins = headers.get_all(header::ORIGIN).iter();
        let is_null = origins.next().is_some_and(|origin| origin == "null");
        is_null && origins.next().is_none() && self.forms.iter().any(|form| form == path)
    }

    fn is_public(&self, path: &str) -> bool {
        self.public
            .iter()
            .any(|public| path == public || public.ends_with('/') && path.starts_with(public))
    }
}

/// Lets in who is known, answers a browser's preflight, and refuses everybody else with 403. For
/// [`from_fn_with_state`](axum::middleware::from_fn_with_state) with [`Rule::new`].
///
/// `Host` is not asked on `/health` and `/ready`: probes come under any name. Documents under
/// `/.well-known/` are for every page, without credentials.
pub async fn check(State(rule): State<Arc<Rule>>, request: Request, next: Next) -> Response {
    let (uri, headers) = (request.uri(), request.headers());
    if !is_probe(uri.path()) && !rule.knows_host(uri, headers) {
        return forbidden("host", headers.get(header::HOST));
    }
    let origin = if rule.is_public(uri.path()) {
        headers.get(header::ORIGIN).map(|_| HeaderValue::from_static("*"))
    } else if let Ok(origin) = rule.knows_origin(headers) {
        origin
    } else if rule.may_be_null(uri.path(), headers) {
        None
    } else {
        return forbidden("origin", headers.get(header::ORIGIN));
    };
    let Some(origin) = origin else { return next.run(request).await };
    let asked = headers.get(header::ACCESS_CONTROL_REQUEST_HEADERS).cloned();
    let preflight = request.method() == Method::OPTIONS
        && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let mut response =
        if preflight { StatusCode::NO_CONTENT.into_response() } else { next.run(request).await };
    let headers = response.headers_mut();
    if preflight {
        let methods = HeaderValue::from_static("GET, POST, DELETE, OPTIONS");
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
        if let Some(asked) = asked {
            headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, asked);
        }
    }
    // a page of the old era reads the id of its session, and ends it with DELETE
    let exposed = HeaderValue::from_static("WWW-Authenticate, X-Request-Id, Mcp-Session-Id");
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    response
}

/// Whoever watches over the server asks here: under any name, and however busy the server is.
pub(crate) fn is_probe(path: &str) -> bool {
    matches!(path, "/health" | "/ready")
}

fn forbidden(what: &str, value: Option<&HeaderValue>) -> Response {
    let value = value.map_or_else(|| "missing".to_owned(), shown);
    info!("refused: the {what} is {value}; --allow-{what} lets one in");
    refuse(StatusCode::FORBIDDEN, &format!("forbidden_{what}"), "not allowed here")
}
