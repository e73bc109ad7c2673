//! Can a change of the prose be read? Git shows whole lines, so a paragraph in one line hides the word that changed.

use super::document::Document;

/// Characters of a line of prose.
const LONGEST: usize = 160;

/// The lines of prose that are too long, with file and line. Tables and blocks cannot be wrapped, so they do not count,
/// nor does where a link leads.
pub fn too_long(document: &Document) -> Vec<String> {
    let mut in_block = false;
    let mut found = Vec::new();
    for (number, line) in (1..).zip(document.text.lines()) {
        let fence = line.trim_start().starts_with("```");
        in_block ^= fence;
        let length = read(line);
        if !fence && !in_block && !line.trim_start().starts_with('|') && length > LONGEST {
            found.push(format!("{}:{number}: {length} characters, wrap it", document.name));
        }
    }
    found
}

/// How many characters of a line are read: all but addresses.
fn read(line: &str) -> usize {
    let mut parts = line.split("](");
    let before = parts.next().unwrap_or_default().to_owned();
    let shown =
        parts.fold(before, |text, part| text + part.split_once(')').unwrap_or(("", part)).1);
    let words = shown.split(' ').filter(|word| !word.contains("://"));
    words.map(|word| word.chars().count() + 1).sum::<usize>().saturating_sub(1)
}

#[test]
fn a_long_line_is_found_and_a_table_is_not() {
    let words = "four ".repeat(33); // 165 characters with the last blank, 164 without
    let long = words.trim_end();
    for (text, expected) in [
        (format!("short\n{long}"), vec!["it.md:2: 164 characters, wrap it"]),
        (format!("* {long}"), vec!["it.md:1: 166 characters, wrap it"]),
        (format!("```\nblock\n```\n{long}"), vec!["it.md:4: 164 characters, wrap it"]),
        (long[..LONGEST].to_owned(), vec![]),
        ("ä".repeat(LONGEST), vec![]),
        (format!("| {long} |"), vec![]),
        (format!("```\n{long}\n```"), vec![]),
        (format!("[a link]({}) and https://{}", "x".repeat(200), "y".repeat(200)), vec![]),
        (format!("[a link](x) {long}"), vec!["it.md:1: 172 characters, wrap it"]),
    ] {
        let found = too_long(&Document { name: "it.md".into(), text: text.clone() });
        assert_eq!(found, expected, "{text}");
    }
}
