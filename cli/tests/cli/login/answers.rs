//! What comes back from the browser, and from the token endpoint, is not believed either.

use axum::{
    body::Body,
    response::{IntoResponse as _, Response},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{
    browser,
    fake::{Fake, answer, back, back_to, origin, parameter, set, token},
};

#[test]
fn an_answer_to_somebody_elses_question_is_passed_over() {
    let fake = Fake::new(|_| None);
    let done = fake.login_with(&[], |link| {
        for forged in [
            back_to(link, |pairs| set(pairs, "state", "a-state-of-mine")),
            back_to(link, |pairs| set(pairs, "state", "")),
            back_to(link, |pairs| pairs.retain(|(name, _)| name != "state")),
            back_to(link, |pairs| pairs.push(pairs[1].clone())),
            back_to(link, |pairs| set(pairs, "state", "another-one")),
            back_to(link, |pairs| set(pairs, "state", "and-one-more")),
        ] {
            let (status, page) = browser::get(&forged);
            assert_eq!(status, 400, "{page}");
        }
        let redirect = parameter(link, "redirect_uri");
        let root = redirect.strip_suffix("callback").unwrap();
        for (path, status) in [("", 404), ("favicon.ico", 404), ("callback/", 404)] {
            assert_eq!(browser::get(&format!("{root}{path}")).0, status, "{path}");
        }
        back(link, |_| ())
    });
    assert_eq!(done.status, 0, "the right answer counts all the same: {}", done.err);
    assert!(done.page.contains("You can close this page"), "{}", done.page);
    assert_eq!(done.err.matches("passed over: its state").count(), 3, "{}", done.err);
    assert_eq!(done.err.matches("nobody is told of them").count(), 1, "{}", done.err);
    assert_eq!(fake.asked("/token").len(), 1);
}

#[test]
fn an_answer_of_another_issuer_is_refused() {
    for (promised, iss, words) in [
        (true, Some("https://evil.example"), "is from the issuer https://evil.example"),
        (true, None, "does not say which issuer it is from"),
    ] {
        let fake = Fake::with_issuer(move |document| {
            document["authorization_response_iss_parameter_supported"] = promised.into();
        });
        let done = fake.login_with(&[], move |link| {
            back(link, |pairs| match iss {
                Some(iss) => set(pairs, "iss", iss),
                None => pairs.retain(|(name, _)| name != "iss"),
            })
        });
        assert_eq!(done.status, 1, "{}", done.err);
        assert!(done.err.contains(words), "{}", done.err);
        assert!(done.page.contains("did not work"), "{}", done.page);
        fake.no_token_asked();
    }
    let silent = Fake::with_issuer(|document| {
        document["authorization_response_iss_parameter_supported"] = false.into();
    });
    let named = ["--issuer", &silent.server.origin];
    let done = silent.login_with(&named, |link| back(link, |pairs| pairs.truncate(2)));
    assert_eq!(done.status, 0, "who promises nothing need not say it: {}", done.err);
}

#[test]
fn a_refusal_is_told_in_words() {
    for (error, status, words) in [
        ("access_denied", 3, "access was not given"),
        ("invalid_scope", 1, "--scope names others"),
        ("server_error", 1, "try again later"),
        ("\u{1b}[2J", 1, "\\u{1b}[2J"),
    ] {
        let fake = Fake::new(|_| None);
        let done = fake.login_with(&[], move |link| {
            back(link, |pairs| {
                pairs[0] = ("error".to_owned(), error.to_owned());
                pairs.push(("error_description".to_owned(), "words of the issuer".to_owned()));
            })
        });
        assert_eq!(done.status, status, "{}", done.err);
        assert!(
            done.err.contains(words) && done.err.contains("words of the issuer"),
            "{}",
            done.err
        );
        assert!(!done.err.contains('\u{1b}'));
        fake.no_token_asked();
    }
}

/// The token endpoint says this; the login fails with these words, and nothing is kept.
fn not_taken(say: impl Fn() -> Response + Clone + Send + Sync + 'static, words: &str) {
    let fake = Fake::with_token(say);
    let done = fake.login(&["--timeout", "5"]);
    assert_ne!(done.status, 0, "{}", done.out);
    assert!(done.err.contains(words), "{words:?} is missing in:\n{}", done.err);
    assert!(fake.logins.files("logins").is_empty());
}

#[test]
fn an_answer_that_is_no_token_is_not_kept() {
    let with = |name: &'static str, value: Value| {
        move || {
            let mut token = token();
            token[name] = value.clone();
            answer(200, token)
        }
    };
    not_taken(with("token_type", "DPoP".into()), "of the type DPoP");
    not_taken(with("token_type", Value::Null), "is not an answer with a token");
    not_taken(with("access_token", "".into()), "is empty, or has characters");
    not_taken(with("access_token", "two\nlines".into()), "is empty, or has characters");
    not_taken(with("refresh_token", "a b".into()), "is empty, or has characters");
    not_taken(with("access_token", "a".repeat(70_000).into()), "longer than 64 KiB");
    not_taken(with("access_token", 5.into()), "is not an answer with a token");
    not_taken(
        || "access_token=a&token_type=bearer".into_response(),
        "is not an answer with a token",
    );
    let refused = json!({"error": "invalid_grant", "error_description": "\u{1b}]0;gone"});
    not_taken(
        move || answer(400, refused.clone()),
        "gives no token (400 invalid_grant: \\u{1b}]0;gone)",
    );
}

