//! What does a process take? Told by /proc, which only Linux has.

use std::fs;

use anyhow::Context as _;

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

/// Seconds of CPU that this process has used, in user mode and in the kernel.
///
/// # Errors
/// When there is no such process.
pub fn cpu(process: u32) -> anyhow::Result<f64> {
    let mut ran = 0.0;
    for thread in fs::read_dir(format!("/proc/{process}/task"))? {
        // nanoseconds on a core; `stat` counts the same in hundredths of a second
        let text = fs::read_to_string(thread?.path().join("schedstat"))?;
        let first = text.split(' ').next().unwrap_or_default();
        ran += first.parse::<f64>().context("schedstat is not as expected")?;
    }
    Ok(ran / 1e9)
}

/// What this process holds.
///
/// # Errors
/// When there is no such process.
pub fn memory(process: u32) -> anyhow::Result<Memory> {
    let text = fs::read_to_string(format!("/proc/{process}/status"))?;
    let kib = |name: &str| member(&text, name);
    Ok(Memory { resident: kib("VmRSS:")?, own: kib("RssAnon:")?, peak: kib("VmHWM:")? })
}

/// The part of this process in the memory of the machine (`Pss`), in KiB: what it shares with others counts in part.
///
/// # Errors
/// When there is no such process.
pub fn share(process: u32) -> anyhow::Result<u64> {
    member(&fs::read_to_string(format!("/proc/{process}/smaps_rollup"))?, "Pss:")
}

fn member(text: &str, name: &str) -> anyhow::Result<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    number.with_context(|| format!("/proc does not say {name}"))
}
