//! How is a token handed over? On the screen, in a form for programs, or in a file of one's own.

use std::{fs, path::Path};

use clap::ValueEnum;
use mcp_auth::{
    issuer::disk::{random, write_new},
    testing::Kind,
};
use serde_json::{Value, json};

use super::{bad, claims::Claims};
use crate::{exit::Failure, output, times};

/// What is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// What the token says, in words, and the token
    #[default]
    Text,
    /// The token alone, one on a line
    Raw,
    /// Everything, for programs
    Json,
    /// The header to send
    Header,
    /// A curl line that lists the server's tools
    Curl,
}

/// A token and what it says.
pub struct Made {
    /// Its claims.
    pub claims: Claims,
    /// Itself.
    pub token: String,
    /// What is wrong with it, if it is a bad one.
    pub bad: Option<Kind>,
}

/// The tokens in this format.
pub fn format(made: &[Made], format: Format, now: i64) -> String {
    match format {
        Format::Raw => lines(made, |made| made.token.clone()),
        Format::Header => lines(made, |made| format!("Authorization: Bearer {}", made.token)),
        Format::Curl => lines(made, curl),
        Format::Json => match made {
            [one] => output::json(&as_json(one)),
            many => output::json(&many.iter().map(as_json).collect()),
        },
        Format::Text => {
            let one = |made: &Made| format!("{}\n{}\n", words(made, now), made.token);
            made.iter().map(one).collect::<Vec<_>>().join("\n")
        }
    }
}

/// What a token says, in words.
pub fn words(made: &Made, now: i64) -> String {
    if let Some(kind) = made.bad {
        return bad::words(kind); // what it says is what is wrong with it
    }
    let claim = |name: &str| match made.claims.all.get(name) {
        None | Some(Value::Null) => "none".to_owned(),
        Some(Value::String(text)) if text.is_empty() => "none".to_owned(),
        Some(Value::String(text)) => output::line(text),
        Some(Value::Array(list)) if list.iter().all(Value::is_string) => {
            let words: Vec<_> = list.iter().filter_map(Value::as_str).collect();
            output::line(&words.join(" "))
        }
        Some(other) => output::line(&other.to_string()),
    };
    let expires = made.claims.expires.map(|time| times::told(time, now));
    let rows = [
        ["subject", &claim("sub")],
        ["scopes", &claim("scope")],
        ["roles", &claim("roles")],
        ["issuer", &claim("iss")],
        ["audience", &claim("aud")],
        ["expires", &expires.unwrap_or_else(|| claim("exp"))],
    ];
    output::table(0, &rows.map(|row| row.map(str::to_owned)))
}

fn as_json(made: &Made) -> Value {
    if let Some(kind) = made.bad {
        let mut object = bad::as_json(kind);
        object["token"] = made.token.as_str().into();
        return object;
    }
    let claim = |name: &str| made.claims.all.get(name).cloned().unwrap_or_default();
    let scopes = claim("scope");
    let scopes: Vec<_> = scopes.as_str().unwrap_or_default().split_whitespace().collect();
    let roles = Some(claim("roles")).filter(|roles| !roles.is_null()).unwrap_or_else(|| json!([]));
    json!({
        "subject": claim("sub"), "scopes": scopes, "roles": roles,
        "issuer": claim("iss"), "audience": claim("aud"), "expires_at": made.claims.expires,
        "claims": made.claims.all, "token": made.token,
    })
}

fn lines(made: &[Made], line: impl Fn(&Made) -> String) -> String {
    made.iter().map(|made| line(made) + "\n").collect()
}

/// A whole request of the current revision, for people who want to see one.
fn curl(made: &Made) -> String {
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let body =
        json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": meta}});
    let url =
        made.claims.all.get("aud").and_then(Value::as_str).unwrap_or("http://localhost:9000/mcp");
    let quoted = |text: &str| format!("'{}'", text.replace('\'', r"'\''"));
    let headers = [
        format!("Authorization: Bearer {}", made.token),
        "Content-Type: application/json".into(),
        "Accept: application/json, text/event-stream".into(),
        "MCP-Protocol-Version: 2026-07-28".into(),
        "Mcp-Method: tools/list".into(),
    ];
    let headers: String = headers.iter().map(|header| format!(" -H {}", quoted(header))).collect();
    format!("curl -sS -i{headers} --data-raw {} {}", quoted(&body.to_string()), quoted(url))
}

/// Writes a text into a file that only its owner can read, from its first moment on.
pub fn to_file(path: &Path, text: &str, force: bool) -> Result<(), Failure> {
    if !force {
        if path.exists() {
            let text = format!("{} exists; --force writes over it", path.display());
            return Err(Failure::other(text));
        }
        return Ok(write_new(path, text, true)?);
    }
    // beside it and then in its place: the old file may be readable by others, or be open
    let mut draft = path.as_os_str().to_owned();
    draft.push(format!(".{}", random()));
    write_new(Path::new(&draft), text, true)?;
    fs::rename(&draft, path).map_err(|error| {
        let _ = fs::remove_file(&draft);
        Failure::other(format!("{} cannot be written: {error}", path.display()))
    })
}
