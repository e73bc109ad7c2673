//! What does a program print, and when? A process, and all that it wrote so far, in the order in which a terminal
//! would show it.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    sync::{Arc, Condvar, Mutex},
    thread,
    time::Duration,
};

/// How long a program may take to end.
const PATIENCE: Duration = Duration::from_secs(120);

/// How long it may take to write what is waited for.
const WRITTEN: Duration = Duration::from_secs(30);

/// A process that was started here, and ends here at the latest when this is dropped.
pub struct Running {
    child: Child,
    console: Arc<Console>,
}

#[derive(Default)]
struct Console {
    written: Mutex<Written>,
    changed: Condvar,
}

#[derive(Clone, Default)]
struct Written {
    lines: Vec<String>,
    ended: bool,
}

impl Running {
    /// Starts a command; stdout and stderr go into one pipe, as in a terminal.
    pub fn start(mut command: Command) -> Self {
        let (reader, writer) = std::io::pipe().unwrap();
        command.stdin(Stdio::null()).stdout(writer.try_clone().unwrap()).stderr(writer);
        let child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        drop(command); // it holds the other ends of the pipe
        let console = Arc::new(Console::default());
        let to = Arc::clone(&console);
        thread::spawn(move || {
            for line in BufReader::new(reader).lines() {
                to.change(|written| written.lines.push(line.unwrap_or_else(|e| e.to_string())));
            }
            to.change(|written| written.ended = true);
        });
        Self { child, console }
    }

    /// All lines so far.
    pub fn lines(&self) -> Vec<String> {
        self.console.written.lock().unwrap().lines.clone()
    }

    /// Waits until the program has written what is wanted, or has written its last.
    pub fn wait_for(&self, wanted: impl Fn(&[String]) -> bool) -> Vec<String> {
        let written = self.console.written.lock().unwrap();
        let waits = |written: &mut Written| !written.ended && !wanted(&written.lines);
        let (written, _) =
            self.console.changed.wait_timeout_while(written, WRITTEN, waits).unwrap();
        written.lines.clone()
    }

    /// Waits for the end: all that was written, and if the program says that all went well.
    pub fn end(self) -> (Vec<String>, bool) {
        self.end_within(PATIENCE)
    }

    /// The same, for what takes longer.
    pub fn end_within(mut self, patience: Duration) -> (Vec<String>, bool) {
        let written = self.console.written.lock().unwrap();
        let waits = |written: &mut Written| !written.ended;
        let (written, limit) =
            self.console.changed.wait_timeout_while(written, patience, waits).unwrap();
        let lines = written.lines.clone();
        drop(written);
        assert!(!limit.timed_out(), "did not end within {patience:?}: {lines:#?}");
        (lines, self.child.wait().unwrap().success())
    }

    /// Does what Ctrl-C does in a terminal.
    #[cfg(unix)]
    pub fn interrupt(&self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill(); // it may have ended by itself
        let _ = self.child.wait();
    }
}

impl Console {
    fn change(&self, change: impl FnOnce(&mut Written)) {
        change(&mut self.written.lock().unwrap());
        self.changed.notify_all();
    }
}
