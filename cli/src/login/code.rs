//! How is a person asked, and what may the answer be? The authorization request and response (RFC 6749 §4.1, RFC 7636,
//! RFC 8707, RFC 9207).

use aws_lc_rs::{constant_time::verify_slices_are_equal, digest};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use mcp_auth::issuer::{disk::random, form::Form};

use super::{client::Client, issuer::Issuer};
use crate::{
    call::target::Target,
    exit::{Failure, Status},
    output,
};

/// A request to a person, and what it takes to believe the answer.
pub struct Request {
    /// What a browser is to open.
    pub link: Target,
    /// Where the answer comes.
    pub redirect: String,
    /// What the token request needs beside the code.
    pub verifier: String,
    state: String,
    issuer: String,
    says_iss: bool,
}

/// What came to the address of the answer.
pub enum Heard {
    /// Not the answer to this request: somebody else's, or a forged one.
    NotOurs(&'static str),
    /// The answer.
    Answer(Result<String, Failure>),
}

impl Request {
    /// A request of this client, for this resource.
    pub fn new(
        issuer: &Issuer,
        client: &Client,
        redirect: String,
        resource: &str,
        scope: &str,
    ) -> Result<Self, Failure> {
        let (state, verifier) = (random(), random());
        let hash = digest::digest(&digest::SHA256, verifier.as_bytes());
        let challenge = URL_SAFE_NO_PAD.encode(hash);
        let mut url = issuer.authorization()?.url().clone();
        let fields = [
            ("response_type", "code"),
            ("client_id", &client.id),
            ("redirect_uri", &redirect),
            ("state", &state),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
            ("resource", resource),
        ];
        let is_ours = |name: &str| name == "scope" || fields.iter().any(|(ours, _)| *ours == name);
        if let Some((name, _)) = url.query_pairs().find(|(name, _)| is_ours(name)) {
            // twice, the first often counts: a hostile issuer could name the page of another one, and a client of its own there
            return Err(Failure::other(format!(
                "the authorization_endpoint of {} has {} in it already, which is for the client to say (RFC 6749 §3.1)",
                output::line(&issuer.name),
                output::line(&name)
            )));
        }
        url.query_pairs_mut().extend_pairs(fields);
        if !scope.is_empty() {
            url.query_pairs_mut().append_pair("scope", scope);
        }
        let link = url.as_str().parse::<Target>().map_err(Failure::other)?;
        let (issuer, says_iss) = (issuer.name.clone(), issuer.says_iss);
        Ok(Self { link, redirect, verifier, state, issuer, says_iss })
    }

    /// What the query of an answer says. Only who knows `state` is heard at all: any page that the person visits could
    /// send his browser here with a code of its own.
    pub fn hear(&self, query: &str) -> Heard {
        let Some(form) = Form::parse(query.as_bytes()) else {
            return Heard::NotOurs("it cannot be read");
        };
        let state = form.one("state").ok().flatten().unwrap_or_default();
        if verify_slices_are_equal(state.as_bytes(), self.state.as_bytes()).is_err() {
            return Heard::NotOurs("its state is not that of this login");
        }
        Heard::Answer(self.answer(&form))
    }

    fn answer(&self, form: &Form) -> Result<String, Failure> {
        let one = |name: &str| {
            form.one(name).map_err(|_| {
                Failure::other(format!(
                    "the answer has {name} twice, and nobody knows which counts"
                ))
            })
        };
        let (iss, error, code) = (one("iss")?, one("error")?, one("code")?);
        let issuer = output::line(&self.issuer);
        match iss {
            // a code of one issuer must not be shown to another one (RFC 9207 §2.4, mix-up; C4)
            Some(iss) if iss != self.issuer => {
                return Err(Failure::other(format!(
                    "the answer is from the issuer {}, and {issuer} was asked: the code in it is not used",
                    output::line(iss)
                )));
            }
            None if self.says_iss => {
                return Err(Failure::other(format!(
                    "the answer does not say which issuer it is from, though {issuer} promises to (RFC 9207): the \
                     code in it is not used"
                )));
            }
            _ => {}
        }
        if let Some(error) = error {
            let words = one("error_description")?;
            return Err(refused(&issuer, error, words));
        }
        code.map(str::to_owned)
            .ok_or_else(|| Failure::other(format!("the answer of {issuer} has no code in it")))
    }
}

/// Why there is no code, in words (RFC 6749 §4.1.2.1).
fn refused(issuer: &str, error: &str, words: Option<&str>) -> Failure {
    let (error, words) = (output::line(error), words.map(output::line));
    let said = words.map(|words| format!(": {words}")).unwrap_or_default();
    let what = match &*error {
        "access_denied" => "access was not given",
        "invalid_scope" => "it does not give these scopes; --scope names others",
        "invalid_target" => "it issues no tokens for this server",
        "unauthorized_client" | "invalid_client" => "this client may not do this there",
        "server_error" | "temporarily_unavailable" => "something is wrong there; try again later",
        _ => "it cannot do what it was asked",
    };
    let status = if error == "access_denied" { Status::Refused } else { Status::Other };
    let text = format!("{issuer} answers {error}{said}: {what}");
    Failure::new(status, text).with("error", error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(says_iss: bool) -> Request {
        Request {
            link: "http://localhost:9100/authorize".parse().unwrap(),
            redirect: "http://127.0.0.1:1/callback".into(),
            verifier: "v".into(),
            state: "our-state".into(),
            issuer: "http://localhost:9100".into(),
            says_iss,
        }
    }

    #[test]
    fn only_who_knows_the_state_is_heard() {
        for query in
            ["", "code=c", "code=c&state=", "code=c&state=our-stat", "code=c&state=Our-state"]
                .into_iter()
                .chain([
                    "code=c&state=our-state&state=our-state",
                    "error=access_denied",
                    "state=%zz",
                ])
        {
            assert!(matches!(request(false).hear(query), Heard::NotOurs(_)), "{query}");
        }
    }

    #[test]
    fn an_answer_is_from_the_issuer_that_was_asked() {
        let iss = "iss=http%3A%2F%2Flocalhost%3A9100";
        let heard = |says_iss, query: &str| match request(says_iss).hear(query) {
            Heard::Answer(answer) => answer.ok(),
            Heard::NotOurs(why) => panic!("{query}: {why}"),
        };
        let ours = |more: &str| format!("state=our-state&{more}");
        assert_eq!(heard(true, &ours(&format!("code=c&{iss}"))).as_deref(), Some("c"));
        assert_eq!(heard(false, &ours("code=c")).as_deref(), Some("c"));
        for bad in [
            ours("code=c"),
            ours("code=c&iss=http%3A%2F%2Flocalhost%3A9100%2F"),
            ours("code=c&iss=http%3A%2F%2Fevil.example"),
            ours(&format!("code=c&{iss}&{iss}")),
            ours(&format!("code=c&code=d&{iss}")),
            ours(&format!("code=c&error=access_denied&{iss}")),
            ours(iss),
        ] {
            assert_eq!(heard(true, &bad), None, "{bad}");
        }
        let other = ours("code=c&iss=http%3A%2F%2Fevil.example");
        assert_eq!(heard(false, &other), None, "whether it was promised or not");
    }
}
