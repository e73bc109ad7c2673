//! The whole way from the bytes of a request to the service behind the layer: whatever comes, is nobody let in who should
//! not be, and does nothing panic?
//!
//! An input is written like a request: a line with method and address, lines of headers, an empty line, the body. A line
//! `signed: HEADER | CLAIMS` becomes `Authorization: Bearer …`, signed with the issuer's key: without that the fuzzer
//! would never come past the signature. What it means to be let in rightly is written here a second time, in another way.

#![no_main]
#![allow(clippy::panic)] // how a fuzz target says what it has found

use std::{convert::Infallible, sync::mpsc};

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use axum::{
    body::{Body, to_bytes},
    http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use libfuzzer_sys::fuzz_target;
use mcp_auth::{
    AuthLayer, Clock, Identity,
    algorithm::Algorithm,
    call::ScopeTable,
    jwks::{KeySet, parse_foreign},
    jwt::{Policy, Verifier},
    metadata::ProtectedResource,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tower::{Layer as _, ServiceExt as _, service_fn};

const ISSUER: &str = "https://i.example";
const AUDIENCE: &str = "https://us.example/mcp";
const NOW: i64 = 1_800_000_000;
const LEEWAY: i64 = 5;

/// Who knocked, and what reached the service.
type Inside = Option<(Identity, HeaderMap, Vec<u8>)>;

struct House {
    pair: EcdsaKeyPair,
    layers: [AuthLayer; 2],
    runtime: tokio::runtime::Runtime,
}

thread_local!(static HOUSE: House = House::build());

impl House {
    fn build() -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let point = pair.public_key().as_ref(); // 4, x, y
        let (x, y) = (URL_SAFE_NO_PAD.encode(&point[1..33]), URL_SAFE_NO_PAD.encode(&point[33..]));
        let key = json!({"kty": "EC", "crv": "P-256", "kid": "k", "x": x, "y": y});
        let keys = parse_foreign(json!({"keys": [key]}).to_string().as_bytes()).unwrap();
        let policy = Policy::new(ISSUER, AUDIENCE).algorithms([Algorithm::Es256]);
        let clock = Clock::new(|| NOW);
        let verifier = Verifier::with_policy(KeySet::fixed(keys, clock.clone()), policy);
        let scopes = "mcp:read mcp:tools".parse().unwrap();
        let metadata = ProtectedResource::new(AUDIENCE, ISSUER, scopes).unwrap();
        let table = ScopeTable::new("mcp:read")
            .method("tools/call", "mcp:tools")
            .tool("danger", "mcp:danger")
            .resource("file:///danger", "mcp:danger");
        let layer = AuthLayer::new(metadata, verifier).unwrap().clock(clock).mcp_scopes(table);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        Self { pair, layers: [layer.clone().no_cache(), layer], runtime }
    }

    fn sign(&self, header: &[u8], claims: &[u8]) -> String {
        let [header, claims] = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part));
        let message = format!("{header}.{claims}");
        let signature = self.pair.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// The answer of this layer, and what has reached the service.
    fn ask(&self, layer: &AuthLayer, knock: &Knock) -> (u16, HeaderMap, Vec<u8>, Inside) {
        self.runtime.block_on(async {
            let (sender, receiver) = mpsc::channel();
            let service = service_fn(move |request: Request<Body>| {
                let sender = sender.clone();
                async move {
                    let (parts, body) = request.into_parts();
                    let body = to_bytes(body, usize::MAX).await.unwrap().to_vec();
                    let caller = parts.extensions.get::<Identity>().unwrap().clone();
                    sender.send((caller, parts.headers, body)).unwrap();
                    Ok::<_, Infallible>(Response::new(Body::from("in")))
                }
            });
            let (parts, body) =
                layer.layer(service).oneshot(knock.request()).await.unwrap().into_parts();
            let body = to_bytes(body, usize::MAX).await.unwrap().to_vec();
            (parts.status.as_u16(), parts.headers, body, receiver.try_recv().ok())
        })
    }
}

/// What the input says.
struct Knock {
    method: Method,
    uri: String,
    headers: HeaderMap,
    body: Vec<u8>,
    /// Header and claims of tokens that the issuer has signed.
    signed: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Knock {
    /// `None` for what no HTTP server would let through.
    fn read(house: &House, mut input: &[u8]) -> Option<Self> {
        let mut line = || {
            let end = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
            let (line, rest) = input.split_at(end);
            input = rest.get(1..).unwrap_or_default();
            line
        };
        let first = std::str::from_utf8(line()).ok()?;
        let (method, uri) = first.split_once(' ')?;
        let method = method.parse().ok()?;
        uri.parse::<axum::http::Uri>().ok()?;
        let (mut headers, mut signed) = (HeaderMap::new(), Vec::new());
        loop {
            let line = line();
            if line.is_empty() {
                break;
            }
            let colon = line.windows(2).position(|two| two == b": ")?;
            let (name, value) = (&line[..colon], &line[colon + 2..]);
            if name == b"signed" {
                let bar = value.windows(3).position(|three| three == b" | ")?;
                let (header, claims) = (&value[..bar], &value[bar + 3..]);
                let token = format!("Bearer {}", house.sign(header, claims));
                headers.append("authorization", token.parse().ok()?);
                signed.push((header.to_vec(), claims.to_vec()));
            } else {
                let value = HeaderValue::from_bytes(value).ok()?;
                headers.append(HeaderName::from_bytes(name).ok()?, value);
            }
        }
        Some(Self { method, uri: uri.to_owned(), headers, body: input.to_vec(), signed })
    }

    fn request(&self) -> Request<Body> {
        let mut request = Request::new(Body::from(self.body.clone()));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.uri.parse().unwrap();
        *request.headers_mut() = self.headers.clone();
        request
    }
}

/// A member that stands twice is an error where a struct is read.
#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: String,
    #[serde(flatten)]
    more: Map<String, Value>,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Value,
    exp: f64,
    nbf: Option<f64>,
    iat: Option<f64>,
    cnf: Option<Value>,
    typ: Option<String>,
    scope: Option<Value>,
    scopes: Option<Value>,
}

