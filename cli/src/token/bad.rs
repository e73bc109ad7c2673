//! What does a broken token look like, and who notices? `--bad`: the table that the servers are tested
//! with, so that everybody can try each refusal himself.

use std::str::FromStr;

use mcp_auth::testing::{Expected, Issuer, Kind};
use serde_json::{Value, json};

use super::{Args, claims::Claims, print::Format};
use crate::{exit::Failure, output};

/// What `--bad` asks for.
#[derive(Clone, Copy, Debug)]
pub enum Bad {
    /// The whole table, explained.
    List,
    /// One token of it.
    One(Kind),
}

impl FromStr for Bad {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        if name == "list" {
            return Ok(Self::List);
        }
        name.parse()
            .map(Self::One)
            .map_err(|error| format!("{error}; `--bad list` shows all of them"))
    }
}

/// The table.
pub fn list(format: Format) -> String {
    if format == Format::Json {
        return output::json(&Kind::all().map(as_json).collect());
    }
    let row = |kind: Kind| {
        let answer = match kind.expected() {
            Expected::Taken => "taken",
            Expected::Powerless => "403",
            _ => "401",
        };
        [kind.name().to_owned(), answer.to_owned(), kind.tries().to_owned()]
    };
    output::table(0, &Kind::all().map(row).collect::<Vec<_>>())
}

/// A kind for programs.
pub fn as_json(kind: Kind) -> Value {
    json!({"kind": kind.name(), "tries": kind.tries(), "answer": answer(kind), "console": console(kind)})
}

/// What the token tries, what must come back, and which line to look for.
pub fn words(kind: Kind) -> String {
    let mut rows = vec![
        ["bad".to_owned(), format!("{}: {}", kind.name(), kind.tries())],
        ["answer".to_owned(), answer(kind).to_owned()],
        ["console".to_owned(), console(kind)],
    ];
    if kind.is_close() {
        let words = "use it at once: it is made for a server with a leeway of 5 s, the default";
        rows.push(["hurry".to_owned(), words.to_owned()]);
    }
    output::table(0, &rows)
}

/// A token of this kind that would otherwise say what these claims say.
pub fn token(args: &Args, claims: &Claims, kind: Kind) -> Result<String, Failure> {
    let (files, server) = (args.folder.files(), &args.wanted.server);
    let issuer = Issuer::from_keys(&files, &server.issuer(), &server.audience())?;
    let subject = claims.all.get("sub").and_then(Value::as_str).unwrap_or_default();
    let good = issuer.token(subject).lifetime(args.wanted.lifetime.0);
    let good =
        claims.all.iter().fold(good, |token, (name, value)| token.claim(name, value.clone()));
    good.bad(kind).mint().map_err(|error| Failure::other(error.to_string()))
}

fn answer(kind: Kind) -> &'static str {
    match kind.expected() {
        Expected::Taken => "that of a good token: it only looks bad, and is legal",
        Expected::Powerless => {
            "403 insufficient_scope from step 8 on: it is genuine, and allows nothing"
        }
        _ => "401 invalid_token, in the same words as for every bad token",
    }
}

fn console(kind: Kind) -> String {
    match kind.expected() {
        Expected::Taken => "nothing special".into(),
        Expected::Powerless => "refused: … needs …, the caller has \"…\"".into(),
        Expected::Refused(cause) => format!("refused the token: {cause}"),
        _ => "refused the token: …".into(),
    }
}
