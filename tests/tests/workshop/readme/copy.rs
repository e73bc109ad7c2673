//! What happens if the learner does it? Breakages and solutions, tried in a copy of the workspace.

use std::{
    collections::{BTreeMap, HashSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use super::{
    console::Running,
    document::{Document, root},
    matcher,
};

/// How long Cargo may build, the whole workspace the first time.
const BUILD: Duration = Duration::from_secs(1800);

/// The change that "Break it" asks for: lines of one file that become others.
pub struct Change {
    file: String,
    before: String,
    after: String,
}

impl Change {
    /// Reads the file that the section names and its block `diff`.
    pub fn of(readme: &Document) -> Self {
        let section = readme.section("Break it");
        let named =
            section.split('`').find(|word| word.starts_with("steps/") && word.ends_with(".rs"));
        let mut blocks = readme.blocks().into_iter();
        let diff = blocks.find(|block| block.section == "Break it" && block.kind == "diff");
        let (Some(file), Some(diff)) = (named, diff) else {
            panic!("{}: \"Break it\" names a file and shows the change", readme.name)
        };
        let side = |dropped: char| {
            let lines = diff.lines.iter().filter(|line| !line.starts_with(dropped));
            lines.map(|line| format!("{}\n", line.get(1..).unwrap_or_default())).collect()
        };
        Self { file: file.to_owned(), before: side('+'), after: side('-') }
    }

    /// The changed file.
    ///
    /// # Errors
    /// When the lines are not in the file, or more than once.
    pub fn apply(&self, workspace: &Path) -> Result<(PathBuf, String), String> {
        let path = workspace.join(&self.file);
        let source =
            fs::read_to_string(&path).map_err(|error| format!("{}: {error}", self.file))?;
        let found = source.matches(&self.before).count();
        if found != 1 || self.before == self.after {
            return Err(format!("{} has these lines {found} times:\n{}", self.file, self.before));
        }
        Ok((path, source.replace(&self.before, &self.after)))
    }
}

/// A copy of the workspace, with its own folder for what is built, kept for the next run.
pub struct Copy {
    workspace: PathBuf,
    target: PathBuf,
    /// Its files, by their path in the workspace, as they were when the copy was made.
    files: BTreeMap<String, Vec<u8>>,
}

impl Copy {
    /// Copies what git knows, and what it would know if it were added.
    pub fn of_the_workspace() -> Self {
        let folder = root().join("target").join("readme");
        let list = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
        let listed = Command::new("git").args(list).current_dir(root()).output().unwrap();
        assert!(listed.status.success(), "git ls-files: {listed:?}");
        let names = String::from_utf8(listed.stdout).unwrap();
        let names = names.split('\0').filter(|name| root().join(name).is_file());
        let files = names.map(|name| (name.to_owned(), fs::read(root().join(name)).unwrap()));
        let (workspace, target) = (folder.join("workspace"), folder.join("target"));
        let copy = Self { workspace, target, files: files.collect() };
        copy.restore_all();
        copy
    }

    /// Makes the copy equal to the workspace again.
    fn restore_all(&self) {
        let kept: HashSet<_> = self.files.keys().map(|name| self.restore(name)).collect();
        remove_all_but(&kept, &self.workspace);
    }

    /// Makes a file what it was in the workspace; an equal one keeps its time, so that nothing is built again.
    fn restore(&self, name: &str) -> PathBuf {
        let (right, to) = (&self.files[name], self.workspace.join(name));
        if fs::read(&to).ok().as_ref() != Some(right) {
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::write(&to, right).unwrap();
        }
        to
    }

    /// Breaks the step and solves its exercise; tells what did not come out as its README says.
    pub fn tries(&self, step: &str) -> Vec<String> {
        let readme = Document::read(&format!("steps/{step}/README.md"));
        let results = [self.breaks(&readme), self.solves(step)];
        self.restore_all();
        let wrong = results.into_iter().filter_map(Result::err);
        wrong.map(|why| format!("{step}: {why}")).collect()
    }

    /// Does "Break it": the commands of its first block must say what it shows, and fail.
    fn breaks(&self, readme: &Document) -> Result<(), String> {
        let change = Change::of(readme);
        let (path, broken) = change.apply(&self.workspace)?;
        fs::write(path, broken).unwrap();
        let mut blocks = readme.blocks().into_iter();
        let block = blocks.find(|block| block.section == "Break it" && block.kind == "console");
        let commands = block.ok_or("\"Break it\" shows no command")?.commands();
        for command in &commands {
            let arguments = command.typed.strip_prefix("cargo ").ok_or("not a cargo command")?;
            let (lines, well) = self.cargo(arguments);
            if well {
                return Err(format!("nothing turned red: {}", lines.join("\n")));
            }
            matcher::compare(&command.output, &lines)?;
        }
        self.restore(&change.file);
        Ok(())
    }

    /// Applies the solution: the exercise was red and is green, and the step keeps its promises.
    fn solves(&self, step: &str) -> Result<(), String> {
        let exercise = format!("test -p {step} --test exercise -- --ignored");
        let (lines, well) = self.cargo(&exercise);
        if well || !lines.iter().any(|line| line.starts_with("test result: FAILED")) {
            return Err(format!(
                "before it is solved, the exercise is not red: {}",
                lines.join("\n")
            ));
        }
        let mut git = Command::new("git");
        git.args(["apply", &format!("steps/{step}/solution.patch")]).current_dir(&self.workspace);
        git.env("GIT_CEILING_DIRECTORIES", self.workspace.parent().unwrap()); // not the repository around it
        let (lines, well) = Running::start(git).end();
        if !well {
            return Err(format!("solution.patch does not apply: {}", lines.join("\n")));
        }
        let number = step.trim_start_matches("step");
        for arguments in [exercise, format!("run -p workshop-tests --bin verify -- {number}")] {
            let (lines, well) = self.cargo(&arguments);
            if !well {
                return Err(format!("with the solution: cargo {arguments}\n{}", lines.join("\n")));
            }
        }
        Ok(())
    }

    fn cargo(&self, arguments: &str) -> (Vec<String>, bool) {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.arg("-q").args(arguments.split(' ')).current_dir(&self.workspace);
        cargo
            .env("CARGO_TARGET_DIR", &self.target)
            .env("NO_COLOR", "1")
            .env("RUSTFLAGS", "-Awarnings")
            .env("CARGO_PROFILE_DEV_DEBUG", "0"); // nobody debugs it, and it takes half the space
        for name in ["MCP_PORT", "MCP_HOST", "MCP_PUBLIC_URL", "RUST_BACKTRACE"] {
            cargo.env_remove(name);
        }
        Running::start(cargo).end_within(BUILD)
    }
}

fn remove_all_but(kept: &HashSet<PathBuf>, folder: &Path) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            remove_all_but(kept, &path);
        } else if !kept.contains(&path) {
            fs::remove_file(path).unwrap();
        }
    }
}
