//! Where was it measured, and of what? Without the name of the machine, which is nobody's business.

use std::{
    fmt::Write as _,
    fs::{self, File},
    io::Write as _,
    process::Command,
};

use anyhow::Context as _;

/// While this file is open, an idle core waits without going to sleep. On a virtual machine to wake the core of the load costs the
/// server up to 3 µs for each answer, and only where the server is slower than the load: so that its own work would be
/// counted too high. `None` where we may not; the document says so.
#[must_use]
pub fn awake() -> Option<File> {
    let mut file = File::options().write(true).open("/dev/cpu_dma_latency").ok()?;
    file.write_all(&0_i32.to_ne_bytes()).ok()?;
    Some(file)
}

/// A list in Markdown, with these versions beside that of wrk.
///
/// # Errors
/// When the machine does not say, or has no wrk.
pub fn describe(
    compiler: &str,
    busy: &str,
    is_awake: bool,
    versions: &[String],
) -> anyhow::Result<String> {
    let mut text = String::new();
    let info = fs::read_to_string("/proc/cpuinfo")?;
    let model = info.lines().find_map(|line| line.strip_prefix("model name"));
    let model = model.map_or("unknown", |line| line.trim_start_matches(['\t', ' ', ':']));
    let is_virtual =
        info.lines().any(|line| line.starts_with("flags") && line.contains(" hypervisor"));
    let kind = if is_virtual { "virtual, " } else { "" };
    let cores = info.lines().filter(|line| line.starts_with("processor")).count(); // those of the machine, not ours alone
    writeln!(
        text,
        "* Processor: {model}, {kind}{cores} cores, of which the server has one and the load another"
    )?;
    writeln!(text, "* Kernel: Linux {}", fs::read_to_string("/proc/sys/kernel/osrelease")?.trim())?;
    writeln!(text, "* Load of the machine when it began (1, 5 and 15 minutes): {busy}")?;
    let sleep = if is_awake {
        "kept from sleeping"
    } else {
        "may sleep, which makes slower servers look slower"
    };
    writeln!(text, "* Idle cores: {sleep} (`/dev/cpu_dma_latency`)")?;
    // it prints its version, and a failure for not having been given a URL
    let wrk = Command::new("wrk").arg("-v").output().context("wrk is missing")?;
    let wrk = String::from_utf8_lossy(&wrk.stdout).into_owned();
    let wrk = wrk.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
    writeln!(text, "* Compiler: {compiler}; release as Cargo has it: no LTO, 16 codegen units")?;
    let (first, second) = versions.split_at(versions.len() / 2);
    writeln!(text, "* Versions: {},\n  {}, {wrk}", first.join(", "), second.join(", "))?;
    Ok(text)
}

/// How much the machine has had to do lately.
///
/// # Errors
/// When the machine does not say.
pub fn busy() -> anyhow::Result<String> {
    let load = fs::read_to_string("/proc/loadavg")?;
    Ok(load.split(' ').take(3).collect::<Vec<_>>().join(", "))
}

/// The versions of these parts, as a lock file has them.
#[must_use]
pub fn versions(lock: &str, parts: &[&str]) -> Vec<String> {
    parts.iter().filter_map(|part| version(lock, part)).collect()
}

fn version(lock: &str, part: &str) -> Option<String> {
    let (_, rest) = lock.split_once(&format!("name = \"{part}\"\nversion = \""))?;
    Some(format!("{part} {}", rest.split('"').next()?))
}
