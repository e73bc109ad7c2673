//! Two programs write one document, each its own part of it.

use std::{fs, io::ErrorKind, path::Path};

use anyhow::Context as _;

/// The heading of the last part, which is not written by who writes the others.
pub const AUTHORIZATION: &str = "## The authorization server";

/// Both parts: what stands before the heading, and the heading with all that comes after it.
fn split<'a>(text: &'a str, heading: &str) -> (&'a str, &'a str) {
    let line = format!("\n{heading}\n");
    text.split_at(text.find(&line).map_or(text.len(), |place| place + 1))
}

/// Writes what stands before this heading, and leaves the rest as it is.
///
/// # Errors
/// When the file cannot be read or written.
pub fn write_before(file: &Path, heading: &str, before: &str) -> anyhow::Result<()> {
    let old = read(file)?;
    let last = match split(&old, heading).1 {
        "" => String::new(),
        last => format!("\n{last}"),
    };
    write(file, &format!("{}\n{last}", before.trim_end()))
}

/// Writes the last part, which begins with its heading, and leaves the rest as it is.
///
/// # Errors
/// When the file cannot be read or written.
pub fn write_last(file: &Path, heading: &str, last: &str) -> anyhow::Result<()> {
    let old = read(file)?;
    let before = split(&old, heading).0.trim_end();
    write(file, &format!("{before}\n\n{}\n", last.trim_end()))
}

fn read(file: &Path) -> anyhow::Result<String> {
    match fs::read_to_string(file) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(String::new()),
        read => read.with_context(|| file.display().to_string()),
    }
}

fn write(file: &Path, text: &str) -> anyhow::Result<()> {
    fs::write(file, text).with_context(|| file.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_stays_when_the_other_is_written_anew() {
        let file = std::env::temp_dir().join(format!("bench-document-{}", std::process::id()));
        let text = || fs::read_to_string(&file).unwrap();
        write_before(&file, "## B", "# A\n\none\n").unwrap();
        assert_eq!(text(), "# A\n\none\n");
        write_last(&file, "## B", "## B\n\ntwo\n").unwrap();
        assert_eq!(text(), "# A\n\none\n\n## B\n\ntwo\n");
        write_before(&file, "## B", "# A\n\nthree, ## B\n").unwrap();
        assert_eq!(text(), "# A\n\nthree, ## B\n\n## B\n\ntwo\n");
        write_last(&file, "## B", "## B\n\nfour\n").unwrap();
        assert_eq!(text(), "# A\n\nthree, ## B\n\n## B\n\nfour\n");
        fs::remove_file(&file).unwrap();
    }
}
