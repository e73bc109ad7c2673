//! Which keys sign here? `mcp-auth keys`: make, show, rotate, remove.

use std::io::{BufRead, IsTerminal as _};

use clap::Subcommand;
use mcp_auth::issuer::{
    disk::must_be_private,
    files::{KeyFiles, Listed},
    keys::{Alg, SigningKey},
};
use serde_json::{Value, json};

use crate::{
    exit::Failure,
    folder::Folder,
    output,
    times::{self, Span},
};

/// Makes, shows, rotates and removes the keys that tokens are signed with
#[derive(clap::Args)]
#[command(after_help = HELP, disable_help_subcommand = true)]
pub struct Args {
    #[command(flatten)]
    folder: Folder,
    /// Print JSON, for scripts
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Make the first key: private and public PEM, and the list of published keys, jwks.json
    #[command(after_help = "\
Examples:
  mcp-auth keys generate
  mcp-auth keys generate --dir /etc/mcp/keys --bits 4096
  mcp-auth keys generate --dir other --alg ES256")]
    Generate(Kind),
    /// Show the keys, the one that signs first
    #[command(after_help = "\
Examples:
  mcp-auth keys show
  mcp-auth keys show --json")]
    Show,
    /// Make a new key that signs from now on; the old one stays published for a while
    #[command(after_help = "\
Examples:
  mcp-auth keys rotate
  mcp-auth keys rotate --overlap 2d
  mcp-auth keys rotate --overlap 0     the old keys may be known to others")]
    Rotate {
        #[command(flatten)]
        kind: Kind,
        /// How long the old keys stay published: longer than any token lives, and than anybody caches keys
        #[arg(long, default_value = "24h", value_name = "TIME")]
        overlap: Span,
    },
    /// Remove the keys; tokens that they signed are refused from then on
    #[command(after_help = "\
Examples:
  mcp-auth keys clean
  mcp-auth keys clean --yes --dir other")]
    Clean {
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

#[derive(clap::Args)]
struct Kind {
    /// What the key signs with: RS256, ES256 or EdDSA; the servers of the workshop take RS256 alone
    #[arg(long, default_value = "RS256", value_name = "ALG")]
    alg: Alg,
    /// Size of an RSA key: 2048, 3072 or 4096 [default: 2048]
    #[arg(long, value_parser = bits, value_name = "BITS")]
    bits: Option<u32>,
}

const HELP: &str = "\
Examples:
  mcp-auth keys generate
  mcp-auth keys generate --dir /etc/mcp/keys --bits 4096
  mcp-auth keys show
  mcp-auth keys rotate --overlap 24h
  mcp-auth keys clean --yes

A private key is a file that only you can read (mode 0600 from its first moment; on Windows it inherits the
access list of its folder). No key is ever written over another. A folder or jwks.json that others can write
is refused (on Windows that is not looked at): they could publish keys of their own. While keys change, the
folder holds a file keys.lock, so that of two who change them together one is told to try again.

Exit status: 0 done, 1 not done, 2 the command line is wrong.";

impl Args {
    /// Is the reader a program?
    pub fn json(&self) -> bool {
        self.json
    }
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Failure> {
    let files = args.folder.files();
    match &args.action {
        Action::Generate(kind) => {
            let key = files.generate(kind.alg, kind.bits()?)?;
            made(&files, &key, args.json)
        }
        Action::Show => show(&files, args.json),
        Action::Rotate { kind, overlap } => {
            if overlap.0 < 0 {
                return Err(Failure::usage("--overlap cannot be negative"));
            }
            let key = files.rotate(kind.alg, kind.bits()?, overlap.0, times::now())?;
            made(&files, &key, args.json)
        }
        Action::Clean { yes } => clean(&files, *yes, args.json),
    }
}

impl Kind {
    fn bits(&self) -> Result<u32, Failure> {
        match (self.alg, self.bits) {
            (Alg::Rs256, bits) => Ok(bits.unwrap_or(2048)),
            (_, None) => Ok(0),
            (alg, Some(_)) => {
                Err(Failure::usage(format!("--bits is for RSA keys; {alg} has one size")))
            }
        }
    }
}

fn bits(text: &str) -> Result<u32, &'static str> {
    let bits = text.parse().ok().filter(|bits| [2048, 3072, 4096].contains(bits));
    bits.ok_or("an RSA key has 2048, 3072 or 4096 bits")
}

fn made(files: &KeyFiles, key: &SigningKey, as_json: bool) -> Result<(), Failure> {
    if key.alg() != Alg::Rs256 {
        output::note(&format!(
            "note: the servers of the workshop take RS256 alone, and pass this {} key over",
            key.alg()
        ));
    }
    let path = |end| files.dir().join(format!("{}.{end}.pem", key.kid())).display().to_string();
    let (private, public) = (path("private"), path("public"));
    let jwks = files.jwks().display().to_string();
    if as_json {
        return output::print(&output::json(&json!({
            "kid": key.kid(), "alg": key.alg().name(), "private": private, "public": public, "jwks": jwks,
        })));
    }
    let rows = [
        ["key", &format!("{} {}", key.alg(), key.kid())],
        ["private", &format!("{private} (keep it secret)")],
        ["public", &public],
        ["published", &jwks],
    ];
    output::print(&output::table(0, &rows.map(|row| row.map(str::to_owned))))
}

fn show(files: &KeyFiles, as_json: bool) -> Result<(), Failure> {
    let (keys, now) = (files.list()?, times::now());
    let private = |key: &Listed| files.dir().join(format!("{}.private.pem", key.kid));
    for private in keys.iter().map(private) {
        if private.exists()
            && let Err(error) = must_be_private(&private)
        {
            output::note(&format!("warning: {error}"));
        }
    }
    if as_json {
        let entry = |(place, key): (usize, &Listed)| json!({"kid": key.kid, "alg": key.alg, "signs": place == 0 && private(key).exists(), "retires": key.retires});
        let keys: Vec<Value> = keys.iter().enumerate().map(entry).collect();
        let list = json!({"dir": files.dir().display().to_string(), "keys": keys});
        return output::print(&output::json(&list));
    }
    let row = |(place, key): (usize, &Listed)| {
        let state = match key.retires {
            None if !private(key).exists() => "cannot sign: its private half is gone".to_owned(),
            None if place == 0 => "signs".to_owned(),
            None => "published".to_owned(),
            Some(end) if end <= now => {
                format!("no longer published since {}", times::told(end, now))
            }
            Some(end) => format!("published until {}", times::told(end, now)),
        };
        [output::line(&key.kid), output::line(&key.alg), state]
    };
    let rows: Vec<_> = keys.iter().enumerate().map(row).collect();
    output::note(&format!("keys in {}", files.dir().display()));
    output::print(&output::table(0, &rows))
}

fn clean(files: &KeyFiles, yes: bool, as_json: bool) -> Result<(), Failure> {
    let dir = files.dir().display().to_string();
    if !yes {
        let mut stdin = std::io::stdin().lock();
        if !stdin.is_terminal() {
            return Err(Failure::usage(
                "`keys clean` asks first, and nobody is there to answer: add --yes",
            ));
        }
        output::note(&format!(
            "Remove the keys in {dir}? Tokens that they signed are refused from then on. [y/N]"
        ));
        if !agrees(&mut stdin) {
            return Err(Failure::other("nothing was removed"));
        }
    }
    let removed: Vec<_> = files.clean()?.iter().map(|path| path.display().to_string()).collect();
    if as_json {
        return output::print(&output::json(&json!({ "removed": removed })));
    }
    if removed.is_empty() {
        output::note(&format!("there are no keys in {dir}"));
    }
    output::print(&removed.iter().map(|path| format!("removed {path}\n")).collect::<String>())
}

/// Does the next line say yes? Silence and everything else mean no.
pub fn agrees(person: &mut impl BufRead) -> bool {
    let mut answer = String::new();
    person.read_line(&mut answer).is_ok() && matches!(answer.trim(), "y" | "Y" | "yes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_clear_yes_removes_keys() {
        for yes in ["y\n", "Y\r\n", "yes\n", "y"] {
            assert!(agrees(&mut yes.as_bytes()), "{yes:?}");
        }
        for no in ["", "\n", "n\n", "no\n", "yesterday\n", "n\ny\n"] {
            assert!(!agrees(&mut no.as_bytes()), "{no:?}");
        }
        assert!(!agrees(&mut &b"\xff\n"[..]), "what is no text is no answer");
    }
}
