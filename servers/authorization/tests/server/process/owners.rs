//! To whom does belong what somebody else than the server changes? Whoever serves must be able to read it.
#![cfg(unix)]

use std::{
    fs,
    os::unix::{
        fs::{MetadataExt as _, PermissionsExt as _, chown},
        process::CommandExt as _,
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use tempfile::TempDir;

use super::{Running, Visitor, clients, run, said, serving::gone};
use crate::world::{LOCAL, request};

/// Whom the service runs as, and somebody else.
const SERVICE: u32 = 12_345;
const OTHER: u32 = 23_456;

/// A folder that belongs to the service, with all in it, and with a program that anybody may run; none where only root could make one.
fn folder_of_a_service() -> Option<TempDir> {
    let folder = tempfile::tempdir().unwrap();
    clients(&folder);
    if let Err(error) = chown(folder.path(), Some(SERVICE), Some(SERVICE)) {
        println!("not tested: a file cannot be given to user {SERVICE} here ({error})");
        return None;
    }
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let add = ["user", "add", "mcp-user", "--role", "user", "--people", "people.json"];
    assert!(run(folder.path(), &add, "a good password\n").status.success());
    fs::copy(env!("CARGO_BIN_EXE_authorization"), folder.path().join("program")).unwrap();
    Some(folder)
}

fn all(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut all: Vec<_> = entries.collect();
    all.sort();
    all
}

fn owner(path: &Path) -> (u32, u32) {
    let file = fs::metadata(path).unwrap();
    (file.uid(), file.gid())
}

/// The program, run by somebody else than us.
fn command_of(user: u32, folder: &Path, arguments: &[&str]) -> Command {
    let mut program = Command::new(folder.join("program"));
    program.args(arguments).current_dir(folder).env_clear().uid(user).gid(user);
    program
}

#[tokio::test]
async fn a_server_of_another_user_can_read_what_root_has_changed() {
    let Some(folder) = folder_of_a_service() else { return };
    let made = folder.path().join("people.json");
    assert_eq!(owner(&made), (SERVICE, SERVICE), "root makes it for whom the folder belongs to");
    // into a folder of root, as /etc is
    let people = folder.path().join("etc/people.json");
    fs::create_dir(folder.path().join("etc")).unwrap();
    fs::rename(made, &people).unwrap();
    chown(folder.path().join("clients.json"), Some(SERVICE), Some(SERVICE)).unwrap();
    let arguments = [
        "--port=0",
        "--clients=clients.json",
        "--people=etc/people.json",
        "--data=data",
        "--no-rate-limits",
    ];
    let mut served = command_of(SERVICE, folder.path(), &arguments);
    let server = Running::of(served.stdout(Stdio::piped()).stderr(Stdio::null()));
    let mut visitor = Visitor::new(&server.url);
    let path = request("local", LOCAL, &[]);
    let page = visitor.get(&path).await.unwrap();
    assert_eq!(visitor.log_in(&page, "mcp-user", "a good password").await.unwrap().status, 303);
    assert!(visitor.get(&path).await.unwrap().text.contains("Allow"));
    let disable = ["user", "disable", "mcp-user", "--people", "etc/people.json"];
    assert!(run(folder.path(), &disable, "").status.success());
    assert_eq!(owner(&people), (SERVICE, SERVICE));
    assert_eq!(fs::metadata(&people).unwrap().mode() & 0o777, 0o600);
    gone(&mut visitor, &path).await;
    assert_eq!(visitor.get("/ready").await.unwrap().status, 200);
    let keys = folder.path().join("data/keys");
    assert!(run(folder.path(), &["keys", "rotate", "--data", "data"], "").status.success());
    for file in all(&keys) {
        assert_eq!(owner(&file), (SERVICE, SERVICE), "{}", file.display());
    }
    assert_eq!(visitor.get("/ready").await.unwrap().status, 200);
    let published = visitor.get("/jwks.json").await.unwrap().json();
    assert_eq!(published["keys"].as_array().unwrap().len(), 2);
}

#[test]
fn a_file_that_its_owner_would_lose_is_not_replaced() {
    let Some(folder) = folder_of_a_service() else { return };
    let keys = folder.path().join("data/keys");
    let files = mcp_auth::issuer::files::KeyFiles::new(&keys);
    files.generate(mcp_auth::issuer::keys::Alg::Es256, 0).unwrap();
    chown(folder.path().join("data"), Some(OTHER), Some(OTHER)).unwrap();
    chown(&keys, Some(OTHER), Some(OTHER)).unwrap();
    // he can read the list and write into the folder, but the list is not his
    chown(files.jwks(), Some(SERVICE), Some(SERVICE)).unwrap();
    let (before, list) = (all(&keys), fs::read(files.jwks()).unwrap());
    let rotate = ["keys", "rotate", "--data", "data"];
    let (is_ok, text) = said(&command_of(OTHER, folder.path(), &rotate).output().unwrap());
    assert!(!is_ok && text.contains("belongs to user 12345 and group 12345"), "{text}");
    assert!(text.contains("nothing was changed"), "{text}");
    assert_eq!((all(&keys), fs::read(files.jwks()).unwrap()), (before, list));
    assert_eq!(owner(&files.jwks()), (SERVICE, SERVICE));
    // the same with a list of his own
    chown(files.jwks(), Some(OTHER), Some(OTHER)).unwrap();
    let (is_ok, text) = said(&command_of(OTHER, folder.path(), &rotate).output().unwrap());
    assert!(is_ok, "{text}");
    assert_eq!(files.list().unwrap().len(), 2);
}
