//! A stranger's site behind TLS, with documents about clients, and the names by which it is found.

use std::{
    collections::VecDeque,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex},
};

use axum::{Router, extract::Request, http::header, response::Response, serve::Listener as _};
use mcp_auth_server::client::document::Documents;
use reqwest::{
    Certificate,
    dns::{Addrs, Name, Resolve, Resolving},
};
use serde_json::{Value, json};

use crate::authority::Authority;

type Says = Arc<Mutex<Arc<dyn Fn() -> Response + Send + Sync>>>;

/// The site, at `https://client.example:PORT`.
pub struct Site {
    pub port: u16,
    authority: Certificate,
    asked: Arc<Mutex<Vec<String>>>,
    says: Says,
    /// Has anything been asked for?
    pub knocked: Arc<tokio::sync::Notify>,
}

/// Where names lead: the first answer, then the next; the last stays.
#[derive(Clone)]
pub struct Names {
    answers: Arc<Mutex<VecDeque<Vec<IpAddr>>>>,
    asked: Arc<Mutex<usize>>,
}

impl Names {
    pub fn new<const N: usize>(answers: [Vec<IpAddr>; N]) -> Self {
        Self { answers: Arc::new(Mutex::new(answers.into())), asked: Arc::default() }
    }

    pub fn asked(&self) -> usize {
        *self.asked.lock().unwrap()
    }
}

impl Resolve for Names {
    fn resolve(&self, _: Name) -> Resolving {
        *self.asked.lock().unwrap() += 1;
        let mut answers = self.answers.lock().unwrap();
        let first = answers.pop_front().unwrap();
        if answers.is_empty() {
            answers.push_back(first.clone());
        }
        let found = first.into_iter().map(|address| SocketAddr::new(address, 0));
        Box::pin(async { Ok(Box::new(found) as Addrs) })
    }
}

pub const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

impl Site {
    pub async fn new() -> Self {
        let authority = Authority::new("a test");
        let listener = authority.listen("client.example").await;
        let port = listener.local_addr().unwrap().port();
        let says: Says = Arc::new(Mutex::new(Arc::new(Response::default)));
        let (asked, knocked) = (Arc::<Mutex<Vec<String>>>::default(), Arc::default());
        let site = Self {
            port,
            authority: Certificate::from_pem(authority.pem().as_bytes()).unwrap(),
            asked: asked.clone(),
            says: says.clone(),
            knocked,
        };
        let knocked = site.knocked.clone();
        let answer = async move |request: Request| {
            asked.lock().unwrap().push(request.uri().to_string());
            knocked.notify_one();
            let says = says.lock().unwrap().clone();
            says()
        };
        tokio::spawn(axum::serve(listener, Router::new().fallback(answer)).into_future());
        site
    }

    pub fn id(&self, path: &str) -> String {
        format!("https://client.example:{}{path}", self.port)
    }

    /// What it answers from now on.
    pub fn says(&self, says: impl Fn() -> Response + Send + Sync + 'static) {
        *self.says.lock().unwrap() = Arc::new(says);
    }

    pub fn says_json(&self, document: &Value) {
        let text = document.to_string();
        self.says(move || json_answer(&text));
    }

    /// What was asked for, in order.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    /// Whoever finds it by these names, and thinks that of addresses.
    pub fn documents_by(&self, names: &Names, may_be_asked: fn(IpAddr) -> bool) -> Documents {
        let names = Arc::new(names.clone());
        let authorities = vec![self.authority.clone()];
        Documents::dangerously_asking(authorities, names, may_be_asked).unwrap()
    }

    pub fn documents(&self) -> Documents {
        self.documents_by(&Names::new([vec![HERE]]), |_| true)
    }
}

pub fn json_answer(text: &str) -> Response {
    Response::builder()
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::CONNECTION, "close") // so that the name is asked for again
        .body(text.to_owned().into())
        .unwrap()
}

/// A document as it should be.
pub fn document(id: &str) -> Value {
    json!({
        "client_id": id, "client_name": "A described program", "redirect_uris": ["http://localhost/callback"],
        "grant_types": ["authorization_code", "refresh_token"], "token_endpoint_auth_method": "none",
    })
}
