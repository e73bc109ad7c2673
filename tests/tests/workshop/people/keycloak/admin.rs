//! What an administrator of Keycloak does, by its Admin API.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use mcp_auth::issuer::{disk::random, keys::SigningKey};
use reqwest::{Client, Method, Response};
use serde_json::{Value, json};

use super::{World, text, told};

pub struct Admin {
    client: Client,
    realm: String,
    pub token: String,
}

fn client() -> Client {
    Client::builder().no_proxy().tls_certs_only([]).build().unwrap()
}

impl Admin {
    pub async fn new(world: &World) -> Self {
        let (root, realm) = world.login.issuer.split_once("/realms/").unwrap();
        let client = client();
        let form = [
            ("grant_type", "password"),
            ("client_id", "admin-cli"),
            ("username", "admin"),
            ("password", "admin"),
        ];
        let answer = client.post(format!("{root}/realms/master/protocol/openid-connect/token"));
        let answer: Value = answer.form(&form).send().await.unwrap().json().await.unwrap();
        let realm = format!("{root}/admin/realms/{realm}");
        Self { client, realm, token: text(&answer, "access_token") }
    }

    async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Response {
        let mut request = self.client.request(method, format!("{}/{path}", self.realm));
        request = request.bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        answer
    }

    async fn get(&self, path: &str) -> Value {
        self.ask(Method::GET, path, None).await.json().await.unwrap()
    }

    pub async fn put(&self, path: &str, body: Value) {
        self.ask(Method::PUT, path, Some(body)).await;
    }

    /// The id of what was made.
    async fn post(&self, path: &str, body: Value) -> String {
        let answer = self.ask(Method::POST, path, Some(body)).await;
        let made = answer.headers()["location"].to_str().unwrap();
        made.rsplit('/').next().unwrap().to_owned()
    }

    /// A public client with these mappers and attributes, which may ask with passwords; its client id.
    pub async fn client(&self, mappers: Value, attributes: Value) -> String {
        let name = format!("test-{}", random());
        let client = json!({
            "clientId": name,
            "publicClient": true,
            "standardFlowEnabled": false,
            "directAccessGrantsEnabled": true,
            "fullScopeAllowed": false,
            "defaultClientScopes": ["basic"],
            "optionalClientScopes": [],
            "protocolMappers": mappers,
            "attributes": attributes,
        });
        self.post("clients", client).await;
        name
    }

    pub async fn id_of(&self, client: &str) -> String {
        text(&self.get(&format!("clients?clientId={client}")).await[0], "id")
    }

    pub async fn scope(&self, name: &str) -> String {
        let all = self.get("client-scopes").await;
        let scope = all.as_array().unwrap().iter().find(|scope| scope["name"] == name);
        text(scope.unwrap(), "id")
    }

    /// A new person with this role: id, name and password.
    pub async fn person(&self, role: &str) -> ((String, String), String) {
        let (name, word) = (format!("p-{}", random().to_ascii_lowercase()), random());
        let person = json!({
            "username": name,
            "enabled": true,
            "email": format!("{name}@example.com"),
            "emailVerified": true,
            "firstName": "A",
            "lastName": "Person",
            "credentials": [{"type": "password", "value": word}],
        });
        let id = self.post("users", person).await;
        let role = self.get(&format!("roles/{role}")).await;
        let path = format!("users/{id}/role-mappings/realm");
        self.ask(Method::POST, &path, Some(json!([role]))).await;
        ((id, name), word)
    }

    /// Signs with a new key from now on.
    pub async fn new_key(&self) {
        let realm = text(&self.get("").await, "id");
        let all = self.get("components?type=org.keycloak.keys.KeyProvider").await;
        let highest = all.as_array().unwrap().iter().filter_map(|key| {
            key["config"]["priority"][0].as_str().and_then(|text| text.parse::<u32>().ok())
        });
        let priority = (highest.max().unwrap_or(100) + 10).to_string();
        let key = json!({
            "name": format!("rsa-{priority}"),
            "providerId": "rsa-generated",
            "providerType": "org.keycloak.keys.KeyProvider",
            "parentId": realm,
            "config": {
                "priority": [priority], "enabled": ["true"], "active": ["true"],
                "keySize": ["2048"], "algorithm": ["RS256"],
            },
        });
        self.post("components", key).await;
    }

    /// Takes the key of this name away.
    pub async fn forget_key(&self, kid: &str) {
        let keys = self.get("keys").await;
        let key = keys["keys"].as_array().unwrap().iter().find(|key| key["kid"] == kid).cloned();
        let provider = text(&key.unwrap(), "providerId");
        self.ask(Method::DELETE, &format!("components/{provider}"), None).await;
    }
}

/// The name of the key that has signed a token.
pub fn kid(token: &str) -> String {
    let header = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
    text(&serde_json::from_slice(&header).unwrap(), "kid")
}

/// The answer of the token endpoint to a client that shows that it has a key (RFC 9449).
pub async fn with_proof(key: &SigningKey, endpoint: &str) -> Value {
    let jwk = key.jwk().unwrap();
    let public = json!({"kty": jwk["kty"], "crv": jwk["crv"], "x": jwk["x"], "y": jwk["y"]});
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let header = json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": public});
    let claims = json!({"htm": "POST", "htu": endpoint, "iat": now, "jti": random()});
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let proof = key.sign(&format!("{}.{}", part(&header), part(&claims))).unwrap();
    let form = [
        ("grant_type", "password"),
        ("client_id", "mcp-test-client"),
        ("username", "mcp-user"),
        ("password", "user123"),
        ("scope", "mcp:read"),
        ("resource", &told("WORKSHOP_AUDIENCE")),
    ];
    let answer = client().post(endpoint).header("dpop", proof).form(&form).send().await.unwrap();
    answer.json().await.unwrap()
}
