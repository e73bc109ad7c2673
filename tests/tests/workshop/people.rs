//! Does everybody get what his roles allow, and nothing else? People log in at the place that step 9 brings, and the same at
//! Keycloak: those tests are ignored here, and run by `scripts/check_all.sh`, which starts one.

use serde_json::{Value, json};
use workshop_tests::{Target, Token, browser::Login};

use crate::running::Server;

mod keycloak;

const ALL: [&str; 3] = ["mcp:read", "mcp:tools", "mcp:prompts"];

/// Name, password, and what their roles let them give away.
const PEOPLE: [(&str, &str, &[&str]); 3] = [
    ("mcp-admin", "admin123", &ALL),
    ("mcp-user", "user123", &["mcp:read", "mcp:tools"]),
    ("mcp-guest", "guest123", &["mcp:read"]),
];

const METHODS: [(&str, &[&str]); 7] = [
    ("server/discover", &[]),
    ("initialize", &[]),
    ("ping", &[]),
    ("tools/list", &["mcp:read", "mcp:tools"]),
    ("tools/call", &["mcp:tools"]),
    ("prompts/list", &["mcp:read", "mcp:prompts"]),
    ("prompts/get", &["mcp:prompts"]),
];

/// Step 9, and a client at its issuer.
struct World {
    server: Server,
    login: Login,
    /// Whom tokens are for.
    resource: String,
}

impl World {
    /// With people of its own.
    async fn embedded() -> Self {
        let server = Server::start(9, &[]);
        let line = server.stdout.wait_for(|line| line.starts_with("log in at "));
        let issuer = line.split(' ').nth(3).unwrap();
        let login = Login::at(issuer, &ALL.join(" ")).await.unwrap();
        let resource = server.url.clone();
        Self { server, login, resource }
    }

    /// The answer of the token endpoint for a person who allows all that is asked and can be given.
    async fn tokens(&self, person: &str, scopes: &str) -> Result<Value, String> {
        let (name, password, _) = PEOPLE.into_iter().find(|known| known.0 == person).unwrap();
        self.login.tokens((name, password), scopes, &self.resource).await
    }

    async fn token(&self, person: &str, scopes: &str) -> String {
        text(&self.tokens(person, scopes).await.unwrap(), "access_token")
    }

    fn with(&self, token: &str) -> Target {
        Target::url(&self.server.url, 9).unwrap().with_caller(Some(Token(token.to_owned())))
    }

    async fn status(&self, token: &str) -> u16 {
        self.with(token).modern("server/discover", json!({})).send().await.unwrap().status.as_u16()
    }
}

fn text(answer: &Value, name: &str) -> String {
    answer[name].as_str().unwrap_or_else(|| panic!("no {name} in {answer}")).to_owned()
}

/// Each way to ask for one scope or more.
fn asked() -> impl Iterator<Item = Vec<&'static str>> {
    (1..8_u8).map(|bits| (0..3).filter(|at| bits >> at & 1 == 1).map(|at| ALL[at]).collect())
}

async fn each_scope_opens_its_methods_for_those_who_may_give_it(world: World) {
    for (person, _, may) in PEOPLE {
        for scopes in asked() {
            let given: Vec<_> =
                scopes.iter().copied().filter(|scope| may.contains(scope)).collect();
            let who = format!("{person}, who is asked for {scopes:?}");
            match world.tokens(person, &scopes.join(" ")).await {
                Ok(answer) => may_do(&world, &text(&answer, "access_token"), &given, &who).await,
                // an issuer may say so at once
                Err(error) => assert_eq!((&*error, given.len()), ("access_denied", 0), "{who}"),
            }
        }
    }
}

