//! What does a document say? Its headings, its links, and the blocks that can be run.

use std::{fs, path::PathBuf};

/// A document in Markdown.
pub struct Document {
    /// From the root of the workspace, such as `steps/step1/README.md`.
    pub name: String,
    /// All of it.
    pub text: String,
}

/// A block between two lines of three backticks.
pub struct Block {
    /// The heading above it.
    pub section: String,
    /// The word behind the backticks, such as `console`.
    pub kind: String,
    /// Where it begins, counted from 1.
    pub line: usize,
    /// What stands in it.
    pub lines: Vec<String>,
}

/// A command, and what it prints.
pub struct Command {
    /// What is typed.
    pub typed: String,
    /// What comes back.
    pub output: Vec<String>,
}

/// The folder with the workspace's `Cargo.toml`.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

impl Document {
    /// Reads it.
    pub fn read(name: &str) -> Self {
        let text = fs::read_to_string(root().join(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
        Self { name: name.to_owned(), text }
    }

    /// All documents that readers are sent to: the root's, those of `docs`, of the command, of the library, of the
    /// authorization server, of Keycloak and of the tests, one for each step.
    pub fn all() -> Vec<Self> {
        let mut names = vec!["README.md".into(), "CONTRIBUTING.md".into(), "AGENTS.md".into()];
        names.extend(names_in("docs").into_iter().filter(|name| name.ends_with(".md")));
        names.extend(
            [
                "cli/README.md",
                "mcp-auth/README.md",
                "servers/authorization/README.md",
                "keycloak/README.md",
                "keycloak/change-request.md",
                "tests/README.md",
                "tests/clients/conformance.md",
            ]
            .map(str::to_owned),
        );
        names.extend(steps().into_iter().map(|step| format!("steps/{step}/README.md")));
        names.iter().map(|name| Self::read(name)).collect()
    }

    /// The headings of the second level.
    pub fn headings(&self) -> Vec<String> {
        let mut headings: Vec<_> = self.sections().into_iter().map(|(name, _)| name).collect();
        headings.remove(0); // what stands above the first
        headings
    }

    /// The text below this heading, empty if there is none.
    pub fn section(&self, heading: &str) -> String {
        let sections = self.sections().into_iter();
        sections.filter(|(name, _)| name == heading).map(|(_, text)| text).collect()
    }

    fn sections(&self) -> Vec<(String, String)> {
        let mut sections = vec![(String::new(), String::new())];
        let mut in_block = false;
        for line in self.text.lines() {
            in_block ^= line.starts_with("```");
            if let Some(heading) = line.strip_prefix("## ").filter(|_| !in_block) {
                sections.push((heading.to_owned(), String::new()));
            }
            let last = sections.last_mut().unwrap();
            last.1 += line;
            last.1 += "\n";
        }
        sections
    }

    /// The blocks, from the first to the last.
    pub fn blocks(&self) -> Vec<Block> {
        let mut blocks: Vec<Block> = Vec::new();
        let (mut section, mut open) = (String::new(), false);
        for (index, line) in self.text.lines().enumerate() {
            if let Some(kind) = line.trim_start().strip_prefix("```") {
                open = !open;
                if open {
                    let (section, kind) = (section.clone(), kind.trim().to_owned());
                    blocks.push(Block { section, kind, line: index + 1, lines: Vec::new() });
                }
            } else if open {
                blocks.last_mut().unwrap().lines.push(line.to_owned());
            } else if let Some(heading) = line.strip_prefix("## ") {
                heading.clone_into(&mut section);
            }
        }
        assert!(!open, "{}: a block does not end", self.name);
        blocks
    }

    /// Where the links lead that are no URLs: path and anchor.
    pub fn links(&self) -> Vec<String> {
        let ends = self.text.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
        let links = ends.map(|(link, _)| link.to_owned());
        links.filter(|link| !link.contains("://") && !link.starts_with("mailto:")).collect()
    }
}

impl Block {
    /// The commands of a `console` block.
    pub fn commands(&self) -> Vec<Command> {
        let mut commands: Vec<Command> = Vec::new();
        for line in &self.lines {
            if let Some(typed) = line.strip_prefix("$ ") {
                commands.push(Command { typed: typed.to_owned(), output: Vec::new() });
            } else {
                let command = commands.last_mut().expect("a console block begins with `$ `");
                command.output.push(line.clone());
            }
        }
        commands
    }
}

/// The steps that are there, from the first to the last.
pub fn steps() -> Vec<String> {
    let mut steps = names_in("steps");
    steps.retain(|path| path.starts_with("steps/step"));
    steps.sort_by_key(|path| (path.len(), path.clone()));
    steps.into_iter().map(|path| path.trim_start_matches("steps/").to_owned()).collect()
}

fn names_in(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(root().join(folder)).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.map(|name| format!("{folder}/{name}")).collect();
    names.sort();
    names
}
