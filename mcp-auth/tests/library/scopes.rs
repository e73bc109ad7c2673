//! What may a caller do? Sets of whole words.

use mcp_auth::ScopeSet;
use serde_json::json;

fn set(words: &str) -> ScopeSet {
    words.parse().unwrap()
}

#[test]
fn a_scope_is_a_whole_word() {
    let granted = set("mcp:tools xmcp:read mcp:prompts2");
    assert!(granted.contains("mcp:tools"));
    for other in ["mcp:read", "mcp:prompts", "mcp:tool", "mcp:toolsy", "MCP:TOOLS", "mcp", ""] {
        assert!(!granted.contains(other), "{other:?}");
    }
    // blanks part words, and nothing else does (RFC 6749 §3.3)
    assert!(!set("mcp:read\tmcp:tools").contains("mcp:tools"));
    assert!(!set("mcp:read,mcp:tools").contains("mcp:tools"));
    assert!(!set("mcp:read\u{a0}mcp:tools").contains("mcp:tools"));
}

#[test]
fn sets_are_compared_word_by_word() {
    let (small, large, other) = (set("a c"), set("c b a"), set("c d"));
    assert!(small.is_subset(&large) && small.is_subset(&small) && set("").is_subset(&small));
    assert!(!large.is_subset(&small) && !other.is_subset(&large) && !small.is_subset(&set("")));
    assert_eq!(small.intersection(&other), set("c"));
    assert_eq!(small.intersection(&set("d ac")), set(""));
    assert_eq!(large.intersection(&small), small);
    assert!(set(" ").is_empty() && ScopeSet::default().is_empty() && !small.is_empty());
}

#[test]
fn a_set_grows_by_words_and_never_by_nothing() {
    let mut scopes = set("b");
    scopes.extend(["a", "", "b"]);
    assert_eq!(scopes.to_string(), "a b");
    assert_eq!(scopes.iter().collect::<Vec<_>>(), ["a", "b"]);
}

#[test]
fn a_claim_is_words_or_a_list_of_words_and_nothing_else() {
    for (claim, expected) in [
        (json!("b a  a"), Some("a b")),
        (json!(""), Some("")),
        (json!(["b", "a", ""]), Some("a b")),
        (json!([]), Some("")),
        (json!(["a b"]), None),
        (json!(["a", 1]), None),
        (json!({"a": true}), None),
        (json!(true), None),
        (json!(null), None),
    ] {
        let read = ScopeSet::from_claim(&claim).map(|scopes| scopes.to_string());
        assert_eq!(read.as_deref(), expected, "{claim}");
    }
}
