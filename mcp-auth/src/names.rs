//! Which names does the reader of JSON keep for itself? Nobody who writes a message needs them.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, MapAccess, SeqAccess, Visitor},
};

/// How they begin: `{"$serde_json::private::RawValue": "7"}` is 7 to whoever reads a `Value`.
const OWN: &str = "$serde_json::private::";
/// The one as which it hands over a number with a fraction, when any crate of the program switches its feature
/// `arbitrary_precision` on. It holds nothing but digits.
pub(crate) const NUMBER: &str = "$serde_json::private::Number";

/// Is this one of them, and not part of a number?
fn is_own(name: &str) -> bool {
    name.starts_with(OWN) && name != NUMBER
}

/// Does one of them stand in here, at any level? What is no JSON has none.
pub(crate) fn hide_json(json: &[u8]) -> bool {
    match serde_json::from_slice::<Plain>(json) {
        Ok(Plain) => false,
        Err(error) => error.is_data(),
    }
}

/// Any value in which none of them stands; an error of its own if one does.
struct Plain;

impl<'de> Deserialize<'de> for Plain {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for Plain {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self, A::Error> {
        while let Some(name) = members.next_key::<String>()? {
            if is_own(&name) {
                return Err(A::Error::custom("a name that serde_json keeps for itself"));
            }
            members.next_value::<Self>()?;
        }
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self, A::Error> {
        while elements.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_serde_json_keeps_for_itself_are_found_wherever_they_stand() {
        for own in [
            r#"{"$serde_json::private::RawValue":"{}"}"#,
            r#"{"a":[1,{"b":{"$serde_json::private::RawValue":7}}]}"#,
            r#"[{"\u0024serde\u005fjson::private::RawValue":"1"}]"#,
        ] {
            assert!(hide_json(own.as_bytes()), "{own}");
        }
        for plain in [
            r#"{"a":"$serde_json::private::RawValue","b":[true,null,-1,1.5,"x"],"$ref":{}}"#,
            r#"{"a\u0024":"\\"}"#,
            r#"{"$serde_json::private::Number":"1"}"#,
            "nonsense $",
            "",
        ] {
            assert!(!hide_json(plain.as_bytes()), "{plain}");
        }
    }
}