/// May the bearer of this token come in? If so, his claims.
fn is_good(header: &[u8], claims: &[u8]) -> Claims {
    let header: Header = serde_json::from_slice(header).unwrap();
    assert_eq!((&*header.alg, &*header.kid), ("ES256", "k"));
    for name in ["jwk", "jku", "x5c", "x5u", "crit", "b64", "zip", "enc"] {
        assert!(!header.more.contains_key(name), "{name}");
    }
    let claims: Claims = serde_json::from_slice(claims).unwrap();
    assert_eq!(claims.iss, ISSUER);
    assert!(!claims.sub.is_empty());
    match &claims.aud {
        Value::String(aud) => assert_eq!(aud, AUDIENCE),
        Value::Array(all) => assert!(all.iter().any(|one| one == AUDIENCE)),
        other => panic!("aud {other}"),
    }
    let (now, leeway) = (NOW as f64, LEEWAY as f64);
    assert!(claims.exp > now - leeway - 1.0, "exp {}", claims.exp);
    for from in [claims.nbf, claims.iat].into_iter().flatten() {
        assert!(from < now + leeway + 1.0, "from {from}");
    }
    assert!(claims.cnf.is_none());
    assert!(claims.typ.as_deref().is_none_or(|typ| typ == "Bearer"));
    claims
}

fn has(claims: &Claims, scope: &str) -> bool {
    [&claims.scope, &claims.scopes].into_iter().flatten().any(|value| match value {
        Value::String(words) => words.split(' ').any(|word| word == scope),
        Value::Array(words) => words.iter().any(|word| word == scope),
        _ => false,
    })
}

/// May he do what a body wants that has reached the service, whoever reads it?
fn may(claims: &Claims, body: &[u8]) {
    let text = std::str::from_utf8(body).unwrap();
    let Ok(message) = serde_json::from_str::<Value>(text) else { return }; // nobody runs it
    if !message.is_object() {
        return; // nor this
    }
    may_ask(claims, &message);
    let mut as_others_read = in_small_letters(message);
    as_others_read["params"] = in_small_letters(as_others_read["params"].take());
    may_ask(claims, &as_others_read);
}

/// As some readers do it, which take `Method` for `method`.
fn in_small_letters(value: Value) -> Value {
    match value {
        Value::Object(all) => {
            all.into_iter().map(|(name, value)| (name.to_lowercase(), value)).collect()
        }
        other => other,
    }
}

fn may_ask(claims: &Claims, message: &Value) {
    let Some(method) = message["method"].as_str() else { return };
    assert!(message.is_object() && message.get("result").is_none());
    if message.get("id").is_none() {
        assert!(method.starts_with("notifications/"), "{method} runs without an answer");
        return;
    }
    let params = &message["params"];
    let needed = match method {
        "ping" | "initialize" | "server/discover" => return,
        "tools/call" if params["name"] == "danger" => "mcp:danger",
        "resources/read" if params["uri"] == "file:///danger" => "mcp:danger",
        "tools/call" => "mcp:tools",
        _ => "mcp:read",
    };
    assert!(has(claims, needed), "{method} without {needed}");
}

fn judge(house: &House, knock: &Knock) {
    let [uncached, cached] = &house.layers;
    let (status, headers, body, inside) = house.ask(uncached, knock);
    match inside {
        None if status == 200 => {
            assert!(knock.method == Method::GET || knock.method == Method::HEAD);
            assert!(knock.uri.contains("/.well-known/oauth-protected-resource"));
        }
        None => {
            assert!([202, 400, 401, 403, 408, 413, 415].contains(&status), "{status}");
            assert!(headers.contains_key("www-authenticate") || ![401, 403].contains(&status));
            let told: Value = serde_json::from_slice(&body).unwrap_or_default();
            assert!([202, 401].contains(&status) || told.get("error").is_some(), "{status}");
        }
        Some((caller, headers, body)) => {
            assert_eq!(knock.headers.get_all("authorization").iter().count(), 1);
            let [(header, claims)] = &knock.signed[..] else { panic!("nobody has signed it") };
            let claims = is_good(header, claims);
            assert_eq!((caller.subject(), caller.issuer()), (&*claims.sub, ISSUER));
            if let Some(session) = headers.get("mcp-session-id") {
                assert!(session.as_bytes().starts_with(b"unknown-"), "no id was ever given");
            }
            if knock.method == Method::POST {
                assert_eq!(body, knock.body);
                may(&claims, &body);
            } else {
                assert!(body.is_empty());
            }
        }
    }
    // a verdict that is kept opens no more and no less
    for _ in 0..2 {
        assert_eq!(house.ask(cached, knock).0, status);
    }
}

fuzz_target!(|input: &[u8]| {
    HOUSE.with(|house| {
        if let Some(knock) = Knock::read(house, input) {
            judge(house, &knock);
        }
    });
});