async fn may_do(world: &World, token: &str, given: &[&str], who: &str) {
    let target = world.with(token);
    for (method, needs) in METHODS {
        let params = match method {
            "tools/call" => json!({"name": "echo", "arguments": {"message": "hi"}}),
            "prompts/get" => json!({"name": "help"}),
            _ => json!({}),
        };
        let calls = match method {
            "server/discover" => vec![target.modern(method, params)],
            "initialize" | "ping" => vec![target.legacy(method, params)],
            _ => vec![target.modern(method, params.clone()), target.legacy(method, params)],
        };
        for call in calls {
            let answer = call.with(who).send().await.unwrap();
            if given.is_empty() {
                answer.refused(401).unwrap(); // the token of who registered itself is for us by our scopes alone
            } else if needs.is_empty() || needs.iter().any(|scope| given.contains(scope)) {
                answer.result().unwrap();
            } else {
                answer.refused(403).unwrap();
            }
        }
    }
}

async fn the_server_knows_who_is_calling(world: World) {
    for (person, _, may) in &PEOPLE[..2] {
        let token = world.token(person, &ALL.join(" ")).await;
        let target = world.with(&token);
        let answer = target.modern("tools/call", json!({"name": "whoami"})).send().await.unwrap();
        let who = answer.result().unwrap()["structuredContent"].clone();
        let told = who["name"].as_str().or(who["subject"].as_str());
        assert_eq!(told, Some(*person), "{who}");
        assert_eq!(who["client"], world.login.client_id, "{who}");
        let scopes: Vec<_> =
            who["scopes"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        let ours: Vec<_> = scopes.iter().filter(|scope| scope.starts_with("mcp:")).collect();
        assert_eq!(ours.len(), may.len(), "{who}");
        assert!(may.iter().all(|scope| scopes.contains(scope)), "{who}");
    }
    let token = world.token("mcp-admin", "mcp:read mcp:prompts").await;
    let params = json!({"name": "greeting", "arguments": {"name": "Ada"}});
    let answer = world.with(&token).modern("prompts/get", params).send().await.unwrap();
    let greeting = answer.result().unwrap().to_string();
    assert!(greeting.contains("Ada") && greeting.contains("mcp-admin"), "{greeting}");
}

async fn a_refresh_token_opens_nothing_and_is_worth_a_new_token_with_no_more_scope(world: World) {
    let first = world.tokens("mcp-admin", "mcp:read").await.unwrap();
    let refresh = text(&first, "refresh_token");
    assert_eq!(world.status(&refresh).await, 401);
    let more = [
        ("grant_type", "refresh_token"),
        ("refresh_token", &refresh),
        ("scope", "mcp:read mcp:tools"),
    ];
    // to ask for more is refused, or passed over
    let refresh = match world.login.token(&more).await {
        Ok(answer) => {
            let call = world.with(&text(&answer, "access_token"));
            let call = call.modern("tools/call", json!({"name": "whoami"})).send().await.unwrap();
            call.refused(403).unwrap();
            text(&answer, "refresh_token")
        }
        Err(error) => {
            assert!(error.contains("invalid_scope"), "{error}");
            refresh
        }
    };
    let again = [("grant_type", "refresh_token"), ("refresh_token", &*refresh)];
    let second = world.login.token(&again).await.unwrap();
    may_do(&world, &text(&second, "access_token"), &["mcp:read"], "after a refresh").await;
}

async fn a_wrong_password_gives_nothing(world: World) {
    let asked = world.login.tokens(("mcp-admin", "user123"), "mcp:read", &world.resource).await;
    assert!(asked.is_err_and(|error| error.contains("asked for a password again")));
}

/// Each of these for the people of step 9, and for those of Keycloak.
macro_rules! both {
    ($($name:ident)*) => {
        mod embedded {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                super::$name(super::World::embedded().await).await;
            })*
        }
        mod at_keycloak {
            $(#[tokio::test(flavor = "multi_thread")]
            #[ignore = "needs Keycloak: scripts/check_all.sh --only keycloak"]
            async fn $name() {
                super::$name(super::World::keycloak().await).await;
            })*
        }
    };
}

both! {
    each_scope_opens_its_methods_for_those_who_may_give_it
    the_server_knows_who_is_calling
    a_refresh_token_opens_nothing_and_is_worth_a_new_token_with_no_more_scope
    a_wrong_password_gives_nothing
}
