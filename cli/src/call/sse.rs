//! What does an event stream say? The parts of server-sent events that MCP uses.

/// Collects the bytes of a stream and hands out the data of each finished event.
#[derive(Default)]
pub struct Events {
    waiting: Vec<u8>,
    data: Option<String>,
    kind: String,
    after_cr: bool,
}

impl Events {
    /// Takes the next bytes; returns the data of the events that they finish. Only events of the
    /// type `message`, which is also the one without a name, carry MCP.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut finished = Vec::new();
        for &byte in bytes {
            let ends_crlf = std::mem::take(&mut self.after_cr) && byte == b'\n';
            match byte {
                _ if ends_crlf => {}
                b'\r' | b'\n' => {
                    self.after_cr = byte == b'\r';
                    let line = std::mem::take(&mut self.waiting);
                    finished.extend(self.line(&String::from_utf8_lossy(&line)));
                }
                _ => self.waiting.push(byte),
            }
        }
        finished
    }

    fn line(&mut self, line: &str) -> Option<String> {
        if line.is_empty() {
            let kind = std::mem::take(&mut self.kind);
            let data = self.data.take().filter(|data| !data.is_empty());
            return data.filter(|_| kind.is_empty() || kind == "message");
        }
        let line = line.trim_start_matches('\u{feff}');
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match (field, &mut self.data) {
            ("data", Some(data)) => {
                data.push('\n');
                data.push_str(value);
            }
            ("data", none) => *none = Some(value.to_owned()),
            ("event", _) => value.clone_into(&mut self.kind),
            _ => {} // a comment, an id, a time to retry
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_read_whatever_ends_its_lines() {
        for end in ["\n", "\r\n", "\r"] {
            let text =
                ["event: message", ": comment", "data: {\"a\":", "data:1}", "", ""].join(end);
            let expected = ["{\"a\":\n1}"];
            assert_eq!(Events::default().push(text.as_bytes()), expected, "{end:?}");
            let mut slowly = Events::default();
            let events: Vec<_> = text.bytes().flat_map(|byte| slowly.push(&[byte])).collect();
            assert_eq!(events, expected, "byte by byte, {end:?}");
        }
    }

    #[test]
    fn empty_foreign_and_unfinished_events_say_nothing() {
        let mut events = Events::default();
        assert!(events.push(b"id: 1\ndata:\n\n").is_empty());
        assert!(events.push(b"event: ping\ndata: x\n\n").is_empty());
        assert!(events.push(b"data: not yet\n").is_empty());
        assert_eq!(events.push(b"\n"), ["not yet"]);
    }

    #[test]
    fn letters_may_be_cut_in_half() {
        let mut events = Events::default();
        let (one, two) = "data: ä\n\n".as_bytes().split_at(7);
        assert!(events.push(one).is_empty());
        assert_eq!(events.push(two), ["ä"]);
    }
}
