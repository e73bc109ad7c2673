//! Do the documents tell the truth? Their commands are run, their links followed, and what they name is there.

mod claims;
mod console;
mod copy;
mod document;
mod matcher;
mod prose;
mod terminal;

pub use document::root;
use document::{Block, Document};
use terminal::{Terminal, is_shell};

/// The parts of a step's README, in their order.
const HEADINGS: [&str; 10] = [
    "Minutes",
    "What changes",
    "The picture",
    "Read",
    "Run",
    "Try",
    "What gets in without it",
    "Break it",
    "Exercise",
    "Check yourself",
];

/// Set by `scripts/check_all.sh`: run what needs more than Rust, and what builds a copy of the workspace.
fn everything() -> bool {
    std::env::var_os("WORKSHOP_README_ALL").is_some_and(|value| value == "1")
}

#[test]
fn commands_print_what_the_documents_show() {
    let wrong: Vec<_> = Document::all().iter().flat_map(run).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// Types all commands of a document, from the first to the last.
fn run(document: &Document) -> Vec<String> {
    let mut terminal = Terminal::new();
    let (mut wrong, mut skipped) = (Vec::new(), false);
    for block in document.blocks() {
        let here = format!("{}:{}", document.name, block.line);
        let result = match block.kind.as_str() {
            "console" => {
                skipped = !everything() && needs_more_than_rust(&block);
                if skipped { Ok(()) } else { type_in(&mut terminal, &block) }
            }
            "log" if skipped => Ok(()), // what the server said to a command that was not run
            "log" => terminal.log(&block.lines),
            _ => Ok(()),
        };
        if let Err(why) = result {
            wrong.push(format!("{here}: {why}"));
        }
    }
    wrong
}

fn needs_more_than_rust(block: &Block) -> bool {
    block.commands().iter().any(|command| is_shell(&command.typed))
}

fn type_in(terminal: &mut Terminal, block: &Block) -> Result<(), String> {
    if block.section == "Break it" || block.section == "Exercise" {
        return Ok(()); // these are done to a copy, by the tests below
    }
    terminal.begin();
    block.commands().iter().try_for_each(|command| {
        terminal.run(command).map_err(|why| format!("$ {}\n{why}", command.typed))
    })
}

#[test]
fn every_step_has_its_headings_in_order() {
    for step in document::steps() {
        let readme = Document::read(&format!("steps/{step}/README.md"));
        assert_eq!(readme.headings(), HEADINGS, "{}", readme.name);
    }
}

#[test]
fn every_step_can_be_the_first_one() {
    for step in document::steps() {
        let readme = Document::read(&format!("steps/{step}/README.md"));
        let text = readme.section("What changes");
        assert!(text.contains("Start here if"), "{}: what must I know?", readme.name);
    }
}

#[test]
fn every_step_has_a_picture_that_can_be_drawn() {
    for step in document::steps() {
        let readme = Document::read(&format!("steps/{step}/README.md"));
        let blocks = readme.blocks();
        let picture = blocks.iter().find(|b| b.section == "The picture" && b.kind == "mermaid");
        let lines = &picture.unwrap_or_else(|| panic!("{}: no picture", readme.name)).lines;
        assert_eq!(lines[0], "sequenceDiagram", "{}", readme.name);
        // in Mermaid these end a line: what stands behind them is an error, or lost
        let broken = lines.iter().find(|line| line.contains([';', '#']));
        assert_eq!(broken, None, "{}: has `;` or `#`", readme.name);
    }
}

#[test]
fn no_line_of_prose_is_too_long() {
    let wrong: Vec<_> = Document::all().iter().flat_map(prose::too_long).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_readme_needs_at_most_one_line_of_curl() {
    for document in Document::all() {
        let curls = document.text.lines().filter(|line| line.starts_with("$ curl")).count();
        assert!(curls <= 1, "{} has {curls}", document.name);
    }
}

#[test]
fn every_step_can_be_found_from_the_first_page() {
    let links = Document::read("README.md").links();
    for step in document::steps() {
        let link = format!("steps/{step}/README.md");
        assert!(links.contains(&link), "README.md does not lead to {link}");
    }
}

#[test]
fn oauth_takes_fifteen_words() {
    let document = Document::read("docs/oauth-in-ten-minutes.md");
    let words = document.section("Fifteen words").lines().filter(|l| l.starts_with("| **")).count();
    assert_eq!(words, 15, "{}", document.name);
}

#[test]
fn links_lead_somewhere() {
    let mut wrong = Vec::new();
    for document in Document::all() {
        wrong.extend(document.links().iter().filter_map(|link| claims::dead(&document, link)));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_gets_in_names_functions_and_tests_that_are_there() {
    let mut wrong = Vec::new();
    for step in document::steps() {
        let readme = Document::read(&format!("steps/{step}/README.md"));
        let rows = claims::rows(&readme.section("What gets in without it"));
        assert!(rows.len() >= 3, "{}: a table attack, line, test", readme.name);
        wrong.extend(rows.iter().filter_map(|row| claims::unfounded(&step, row)));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_lesson_is_at_most_250_lines_to_read() {
    for step in document::steps() {
        let readme = Document::read(&format!("steps/{step}/README.md"));
        let lines = claims::lines_to_read(&readme).unwrap_or_else(|why| panic!("{why}"));
        assert!((50..=250).contains(&lines), "{}: {lines} lines", readme.name);
    }
}

#[test]
fn every_exercise_waits_to_be_solved_and_has_two_hints() {
    for step in document::steps() {
        let readme = Document::read(&format!("steps/{step}/README.md"));
        let text = readme.section("Exercise");
        let command = format!("$ cargo test -p {step} --test exercise -- --ignored");
        assert!(text.contains(&command), "{}: how is it run?", readme.name);
        let hints = text.matches("<details><summary>").count();
        assert_eq!(hints, 2, "{}: two hints, folded away", readme.name);
        let test = Document::read(&format!("steps/{step}/tests/exercise.rs")).text;
        let tests = test.matches("#[test]").count() + test.matches("#[tokio::test]").count();
        let waiting = "#[ignore = \"exercise\"]";
        assert!(tests > 0 && tests == test.matches(waiting).count(), "{step}: all are ignored");
    }
}

#[test]
fn every_breakage_fits_the_code() {
    for step in document::steps() {
        let change = copy::Change::of(&Document::read(&format!("steps/{step}/README.md")));
        change.apply(&document::root()).unwrap_or_else(|why| panic!("{step}: {why}"));
    }
}

/// Whether it solves the exercise is tried in a copy, which takes its time.
#[test]
fn every_solution_fits_the_code() {
    for step in document::steps() {
        let patch = format!("steps/{step}/solution.patch");
        let mut git = std::process::Command::new("git");
        let tried = git.args(["apply", "--check", &patch]).current_dir(document::root()).output();
        let tried = tried.unwrap();
        assert!(tried.status.success(), "{patch}: {}", String::from_utf8_lossy(&tried.stderr));
    }
}

#[test]
fn every_breakage_turns_its_promise_red_and_every_solution_its_exercise_green() {
    if !everything() {
        return eprintln!("not run: scripts/check_all.sh sets WORKSHOP_README_ALL=1");
    }
    let copy = copy::Copy::of_the_workspace();
    let wrong: Vec<_> = document::steps().iter().flat_map(|step| copy.tries(step)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
