//! What an issuer says of itself is not believed either.

use serde_json::{Value, json};

use super::{
    fake::{Fake, RESOURCE, answer, issuer, origin, resource},
    metadata::refused,
};

#[test]
fn an_issuer_without_tls_is_on_this_machine() {
    let far = "http://login.example.invalid";
    let issuer = move |document: &mut Value| document["authorization_servers"] = json!([far]);
    refused(&Fake::with_resource(issuer), &[], "neither https nor on this machine");
    let endpoint =
        move |document: &mut Value| document["token_endpoint"] = format!("{far}/t").into();
    refused(&Fake::with_issuer(endpoint), &[], "neither https nor on this machine");
}

#[test]
fn an_issuer_has_the_name_that_it_was_called_by() {
    for other in ["https://login.example", "/", "/realms/a"] {
        let fake = Fake::with_issuer(move |document| {
            let name = document["issuer"].as_str().unwrap();
            let name = if other.starts_with('/') { format!("{name}{other}") } else { other.into() };
            document["issuer"] = name.into();
        });
        refused(&fake, &[], "they must be equal to the letter");
    }
}

#[test]
fn an_issuer_with_a_path_is_found_where_keycloak_has_it() {
    let fake = Fake::new(|seen| {
        let name = format!("{}/realms/a", origin(seen));
        match &*seen.path {
            RESOURCE => {
                let mut document = resource(&origin(seen));
                document["authorization_servers"] = json!([name]);
                Some(answer(200, document))
            }
            "/realms/a/.well-known/openid-configuration" => {
                let mut document = issuer(&origin(seen));
                document["issuer"] = name.into();
                Some(answer(200, document))
            }
            _ => None,
        }
    });
    let done = fake.login_with(&[], |link| {
        super::fake::back(link, |pairs| {
            let name = format!("{}/realms/a", pairs[2].1);
            super::fake::set(pairs, "iss", &name);
        })
    });
    assert_eq!(done.status, 0, "{}", done.err);
    let paths: Vec<_> = fake.server.seen().iter().map(|seen| seen.path.clone()).collect();
    let expected = [
        "/.well-known/oauth-authorization-server/realms/a",
        "/.well-known/openid-configuration/realms/a",
        "/realms/a/.well-known/openid-configuration",
    ];
    assert_eq!(paths[2..5], expected);
}

#[test]
fn without_pkce_nobody_is_sent_to_the_browser() {
    for methods in [json!(["plain"]), json!([]), json!(["s256"])] {
        let fake = Fake::with_issuer(move |document| {
            document["code_challenge_methods_supported"] = methods.clone();
        });
        refused(&fake, &[], "does not say that it checks PKCE");
        assert!(fake.asked("/register").is_empty());
    }
    let silent = Fake::with_issuer(|document| {
        document.as_object_mut().unwrap().remove("code_challenge_methods_supported");
    });
    refused(&silent, &[], "does not say that it checks PKCE");
}

/// As a hostile issuer does it that sends people to the page of another one, or on to it from its own, and wants the code.
#[test]
fn an_issuer_whose_answers_could_be_another_ones_is_named_by_the_person() {
    let page = Fake::new(|_| None);
    let there = format!("{}/authorize", page.server.origin);
    let apart = |promised: bool| {
        let there = there.clone();
        Fake::with_issuer(move |document| {
            document["authorization_endpoint"] = there.clone().into();
            document["authorization_response_iss_parameter_supported"] = promised.into();
        })
    };
    let together = Fake::with_issuer(|document| {
        document["authorization_response_iss_parameter_supported"] = false.into();
    });
    refused(&together, &[], "does not promise to say its name in the answer");
    let fake = apart(false);
    refused(&fake, &[], "does not promise to say its name in the answer");
    assert!(fake.asked("/register").is_empty());
    let silent = |link: &str| super::fake::back(link, |pairs| pairs.truncate(2));
    let named = fake.login_with(&["--issuer", &fake.server.origin], silent);
    assert_eq!(named.status, 0, "{}", named.err);
    // who promises to say his name is asked, and held to it
    let fake = apart(true);
    let done = fake.login_with(&[], silent);
    assert!(done.err.contains("does not say which issuer it is from"), "{}", done.err);
    fake.no_token_asked();
}

/// As a hostile issuer does it that has a client of its own at another one, whose page it names.
#[test]
fn a_page_to_log_in_at_chooses_no_client_and_no_address() {
    for name in ["client_id", "redirect_uri", "state", "scope", "code%5Fchallenge"] {
        let fake = Fake::with_issuer(move |document| {
            let there = document["authorization_endpoint"].as_str().unwrap();
            document["authorization_endpoint"] = format!("{there}&{name}=other").into();
        });
        refused(&fake, &[], "in it already, which is for the client to say");
    }
}

#[test]
fn of_several_issuers_the_person_chooses_one() {
    let both = |document: &mut Value| {
        let here = document["authorization_servers"][0].clone();
        document["authorization_servers"] = json!(["https://login.example.invalid", here]);
    };
    let fake = Fake::with_resource(both);
    refused(
        &fake,
        &[],
        "choose one with --issuer: https://login.example.invalid, http://127.0.0.1",
    );
    refused(&fake, &["--issuer", "https://evil.example"], "and not of https://evil.example");
    let done = fake.login(&["--issuer", &fake.server.origin]);
    assert_eq!(done.status, 0, "{}", done.err);
    let none = Fake::with_resource(|document| document["authorization_servers"] = json!([]));
    refused(&none, &[], "names no authorization server");
}
