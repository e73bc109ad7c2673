//! Who may send people here? Programs that an operator knows, that have registered themselves, or that are documents.

mod address;
mod content;
pub mod document;
mod fetch;
pub mod file;
mod kept;
mod metadata;
mod proof;
pub(crate) mod registered;
mod turns;

use std::{fmt, sync::Arc};

use mcp_auth::{ScopeSet, jwks::Keys};

use crate::{redirect, store::hash};

/// A program that asks for tokens.
#[derive(Clone)]
pub struct Client {
    /// Its id.
    pub id: String,
    /// What it calls itself. Anybody can call himself anything.
    pub name: Option<String>,
    /// Where people may be sent back to.
    pub redirects: Vec<String>,
    /// The scopes that it may have; `None` for all that there are.
    pub scope: Option<ScopeSet>,
    /// How it shows who it is.
    pub proof: Proof,
    /// It may send people here (`authorization_code`).
    pub may_ask_people: bool,
    /// It may get refresh tokens.
    pub may_refresh: bool,
    /// It may ask for tokens in its own name (`client_credentials`).
    pub may_act_alone: bool,
    /// Where it is from.
    pub source: Source,
}

/// How a client shows who it is.
#[derive(Clone)]
pub enum Proof {
    /// Not at all: it is a program in somebody's hands (`none`).
    Public,
    /// By a secret, of which the hash is kept (`client_secret_basic`, `client_secret_post`).
    Secret(String),
    /// By an assertion that one of its keys has signed (`private_key_jwt`).
    Keys(Arc<Keys>),
}

impl Proof {
    /// Does its client prove nothing?
    #[must_use]
    pub fn is_none(&self) -> bool {
        matches!(self, Self::Public)
    }
}

/// Where a client is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The operator's file.
    File,
    /// It has registered itself (RFC 7591).
    Registered {
        /// When it got a token last, give or take an hour.
        used: Option<i64>,
    },
    /// A document at its id.
    Document,
}

impl Client {
    /// Is this its secret? Takes as long for a wrong one.
    #[must_use]
    pub fn knows(&self, secret: &str) -> bool {
        let Proof::Secret(kept) = &self.proof else { return false };
        let given = hash(secret);
        aws_lc_rs::constant_time::verify_slices_are_equal(given.as_bytes(), kept.as_bytes()).is_ok()
    }

    /// Can somebody else pretend to be it? A program that proves nothing and gets its answers on the person's own machine can
    /// be any program there (RFC 8252 §8.6): so people are asked each time.
    #[must_use]
    pub fn can_be_anybody(&self, redirect: &str) -> bool {
        self.proof.is_none() && redirect::is_loopback(redirect)
    }
}

/// Can people be shown this as a name? What cannot be seen, or turns around what stands beside it, would let a client write on
/// our pages what is not there.
#[must_use]
pub fn is_name(text: &str) -> bool {
    (1..=100).contains(&text.chars().count())
        && text.trim() == text
        && !text.chars().any(|letter| letter.is_control() || is_hidden(letter))
}

/// Letters that direct the text or show nothing: Unicode's format characters (Cf), separators of lines, fillers, and those that
/// belong to nobody.
fn is_hidden(letter: char) -> bool {
    matches!(letter,
        '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{890}'..='\u{891}'
        | '\u{8e2}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
        | '\u{e000}'..='\u{f8ff}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{110bd}' | '\u{110cd}' | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{10ffff}')
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Client({} {:?})", self.id, self.source)
    }
}
