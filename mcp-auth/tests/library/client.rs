//! Which program is asking for a token, and does it know its secret?

use std::fs;

use axum::http::{HeaderMap, HeaderValue, header::AUTHORIZATION};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use mcp_auth::issuer::{
    client::{Client, ClientError, Credentials},
    disk::DiskError,
    form::{Form, Twice},
};

const SECRET: &str = "sixteen-letters!";
const IN_FORM: &str = "client_id=it&client_secret=sixteen-letters!";

fn client() -> Client {
    Client::new("it", SECRET).unwrap()
}

#[test]
fn a_client_has_an_id_that_can_be_written_and_a_secret_that_cannot_be_guessed() {
    for bad in ["", "a b", "a\n", "\u{e4}"] {
        let made = Client::new(bad, SECRET);
        assert!(matches!(made, Err(ClientError::Id(id)) if id == bad), "{bad:?}");
    }
    assert!(matches!(Client::new("it", &SECRET[1..]), Err(ClientError::Short)));
    assert_eq!(client().id(), "it");
}

#[test]
fn a_client_in_a_log_shows_its_id_and_not_its_secret() {
    let shown = format!("{:?}", client());
    assert!(shown.contains("it") && !shown.contains(SECRET), "{shown}");
}

#[test]
fn a_client_is_made_once_and_then_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("client.json");
    let made = Client::in_file(&path, "it").unwrap();
    let text = fs::read_to_string(&path).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |mode| fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        for open in [0o640, 0o604, 0o644] {
            mode(open);
            let read = Client::in_file(&path, "it");
            assert!(matches!(read, Err(ClientError::Disk(DiskError::Readable(_)))), "{open:o}");
        }
        mode(0o600);
    }
    let form = |id: &str| {
        let file: serde_json::Value = serde_json::from_str(&text).unwrap();
        let form = format!("client_id={id}&client_secret={}", file["client_secret"].as_str()?);
        Credentials::find(&HeaderMap::new(), &Form::parse(form.as_bytes())?).unwrap()
    };
    let read = Client::in_file(&path, "other").unwrap();
    assert_eq!(read.id(), "it", "what is in the file counts");
    assert!(made.is(&form("it").unwrap()) && read.is(&form("it").unwrap()));
    assert!(!read.is(&form("other").unwrap()));
}

#[test]
fn a_file_by_another_hand_is_looked_at_as_closely() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("client.json");
    Client::in_file(&path, "it").unwrap();
    for (text, is_right) in [
        ("{", (|error| matches!(error, ClientError::Malformed(_))) as fn(&ClientError) -> bool),
        (r#"{"client_id":"it"}"#, |error| matches!(error, ClientError::Malformed(_))),
        (r#"{"client_id":"it","client_secret":""}"#, |error| matches!(error, ClientError::Short)),
        (r#"{"client_id":"","client_secret":"sixteen-letters!"}"#, |error| {
            matches!(error, ClientError::Id(_))
        }),
    ] {
        fs::write(&path, text).unwrap(); // keeps its mode
        let error = Client::in_file(&path, "it").unwrap_err();
        assert!(is_right(&error), "{text}: {error}");
    }
}

/// What a request says of its client: is it there, once, and is it right?
fn found(headers: &[&str], form: &str) -> Result<Option<bool>, Twice> {
    let mut map = HeaderMap::new();
    for value in headers {
        map.append(AUTHORIZATION, HeaderValue::from_str(value).unwrap());
    }
    let found = Credentials::find(&map, &Form::parse(form.as_bytes()).unwrap())?;
    Ok(found.map(|found| client().is(&found)))
}

fn basic(text: impl AsRef<[u8]>) -> String {
    format!("Basic {}", STANDARD.encode(text))
}

#[test]
fn credentials_come_in_one_place_once() {
    let right = basic(format!("it:{SECRET}"));
    let right = right.as_str();
    for (headers, form, expected) in [
        (&[right][..], "", Ok(Some(true))),
        (&[right], "client_id=it", Ok(Some(true))),
        (&[right], "client_id=&client_secret=", Ok(Some(true))), // empty is as if it were not there
        (&[], IN_FORM, Ok(Some(true))),
        (&[], "client_id=it&client_secret=other", Ok(Some(false))),
        (&[], "client_id=other&client_secret=sixteen-letters!", Ok(Some(false))),
        // nothing, or half
        (&[], "", Ok(None)),
        (&[], "client_id=it", Ok(None)),
        (&[], "client_secret=sixteen-letters!", Ok(None)),
        // two that may differ: whoever checks one may believe the other
        (&[right, right], "", Err(Twice)),
        (&[right], IN_FORM, Err(Twice)),
        (&["Bearer abc"], IN_FORM, Err(Twice)),
        (&[right], "client_id=other", Ok(None)),
        (&[right], "client_id=it&client_id=it", Err(Twice)),
        (&[], "client_id=it&client_id=it&client_secret=sixteen-letters!", Err(Twice)),
        (&[], "client_id=it&client_secret=sixteen-letters!&client_secret=x", Err(Twice)),
    ] {
        assert_eq!(found(headers, form), expected, "{headers:?} and {form:?}");
    }
}

#[test]
fn a_header_of_another_scheme_or_shape_has_no_credentials() {
    let coded = basic(format!("it:{SECRET}")).split_off("Basic ".len());
    for good in [format!("basic {coded}"), format!("BASIC   {coded} ")] {
        assert_eq!(found(&[&good], ""), Ok(Some(true)), "{good}");
    }
    for bad in [
        format!("Bearer {coded}"),
        format!("Basic{coded}"),
        coded,
        "Basic".to_owned(),
        "Basic !".to_owned(),
        basic("it"),
        basic(b"it:\xff"),
        basic("it:%zz"),
    ] {
        assert_eq!(found(&[&bad], ""), Ok(None), "{bad}");
    }
}

/// RFC 6749 §2.3.1: id and secret are escaped as in a form before they are put together.
#[test]
fn an_id_may_have_a_colon_and_a_secret_a_blank() {
    let client = Client::new("https://it.example", "a secret: 100 % ok").unwrap();
    let header = basic("https%3A%2F%2Fit.example:a+secret%3A+100+%25+ok");
    let headers = HeaderMap::from_iter([(AUTHORIZATION, header.parse().unwrap())]);
    assert!(client.is(&Credentials::find(&headers, &Form::default()).unwrap().unwrap()));
}
