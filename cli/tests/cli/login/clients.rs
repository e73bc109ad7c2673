//! As whom the command logs in: named, described, registered; in this order.

use axum::{http::StatusCode, response::IntoResponse as _};
use serde_json::json;

use super::{
    fake::{Fake, answer, back, parameter},
    world::alone,
};

const DOCUMENT: &str = "https://app.example/client.json";

/// An issuer that reads documents about clients.
fn reads_documents() -> Fake {
    Fake::with_issuer(|document| document["client_id_metadata_document_supported"] = true.into())
}

#[test]
fn a_named_client_comes_before_a_document_and_that_before_a_registration() {
    for (args, expected) in [
        (&["--client-id", "named", "--client-metadata-url", DOCUMENT][..], "named"),
        (&["--client-metadata-url", DOCUMENT], DOCUMENT),
        (&[], "c-1"),
    ] {
        let fake = reads_documents();
        let done = fake.login(args);
        assert_eq!(done.status, 0, "{}", done.err);
        assert_eq!(parameter(&done.link, "client_id"), expected);
        assert_eq!(fake.asked("/token")[0].form("client_id").as_deref(), Some(expected));
        assert_eq!(fake.asked("/register").len(), usize::from(expected == "c-1"));
    }
}

#[test]
fn a_document_is_of_no_use_where_nobody_reads_it() {
    let fake = Fake::new(|_| None);
    let done = fake.login(&["--client-metadata-url", DOCUMENT]);
    assert_eq!(done.status, 0, "{}", done.err);
    assert_eq!(parameter(&done.link, "client_id"), "c-1");
    assert!(done.err.contains("does not read documents about clients"), "{}", done.err);
}

#[test]
fn a_registration_says_what_this_command_is() {
    let fake = Fake::new(|_| None);
    let done = fake.login(&[]);
    let said = fake.asked("/register").remove(0).body;
    let redirect = parameter(&done.link, "redirect_uri");
    assert_eq!(said["redirect_uris"], json!(["http://127.0.0.1/callback", redirect]));
    assert_eq!(said["application_type"], "native");
    assert_eq!(said["token_endpoint_auth_method"], "none");
    assert_eq!(said["grant_types"], json!(["authorization_code", "refresh_token"]));
    assert_eq!(said.get("scope"), None, "or a later login could ask for no more");
}

/// Others may take a port in between, but not each time.
const TRIES: usize = 5;

#[test]
fn a_registration_is_used_again_and_its_port_too() {
    let fake = Fake::new(|_| None);
    let redirect = || {
        let done = fake.login(&[]);
        assert_eq!(done.status, 0, "{}", done.err);
        parameter(&done.link, "redirect_uri")
    };
    let first = redirect();
    assert!((0..TRIES).any(|_| redirect() == first), "it was free again");
    let port = reqwest::Url::parse(&first).unwrap().port().unwrap();
    let taken = std::net::TcpListener::bind(("127.0.0.1", port));
    assert_ne!(redirect(), first);
    assert_eq!(fake.asked("/register").len(), 1, "RFC 8252 §7.3: the port does not count");
    drop(taken);
}

#[test]
fn a_registration_that_the_issuer_has_forgotten_is_renewed_once() {
    for how in ["page", "redirect", "token"] {
        let fake = Fake::new(move |seen| {
            let registered =
                seen.text.contains("client_id=c-2") || seen.path.contains("client_id=c-2");
            match seen.path.split('?').next().unwrap() {
                "/register" => Some(answer(201, json!({"client_id": "c-2"}))),
                "/authorize" if how == "page" && !registered => {
                    Some(StatusCode::BAD_REQUEST.into_response())
                }
                "/authorize" if how == "redirect" && !registered => {
                    let to = parameter(&format!("http://a{}", seen.path), "redirect_uri");
                    let to = format!("{to}?error=unauthorized_client");
                    Some((StatusCode::FOUND, [("location", to)]).into_response())
                }
                "/token" if how == "token" && !registered => {
                    Some(answer(401, json!({"error": "invalid_client"})))
                }
                _ => None,
            }
        });
        assert_eq!(fake.login(&[]).status, 0);
        fake.logins.change("clients", |kept| kept["client"]["id"] = "c-1".into());
        let mut command = fake.logins.command("login");
        command.args([&fake.server.url(), "--no-browser"]);
        // the second question comes only where the token endpoint was the one to tell
        let done = with_all_links(command);
        assert_eq!(done.0, 0, "{how}: {}", done.1);
        assert!(done.1.contains("it registers anew"), "{how}: {}", done.1);
        assert_eq!(fake.asked("/register").len(), 2, "{how}");
        assert_eq!(fake.logins.login()["client"]["id"], "c-2", "{how}");
    }
}

