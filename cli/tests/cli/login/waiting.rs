//! How the page to log in is opened, and for how long the command waits.

use std::{
    process::Stdio,
    time::{Duration, Instant},
};

use axum::{body::Body, response::IntoResponse as _};

use super::fake::{Fake, back, back_to, parameter};

#[test]
fn an_answer_that_never_ends_is_not_waited_for() {
    let drops = || {
        let drops = futures_util::stream::unfold((), |()| async {
            tokio::time::sleep(Duration::from_millis(200)).await;
            Some((Ok::<_, std::io::Error>(" "), ()))
        });
        ([("content-type", "application/json")], Body::from_stream(drops)).into_response()
    };
    for path in [super::fake::RESOURCE, super::fake::ISSUER, "/token"] {
        let fake = Fake::new(move |seen| (seen.path == path).then(drops));
        let started = Instant::now();
        let done = fake.login(&["--timeout", "2"]);
        assert_eq!(done.status, 6, "{}", done.err);
        assert!(done.err.contains("within 2 s"), "{}", done.err);
        assert!(started.elapsed() < Duration::from_secs(20), "took {:?}", started.elapsed());
    }
}

#[test]
fn nobody_is_waited_for_longer_than_said() {
    let fake = Fake::new(|_| None);
    let done = fake.login_with(&["--timeout", "1"], |_| String::new());
    assert_eq!(done.status, 6);
    assert!(
        done.err.contains("nobody has logged in within 1 s; --timeout allows more"),
        "{}",
        done.err
    );
}

#[test]
fn one_answer_is_heard_and_no_second_one() {
    let fake = Fake::new(|_| None);
    let done = fake.login_with(&[], |link| {
        let first = back(link, |_| ());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let again = runtime.block_on(async { reqwest::get(back_to(link, |_| ())).await });
        let heard = again.is_ok_and(|again| again.status() == 200);
        format!("{first}{heard}")
    });
    assert_eq!(done.status, 0, "{}", done.err);
    assert!(done.page.ends_with("false"), "{}", done.page);
    assert_eq!(fake.asked("/token").len(), 1);
}

