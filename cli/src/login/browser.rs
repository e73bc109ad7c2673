//! How is a link opened? By the browser that the variable `BROWSER` names, else by the program of the system for that. It gets
//! the link as one argument: no shell reads it.

use std::{
    ffi::{OsStr, OsString},
    process::{Command, Stdio},
    sync::OnceLock,
};

use reqwest::Url;

/// The variable that names browsers, the first one first.
const VARIABLE: &str = "BROWSER";
/// What the person has set it to.
static CHOSEN: OnceLock<Option<OsString>> = OnceLock::new();

/// Programs that open a link, with what they want before it; the first that is there.
#[cfg(target_os = "macos")]
const OPENERS: [(&str, &[&str]); 1] = [("open", &[])];
#[cfg(windows)]
const OPENERS: [(&str, &[&str]); 1] = [("rundll32", &["url.dll,FileProtocolHandler"])];
#[cfg(not(any(target_os = "macos", windows)))]
const OPENERS: [(&str, &[&str]); 3] =
    [("xdg-open", &[]), ("wslview", &[]), ("sensible-browser", &[])];

/// A link of the web. What else there is, is not opened: what a `file:` or a scheme of another program would do is not for a
/// server to choose.
struct Link(String);

/// What some shell could take for more than text: those who open links for us may be scripts themselves, and not all quote (that
/// of WSL gives the link to PowerShell).
const SHELL: &[char] = &['$', '`', '(', ')', ';', '|', '^', '{', '}', '!', '*', '\'', '\\'];

/// Remembers which browser the person wants. Before `.env` is read: a folder from elsewhere is not to choose a program.
pub fn remember() {
    let _ = CHOSEN.set(std::env::var_os(VARIABLE));
}

/// Opens a link; says whether there was a program for that.
pub fn open(link: &str) -> bool {
    let Some(link) = Link::read(link) else { return false };
    let chosen = CHOSEN.get().cloned().flatten().unwrap_or_default();
    // one with arguments of its own is for the program of the system, which knows how to read that
    let is_plain =
        |program: &OsStr| !program.is_empty() && !program.to_string_lossy().contains([' ', '%']);
    let mut chosen = std::env::split_paths(&chosen).map(OsString::from);
    chosen.any(|program| is_plain(&program) && start(&program, &[], &link))
        || OPENERS.iter().any(|(program, before)| start(OsStr::new(program), before, &link))
}

/// The same link to a server (RFC 3986 §2.4), with nothing in it that a shell would run; people paste links, too.
pub fn harmless(link: &str) -> String {
    let safe = |letter| match letter {
        shell if SHELL.contains(&shell) => format!("%{:02X}", u32::from(shell)),
        other => other.to_string(),
    };
    link.chars().map(safe).collect()
}

impl Link {
    fn read(text: &str) -> Option<Self> {
        let url = Url::parse(text).ok()?;
        let is_web = matches!(url.scheme(), "http" | "https") && url.has_host();
        let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic());
        (is_web && is_plain).then(|| Self(harmless(text)))
    }
}

fn start(program: &OsStr, before: &[&str], link: &Link) -> bool {
    let mut command = Command::new(program);
    match CHOSEN.get() {
        Some(Some(chosen)) => command.env(VARIABLE, chosen),
        _ => command.env_remove(VARIABLE),
    };
    command
        .args(before)
        .arg(&link.0)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let Ok(mut child) = command.spawn() else { return false };
    std::thread::spawn(move || child.wait()); // or it would stay as a zombie until we end
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_shell_on_the_way_finds_something_to_run() {
        let hostile = "https://login.example/a;b?c=$(calc)&d=`id`&e=|x^{y}!*'\\&f=%20";
        let link = Link::read(hostile).unwrap().0;
        assert!(!link.contains(SHELL), "{link}");
        let [asked, opened] = [hostile, &link].map(|link| Url::parse(link).unwrap());
        assert!(asked.query_pairs().eq(opened.query_pairs()), "{link}");
    }

    #[test]
    fn only_links_of_the_web_are_opened() {
        for good in ["https://login.example/a?b=c&d=%20", "http://localhost:9100/authorize"] {
            assert!(Link::read(good).is_some(), "{good}");
        }
        for bad in [
            "file:///etc/passwd",
            "javascript:alert(1)",
            "vscode://x",
            "data:text/html,x",
            "mailto:a@b.example",
            "https://",
            "--help",
            "https://a.example/ b",
            "https://a.example/\n",
            "https://a.example/\u{1b}[2J",
            "",
        ] {
            assert!(Link::read(bad).is_none(), "{bad}");
        }
    }
}
