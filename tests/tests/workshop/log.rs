//! What does the console tell the person who runs a step? Each cause, and no secret. With the real binaries.

use serde_json::json;
use workshop_tests::issuer::Issuer;

use crate::running::Server;
#[cfg(unix)]
use crate::running::command;

#[test]
fn a_development_key_is_announced() {
    for step in 5..workshop_tests::steps::PROVIDER {
        let server = Server::start(step, &[]);
        let line = server.stderr.wait_for(|line| line.contains("development key made"));
        for words in [".workshop", "not for a server that others can reach"] {
            assert!(line.contains(words), "step {step}: {words:?} is not in: {line}");
        }
    }
}

#[test]
fn the_log_of_a_door_has_each_cause_and_never_a_token() {
    for step in 6..=workshop_tests::steps::LAST {
        let serving = tokio::runtime::Runtime::new().unwrap();
        let (server, issuer) = if step < workshop_tests::steps::PROVIDER {
            let folder = Issuer::new("not known yet", "not known yet").unwrap();
            let dir = folder.files().dir().display().to_string();
            let server = Server::start(step, &["--keys-dir", &dir]);
            let issuer = folder.named(server.url.strip_suffix("/mcp").unwrap(), &server.url);
            (server, issuer)
        } else {
            let served = serving.block_on(Issuer::served("not known yet")).unwrap();
            let server = Server::start(step, &["--issuer", served.name()]);
            let issuer = served.clone().named(served.name(), &server.url);
            (server, issuer)
        };
        let request = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo"}}"#;
        let post = |id: &str, authorization: &str, body: &str| {
            server.exchange(&format!(
                "POST /mcp HTTP/1.1\r\nHost: localhost:{}\r\nContent-Type: application/json\r\n\
                 Content-Length: {}\r\nX-Request-Id: {id}\r\nAuthorization: {authorization}\r\n\
                 Connection: close\r\n\r\n{body}",
                server.port(),
                body.len()
            ))
        };
        let ask = |id: &str, authorization: &str| post(id, authorization, request);
        let caller = json!({"sub": "the-caller", "scope": "mcp:read"});
        let good = issuer.token(&caller).unwrap();
        let old = issuer.token(&json!({"iat": 1, "exp": 1_700_000_000})).unwrap();
        ask("no-token", "Basic the-password");
        ask("two-words", "Bearer the-first the-second");
        ask("too-old", &format!("Bearer {old}"));
        let answer = ask("good", &format!("Bearer {good}"));
        assert!(answer.contains(if step < 8 { "200 OK" } else { "403 Forbidden" }), "{answer}");
        for (id, words) in
            [("no-token", "refused"), ("two-words", "refused"), ("too-old", "it has expired")]
        {
            let fits = |line: &str| line.contains(id) && line.contains(words);
            server.stderr.wait_for(fits);
        }
        // a notification runs no method, so there is nothing to refuse (T5)
        let notified = request.replace(r#""id":1,"#, "");
        let answer = post("notified", &format!("Bearer {good}"), &notified);
        assert!(answer.contains("202 Accepted"), "step {step}: {answer}");
        if step == 8 {
            let needs = "refused: tools/call needs mcp:tools, the caller has \"mcp:read\"";
            server.stderr.wait_for(|line| line.contains("good") && line.contains(needs));
        }
        server.get("/the-end");
        server.stderr.wait_for(|line| line.contains("/the-end"));
        for line in server.stderr.so_far() {
            let ran = line.contains("notified") && line.contains("refused");
            assert!(!ran, "step {step}: a notification was taken for a request: {line:?}");
            for secret in [&*old, &*good, "the-password", "the-first", "the-second"] {
                let signature = secret.rsplit('.').next().unwrap();
                assert!(!line.contains(signature), "step {step}: a secret is in {line:?}");
            }
        }
    }
}

#[test]
fn nobody_fills_the_log_with_one_request() {
    let long = "x".repeat(60_000);
    for step in 1..=workshop_tests::steps::LAST {
        let server = Server::start(step, &[]);
        server.get(&format!("/{long}"));
        server.stderr.wait_for(|line| line.contains("GET /xxx"));
        if step > 1 {
            for header in ["Host", "Origin"] {
                let port = server.port();
                let host =
                    if header == "Host" { "" } else { &format!("Host: localhost:{port}\r\n") };
                let answer = server.exchange(&format!(
                    "GET / HTTP/1.1\r\n{host}{header}: {long}\r\nConnection: close\r\n\r\n"
                ));
                assert!(answer.contains("403 Forbidden"), "step {step}: {answer}");
                let refused = format!("the {} is", header.to_lowercase());
                server.stderr.wait_for(|line| line.contains(&refused));
            }
        }
        for line in server.stderr.so_far() {
            assert!(line.len() < 500, "step {step}: a line of {} bytes", line.len());
        }
    }
}

#[cfg(unix)] // elsewhere a program is not asked to stop, so its last line may be missing
#[test]
fn how_much_is_in_the_log_can_be_set_for_all_and_for_a_part() {
    let lines = |levels: &str| {
        let folder = tempfile::tempdir().unwrap();
        let mut command = command("step2", &folder);
        command.args(["--port", "0"]).env("RUST_LOG", levels);
        let server = Server::of(command, folder);
        server.get("/health");
        server.signal("TERM");
        server.ended().3.join("\n")
    };
    for (levels, has_line) in [
        ("", true),
        ("info", true),
        ("step2=debug", true),
        ("error", false),
        ("common=error", false),
        ("nonsense=x", true),
    ] {
        let log = lines(levels);
        assert_eq!(log.contains("GET /health"), has_line, "{levels}: {log}");
        assert_eq!(log.contains("RUST_LOG"), levels == "nonsense=x", "{levels}: {log}");
    }
}

#[test]
fn a_path_cannot_steer_the_terminal() {
    for step in [1, 2] {
        let server = Server::start(step, &[]);
        server.get("/\u{9b}31m");
        server.stderr.wait_for(|line| line.contains("GET") && line.contains("31m"));
        assert!(!server.stderr.so_far().concat().contains('\u{9b}'), "step {step}");
    }
}

#[test]
fn a_body_that_is_not_taken_is_in_the_log_with_its_reason() {
    for step in 2..=3 {
        let server = Server::start(step, &["--max-requests", "1"]);
        for (kind, length, words) in [
            ("application/json", 2 << 20, "the body is too large"),
            ("text/plain", 2, "application/json in UTF-8, uncompressed"),
        ] {
            let (port, body) = (server.port(), " ".repeat(length));
            server.exchange(&format!(
                "POST /mcp HTTP/1.1\r\nHost: localhost:{port}\r\nContent-Type: {kind}\r\n\
                 Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            ));
            let line = server.stderr.wait_for(|line| line.contains(words));
            assert!(line.contains("refused"), "step {step}: {line}");
        }
    }
}

#[test]
fn why_a_program_gets_no_token_is_in_the_log_and_its_secret_is_not() {
    for step in 7..workshop_tests::steps::PROVIDER {
        let server = Server::start(step, &[]);
        let kind = "application/x-www-form-urlencoded";
        let secret = "grant_type=client_credentials&client_id=workshop&client_secret=not-this-one";
        for (kind, form, words) in [
            (kind, secret.to_owned(), "an unknown client, or not its secret"),
            (kind, "scope=not-this-one".to_owned(), "grant_type is missing"),
            ("text/plain", secret.to_owned(), "the body must be a form"),
            (kind, secret.repeat(300), "the body is too large"),
        ] {
            let (port, length) = (server.port(), form.len());
            server.exchange(&format!(
                "POST /token HTTP/1.1\r\nHost: localhost:{port}\r\nContent-Type: {kind}\r\n\
                 Content-Length: {length}\r\nConnection: close\r\n\r\n{form}"
            ));
            let line = server.stderr.wait_for(|line| line.contains(words));
            assert!(line.contains("no token"), "step {step}: {line}");
        }
        for line in server.stderr.so_far() {
            assert!(!line.contains("not-this-one"), "step {step}: a secret is in {line:?}");
        }
    }
}
