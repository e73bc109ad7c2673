//! Is `docs/requirements.md` true? Numbers, files and proofs, in both directions.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use workshop_tests::{contracts, steps, wire};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A row of the page.
struct Row {
    number: String,
    link: String,
    files: Vec<String>,
    proof: String,
}

impl Row {
    /// Promises and tests that it names.
    fn named(&self) -> Vec<String> {
        quoted(&self.proof)
    }
}

/// What stands between backticks.
fn quoted(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn rows(page: &str) -> Vec<Row> {
    let cells =
        |line: &str| line.trim_matches('|').split('|').map(|c| c.trim().to_owned()).collect();
    let lines = page.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| number"));
    let rows = lines.map(|line| {
        let cells: Vec<String> = cells(line);
        let [number, _, link, files, proof] = &cells[..] else { panic!("not five cells: {line}") };
        let (number, link, proof) = (number.clone(), link.clone(), proof.clone());
        Row { number, link, files: quoted(files), proof }
    });
    rows.collect()
}

fn page() -> Vec<Row> {
    rows(&fs::read_to_string(root().join("docs/requirements.md")).unwrap())
}

/// Is this the number of a requirement? A letter and one or two digits.
fn is_number(word: &str) -> bool {
    let digits = word.strip_prefix(['T', 'B', 'F', 'G', 'A', 'S', 'C']);
    digits.is_some_and(|d| (1..=2).contains(&d.len()) && d.bytes().all(|b| b.is_ascii_digit()))
}

/// The numbers that a text cites.
fn cited(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric());
    words.filter(|word| is_number(word)).map(str::to_owned).collect()
}

/// Rust files of the workspace, without what is built.
fn sources() -> Vec<PathBuf> {
    let mut folders: Vec<_> = ["steps", "common", "mcp-auth", "cli", "servers", "tests"]
        .map(|name| root().join(name))
        .into();
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("target") && !path.ends_with("node_modules") {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                files.push(path);
            }
        }
    }
    files
}

/// The promises that can be asked, with the numbers that they prove.
fn promises() -> BTreeMap<&'static str, BTreeSet<String>> {
    let contracts = (1..=steps::LAST).flat_map(contracts::of);
    let all = contracts.chain(wire::promises(steps::LAST));
    all.map(|promise| (promise.name, cited(promise.proves))).collect()
}

/// The functions of all sources.
fn functions() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for path in sources() {
        let text = fs::read_to_string(path).unwrap();
        let after = text.split("fn ").skip(1);
        names.extend(after.filter_map(|rest| rest.split(['(', '<']).next()).map(str::to_owned));
    }
    names
}

#[test]
fn every_number_that_is_cited_has_a_row() {
    let known: BTreeSet<_> = page().into_iter().map(|row| row.number).collect();
    let mut unknown = Vec::new();
    for path in sources() {
        let text = fs::read_to_string(&path).unwrap();
        let comments = text.lines().filter_map(|line| line.split_once("//"));
        for (_, comment) in comments {
            let missing = cited(comment).into_iter().filter(|number| !known.contains(number));
            unknown.extend(missing.map(|number| format!("{}: {number}", path.display())));
        }
    }
    for (name, proves) in promises() {
        let missing = proves.into_iter().filter(|number| !known.contains(number));
        unknown.extend(missing.map(|number| format!("the promise {name}: {number}")));
    }
    assert!(unknown.is_empty(), "these numbers have no row:\n{}", unknown.join("\n"));
}

#[test]
fn every_row_has_a_proof_that_exists_or_a_reason() {
    let (promises, functions) = (promises(), functions());
    let mut faults = Vec::new();
    for row in page() {
        let number = &row.number;
        let has_reason = row.proof.starts_with("not in steps 1-8: ");
        if !has_reason && row.named().is_empty() {
            faults.push(format!("{number}: neither a proof nor a reason"));
        }
        for name in row.named().into_iter().filter(|_| !has_reason) {
            match promises.get(&*name) {
                Some(proves) if !proves.contains(number) => {
                    faults.push(format!("{number}: the promise {name} proves {proves:?}"));
                }
                None if !functions.contains(&name) => {
                    faults.push(format!("{number}: there is no promise and no test {name}"));
                }
                _ => {}
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_promise_is_named_where_it_proves_something() {
    let named: BTreeSet<String> = page().iter().flat_map(Row::named).collect();
    let mut numbers: BTreeMap<String, usize> = BTreeMap::new();
    for (name, proves) in promises() {
        for number in proves {
            *numbers.entry(number).or_default() += usize::from(named.contains(name));
        }
    }
    let unproved: Vec<_> = numbers.iter().filter(|(_, count)| **count == 0).collect();
    assert!(unproved.is_empty(), "no row names a promise that proves these: {unproved:?}");
}

#[test]
fn every_file_and_every_link_is_one() {
    let mut faults = Vec::new();
    for row in page() {
        for file in row.files.iter().filter(|file| !root().join(file).is_file()) {
            faults.push(format!("{}: there is no file {file}", row.number));
        }
        if !row.link.starts_with('[') || !row.link.contains("](https://") {
            faults.push(format!("{}: {} is no link", row.number, row.link));
        }
        if row.files.is_empty() && !row.proof.starts_with("not in steps 1-8: ") {
            faults.push(format!("{}: it is met nowhere", row.number));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn no_number_is_left_out_or_stands_twice() {
    let numbers: Vec<_> = page().into_iter().map(|row| row.number).collect();
    let ends = [('T', 21), ('B', 13), ('F', 19), ('G', 10), ('A', 16), ('S', 12), ('C', 7)];
    let all: Vec<_> =
        ends.iter().flat_map(|(kind, end)| (1..=*end).map(move |n| format!("{kind}{n}"))).collect();
    assert_eq!(numbers, all);
}

#[test]
fn a_citation_is_told_from_other_words() {
    let expected = ["A9", "T1", "T17"].map(str::to_owned).into();
    assert_eq!(cited("T1-T17, (A9); S256 RS256 X1 T T123 UTF8"), expected);
}
