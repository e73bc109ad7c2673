//! A study of 119 live MCP servers (2026) found at least one of nine flaws in every one. None of them is here.

mod pages;
mod pkce;
mod registration;
mod secrets;

/// An address that no client of the operator has.
const ELSEWHERE: &str = "https://elsewhere.example/callback";
