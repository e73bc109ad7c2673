//! What does a JSON-RPC message want? Its method, its id, and the name of what it is about; the rest is passed over.
//!
//! Whoever decides by one reading of a message, and lets another reader act on it, must read it as the other does. So what two readers
//! could take differently is refused: a member that stands twice, a list where an object must be (of which some readers
//! take the elements for members), several messages in one, a request that is an answer too, a member that differs from
//! one that counts in capitals alone (readers in Go and .NET take it for that one). What [`hides_json`](crate::limits::hides_json)
//! finds is refused before, where the body is read.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, Visitor},
};
use serde_json::Value;

/// Where a request names its revision (B2).
const REVISION: &str = "io.modelcontextprotocol/protocolVersion";

/// One message, as far as it must be known to decide on it.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Envelope {
    /// `None` in an answer of the client.
    pub(crate) method: Option<String>,
    /// `None` in a notification.
    pub(crate) id: Option<Value>,
    /// It names its revision in itself, as requests do since 2026-07-28.
    pub(crate) is_modern: bool,
    name: Option<Value>,
    uri: Option<Value>,
}

/// The body is no message.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NoMessage {
    /// It is JSON, at least.
    pub(crate) is_json: bool,
}

impl Envelope {
    pub(crate) fn parse(body: &[u8]) -> Result<Self, NoMessage> {
        // all of it: a string that nobody looks at here would not be checked otherwise
        let text = str::from_utf8(body).map_err(|_| NoMessage { is_json: false })?;
        serde_json::from_str(text).map_err(|error| NoMessage { is_json: error.is_data() })
    }

    /// The name of the tool or prompt, or the URI of the resource, for the methods that are about one.
    pub(crate) fn name(&self) -> Option<&str> {
        match self.method.as_deref()? {
            "tools/call" | "prompts/get" => self.name.as_ref()?.as_str(),
            "resources/read" => self.uri.as_ref()?.as_str(),
            _ => None,
        }
    }
}

impl<'de> Deserialize<'de> for Envelope {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let mut envelope = Self::default();
        from.deserialize_any(Message(&mut envelope))?;
        Ok(envelope)
    }
}

struct Message<'a>(&'a mut Envelope);

impl<'de> Visitor<'de> for Message<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("one JSON-RPC message")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let (mut params, mut is_answer) = (None, false);
        while let Some(name) = members.next_key::<String>()? {
            match name.as_str() {
                "method" => once(&mut self.0.method, members.next_value()?)?,
                "id" => once(&mut self.0.id, members.next_value()?)?,
                "params" => once(&mut params, members.next_value_seed(Params(&mut *self.0))?)?,
                "jsonrpc" => drop(members.next_value::<IgnoredAny>()?),
                other => {
                    is_answer |= matches!(other, "result" | "error");
                    not_alike(other, &["method", "id", "params", "result", "error"])?;
                    members.next_value::<IgnoredAny>()?;
                }
            }
        }
        if is_answer && self.0.method.is_some() {
            return Err(A::Error::custom("it is a request and an answer"));
        }
        Ok(())
    }
}

struct Params<'a>(&'a mut Envelope);

impl<'de> DeserializeSeed<'de> for Params<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Params<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("params as an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let mut meta = None;
        while let Some(name) = members.next_key::<String>()? {
            match name.as_str() {
                "_meta" => once(&mut meta, members.next_value::<Value>()?)?,
                "name" => once(&mut self.0.name, members.next_value()?)?,
                "uri" => once(&mut self.0.uri, members.next_value()?)?,
                "arguments" => drop(members.next_value::<IgnoredAny>()?),
                other => {
                    not_alike(other, &["_meta", "name", "uri"])?;
                    members.next_value::<IgnoredAny>()?;
                }
            }
        }
        self.0.is_modern = meta.is_some_and(|meta| meta.get(REVISION).is_some());
        Ok(())
    }

    /// `null`: some clients write it for "no params".
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

fn once<T, E: serde::de::Error>(place: &mut Option<T>, value: T) -> Result<(), E> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(E::custom("a member stands twice")),
    }
}

