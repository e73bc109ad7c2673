//! Does a step change what its lesson changes, and nothing else?
//!
//! The spine is what every step has. From one step to the next a lesson file leaves, because its library version takes
//! over, one arrives, and the spine changes by a few lines: that difference is the lesson, so it must be small.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use workshop_tests::steps::LAST;

const SPINE: [&str; 5] = ["main.rs", "lib.rs", "mcp.rs", "auth.rs", "issuer.rs"];

/// In the last step the door is the lesson: what was written by hand becomes the settings of a layer, and the issuer goes.
const LAST_LESSON: [&str; 2] = ["auth.rs", "issuer.rs"];

/// Changed lines in spine files that both steps have, added and removed.
const MOST_CHANGED: usize = 50;
/// Lines of a lesson file.
const LONGEST_LESSON: usize = 150;
/// Lines of code that are new in a step, without blank ones, comments and imports.
const MOST_NEW: usize = 250;

/// The source of a step: its files by name, as lines.
type Source = BTreeMap<String, Vec<String>>;

fn source(step: u8) -> Source {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../steps/step{step}/src"));
    let read = |entry: fs::DirEntry| {
        let text = fs::read_to_string(entry.path()).unwrap();
        (entry.file_name().into_string().unwrap(), text.lines().map(str::to_owned).collect())
    };
    fs::read_dir(&folder).unwrap().map(|entry| read(entry.unwrap())).collect()
}

fn lessons(source: &Source) -> BTreeSet<&str> {
    source.keys().map(String::as_str).filter(|name| !SPINE.contains(name)).collect()
}

/// Lines that are in `old` alone and in `new` alone, by the longest sequence that both have.
fn difference<'a>(old: &'a [String], new: &'a [String]) -> (Vec<&'a str>, Vec<&'a str>) {
    let mut longest = vec![vec![0_usize; new.len() + 1]; old.len() + 1];
    for (i, left) in old.iter().enumerate().rev() {
        for (j, right) in new.iter().enumerate().rev() {
            longest[i][j] = if left == right {
                longest[i + 1][j + 1] + 1
            } else {
                longest[i + 1][j].max(longest[i][j + 1])
            };
        }
    }
    let (mut removed, mut added, mut i, mut j) = (Vec::new(), Vec::new(), 0, 0);
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            (i, j) = (i + 1, j + 1);
        } else if j == new.len() || i < old.len() && longest[i + 1][j] >= longest[i][j + 1] {
            removed.push(old[i].as_str());
            i += 1;
        } else {
            added.push(new[j].as_str());
            j += 1;
        }
    }
    (removed, added)
}

/// A line that was only moved to the left or right: it went away and came back with other blanks before it.
fn only_indented<'a>(removed: &[&'a str], added: &[&str]) -> Option<&'a str> {
    let moved = |line: &&&str| {
        let text = line.trim();
        text.len() > 3 && added.iter().any(|other| other.trim() == text && other != *line)
    };
    removed.iter().find(moved).copied()
}

/// Lines of code: no blank ones, no comments, no imports.
fn code<'a>(lines: impl IntoIterator<Item = &'a str>) -> usize {
    let mut importing = false;
    let mut count = 0;
    for line in lines.into_iter().map(str::trim) {
        let begins = line.starts_with("use ") || line.starts_with("pub use ");
        let is_import = importing || begins;
        importing = is_import && !line.ends_with(';');
        count += usize::from(!is_import && !line.is_empty() && !line.starts_with("//"));
    }
    count
}

