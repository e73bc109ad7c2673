//! Is this the output that the document shows?

/// Stands for anything: alone for any number of lines, inside a line for any text.
const ANYTHING: &str = "…";

/// Compares all lines of an output with those of a document.
///
/// # Errors
/// Both, and the first line of the document that nothing matches.
pub fn compare(expected: &[String], actual: &[String]) -> Result<(), String> {
    let reached = furthest(expected, actual);
    if reached == Reached::End {
        return Ok(());
    }
    let wanted = match reached {
        Reached::Line(index) => format!("nothing matches the line\n    {}", expected[index]),
        _ => "there is more output than is shown".to_owned(),
    };
    Err(format!("{wanted}\nthe output was\n{}", indented(actual)))
}

/// Does the output begin with what the document shows? For a program that goes on writing.
pub fn begins(expected: &[String], actual: &[String]) -> bool {
    (0..=actual.len()).any(|end| furthest(expected, &actual[..end]) == Reached::End)
}

/// How far the lines of the document can be found in the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Reached {
    /// This line of the document matches nothing.
    Line(usize),
    /// All lines match, and output is left over.
    Leftover,
    /// All lines match all lines.
    End,
}

fn furthest(expected: &[String], actual: &[String]) -> Reached {
    // for each line of the document the places in the output that can come before it
    let mut places = vec![true];
    places.resize(actual.len() + 1, false);
    for (index, pattern) in expected.iter().enumerate() {
        let mut next = vec![false; places.len()];
        for place in (0..places.len()).filter(|place| places[*place]) {
            if pattern.trim() == ANYTHING {
                next[place..].fill(true);
                break;
            }
            if actual.get(place).is_some_and(|line| line_matches(pattern, line)) {
                next[place + 1] = true;
            }
        }
        if !next.contains(&true) {
            return Reached::Line(index);
        }
        places = next;
    }
    if places[actual.len()] { Reached::End } else { Reached::Leftover }
}

/// Blanks at the end of a line cannot be seen in a document, so they do not count.
fn line_matches(pattern: &str, line: &str) -> bool {
    let (pattern, line) = (pattern.trim_end(), line.trim_end());
    let mut parts = pattern.split(ANYTHING);
    let Some(mut rest) = parts.next().and_then(|first| line.strip_prefix(first)) else {
        return false;
    };
    let parts: Vec<_> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

fn indented(lines: &[String]) -> String {
    lines.iter().map(|line| format!("    {line}\n")).collect()
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}

#[test]
fn the_same_output_matches_and_another_does_not() {
    for (expected, actual, matches) in [
        ("a\nb", "a\nb", true),
        ("a\nb", "a", false),
        ("a", "a\nb", false),
        ("a\nb", "b\na", false),
        ("", "", true),
        ("", "a", false),
        ("a", "", false),
        ("A", "a", false),
        ("a", "a  ", true),
        ("a", " a", false),
    ] {
        let result = compare(&lines(expected), &lines(actual));
        assert_eq!(result.is_ok(), matches, "{expected:?} against {actual:?}: {result:?}");
    }
}

#[test]
fn an_ellipsis_stands_for_what_varies_and_for_nothing_else() {
    for (expected, actual, matches) in [
        ("…", "", true),
        ("…", "a\nb", true),
        ("…\nb", "a\nb", true),
        ("…\nb", "b", true),
        ("…\nb", "a\nb\nc", false),
        ("a\n…\nb\n…", "a\n1\nb\n2\nb", true),
        ("…\na\n…\na", "a", false),
        ("GET /health 200 in … ms", "GET /health 200 in 0.1 ms", true),
        ("GET /health 200 in … ms", "GET /health 503 in 0.1 ms", false),
        ("id=…: GET", "id=7: GET", true),
        ("id=…: GET", "id=7: POST", false),
        ("…x…x", "x", false),
        ("…x…x", "xx", true),
        ("ab…", "a", false),
        ("…end", "the end of it", false),
    ] {
        let result = compare(&lines(expected), &lines(actual));
        assert_eq!(result.is_ok(), matches, "{expected:?} against {actual:?}: {result:?}");
    }
}

#[test]
fn a_difference_is_told_with_the_line_of_the_document() {
    let told = compare(&lines("a\nwanted\nc"), &lines("a\ngot\nc")).unwrap_err();
    assert!(told.contains("wanted") && told.contains("got"), "{told}");
}

#[test]
fn the_beginning_of_an_output_can_be_waited_for() {
    assert!(begins(&lines("a"), &lines("a\nb")));
    assert!(begins(&lines("…\nb"), &lines("a\nb\nc")));
    assert!(!begins(&lines("a\nb"), &lines("a")));
    assert!(!begins(&lines("b"), &lines("a\nb")));
}
