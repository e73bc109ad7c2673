//! Who asks whom, and why? For `--trace`: each exchange as a line of a sequence diagram, without the secrets.

use std::io::IsTerminal as _;

use reqwest::StatusCode;

use crate::{
    call::secrets::is_secret,
    output::{self, DIM},
};

/// Who takes part, in the order of the columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Party {
    /// The person's browser.
    Browser,
    /// This command.
    Us,
    /// The MCP server.
    Server,
    /// The authorization server.
    Issuer,
}

/// Where the lines of the four stand.
const COLUMNS: [usize; 4] = [3, 12, 20, 27];
const WIDTH: usize = 30;
const NAMES: &str = "browser  mcp-auth  server  issuer";

/// Draws to stderr, or draws nothing.
pub struct Trace {
    ink: Option<&'static Ink>,
}

struct Ink {
    line: char,
    dash: char,
    leaves_right: char,
    leaves_left: char,
    right: char,
    left: char,
    answered: &'static str,
}

const LINES: Ink = Ink {
    line: '│',
    dash: '─',
    leaves_right: '├',
    leaves_left: '┤',
    right: '▶',
    left: '◀',
    answered: "→",
};
const PLAIN: Ink = Ink {
    line: '|',
    dash: '-',
    leaves_right: '+',
    leaves_left: '+',
    right: '>',
    left: '<',
    answered: "->",
};

impl Trace {
    /// With lines on a terminal that wants them, in plain ASCII elsewhere.
    pub fn new(wanted: bool) -> Self {
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || !std::io::stderr().is_terminal();
        Self { ink: wanted.then_some(if plain { &PLAIN } else { &LINES }) }
    }

    /// The names above the columns.
    pub fn begin(&self) {
        if self.ink.is_some() {
            output::note(&format!("{DIM}{NAMES}{DIM:#}"));
        }
    }

    /// A request and what was answered; without a status nobody answered.
    pub fn exchange(&self, ends: [Party; 2], what: &str, status: Option<StatusCode>, why: &str) {
        let Some(ink) = self.ink else { return };
        let status = status.map_or("no answer".into(), |status| status.as_u16().to_string());
        self.tell(ends, &format!("{what} {} {status}", ink.answered), why);
    }

    /// Something that passes between two, with nothing to be seen of an answer.
    pub fn tell(&self, ends: [Party; 2], what: &str, why: &str) {
        let Some(ink) = self.ink else { return };
        let (drawn, what, why) = (drawn(ink, ends), output::line(what), output::line(why));
        output::note(&format!("{DIM}{drawn}{DIM:#} {what}  {DIM}({why}){DIM:#}"));
    }
}

fn drawn(ink: &Ink, [from, to]: [Party; 2]) -> String {
    let (from, to) = (COLUMNS[from as usize], COLUMNS[to as usize]);
    let mut row = [' '; WIDTH];
    for column in COLUMNS {
        row[column] = ink.line;
    }
    for cell in &mut row[from.min(to) + 1..from.max(to)] {
        *cell = ink.dash;
    }
    if from < to {
        (row[from], row[to - 1]) = (ink.leaves_right, ink.right);
    } else {
        (row[from], row[to + 1]) = (ink.leaves_left, ink.left);
    }
    row.iter().collect()
}

/// The parameters of a form or a query, those that let somebody in masked.
pub fn masked<'a>(fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let one = |(name, value): (&str, &str)| match name {
        "token_type_hint" | "code_challenge_method" => format!("{name}={value}"),
        "state" => "state=***".into(),
        name if is_secret(name) => format!("{name}=***"),
        name => format!("{name}={value}"),
    };
    fields.into_iter().map(one).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arrow_goes_from_one_line_to_another() {
        use Party::{Browser, Issuer, Server, Us};
        for (ends, lines, plain) in [
            ([Us, Server], "   │        ├──────▶│      │  ", "   |        +------>|      |  "),
            ([Us, Issuer], "   │        ├─────────────▶│  ", "   |        +------------->|  "),
            ([Us, Browser], "   │◀───────┤       │      │  ", "   |<-------+       |      |  "),
            ([Browser, Us], "   ├───────▶│       │      │  ", "   +------->|       |      |  "),
        ] {
            assert_eq!(drawn(&LINES, ends), lines);
            assert_eq!(drawn(&PLAIN, ends), plain);
        }
    }

    #[test]
    fn what_lets_somebody_in_is_not_drawn() {
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", "geheim"),
            ("code_verifier", "geheim"),
            ("refresh_token", "geheim"),
            ("client_secret", "geheim"),
            ("token", "geheim"),
            ("state", "geheim"),
            ("client_id", "c"),
        ];
        let text = masked(fields);
        assert!(!text.contains("geheim"), "{text}");
        assert!(text.contains("grant_type=authorization_code") && text.ends_with("client_id=c"));
    }
}