#[test]
fn what_issuers_write_in_their_own_way_is_read() {
    let fake = Fake::with_token(|| {
        let mut token = token();
        (token["token_type"], token["expires_in"]) = ("bearer".into(), "300".into());
        answer(200, token)
    });
    let done = fake.login(&["--json"]);
    assert_eq!(done.status, 0, "{}", done.err);
    assert!(fake.logins.login()["tokens"]["expires"].is_i64());
}

#[test]
fn an_answer_of_10_mb_is_not_read() {
    let long = || {
        let megabyte =
            futures_util::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b' '; 1 << 20]));
        let ten = Body::from_stream(futures_util::StreamExt::take(megabyte, 10));
        ([("content-type", "application/json")], ten).into_response()
    };
    not_taken(long, "longer than 512 KiB");
    for path in [super::fake::RESOURCE, super::fake::ISSUER, "/register"] {
        let fake = Fake::new(move |seen| (seen.path == path).then(long));
        let done = fake.login_with(&[], |link| panic!("nobody should be asked: {link}"));
        assert!(done.err.contains("longer than 512 KiB"), "{path}: {}", done.err);
    }
}

const BANK: &str = "https://bank.example/mcp";

/// An issuer that passes over `resource`, where the scope says whom a token is for; without this, it is for the server.
fn token_for(audience: Option<&'static str>) -> Fake {
    Fake::new(move |seen| {
        let own = format!("{}/mcp", origin(seen));
        let claims = json!({"aud": ["account", audience.unwrap_or(&own)]}).to_string();
        let jwt = format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims));
        (seen.path == "/token")
            .then(|| answer(200, json!({"access_token": jwt, "token_type": "Bearer"})))
    })
}

#[test]
fn a_token_for_another_server_is_neither_kept_nor_shown() {
    let fake = token_for(Some(BANK));
    let done = fake.login(&[]);
    assert_eq!(done.status, 2, "{}", done.err);
    let told = "it is for account, https://bank.example/mcp, and not for http://";
    assert!(done.err.contains(told), "{}", done.err);
    assert!(done.err.contains("--audience 'account https://bank.example/mcp'"), "{}", done.err);
    assert!(fake.logins.files("logins").is_empty());
    assert_eq!(fake.asked("/revoke").len(), 1);
    assert!(done.err.contains("it was given back"), "{}", done.err);
    assert!(fake.asked("/mcp").iter().all(|seen| seen.header("authorization").is_empty()));
    // who knows better says so; another word than the token has is not that
    assert_eq!(fake.login(&["--audience", "https://bank.example/"]).status, 2);
    let done = fake.login(&["--audience", BANK]);
    assert_eq!(done.status, 0, "{}", done.err);
    assert_eq!(fake.logins.login()["audience"], BANK);
}

#[test]
fn a_token_for_another_server_too_is_neither_kept_nor_shown() {
    let both = |with: &'static [&'static str]| {
        Fake::new(move |seen| {
            let here = origin(seen);
            let own = [format!("{here}/mcp"), format!("{here}/userinfo"), here];
            let all: Vec<_> = own.into_iter().chain(with.iter().map(|&one| one.into())).collect();
            let jwt =
                format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(json!({"aud": all}).to_string()));
            let token = json!({"access_token": jwt, "token_type": "Bearer"});
            (seen.path == "/token").then(|| answer(200, token))
        })
    };
    let fake = both(&[BANK]);
    let done = fake.login(&[]);
    assert_eq!(done.status, 2, "{}", done.err);
    assert!(done.err.contains("it is for https://bank.example/mcp too"), "{}", done.err);
    assert!(fake.logins.files("logins").is_empty());
    assert_eq!(fake.asked("/revoke").len(), 1, "and given back");
    assert_eq!(fake.login(&["--audience", BANK]).status, 0);
    let three = both(&[BANK, "https://shop.example"]);
    let done = three.login(&["--audience", BANK]);
    assert_eq!(done.status, 2, "the one that is named opens nothing for the other: {}", done.err);
    let all = "https://bank.example/mcp https://shop.example";
    assert!(done.err.contains(&format!("--audience '{all}'")), "{}", done.err);
    assert_eq!(three.login(&["--audience", all]).status, 0);
    let done = both(&[]).login(&[]);
    assert!(done.status == 0 && !done.err.contains("careful"), "{}", done.err);
}