/// As one does it who has read the link in the list of processes, and logs in as himself. Only root can be somebody else here.
#[cfg(target_os = "linux")]
#[test]
fn an_answer_of_another_user_of_this_machine_is_passed_over() {
    use std::os::unix::process::CommandExt as _;
    let fake = Fake::new(|_| None);
    let done = fake.login_with(&[], |link| {
        let answer = reqwest::Url::parse(&back_to(link, |_| ())).unwrap();
        let (port, rest) = (answer.port().unwrap(), answer.query().unwrap());
        let script = format!(
            "exec 3<>/dev/tcp/127.0.0.1/{port} && \
             printf 'GET /callback?{rest} HTTP/1.1\\r\\nHost: 127.0.0.1\\r\\nConnection: close\\r\\n\\r\\n' >&3 && cat <&3"
        );
        let mut neighbour = std::process::Command::new("bash");
        neighbour.args(["-c", &script]).uid(65534).gid(65534);
        let said = neighbour.output().map(|said| String::from_utf8_lossy(&said.stdout).into_owned());
        back(link, |_| ()) + "|" + &said.unwrap_or_else(|error| error.kind().to_string())
    });
    assert_eq!(done.status, 0, "{}", done.err);
    if done.page.ends_with("|permission denied") {
        println!("not tried: only root can be somebody else");
        return;
    }
    assert!(done.page.contains("|HTTP/1.1 400"), "{}", done.page);
    assert!(done.err.contains("passed over: it is from another user"), "{}", done.err);
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_the_waiting() {
    let fake = Fake::new(|_| None);
    let mut command = fake.logins.command("login");
    command.args([&fake.server.url(), "--no-browser"]).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stderr = std::io::BufReader::new(child.stderr.take().unwrap());
    let (mut line, mut link) = (String::new(), String::new());
    while std::io::BufRead::read_line(&mut stderr, &mut line).unwrap() > 0 {
        if let Some(found) = line.strip_prefix("  http") {
            link = format!("http{}", found.trim());
            break;
        }
        line.clear();
    }
    let id = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let address = reqwest::Url::parse(&parameter(&link, "redirect_uri")).unwrap();
    let gone = std::net::TcpStream::connect(("127.0.0.1", address.port().unwrap()));
    assert!(gone.is_err(), "the port is closed");
}

/// A program that writes its arguments down, and where.
#[cfg(target_os = "linux")]
fn opener(folder: &std::path::Path, name: &str) -> (std::path::PathBuf, std::path::PathBuf) {
    use std::os::unix::fs::PermissionsExt as _;
    let (program, opened) = (folder.join(name), folder.join(format!("{name}.opened")));
    let script = format!(
        "#!/bin/sh\nprintf '%s\\n' \"$#\" \"$@\" > '{0}.new'\n/bin/mv '{0}.new' '{0}'\n",
        opened.display()
    );
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    (program, opened)
}

#[cfg(target_os = "linux")]
#[test]
fn the_link_is_one_argument_of_the_program_that_opens_it() {
    for by_variable in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let name = if by_variable { "a-browser" } else { "xdg-open" };
        let (program, opened) = opener(folder.path(), name);
        // what a shell would run, if one read it
        let fake = Fake::with_issuer(|document| {
            let issuer = document["issuer"].as_str().unwrap();
            let there = format!("{issuer}/$(touch${{IFS}}x)`id`;'\"|&");
            document["authorization_endpoint"] = there.into();
        });
        let mut command = fake.logins.command("login");
        command.arg(fake.server.url()).env("PATH", folder.path()).current_dir(folder.path());
        if by_variable {
            command.env("BROWSER", format!("/nowhere/lynx:firefox %s:{}", program.display()));
        }
        let done = super::world::with_browser(command, move |link| {
            let started = Instant::now();
            while !opened.exists() && started.elapsed() < Duration::from_secs(20) {
                std::thread::yield_now();
            }
            assert_eq!(std::fs::read_to_string(&opened).unwrap(), format!("1\n{link}\n"));
            assert!(!link.contains(['$', '`', ';', '\'', '|', '{', '(']), "{link}");
            back(link, |_| ())
        });
        assert_eq!(done.status, 0, "{}", done.err);
        assert!(done.err.contains("your browser opens"), "{}", done.err);
        assert!(!folder.path().join("x").exists());
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_folder_does_not_choose_the_browser() {
    let folder = tempfile::tempdir().unwrap();
    let (program, opened) = opener(folder.path(), "evil");
    std::fs::write(folder.path().join(".env"), format!("BROWSER={}\n", program.display())).unwrap();
    let fake = Fake::new(|_| None);
    let mut command = fake.logins.command("login");
    command.arg(fake.server.url()).env("PATH", "/nowhere").current_dir(folder.path());
    let done = super::world::with_browser(command, |link| back(link, |_| ()));
    assert_eq!(done.status, 0, "{}", done.err);
    assert!(done.err.contains("log in here:"), "there is no other browser: {}", done.err);
    assert!(!opened.exists());
}

#[test]
fn a_connection_that_says_nothing_holds_up_nobody() {
    let fake = Fake::new(|_| None);
    let (told, held) = std::sync::mpsc::channel();
    let done = fake.login_with(&[], move |link| {
        let address = reqwest::Url::parse(&parameter(link, "redirect_uri")).unwrap();
        let port = address.port().unwrap();
        let silent = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
        let mut half = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
        std::io::Write::write_all(&mut half, b"GET /callback?code=").unwrap();
        told.send((silent, half)).unwrap(); // open until the command has ended
        back(link, |_| ())
    });
    assert_eq!(done.status, 0, "{}", done.err);
    drop(held.recv().unwrap());
}
