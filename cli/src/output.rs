//! What do people and scripts get to read? Results on stdout, everything else on stderr; colour
//! only on a terminal that wants it (`NO_COLOR`), and nothing that a server could steer it with.

use std::io::{ErrorKind, Write};

use anstyle::{Effects, Style};
use serde_json::Value;

use crate::exit::Failure;

/// For names and headings.
pub const BOLD: Style = Style::new().effects(Effects::BOLD);
/// For what is less important.
pub const DIM: Style = Style::new().effects(Effects::DIMMED);

/// Writes a result to stdout. A reader that has had enough (`| head`) is no failure.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = anstream::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::other(format!("cannot write the result: {error}")))
        }
        _ => Ok(()),
    }
}

/// Writes a line to stderr.
pub fn note(text: &str) {
    // nobody is left to tell when stderr is closed
    let _ = writeln!(anstream::stderr().lock(), "{text}");
}

/// A value for scripts: indented, with a line's end.
pub fn json(value: &Value) -> String {
    escape(&format!("{value:#}\n"))
}

/// The same JSON, with characters that steer a terminal written as `\u….`: outside of strings
/// JSON has none of them, so this changes no value.
pub fn escape(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        if steers(c) && c != '\n' {
            text.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            text.push(c);
        }
    }
    text
}

/// Text from outside for a terminal: what would move its cursor, colour it, retitle it or turn
/// the direction of writing around is shown as an escape instead.
pub fn clean(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    let mut clean = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\t' => clean.push(c),
            c if steers(c) => clean.extend(c.escape_unicode()),
            c => clean.push(c),
        }
    }
    clean
}

/// Text from outside, in one line.
pub fn line(text: &str) -> String {
    clean(&text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// A value in one line: text as it is, anything else as JSON.
pub fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| line(&value.to_string()), line)
}

/// Rows in columns, two blanks apart, each line after `indent` blanks. The last column may be empty.
pub fn table<const N: usize>(indent: usize, rows: &[[String; N]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths: Vec<_> = (0..N).map(|column| width(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = " ".repeat(indent);
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(cell);
            line.push_str(&" ".repeat(width - cell.chars().count() + 2));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_cannot_steer_the_terminal() {
        assert_eq!(clean("a\u{1b}[31mb\r\nc\td"), "a\\u{1b}[31mb\nc\td");
        assert_eq!(clean("\u{9b}2J\u{202e}x"), "\\u{9b}2J\\u{202e}x");
        assert_eq!(line(" two\n lines\u{7}"), "two lines\\u{7}");
        let turns = ['\u{61c}', '\u{200e}', '\u{200f}'].into_iter();
        for c in turns.chain('\u{202a}'..='\u{202e}').chain('\u{2066}'..='\u{2069}') {
            assert_eq!(clean(&c.to_string()), c.escape_unicode().to_string());
            assert_eq!(escape(&c.to_string()), format!("\\u{:04x}", u32::from(c)));
        }
    }

    #[test]
    fn escaped_json_has_the_same_value() {
        let value = serde_json::json!({"a": "\u{1b}\u{9b}\u{7f}\u{202e}\nä"});
        let text = json(&value);
        assert!(!text.chars().any(|c| steers(c) && c != '\n'), "{text:?}");
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }

    #[test]
    fn columns_are_aligned() {
        let rows = [["a", "long", "x"], ["ccc", "b", ""]].map(|row| row.map(String::from));
        assert_eq!(table(2, &rows), "  a    long  x\n  ccc  b\n");
    }
}
