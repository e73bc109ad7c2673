//! Is there what a document says is there? Files, headings, functions, tests.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::document::{Document, root};

/// What is wrong with a link: to a file that is not there, or to a heading that the file does not have.
pub fn dead(document: &Document, link: &str) -> Option<String> {
    let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
    let folder = Path::new(&document.name).parent()?;
    let target = if path.is_empty() { document.name.clone().into() } else { folder.join(path) };
    let full = root().join(&target);
    if !full.exists() {
        return Some(format!("{}: {link} leads nowhere", document.name));
    }
    let text = fs::read_to_string(full).unwrap_or_default(); // a folder has none
    let headings = text.lines().filter(|line| line.starts_with('#')).map(slug);
    let known = anchor.is_empty() || headings.into_iter().any(|heading| heading == anchor);
    (!known).then(|| format!("{}: there is no heading {link}", document.name))
}

/// How a heading is addressed.
fn slug(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// A row of the table attack, line, test.
pub struct Row {
    attack: String,
    line: String,
    test: String,
}

/// The rows below the head of the table.
pub fn rows(section: &str) -> Vec<Row> {
    let table = section.lines().filter(|line| line.starts_with('|')).skip(2);
    table
        .map(|line| {
            let cells: Vec<_> = line.trim_matches('|').split(" | ").map(str::trim).collect();
            let [attack, line, test] = cells[..] else { panic!("three cells: {line}") };
            Row { attack: attack.into(), line: line.into(), test: test.into() }
        })
        .collect()
}

/// What a row names that is not there: the file or function of its line, or its test.
pub fn unfounded(step: &str, row: &Row) -> Option<String> {
    let wrong = |what: &str| Some(format!("{step}, {:?}: {what}", row.attack));
    let names = code(&row.line);
    let Some((file, functions)) = names.split_first() else { return wrong("no file is named") };
    let here = root().join("steps").join(step).join("src").join(file);
    let path = if here.exists() { here } else { root().join(file) };
    let Ok(source) = fs::read_to_string(path) else { return wrong(&format!("no file {file}")) };
    if functions.is_empty() {
        return wrong("no function is named");
    }
    if let Some(name) = functions.iter().find(|name| !defines(&source, name)) {
        return wrong(&format!("{file} has no function {name}"));
    }
    let tests = code(&row.test);
    let everywhere: String =
        sources().iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    match tests.iter().find(|name| !defines(&everywhere, name)) {
        _ if tests.is_empty() => wrong("no test is named"),
        Some(name) => wrong(&format!("there is no test {name}")),
        None => None,
    }
}

/// The sources that hold tests and promises; not the code that they judge.
fn sources() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders: Vec<_> =
        ["tests", "mcp-auth", "common", "cli"].map(|name| root().join(name)).into();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                found.push(path);
            }
        }
    }
    found
}

/// Is there a function of this name, or a type?
fn defines(source: &str, name: &str) -> bool {
    let starts = ["fn ", "struct "].map(|kind| format!("{kind}{name}"));
    let ends = |rest: &str| rest.starts_with(['(', '<', ' ']);
    starts.iter().any(|start| source.split(start.as_str()).skip(1).any(ends))
}

/// What stands between backticks.
fn code(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// How many lines a learner is sent to: whole files, or the functions that are named behind a file.
///
/// # Errors
/// A sentence about a file or function that is not there.
pub fn lines_to_read(readme: &Document) -> Result<usize, String> {
    let folder = root().join(&readme.name).parent().map(Path::to_owned).unwrap_or_default();
    let mut lines = 0;
    for item in readme.section("Read").lines().filter(|line| line.starts_with("* [")) {
        let link = item.split_once("](").and_then(|(_, rest)| rest.split_once(')'));
        let (path, rest) = link.ok_or_else(|| format!("{}: {item}", readme.name))?;
        let source = fs::read_to_string(folder.join(path)).map_err(|e| format!("{path}: {e}"))?;
        let functions = code(rest.split(':').next().unwrap_or_default());
        if functions.is_empty() {
            lines += source.lines().count();
        }
        for function in functions {
            let length = length(&source, function);
            lines += length.ok_or_else(|| format!("{path} has no function {function}"))?;
        }
    }
    Ok(lines)
}

/// How many lines a function has, by the indentation of its first and its last.
fn length(source: &str, function: &str) -> Option<usize> {
    let mut lines = source.lines().skip_while(|line| !defines(line, function));
    let first = lines.next()?;
    let indent = &first[..first.len() - first.trim_start().len()];
    if first.ends_with('}') {
        return Some(1);
    }
    Some(2 + lines.position(|line| line == format!("{indent}}}"))?)
}

#[test]
fn a_claim_that_is_not_true_is_found() {
    let text = "| attack | line | test |\n|---|---|---|\n".to_owned();
    let row = |line: &str, test: &str| format!("{text}| x | {line} | {test} |");
    let unfounded = |row: &str| unfounded("step1", &rows(row)[0]);
    let (line, test) = ("`server.rs`, `is_harmless`", "`a_claim_that_is_not_true_is_found`");
    assert_eq!(unfounded(&row(line, test)), None);
    for (line, test) in [
        ("`nowhere.rs`, `is_harmless`", test),
        ("`server.rs`, `is_harmful`", test),
        ("`server.rs`", test),
        ("somewhere", test),
        (line, "`nobody_wrote_this`"),
        (line, "none"),
    ] {
        assert!(unfounded(&row(line, test)).is_some(), "{line} {test}");
    }
    let document = Document::read("CONTRIBUTING.md");
    assert_eq!(dead(&document, "#how-a-step-is-made"), None);
    assert!(dead(&document, "#nowhere").is_some() && dead(&document, "nowhere.md").is_some());
}

#[test]
fn the_lines_of_a_function_are_counted() {
    let source = "fn a() {\n    1\n}\n\nimpl X {\n    fn b(\n        x: u8,\n    ) {\n    }\n    fn c() {}\n}\n";
    let lengths = ["a", "b", "c", "d"].map(|name| length(source, name));
    assert_eq!(lengths, [Some(3), Some(4), Some(1), None]);
}
