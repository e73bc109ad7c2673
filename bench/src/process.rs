//! What does a process take? Told by /proc, which only Linux has.

use std::{fs, process::Child};

use anyhow::{Context as _, bail};

/// The core of the server, and that of the load.
pub const CORES: (&str, &str) = ("0", "1");

/// What a process holds, in KiB.
#[derive(Clone, Copy, Debug, Default)]
pub struct Memory {
    /// Resident now (`VmRSS`).
    pub resident: u64,
    /// Of that, not backed by a file (`RssAnon`): what the program has made itself.
    pub own: u64,
    /// The most that was resident (`VmHWM`).
    pub peak: u64,
}

/// A process that is ended with this value.
#[derive(Debug)]
pub struct Process(pub Child);

impl Process {
    /// Seconds of CPU that it has used, in user mode and in the kernel.
    ///
    /// # Errors
    /// When it is gone.
    pub fn cpu(&self) -> anyhow::Result<f64> {
        let mut ran = 0.0;
        for thread in fs::read_dir(format!("/proc/{}/task", self.0.id()))? {
            // nanoseconds on a core; `stat` counts the same in hundredths of a second
            let text = fs::read_to_string(thread?.path().join("schedstat"))?;
            let first = text.split(' ').next().unwrap_or_default();
            ran += first.parse::<f64>().context("schedstat is not as expected")?;
        }
        Ok(ran / 1e9)
    }

    /// What it holds.
    ///
    /// # Errors
    /// When it is gone.
    pub fn memory(&self) -> anyhow::Result<Memory> {
        let text = fs::read_to_string(format!("/proc/{}/status", self.0.id()))?;
        let kib = |name: &str| member(&text, name);
        Ok(Memory { resident: kib("VmRSS:")?, own: kib("RssAnon:")?, peak: kib("VmHWM:")? })
    }

    /// Its part in the memory of the machine (`Pss`), in KiB: what it shares with others counts in part.
    ///
    /// # Errors
    /// When it is gone.
    pub fn share(&self) -> anyhow::Result<u64> {
        member(&fs::read_to_string(format!("/proc/{}/smaps_rollup", self.0.id()))?, "Pss:")
    }

    /// It must run still.
    ///
    /// # Errors
    /// When it has ended.
    pub fn is_alive(&mut self) -> anyhow::Result<()> {
        match self.0.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("the process has ended: {status}"),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn member(text: &str, name: &str) -> anyhow::Result<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    number.with_context(|| format!("/proc does not say {name}"))
}