#[test]
fn a_guard_that_lets_browsers_alone_pass_is_no_reason_to_register_anew() {
    for status in [403, 404, 503] {
        let fake = Fake::new(move |seen| {
            let is_page = seen.path.starts_with("/authorize");
            is_page.then(|| StatusCode::from_u16(status).unwrap().into_response())
        });
        assert_eq!(fake.login(&[]).status, 0);
        assert_eq!(fake.login(&[]).status, 0);
        assert_eq!(fake.asked("/register").len(), 1, "{status}");
    }
}

#[test]
fn an_issuer_that_never_knows_anybody_is_not_asked_again_and_again() {
    let fake = Fake::with_token(|| answer(401, json!({"error": "invalid_client"})));
    let first = fake.login(&[]);
    assert_eq!(first.status, 3, "{}", first.err);
    assert_eq!(fake.asked("/register").len(), 1, "a new registration is not renewed");
    let mut command = fake.logins.command("login");
    command.args([&fake.server.url(), "--no-browser"]);
    let (status, err) = with_all_links(command);
    assert_eq!(status, 3, "{err}");
    assert_eq!(fake.asked("/register").len(), 2);
}

/// Every link is opened; status and stderr.
fn with_all_links(mut command: std::process::Command) -> (i32, String) {
    use std::io::BufRead as _;
    command.stdin(std::process::Stdio::null()).stdout(std::process::Stdio::null());
    let mut child = command.stderr(std::process::Stdio::piped()).spawn().unwrap();
    let mut err = String::new();
    for line in std::io::BufReader::new(child.stderr.take().unwrap()).lines() {
        let line = line.unwrap();
        if line.starts_with("  http") {
            back(line.trim(), |_| ());
        }
        err.push_str(&line);
        err.push('\n');
    }
    (child.wait().unwrap().code().unwrap(), err)
}

#[test]
fn without_any_way_to_be_known_the_person_is_told_what_to_ask_for() {
    let fake = Fake::with_issuer(|document| {
        document.as_object_mut().unwrap().remove("registration_endpoint");
    });
    let done = fake.login_with(&[], |link| panic!("nobody should be asked: {link}"));
    assert_eq!(done.status, 1);
    for words in ["does not let programs register", "http://127.0.0.1/callback", "--client-id"] {
        assert!(done.err.contains(words), "{}", done.err);
    }
    let closed = Fake::new(|seen| {
        let refusal = json!({"error": "invalid_client_metadata", "error_description": "not here"});
        (seen.path == "/register").then(|| answer(403, refusal))
    });
    let done = closed.login_with(&[], |link| panic!("nobody should be asked: {link}"));
    assert!(done.err.contains("(403 invalid_client_metadata: not here)"), "{}", done.err);
}

#[test]
fn what_one_issuer_has_given_is_shown_to_no_other() {
    use std::sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    };
    let other = Fake::new(|seen| {
        (seen.path == "/register").then(|| answer(201, json!({"client_id": "c-other"})))
    });
    let (moved, there) = (Arc::new(AtomicBool::new(false)), other.server.origin.clone());
    let has_moved = moved.clone();
    let fake = Fake::with_resource(move |document| {
        if has_moved.load(SeqCst) {
            document["authorization_servers"] = json!([there]);
        }
    });
    assert_eq!(fake.login(&[]).status, 0);
    moved.store(true, SeqCst);
    let done = fake.login(&[]);
    assert_eq!(done.status, 0, "{}", done.err);
    assert_eq!(parameter(&done.link, "client_id"), "c-other");
    for seen in other.server.seen() {
        let all = format!("{} {:?} {}", seen.path, seen.headers, seen.text);
        assert!(!["c-1", "at-1", "rt-1"].iter().any(|word| all.contains(word)), "{all}");
    }
    // and what is kept of the new login is renewed where it is from
    fake.logins.change("logins", |login| login["tokens"]["expires"] = 1.into());
    assert_eq!(alone(fake.call(&["discover"])).status, 0);
    assert_eq!((fake.asked("/token").len(), other.asked("/token").len()), (1, 2));
    assert_eq!(fake.logins.files("clients").len(), 2);
}

#[test]
fn a_port_that_is_named_is_the_one_or_none() {
    let fake = Fake::new(|_| None);
    let used = (0..TRIES).any(|_| {
        let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = taken.local_addr().unwrap().port().to_string();
        let named = ["--client-id", "named", "--callback-port", &port];
        let done = fake.login_with(&named, |link| panic!("nobody should be asked: {link}"));
        assert_eq!(done.status, 1, "{}", done.err);
        assert!(done.err.contains(&format!("cannot listen at port {port}")), "{}", done.err);
        drop(taken);
        let redirect = format!("http://127.0.0.1:{port}/callback");
        let done = fake.login(&named);
        done.status == 0 && parameter(&done.link, "redirect_uri") == redirect
    });
    assert!(used, "{TRIES} ports, and none was used");
}