/// Refuses a name that some readers take for one of these, and others do not.
fn not_alike<E: serde::de::Error>(name: &str, known: &[&str]) -> Result<(), E> {
    let is_alike = |known: &&&str| **known != name && known.eq_ignore_ascii_case(&folded(name));
    match known.iter().find(is_alike) {
        None => Ok(()),
        Some(known) => Err(E::custom(format_args!("a member is nearly {known}"))),
    }
}

/// In one kind of letters, with those two that Go takes for `s` and `k` too.
fn folded(name: &str) -> Cow<'_, str> {
    if name.is_ascii() {
        name.into()
    } else {
        name.replace('\u{17f}', "s").replace('\u{212a}', "k").into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_json(body: &str) -> bool {
        Envelope::parse(body.as_bytes()).unwrap_err().is_json
    }

    #[test]
    fn what_a_message_wants_is_read_wherever_it_stands() {
        let body = br#"{"params":{"uri":"u","arguments":{"name":"x"},"n\u0061me":"echo"},"id":7,"method":"tools/call"}"#;
        let envelope = Envelope::parse(body).unwrap();
        assert_eq!((envelope.name(), &envelope.id), (Some("echo"), &Some(7.into())));
        assert!(!envelope.is_modern);
        let read = |method: &str| {
            let body = format!(r#"{{"method":"{method}","params":{{"name":"n","uri":"u"}}}}"#);
            Envelope::parse(body.as_bytes()).unwrap().name().map(str::to_owned)
        };
        assert_eq!(read("resources/read").as_deref(), Some("u"));
        assert_eq!(read("prompts/get").as_deref(), Some("n"));
        assert_eq!(read("tools/list"), None);
        let modern = format!(r#"{{"method":"ping","params":{{"_meta":{{"{REVISION}":"x"}}}}}}"#);
        assert!(Envelope::parse(modern.as_bytes()).unwrap().is_modern);
        assert_eq!(Envelope::parse(b"{}").unwrap(), Envelope::default());
        let others = br#"{"methods":1,"JSONRPC":2,"x":{"Method":3},"params":{"arguments":{"Name":"x"},"names":4}}"#;
        assert_eq!(Envelope::parse(others).unwrap(), Envelope::default(), "what counts nowhere");
    }

    #[test]
    fn what_two_readers_could_take_differently_is_refused() {
        for body in [
            "[]",
            r#"[{"method":"ping"}]"#,
            r#"["2.0",1,"tools/call",{}]"#,
            "7",
            r#"{"method":"a","method":"b"}"#,
            r#"{"method":"a","\u006dethod":"b"}"#,
            r#"{"id":1,"id":2}"#,
            r#"{"method":1}"#,
            r#"{"params":{},"params":{}}"#,
            r#"{"method":"ping","id":1,"result":{}}"#,
            r#"{"error":{},"method":"ping"}"#,
            r#"{"params":["delete"]}"#,
            r#"{"params":{"name":"a","name":"b"}}"#,
            r#"{"params":{"uri":"a","uri":"b"}}"#,
            r#"{"params":{"_meta":{},"_meta":{}}}"#,
            r#"{"method":"ping","Method":"tools/call"}"#,
            r#"{"METHOD":"tools/call","result":{}}"#,
            r#"{"method":"ping","Id":1}"#,
            r#"{"method":"ping","id":1,"Result":{}}"#,
            r#"{"PARAMS":{"name":"b"}}"#,
            r#"{"param\u017f":{"name":"b"}}"#,
            r#"{"params":{"name":"a","Name":"b"}}"#,
            r#"{"params":{"URI":"b"}}"#,
            r#"{"params":{"_Meta":{}}}"#,
        ] {
            assert!(is_json(body), "{body}");
        }
        for body in ["", "{", "nonsense", "{}{}", r#"{"method":"\ud800"}"#, "\u{feff}{}"] {
            assert!(!is_json(body), "{body}");
        }
        for bytes in [&b"{\"a\":\"\xff\"}"[..], b"{\"\xc0\xae\":1}", b"{\"a\":[\"\xed\xa0\x80\"]}"]
        {
            let error = Envelope::parse(bytes).unwrap_err();
            assert!(!error.is_json, "what is no UTF-8 is no JSON (RFC 8259 §8.1)");
        }
    }
}
