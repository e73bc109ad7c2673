//! Does each member of an object stand once? JSON lets a name stand twice, and two readers may then
//! take two different values: one checks the first, the other obeys the second.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value};

use crate::names::NUMBER;

/// Levels that an object may be nested: tokens are flat, and a bomb is not.
const DEPTH: usize = 16;

/// Parses an object in which no name stands twice, at any level, and which is at most 16 levels deep.
///
/// ```
/// use mcp_auth::members::object;
/// assert!(object(br#"{"aud": "us"}"#).is_some());
/// assert!(object(br#"{"aud": "us", "aud": "them"}"#).is_none());
/// assert!(object(br#"["aud"]"#).is_none());
/// ```
#[must_use]
pub fn object(json: &[u8]) -> Option<Map<String, Value>> {
    match serde_json::from_slice(json) {
        Ok(Strict(Value::Object(map))) => Some(map),
        _ => None,
    }
}

/// A value in which no name stands twice.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Level(DEPTH).deserialize(from).map(Self)
    }
}

/// Reads a value with this many levels left.
struct Level(usize);

impl Level {
    fn below<E: serde::de::Error>(&self) -> Result<usize, E> {
        self.0.checked_sub(1).ok_or_else(|| E::custom("nested too deeply"))
    }
}

impl<'de> DeserializeSeed<'de> for Level {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Level {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let below = self.below()?;
        let mut map = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let value = members.next_value_seed(Level(below))?;
            if map.insert(name, value).is_some() {
                return Err(A::Error::custom("a name stands twice"));
            }
        }
        let only = if map.len() == 1 { map.get(NUMBER) } else { None };
        match only.and_then(Value::as_str).and_then(|digits| digits.parse::<Number>().ok()) {
            Some(number) => Ok(Value::Number(number)),
            None => Ok(Value::Object(map)),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let below = self.below()?;
        let mut list = Vec::new();
        while let Some(value) = elements.next_element_seed(Level(below))? {
            list.push(value);
        }
        Ok(Value::Array(list))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_stands_twice_is_refused_at_every_level() {
        for bad in [
            r#"{"a":1,"a":1}"#,
            r#"{"x":{"a":1,"a":2}}"#,
            r#"{"x":[{"a":1,"\u0061":2}]}"#,
            "[]",
            "{}{}",
            "",
        ] {
            assert!(object(bad.as_bytes()).is_none(), "{bad}");
        }
        let good = r#"{"a":{"a":[1,-2,0.5,null,true,"a"]},"b":{}}"#;
        assert_eq!(Value::Object(object(good.as_bytes()).unwrap()).to_string(), good);
    }

    /// A time with a fraction is a legal one, whatever other crates ask of `serde_json`.
    #[test]
    fn a_number_that_comes_as_an_object_is_a_number() {
        let read = |json: &str| object(json.as_bytes()).map(Value::Object);
        let time = read(r#"{"exp":{"$serde_json::private::Number":"1.5"}}"#).unwrap();
        assert_eq!(time["exp"].as_f64(), Some(1.5));
        for other in [r#"{"$serde_json::private::Number":"1x"}"#, r#"{"a":{"b":"1.5"}}"#] {
            let number = read(&format!(r#"{{"exp":{other}}}"#)).unwrap();
            assert!(number["exp"].is_object(), "{other}");
        }
        assert!(read(r#"{"$serde_json::private::Number":"1.5"}"#).is_none(), "no object");
    }

    #[test]
    fn a_bomb_is_refused() {
        let nested = |levels| format!("{}{}{}", "{\"a\":".repeat(levels), 1, "}".repeat(levels));
        assert!(object(nested(16).as_bytes()).is_some());
        assert!(object(nested(17).as_bytes()).is_none());
        assert!(object(nested(100_000).as_bytes()).is_none());
        let lists = |levels| format!("{{\"a\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
        assert!(object(lists(15).as_bytes()).is_some());
        assert!(object(lists(16).as_bytes()).is_none());
    }
}
