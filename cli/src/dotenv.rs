//! What may the file `.env` of the folder one stands in set? Our own settings, and not all of them: a folder from elsewhere, such
//! as one that was cloned a minute ago, has such a file too.

use std::{
    env, fs,
    io::{ErrorKind, Read as _},
    sync::OnceLock,
};

use crate::exit::Failure;

const FILE: &str = ".env";
/// A longer one is none: it could be a link to something without an end.
const MOST: u64 = 256 << 10;
/// Settings that name files of the person: which of them an issuer is shown, where tokens are kept, and which keys sign, is for
/// him to say.
const HIS_OWN: [&str; 3] = ["MCP_KEYS_DIR", "MCP_LOGIN_CLIENT_SECRET_FILE", "MCP_LOGIN_DIR"];
/// Stands for a `$` that is to be one. No setting of ours has this letter.
const DOLLAR: &str = "\u{e000}";

/// The token that the file has set, if it is the one that counts.
static TOKEN: OnceLock<String> = OnceLock::new();

/// Is this the token that stands in the file?
pub fn has_token(token: &str) -> bool {
    TOKEN.get().is_some_and(|set| set == token)
}

/// Takes our settings from `.env`, and nothing else that stands there: nobody is to choose a proxy for us, or where our home is.
///
/// # Errors
/// What is wrong there, and in which line. Not what stands there: it may be a secret.
pub fn load() -> Result<(), Failure> {
    let Some(text) = text()? else { return Ok(()) };
    let mut ours = String::new();
    let filled_in = variables(&text)?;
    for ((name, value), (_, written)) in filled_in.into_iter().zip(variables(&plain(&text))?) {
        if !name.starts_with("MCP_") {
            continue;
        }
        // on Windows the name of a variable is the same in capitals and in small letters
        if HIS_OWN.iter().any(|own| name.eq_ignore_ascii_case(own)) {
            return Err(Failure::usage(format!(
                "the file {FILE} sets {name}: which of your files are used is not for a folder to say; set it in your \
                 shell, or on the command line"
            )));
        }
        if written.replace(DOLLAR, "$") != value {
            // or `MCP_TOKEN=${GITHUB_TOKEN}` would send that one to the server of whoever has written the file
            return Err(Failure::usage(format!(
                "in the file {FILE} the value of {name} names another variable with $, and those are not for a folder to \
                 read; a $ that is one stands in single quotes"
            )));
        }
        if name == "MCP_TOKEN" && env::var_os(&name).is_none() {
            let _ = TOKEN.set(value.trim().to_owned());
        }
        let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('$', "\\$");
        ours.push_str(&format!("{name}=\"{value}\"\n"));
    }
    dotenvy::from_read(ours.as_bytes()).map_err(|error| unread(&error, &ours))
}

/// What stands in the file, if there is one.
fn text() -> Result<Option<String>, Failure> {
    let cannot = |why: &str| Failure::usage(format!("the file {FILE} cannot be read: {why}"));
    let metadata = match fs::metadata(FILE) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        metadata => metadata.map_err(|error| cannot(&error.to_string()))?,
    };
    if !metadata.is_file() {
        return Err(cannot("it is no file"));
    }
    let mut text = String::new();
    let file = fs::File::open(FILE).map_err(|error| cannot(&error.to_string()))?;
    file.take(MOST + 1).read_to_string(&mut text).map_err(|error| cannot(&error.to_string()))?;
    if text.len() as u64 > MOST {
        return Err(cannot("it is longer than 256 KiB"));
    }
    Ok(Some(text))
}

fn variables(text: &str) -> Result<Vec<(String, String)>, Failure> {
    let all: Result<_, _> = dotenvy::from_read_iter(text.as_bytes()).collect();
    all.map_err(|error| unread(&error, text))
}

/// The same text, in which no `$` means anything. One after a backslash means nothing as it is.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut is_escaped = false;
    for letter in text.chars() {
        if letter == '$' && !is_escaped {
            plain.push_str(DOLLAR);
        } else {
            plain.push(letter);
        }
        is_escaped = letter == '\\' && !is_escaped;
    }
    plain
}

fn unread(error: &dotenvy::Error, text: &str) -> Failure {
    let dotenvy::Error::LineParse(found, _) = error else {
        return Failure::usage(format!("the file {FILE} cannot be read: {error}"));
    };
    let number = text.lines().position(|line| Some(line) == found.lines().next());
    let line = number.map_or("a line".into(), |number| format!("line {}", number + 1));
    Failure::usage(format!(
        "{line} of the file {FILE} is not NAME=value; what has blanks in it stands in quotes, and quotes are closed"
    ))
}
