//! How deeply is a text nested? What is in a string is text, whatever it looks like.

use mcp_auth::limits::depth;

#[test]
fn what_ends_goes_up_again() {
    for (json, levels) in [
        ("[[],[[]],{},[]]", 3),
        (r#"{"a":{},"b":{},"c":[[]],"d":{}}"#, 3),
        ("[1,2,3]", 1),
        ("1", 0),
        ("]]][[", 2),
    ] {
        assert_eq!(depth(json.as_bytes()), levels, "{json}");
    }
}

/// A text that went up by the brackets of a string could then go down as deep as it likes.
#[test]
fn brackets_in_a_string_lead_neither_down_nor_up() {
    for (json, levels) in [
        (r#"["]]]]}}",[[{}]]]"#, 4),
        (r#"{"}}}}":{"]]":[]}}"#, 3),
        (r#"["[[[{{{",1]"#, 1),
        (r#"["[[[\"[["]"#, 1),
        (r#"["\"]]]",[[]]]"#, 3),
        (r#"["\\",[]]"#, 2),
    ] {
        assert_eq!(depth(json.as_bytes()), levels, "{json}");
    }
}
