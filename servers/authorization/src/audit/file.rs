//! What if a decision cannot be written down? It stands all the same: a full disk of the audit locks nobody out. But the log says
//! so, the server is not ready, and when lines can be written again, the first says how many are missing.

use std::{
    fs::{File, OpenOptions},
    io::{Error, ErrorKind, Result, Write as _},
    path::Path,
    sync::{Mutex, PoisonError},
    time::SystemTime,
};

use serde_json::json;
use tracing::{error, info};

use super::Lines;

/// A file that lines are added to, which nobody else reads.
pub(super) struct AuditFile(Mutex<State>);

struct State {
    file: File,
    /// Lines that could not be written.
    missing: u64,
    /// The last thing in the file is a part of a line.
    is_torn: bool,
}

impl AuditFile {
    /// The file at this path, which is made if it is not there.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let mut options = OpenOptions::new();
        options.append(true).create(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
            options.mode(0o600);
            if std::fs::metadata(path).is_ok_and(|found| found.file_type().is_fifo()) {
                let why =
                    "it is a pipe: whoever stopped reading it would stop the server; name a file";
                return Err(Error::other(why));
            }
        }
        let file = options.open(path)?;
        Ok(Self(Mutex::new(State { file, missing: 0, is_torn: false })))
    }
}

impl Lines for AuditFile {
    fn write(&self, line: &str) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !state.mended() {
            state.missing += 1;
        } else if let Err(why) = state.put(line) {
            error!("decisions cannot be written down, and are made all the same: {why}");
            state.missing = 1;
        }
    }

    fn is_ready(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).mended()
    }
}

impl State {
    /// Is nothing missing, or does the file say so by now?
    fn mended(&mut self) -> bool {
        if self.missing == 0 {
            return true;
        }
        let time = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let reason = format!("{} decisions are missing here", self.missing);
        let line = json!({"time": time.as_secs(), "event": "audit", "outcome": "refused", "reason": reason});
        let is_mended = self.put(&line.to_string()).is_ok();
        if is_mended {
            info!("decisions are written down again; {} are missing", self.missing);
            self.missing = 0;
        }
        is_mended
    }

    /// Adds a line, in one piece where that can be: two servers must not write into each other's lines.
    fn put(&mut self, line: &str) -> Result<()> {
        let text = format!("{}{line}\n", if self.is_torn { "\n" } else { "" });
        let mut rest = text.as_bytes();
        while !rest.is_empty() {
            match self.file.write(rest) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(written) => {
                    rest = &rest[written..];
                    self.is_torn = !rest.is_empty();
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::Value;

    use super::*;

    #[test]
    fn what_is_missing_is_counted_and_a_torn_line_stands_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        let audit = AuditFile::open(&path).unwrap();
        audit.write("{\"event\": \"one\"}");
        let swap = |with| std::mem::replace(&mut audit.0.lock().unwrap().file, with);
        // a file that is open for reading takes no line
        let good = swap(File::open(&path).unwrap());
        audit.write("{\"event\": \"two\"}");
        audit.write("{\"event\": \"three\"}");
        assert!(!audit.is_ready());
        swap(good);
        // a part of a line got there before the disk was full
        audit.0.lock().unwrap().is_torn = true;
        swap(OpenOptions::new().append(true).open(&path).unwrap()).write_all(b"{\"ev").unwrap();
        assert!(audit.is_ready(), "the disk is free again");
        audit.write("{\"event\": \"four\"}");
        let text = fs::read_to_string(&path).unwrap();
        let lines: Vec<Option<Value>> =
            text.lines().map(|line| serde_json::from_str(line).ok()).collect();
        let events: Vec<_> =
            lines.iter().map(|line| line.as_ref().map(|line| line["event"].as_str())).collect();
        let expected = [Some(Some("one")), None, Some(Some("audit")), Some(Some("four"))];
        assert_eq!(events, expected, "{text}");
        assert!(text.contains("2 decisions are missing here"), "{text}");
    }
}
