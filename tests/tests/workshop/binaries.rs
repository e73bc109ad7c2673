//! Where do the programs of the workspace lie? They are built once per run of the tests.

use std::{
    collections::HashMap,
    path::PathBuf,
    process::{Command, Stdio},
    sync::OnceLock,
};

use serde_json::Value;

/// The program of this name, such as `step1` or `mcp-auth`.
pub fn path(name: &str) -> PathBuf {
    static BUILT: OnceLock<HashMap<String, PathBuf>> = OnceLock::new();
    let built = BUILT.get_or_init(build);
    built.get(name).unwrap_or_else(|| panic!("no program {name} among {:?}", built.keys())).clone()
}

/// Builds all programs; Cargo's messages say where each of them is.
fn build() -> HashMap<String, PathBuf> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--workspace", "--bins", "--message-format=json"]);
    let output = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).stderr(Stdio::inherit()).output();
    let output = output.expect("cargo can be started");
    assert!(output.status.success(), "cargo build --workspace --bins failed; see above");
    let messages = output.stdout.split(|byte| *byte == b'\n');
    let messages = messages.filter_map(|line| serde_json::from_slice::<Value>(line).ok());
    let programs = messages.filter_map(|message| {
        let program = message["executable"].as_str()?.into();
        Some((message["target"]["name"].as_str()?.to_owned(), program))
    });
    programs.collect()
}