#[test]
fn a_renewed_token_for_another_server_is_neither_kept_nor_shown() {
    let fake = Fake::new(|seen| {
        let refreshed = seen.form("grant_type").as_deref() == Some("refresh_token");
        let jwt = format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(json!({"aud": BANK}).to_string()));
        let token = json!({"access_token": jwt, "token_type": "Bearer", "refresh_token": "rt-2"});
        (seen.path == "/token" && refreshed).then(|| answer(200, token))
    });
    assert_eq!(fake.login(&[]).status, 0);
    fake.logins.change("logins", |login| login["tokens"]["expires"] = 1.into());
    let called = super::world::alone(fake.call(&["discover"]));
    assert_eq!(called.status, 2, "{}", called.err);
    assert!(called.err.contains("it is for https://bank.example/mcp"), "{}", called.err);
    assert!(fake.asked("/mcp").iter().all(|seen| seen.header("authorization").is_empty()));
    assert!(fake.logins.files("logins").is_empty());
    assert_eq!(fake.asked("/revoke").len(), 2, "both tokens are given back");
}

/// Keycloak takes it for the settings of one's own account.
#[test]
fn a_token_for_the_account_too_is_told_of_and_one_for_it_alone_is_refused() {
    let done = token_for(None).login(&[]);
    assert_eq!(done.status, 0, "{}", done.err);
    assert!(done.err.contains("careful: the token is for account too"), "{}", done.err);
    for word in ["the-bank", "account"] {
        let fake = token_for(Some(word));
        let done = fake.login(&[]);
        assert_eq!(done.status, 2, "{}", done.err);
        let told = format!("it is for account, {word}, and not for http://");
        assert!(done.err.contains(&told), "{}", done.err);
        assert!(fake.logins.files("logins").is_empty());
        let done = fake.login(&["--audience", &format!("account {word}")]);
        assert!(done.status == 0 && !done.err.contains("careful"), "{}", done.err);
    }
}

/// As a server has one that has a short name at its issuer too.
#[test]
fn another_word_beside_the_server_is_another_name_of_it() {
    let fake = Fake::new(|seen| {
        let aud = json!({"aud": ["mcp-server", format!("{}/mcp", origin(seen))]});
        let jwt = format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(aud.to_string()));
        let token = json!({"access_token": jwt, "token_type": "Bearer"});
        (seen.path == "/token").then(|| answer(200, token))
    });
    let done = fake.login(&[]);
    assert!(done.status == 0 && !done.err.contains("careful"), "{}", done.err);
}

/// As a hostile server has it made that names the scope of an issuer's own administration.
#[test]
fn a_token_for_the_issuer_and_not_for_the_server_is_neither_kept_nor_shown() {
    for path in ["", "/", "/userinfo"] {
        let fake = Fake::new(move |seen| {
            let aud = format!("{}{path}", origin(seen));
            let jwt =
                format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(json!({"aud": aud}).to_string()));
            match &*seen.path {
                "/token" => Some(answer(200, json!({"access_token": jwt, "token_type": "Bearer"}))),
                "/revoke" => Some(answer(503, json!({}))),
                _ => None,
            }
        });
        let done = fake.login(&[]);
        assert_eq!(done.status, 2, "{path}: {}", done.err);
        assert!(done.err.contains("and not for http://"), "{path}: {}", done.err);
        assert!(fake.logins.files("logins").is_empty(), "{path}");
        assert!(done.err.contains("not given back: http://"), "{path}: {}", done.err);
    }
}

#[test]
fn an_audience_of_another_scheme_is_another_server_too() {
    let fake = token_for(Some("api://prod"));
    assert_eq!(fake.login(&[]).status, 2);
    assert_eq!(fake.login(&["--audience", "api://prod account"]).status, 0);
}
