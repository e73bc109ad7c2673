//! What if the database is another program's, newer, broken, or locked?

use std::{fs, path::Path, time::Instant};

use mcp_auth_server::store::{Kept, OpenError, Room, Store};
use sqlx::{ConnectOptions as _, Executor as _, SqliteConnection, sqlite::SqliteConnectOptions};

use crate::{
    browser::Browser,
    steps::{consent_page, exchange, is_active, pair},
    world::{LOCAL, World, request},
};

async fn connect(file: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(file).create_if_missing(true);
    options.connect().await.unwrap()
}

/// Somebody copies or mends the database while the server runs.
#[tokio::test]
async fn while_another_process_writes_reading_goes_on_and_writing_can_be_tried_again() {
    let world = World::new().await;
    let mut browser = Browser::default();
    let asked = request("local", LOCAL, &[]);
    let page = consent_page(&world, &mut browser, &asked).await;
    let code = browser.decide(&world, &page, "allow").await.parameter("code").unwrap();
    let tokens = exchange(&world, "local", LOCAL, &code).await;
    let (access, _) = pair(&tokens);
    let page = browser.get(&world, &asked).await;

    let mut other = connect(&world.database()).await;
    other.execute("BEGIN EXCLUSIVE").await.unwrap();
    let begun = Instant::now();
    let revoke = [("token", &*access), ("client_id", "local")];
    let mut reader = browser.clone();
    let (ready, revoked, allowed, read) = tokio::join!(
        async { Browser::default().get(&world, "/ready").await },
        world.form("/revoke", &revoke),
        browser.decide(&world, &page, "allow"),
        async {
            assert!(is_active(&world, &access).await, "who only reads is answered");
            assert!(reader.get(&world, &asked).await.text.contains("Allow"));
            begun.elapsed()
        },
    );
    assert!(read.as_millis() < 900, "and at once, not after {read:?}");
    for (what, answer) in [("ready", &ready), ("revoke", &revoked), ("consent", &allowed)] {
        assert_eq!(answer.status, 503, "{what}: {}", answer.text);
        assert!(answer.headers.contains_key("retry-after"), "{what}");
    }
    assert_eq!(revoked.json()["error"], "temporarily_unavailable");
    assert!(allowed.text.contains("Try again in a moment"), "{}", allowed.text);
    assert!(begun.elapsed().as_secs() < 6, "nobody waits for {:?}", begun.elapsed());

    other.execute("ROLLBACK").await.unwrap();
    assert_eq!(Browser::default().get(&world, "/ready").await.status, 200);
    assert_eq!(world.form("/revoke", &revoke).await.status, 200);
    assert!(!is_active(&world, &access).await);
    assert_eq!(browser.decide(&world, &page, "allow").await.status, 303);
}

/// Somebody cleans up, or brings a backup back, and forgets that the server runs.
#[cfg(unix)]
#[tokio::test]
async fn a_database_that_is_gone_or_another_one_is_told() {
    let world = World::new().await;
    let ready = async || Browser::default().get(&world, "/ready").await;
    assert_eq!(ready().await.status, 200);
    let (file, aside) = (world.database(), world.database().with_extension("aside"));
    fs::rename(&file, &aside).unwrap();
    let answer = ready().await;
    assert_eq!(answer.status, 503, "{}", answer.text);
    fs::copy(&aside, &file).unwrap();
    assert_eq!(ready().await.status, 503, "a copy is another one");
    fs::rename(&aside, &file).unwrap();
    assert_eq!(ready().await.status, 200);
}

#[tokio::test]
async fn a_database_that_is_not_ours_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("theirs.db");
    fs::write(&file, "").unwrap();
    restrict(&file);
    connect(&file).await.execute("CREATE TABLE songs (name TEXT)").await.unwrap();
    let error = Store::open(&file).await.unwrap_err();
    assert!(matches!(error, OpenError::Foreign(_)), "{error}");
    let mut theirs = connect(&file).await;
    let tables: Vec<String> =
        sqlx::query_scalar("SELECT name FROM sqlite_master").fetch_all(&mut theirs).await.unwrap();
    assert_eq!(tables, ["songs"]);
}

#[tokio::test]
async fn what_a_newer_version_has_written_is_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("authorization.db");
    Store::open(&file).await.unwrap().close().await;
    let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
                 VALUES (4711, 'of tomorrow', 1, x'00', 1)";
    connect(&file).await.execute(newer).await.unwrap();
    let error = Store::open(&file).await.unwrap_err();
    assert!(matches!(error, OpenError::Newer(_)), "{error}");
    assert!(error.to_string().contains("authorization.db was written by a newer"), "{error}");
}

/// As it was before consents had a stamp, and clients a net.
#[tokio::test]
async fn a_database_of_before_is_brought_up_to_date() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("authorization.db");
    let store = Store::open(&file).await.unwrap();
    let secret = store.secret("forms").await.unwrap();
    let client = crate::store::registered("old", 1);
    assert_eq!(store.register(&client, Room::default()).await.unwrap(), Kept::Yes);
    store.close().await;
    let mut old = connect(&file).await;
    for back in [
        "ALTER TABLE consents DROP COLUMN stamp",
        "DROP INDEX unused_by_net",
        "DROP INDEX clients_by_person",
        "DROP INDEX grants_of_client",
        "ALTER TABLE clients DROP COLUMN net",
        "ALTER TABLE clients DROP COLUMN person",
        "DELETE FROM _sqlx_migrations WHERE version > 2",
    ] {
        old.execute(back).await.unwrap();
    }
    drop(old);
    let store = Store::open(&file).await.unwrap();
    assert_eq!(store.secret("forms").await.unwrap(), secret);
    assert_eq!(store.registered("old").await.unwrap(), Some(client));
    let about = mcp_auth_server::store::About {
        person: "alice",
        stamp: "",
        client: "web",
        resource: "http://localhost:9000/mcp",
        place: "app.example",
    };
    let scope = "mcp:read".parse().unwrap();
    store.remember_consent(&about, &scope, 100).await.unwrap();
    assert_eq!(store.consent(&about, 1).await.unwrap(), scope);
}

#[tokio::test]
async fn a_file_that_is_no_database_is_told_with_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("authorization.db");
    fs::write(&file, "this is a letter to my aunt, and no database at all").unwrap();
    restrict(&file);
    let error = Store::open(&file).await.unwrap_err().to_string();
    assert_eq!(error.matches("authorization.db").count(), 1, "{error}");
    assert!(error.contains("not a database"), "{error}");
}

fn restrict(_file: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(_file, fs::Permissions::from_mode(0o600)).unwrap();
    }
}