/// What is wrong with the difference between two neighbours, in sentences.
fn faults(old: &Source, new: &Source, arrives: usize, rewritten: &[&str]) -> Vec<String> {
    let mut faults = Vec::new();
    let (before, after) = (lessons(old), lessons(new));
    let left: Vec<_> = before.difference(&after).collect();
    let arrived: Vec<_> = after.difference(&before).collect();
    if before.len() != left.len() || arrived.len() != after.len() {
        faults.push(format!("a lesson file stays: {before:?} became {after:?}"));
    }
    if arrived.len() != arrives {
        faults.push(format!("{arrives} lesson files are to arrive, not {arrived:?}"));
    }
    for (gone, come) in left.iter().flat_map(|gone| arrived.iter().map(move |come| (gone, come))) {
        let (removed, _) = difference(&old[**gone], &new[**come]);
        let kept = old[**gone].len() - removed.len();
        if kept * 2 > old[**gone].len() {
            faults.push(format!("{gone} was renamed to {come}: they share {kept} lines"));
        }
    }
    let (mut changed, mut fresh) = (0, 0);
    for name in SPINE {
        match (old.get(name), new.get(name)) {
            (Some(old), Some(new)) => {
                let (removed, added) = difference(old, new);
                let counts = !rewritten.contains(&name);
                changed += if counts { removed.len() + added.len() } else { 0 };
                fresh += code(added.iter().copied());
                if let Some(line) = only_indented(&removed, &added) {
                    faults.push(format!("{name}: a line was only indented: {:?}", line.trim()));
                }
            }
            (None, Some(new)) => fresh += code(new.iter().map(String::as_str)),
            (Some(_), None) if rewritten.contains(&name) => {}
            (Some(_), None) => faults.push(format!("{name} leaves, but belongs to the spine")),
            (None, None) => {}
        }
    }
    if changed > MOST_CHANGED {
        faults.push(format!("{changed} lines of the spine change, {MOST_CHANGED} are allowed"));
    }
    for name in arrived {
        let lines = new[*name].len();
        fresh += code(new[*name].iter().map(String::as_str));
        if lines > LONGEST_LESSON {
            faults.push(format!("{name} has {lines} lines, {LONGEST_LESSON} are allowed"));
        }
    }
    if fresh > MOST_NEW {
        faults.push(format!("{fresh} lines of code are new, {MOST_NEW} are allowed"));
    }
    faults
}

#[test]
fn each_step_changes_its_lesson_and_little_else() {
    let mut faults_found = Vec::new();
    for step in 1..LAST {
        let arrives = if step == 1 { 2 } else { 1 };
        let rewritten = if step + 1 == LAST { &LAST_LESSON[..] } else { &[] };
        for fault in faults(&source(step), &source(step + 1), arrives, rewritten) {
            faults_found.push(format!("step {step} to {}: {fault}", step + 1));
        }
    }
    assert!(faults_found.is_empty(), "{}", faults_found.join("\n"));
}

#[test]
fn the_first_lesson_is_short_and_each_step_has_its_own() {
    let expected = [
        "server",
        "jsonrpc origin",
        "tools",
        "calls",
        "jwks",
        "jwt",
        "metadata",
        "scopes",
        "login",
    ];
    for (step, files) in (1..).zip(expected) {
        let source = source(step);
        let names: Vec<_> = lessons(&source).iter().map(|name| name.replace(".rs", "")).collect();
        assert_eq!(names.join(" "), files, "the lesson files of step {step}");
    }
    assert!(source(1)["server.rs"].len() <= LONGEST_LESSON);
}

#[test]
fn main_alone_names_its_crate() {
    for step in 1..=LAST {
        for (name, lines) in source(step) {
            let own = format!("step{step}");
            let names = lines.iter().filter(|line| !line.trim_start().starts_with("//"));
            let count = names.filter(|line| line.contains(&own)).count();
            assert_eq!(
                count > 0,
                name == "main.rs",
                "step {step}: {name} names its crate {count} times"
            );
        }
    }
}

fn made_of(files: &[(&str, &[&str])]) -> Source {
    let lines = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect();
    files.iter().map(|(name, text)| ((*name).to_owned(), lines(text))).collect()
}

#[test]
fn a_crooked_step_is_found_out() {
    let lesson: [&str; 4] = ["one", "two", "three", "four"];
    let old = made_of(&[("lib.rs", &["fn a() {", "    call(1);", "}"]), ("a.rs", &lesson)]);
    let found = |files: &[(&str, &[&str])], word: &str| {
        let faults = faults(&old, &made_of(files), 1, &[]);
        assert!(faults.iter().any(|fault| fault.contains(word)), "{word}: {faults:?}");
    };
    let fine = made_of(&[("lib.rs", &["fn a() {", "    call(2);", "}"]), ("b.rs", &["other"])]);
    assert_eq!(faults(&old, &fine, 1, &[]), Vec::<String>::new());
    let same = ("lib.rs", &["fn a() {", "    call(1);", "}"][..]);
    found(&[same, ("b.rs", &lesson)], "renamed");
    found(&[same, ("a.rs", &lesson), ("b.rs", &["x"])], "stays");
    found(&[same], "to arrive");
    found(&[("b.rs", &["x"])], "belongs to the spine");
    let indented = ["fn a() {", "    if true {", "        call(1);", "    }", "}"];
    found(&[("lib.rs", &indented), ("b.rs", &["x"])], "only indented");
    let many: Vec<_> = (0..60).map(|n| format!("line {n}")).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    found(&[("lib.rs", &many), ("b.rs", &["x"])], "of the spine change");
    found(&[same, ("b.rs", &["x"; 151])], "151 lines");
    found(&[same, ("mcp.rs", &["x"; 200]), ("b.rs", &["y"; 100])], "lines of code are new");
}
