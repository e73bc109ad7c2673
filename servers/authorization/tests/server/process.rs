//! The program itself: started, asked, killed, and started again.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, Command, Output, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::world::{Answer, LOCAL, VERIFIER, encoded, request};

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_authorization"));
    command.args(arguments).current_dir(folder).env_clear();
    command
}

fn run(folder: &Path, arguments: &[&str], input: &str) -> Output {
    let mut command = command(folder, arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // a program that fails before it reads has closed its end
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let deadline = Instant::now() + Duration::from_secs(30);
    while child.try_wait().unwrap().is_none() {
        if Instant::now() > deadline {
            let _ = child.kill(); // it serves, where it should have said why it does not
        }
        thread::sleep(Duration::from_millis(5));
    }
    child.wait_with_output().unwrap()
}

fn said(output: &Output) -> (bool, String) {
    let text = [&output.stdout[..], &output.stderr].concat();
    (output.status.success(), String::from_utf8(text).unwrap())
}

/// A server that ends with this value.
struct Running {
    child: Child,
    url: String,
}

impl Running {
    fn start(folder: &Path, arguments: &[&str]) -> Self {
        let mut command = command(folder, arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut url = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut url).unwrap();
        assert!(url.starts_with("http"), "it did not start: {url:?}");
        Self { child, url: url.trim().to_owned() }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill(); // as `kill -9` does
        let _ = self.child.wait();
    }
}

/// A browser and a client in one.
struct Visitor {
    http: reqwest::Client,
    url: String,
    cookie: Option<String>,
}

/// The server went away before it answered.
#[derive(Debug)]
struct CutOff;

impl Visitor {
    fn new(url: &str) -> Self {
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
        let http = http.no_proxy().timeout(Duration::from_secs(20)).build().unwrap();
        Self { http, url: url.to_owned(), cookie: None }
    }

    async fn sent(&mut self, request: reqwest::RequestBuilder) -> Result<Answer, CutOff> {
        let request = match &self.cookie {
            Some(cookie) => request.header("cookie", cookie),
            None => request,
        };
        let answer = request.send().await.map_err(|_| CutOff)?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let text = answer.text().await.map_err(|_| CutOff)?;
        if let Some(set) = headers.get("set-cookie") {
            self.cookie = Some(set.to_str().unwrap().split(';').next().unwrap().to_owned());
        }
        Ok(Answer { status, headers, text })
    }

    async fn get(&mut self, path: &str) -> Result<Answer, CutOff> {
        let request = self.http.get(format!("{}{path}", self.url));
        self.sent(request).await
    }

    async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Result<Answer, CutOff> {
        let request = self.http.post(format!("{}{path}", self.url));
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        self.sent(request.body(encoded(fields))).await
    }

    /// A code: logs in where that is asked, and says yes.
    async fn code(&mut self, client: &str) -> Result<String, CutOff> {
        let path = request(client, LOCAL, &[]);
        let mut page = self.get(&path).await?;
        if page.text.contains("Password") {
            let (request, csrf) = (page.hidden("request"), page.hidden("csrf"));
            let fields = [
                ("request", &*request),
                ("csrf", &csrf),
                ("username", "mcp-user"),
                ("password", "user123"),
            ];
            self.post("/login", &fields).await?;
            page = self.get(&path).await?;
        }
        let (request, csrf) = (page.hidden("request"), page.hidden("csrf"));
        let fields = [("request", &*request), ("csrf", &csrf), ("decision", "allow")];
        let answer = self.post("/consent", &fields).await?;
        Ok(answer.parameter("code").unwrap_or_else(|| panic!("{} {}", answer.status, answer.text)))
    }

    /// The refresh token for a code or an earlier one; `None` when that is refused.
    async fn tokens(
        &mut self,
        client: &str,
        grant: &str,
        name: &str,
        value: &str,
    ) -> Result<Option<String>, CutOff> {
        let fields = [
            ("grant_type", grant),
            (name, value),
            ("client_id", client),
            ("code_verifier", VERIFIER),
        ];
        let answer = self.post("/token", &fields).await?;
        match answer.status {
            200 => Ok(Some(answer.json()["refresh_token"].as_str().unwrap().to_owned())),
            400 if answer.json()["error"] == "invalid_grant" => Ok(None),
            _ => panic!("{} {}", answer.status, answer.text),
        }
    }

    async fn for_code(&mut self, client: &str, code: &str) -> Result<Option<String>, CutOff> {
        self.tokens(client, "authorization_code", "code", code).await
    }

    async fn refreshed(&mut self, client: &str, token: &str) -> Result<Option<String>, CutOff> {
        self.tokens(client, "refresh_token", "refresh_token", token).await
    }
}

fn clients(folder: &TempDir) {
    let list = format!(r#"[{{"client_id": "local", "redirect_uris": ["{LOCAL}"]}}]"#);
    std::fs::write(folder.path().join("clients.json"), list).unwrap();
}

fn free_port() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port().to_string()
}

/// Kills the server again and again while clients log in, refresh and use things twice. What a client has received stays
/// good; what was used stays used; whoever got no answer begins anew.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_pulls_the_plug_takes_nothing_from_anybody_and_gives_nothing_back() {
    let flows: usize = std::env::var("AUTHORIZATION_FLOWS").map_or(60, |n| n.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    clients(&folder);
    let port = free_port();
    let path = folder.path().to_owned();
    let start = move || {
        Running::start(&path, &["--port", &port, "--clients", "clients.json", "--no-rate-limits"])
    };
    let server = Arc::new(Mutex::new(start()));
    let url = server.lock().unwrap().url.clone();
    let (done, killed) = (Arc::new(AtomicBool::new(false)), server.clone());
    let (is_done, mut kills) = (done.clone(), 0_u64);
    let killer = thread::spawn(move || {
        while !is_done.load(SeqCst) {
            // at another moment of a flow each time
            thread::sleep(Duration::from_millis(40 + kills * 37 % 211));
            let mut server = killed.lock().unwrap();
            server.child.kill().unwrap();
            server.child.wait().unwrap();
            *server = start();
            kills += 1;
        }
        kills
    });

    let mut visitor = Visitor::new(&url);
    let (mut kept, mut cut_off) = (Vec::new(), 0_usize);
    while kept.len() < flows {
        // what was received, and has been used as far as we were told
        let mut used = Vec::new();
        let flow = async {
            let code = visitor.code("local").await?;
            let first = visitor.for_code("local", &code).await?;
            let first = first.expect("a code that was received is good");
            used.push(first.clone());
            let second = visitor.refreshed("local", &first).await?;
            Ok::<_, CutOff>((code, second.expect("a token that was received is good")))
        };
        match flow.await {
            Ok((code, token)) => kept.push((code, used.remove(0), token)),
            Err(CutOff) => {
                cut_off += 1;
                while visitor.get("/health").await.is_err() {
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
            }
        }
    }
    done.store(true, SeqCst);
    let kills = killer.join().unwrap();
    println!("{flows} flows, {kills} kills, {cut_off} flows were cut off");
    assert!(kills >= 2 && cut_off >= 1, "nothing was tried: {kills} kills, {cut_off} cut off");
    for (number, (code, first, second)) in kept.iter().enumerate() {
        let third = visitor.refreshed("local", second).await.unwrap();
        let third =
            third.unwrap_or_else(|| panic!("flow {number}: a token that was received is gone"));
        let again = match number % 2 {
            0 => visitor.for_code("local", code).await.unwrap(),
            _ => visitor.refreshed("local", first).await.unwrap(),
        };
        assert_eq!(again, None, "flow {number}: what was used is good again");
        let after = visitor.refreshed("local", &third).await.unwrap();
        assert_eq!(
            after, None,
            "flow {number}: the family lives on after something was used twice"
        );
    }
}

#[tokio::test]
async fn it_works_at_once_and_says_what_somebody_wants_to_know() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = command(folder.path(), &["--port", "0"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let url = lines.next().unwrap().unwrap();
    let mut visitor = Visitor::new(&url);
    let ready = visitor.get("/ready").await.unwrap();
    let document = visitor.get("/.well-known/oauth-authorization-server").await.unwrap().json();
    assert_eq!((ready.status, &document["issuer"]), (200, &url.as_str().into()));
    assert_eq!(visitor.get("/health").await.unwrap().status, 200);
    assert_eq!(visitor.get("/nothing").await.unwrap().status, 404);
    if cfg!(unix) {
        let _ = Command::new("kill").arg(child.id().to_string()).status().unwrap();
        assert!(child.wait().unwrap().success(), "it ends well when it is told to");
    } else {
        child.kill().unwrap(); // there is no Ctrl-C for a process without a console
        child.wait().unwrap();
    }
    let text: Vec<_> = lines.map(Result::unwrap).collect();
    let text = text.join("\n");
    for told in ["mcp-guest / guest123", "curl http", "/register"] {
        assert!(text.contains(told), "{told}: {text}");
    }
    #[cfg(unix)]
    for private in ["authorization.db", "audit.jsonl", "keys"] {
        use std::os::unix::fs::PermissionsExt as _;
        let path = folder.path().join(".workshop/authorization").join(private);
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{private}");
    }
}

#[test]
fn outside_of_development_nothing_is_left_to_chance() {
    let folder = tempfile::tempdir().unwrap();
    let add = |name: &str, password: &str| {
        let arguments = ["user", "add", name, "--role", "user", "--people", "people.json"];
        assert!(run(folder.path(), &arguments, password).status.success());
    };
    add("alice", "a good password\n");
    let https = "--issuer=https://as.example";
    let resource = "--resource=https://mcp.example/mcp";
    for (arguments, why) in [
        (&["--issuer=http://as.example"][..], "begin with https://"),
        (&["--host=0.0.0.0"], "begin with https://"),
        (&[https], "--data"),
        (&[https, "--data=data"], "--people"),
        (&[https, "--data=data", "--people=people.json"], "--resource"),
        (&[https, "--data=data", "--people=nobody.json", resource], "nobody.json"),
        (
            &[https, "--data=data", "--people=people.json", "--resource=http://mcp.example/mcp"],
            "https",
        ),
        (
            &[https, "--data=data", "--people=people.json", "--resource=https://mcp.example/mcp#x"],
            "fragment",
        ),
        (
            &[https, "--data=data", "--people=people.json", resource, "--clients=nothing.json"],
            "nothing.json",
        ),
    ] {
        let (is_ok, text) = said(&run(folder.path(), &[arguments, &["--port=0"]].concat(), ""));
        assert!(!is_ok && text.contains(why), "{arguments:?}: {text}");
    }
    add("mcp-admin", "admin123\n");
    let known = [https, "--data=data", "--people=people.json", resource, "--port=0"];
    let (is_ok, text) = said(&run(folder.path(), &known, ""));
    assert!(!is_ok && text.contains("everybody knows the password of mcp-admin"), "{text}");
    let password = ["user", "password", "mcp-admin", "--people", "people.json"];
    assert!(run(folder.path(), &password, "another password\n").status.success());
    let server = Running::start(folder.path(), &known);
    assert_eq!(server.url, "https://as.example");
}

#[test]
fn people_are_added_changed_locked_out_and_removed() {
    let folder = tempfile::tempdir().unwrap();
    let user = |arguments: &[&str], input: &str| {
        said(&run(
            folder.path(),
            &[&["user", "--people", "people.json"], arguments].concat(),
            input,
        ))
    };
    assert!(!run(folder.path(), &["user", "list"], "").status.success(), "which file?");
    for (arguments, input, why) in [
        (&["add", "alice", "--role", "user"][..], "short\n", "at least 8"),
        (&["add", "alice", "--role", "user"], "", "at least 8"),
        (&["add", "al ice", "--role", "user"], "a good password\n", "al ice"),
        (&["add", "alice", "--role", "king"], "a good password\n", "admin, guest, user"),
        (&["add", "alice"], "a good password\n", "--role"),
        (&["disable", "alice"], "", "alice"),
    ] {
        let (is_ok, text) = user(arguments, input);
        assert!(!is_ok && text.contains(why), "{arguments:?}: {text}");
        assert!(!folder.path().join("people.json").exists(), "{arguments:?}");
    }
    assert!(user(&["add", "alice", "--role", "user", "--role", "guest"], "a good password\n").0);
    let (again, text) = user(&["add", "alice", "--role", "user"], "another password\n");
    assert!(!again && text.contains("already"), "{text}");
    assert!(user(&["add", "bob", "--role", "guest"], "a good password\n").0);
    assert!(user(&["disable", "bob"], "").0);
    assert_eq!(user(&["list"], "").1, "alice  user, guest\nbob  guest  (locked out)\n");
    assert!(user(&["enable", "bob"], "").0 && user(&["remove", "alice"], "").0);
    assert_eq!(user(&["list"], "").1, "bob  guest\n");
    let file = std::fs::read_to_string(folder.path().join("people.json")).unwrap();
    assert!(file.contains("$argon2id$") && !file.contains("a good password"));
}

#[test]
fn a_file_of_settings_gives_way_to_variables_and_those_to_flags() {
    let folder = tempfile::tempdir().unwrap();
    let write = |text: &str| std::fs::write(folder.path().join("c.toml"), text).unwrap();
    write(
        "port = 9111\nalgorithm = \"RS256\"\nresource = [\"http://localhost:1/a\", \"http://localhost:2/b\"]\n\
        [scopes]\n\"docs:read\" = \"read\"\n[roles]\neditor = [\"docs:read\"]\n",
    );
    let secret = r#"[{"client_id": "job", "client_secret": "a secret of a good length", "grant_types": ["client_credentials"]}]"#;
    mcp_auth::issuer::disk::write_new(&folder.path().join("clients.json"), secret, true).unwrap();
    let mut command = command(
        folder.path(),
        &["--config", "c.toml", "--print-config", "--port", "9333", "--clients", "clients.json"],
    );
    let (is_ok, text) = said(&command.env("AUTHORIZATION_ALGORITHM", "EdDSA").output().unwrap());
    assert!(is_ok, "{text}");
    for line in [
        "port = 9333  # flag",
        "algorithm = \"EdDSA\"  # environment",
        "resource = [\"http://localhost:1/a\", \"http://localhost:2/b\"]  # file",
        "access-token-lifetime = 300  # default",
        "editor = [\"docs:read\"]",
        "#   job, proof a secret: ********, ",
    ] {
        assert!(text.lines().any(|one| one == line), "{line}: {text}");
    }
    assert!(!text.contains("good length"), "{text}");
    std::fs::write(folder.path().join("again.toml"), &text).unwrap();
    let (is_ok, again) =
        said(&run(folder.path(), &["--config", "again.toml", "--print-config"], ""));
    assert!(
        is_ok && again.contains("port = 9333  # file"),
        "what was printed can be read: {again}"
    );
    for (bad, why) in [
        ("prt = 1", "\"prt\" is no setting"),
        ("port = ", "TOML"),
        ("port = [1, 2]", "port has one value"),
        ("port = \"x\"", "a port is a number"),
        ("port = 1.5", "port is a text"),
        ("[roles]\nking = [\"all\"]", "\"all\", which is not under [scopes]"),
        ("[scopes]\n\"a b\" = \"x\"", "cannot be a scope"),
        ("[scope]\na = \"x\"", "scope"),
    ] {
        write(bad);
        let (is_ok, text) =
            said(&run(folder.path(), &["--config", "c.toml", "--print-config"], ""));
        assert!(!is_ok && text.contains(why), "{bad}: {text}");
    }
}

#[tokio::test]
async fn a_running_server_notices_who_was_locked_out_and_which_key_is_new() {
    let folder = tempfile::tempdir().unwrap();
    clients(&folder);
    let add = ["user", "add", "mcp-user", "--role", "user", "--people", "people.json"];
    assert!(run(folder.path(), &add, "user123!\n").status.success());
    let password = ["user", "password", "mcp-user", "--people", "people.json"];
    assert!(run(folder.path(), &password, "a password\n").status.success());
    let server = Running::start(
        folder.path(),
        &[
            "--port",
            "0",
            "--clients",
            "clients.json",
            "--people",
            "people.json",
            "--no-rate-limits",
        ],
    );
    let mut visitor = Visitor::new(&server.url);
    let path = request("local", LOCAL, &[]);
    let page = visitor.get(&path).await.unwrap();
    assert!(!page.text.contains("guest123"), "nobody is shown whom nobody knows");
    let (asked, csrf) = (page.hidden("request"), page.hidden("csrf"));
    let fields = [
        ("request", &*asked),
        ("csrf", &csrf),
        ("username", "mcp-user"),
        ("password", "a password"),
    ];
    assert_eq!(visitor.post("/login", &fields).await.unwrap().status, 303);
    assert!(visitor.get(&path).await.unwrap().text.contains("Allow"));
    // another password ends what began under the one before, the session and what clients were given
    let code = visitor.code("local").await.unwrap();
    let refresh = visitor.for_code("local", &code).await.unwrap().unwrap();
    assert!(run(folder.path(), &password, "a third password\n").status.success());
    gone(&mut visitor, &path).await;
    assert_eq!(visitor.refreshed("local", &refresh).await.unwrap(), None, "a token from before");
    let page = visitor.get(&path).await.unwrap();
    let (asked, csrf) = (page.hidden("request"), page.hidden("csrf"));
    let fields = [
        ("request", &*asked),
        ("csrf", &csrf),
        ("username", "mcp-user"),
        ("password", "a third password"),
    ];
    assert_eq!(visitor.post("/login", &fields).await.unwrap().status, 303);
    assert!(visitor.get(&path).await.unwrap().text.contains("Allow"));
    let disable = ["user", "disable", "mcp-user", "--people", "people.json"];
    assert!(run(folder.path(), &disable, "").status.success());
    let (is_ok, text) = said(&run(folder.path(), &["keys", "rotate"], ""));
    assert!(is_ok && text.contains("signs in 60 seconds"), "{text}");
    gone(&mut visitor, &path).await;
    let keys: Value = visitor.get("/jwks.json").await.unwrap().json();
    assert_eq!(keys["keys"].as_array().unwrap().len(), 2);
    let (_, listed) = said(&run(folder.path(), &["keys", "list"], ""));
    assert_eq!(listed.lines().count(), 2, "{listed}");
}

/// Waits until whoever was logged in is not any more.
async fn gone(visitor: &mut Visitor, path: &str) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !visitor.get(path).await.unwrap().text.contains("Password") {
        assert!(Instant::now() < deadline, "who was locked out is still in");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
