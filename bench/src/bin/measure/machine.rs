//! Where was it measured, and of what? Without the name of the machine, which is nobody's business.

use std::{fmt::Write as _, fs, process::Command, thread};

use anyhow::Context as _;

/// Parts whose versions matter.
const PARTS: [&str; 8] =
    ["axum", "hyper", "tokio", "rmcp", "jsonwebtoken", "aws-lc-rs", "aws-lc-sys", "quick_cache"];

/// A list in Markdown.
pub fn describe(compiler: &str, busy: &str) -> anyhow::Result<String> {
    let mut text = String::new();
    let info = fs::read_to_string("/proc/cpuinfo")?;
    let model = info.lines().find_map(|line| line.strip_prefix("model name"));
    let model = model.map_or("unknown", |line| line.trim_start_matches(['\t', ' ', ':']));
    let is_virtual =
        info.lines().any(|line| line.starts_with("flags") && line.contains(" hypervisor"));
    let kind = if is_virtual { "virtual, " } else { "" };
    let cores = thread::available_parallelism()?;
    writeln!(
        text,
        "* Processor: {model}, {kind}{cores} cores, of which the server has one and the load another"
    )?;
    writeln!(text, "* Kernel: Linux {}", fs::read_to_string("/proc/sys/kernel/osrelease")?.trim())?;
    writeln!(text, "* Load of the machine when it began (1, 5 and 15 minutes): {busy}")?;
    // it prints its version, and a failure for not having been given a URL
    let wrk = Command::new("wrk").arg("-v").output().context("wrk is missing")?;
    let wrk = String::from_utf8_lossy(&wrk.stdout).into_owned();
    let wrk = wrk.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
    writeln!(text, "* Compiler: {compiler}; release as Cargo has it: no LTO, 16 codegen units")?;
    let lock = include_str!("../../../Cargo.lock");
    let versions: Vec<_> = PARTS.iter().filter_map(|part| version(lock, part)).collect();
    writeln!(text, "* Versions: {}, {wrk}", versions.join(", "))?;
    Ok(text)
}

/// How much the machine has had to do lately.
pub fn busy() -> anyhow::Result<String> {
    let load = fs::read_to_string("/proc/loadavg")?;
    Ok(load.split(' ').take(3).collect::<Vec<_>>().join(", "))
}

fn version(lock: &str, part: &str) -> Option<String> {
    let (_, rest) = lock.split_once(&format!("name = \"{part}\"\nversion = \""))?;
    Some(format!("{part} {}", rest.split('"').next()?))
}
