//! What do `k=v` arguments mean? A tool's `inputSchema` says which type a value is to have.

use std::{collections::HashSet, str::FromStr};

use serde_json::{Map, Value};

use crate::exit::Failure;

/// One argument of a tool or prompt, as it was typed.
#[derive(Clone, Debug, PartialEq)]
pub struct Argument {
    key: String,
    given: Given,
}

#[derive(Clone, Debug, PartialEq)]
enum Given {
    /// `k=v`: of the type that the schema names.
    Text(String),
    /// `k:=json`: as it stands.
    Json(Value),
}

impl FromStr for Argument {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let form = "an argument is name=value, or name:=JSON";
        let (key, value) = text.split_once('=').ok_or(form)?;
        let (key, given) = match key.strip_suffix(':') {
            None => (key, Given::Text(value.to_owned())),
            Some(key) => match serde_json::from_str(value) {
                Ok(value) => (key, Given::Json(value)),
                Err(error) => return Err(format!("after := JSON is expected: {error}")),
            },
        };
        if key.is_empty() {
            return Err(form.into());
        }
        Ok(Self { key: key.to_owned(), given })
    }
}

/// Do these arguments need a schema to be understood?
pub fn need_schema(arguments: &[Argument]) -> bool {
    arguments.iter().any(|argument| matches!(argument.given, Given::Text(_)))
}

/// The arguments as one JSON object; without a schema `k=v` is text.
pub fn object(
    arguments: &[Argument],
    schema: Option<&Value>,
) -> Result<Map<String, Value>, Failure> {
    let mut object = Map::new();
    for Argument { key, given } in arguments {
        let value = match given {
            Given::Json(value) => value.clone(),
            Given::Text(text) => {
                let types = schema.map(|schema| types_of(schema, key)).unwrap_or_default();
                typed(text, &types).ok_or_else(|| {
                    let json = Value::from(text.as_str());
                    let types: Vec<_> = types.iter().map(|one| with_article(one)).collect();
                    let types = types.join(" or ");
                    Failure::usage(format!(
                        "`{key}` is to be {types}, says the tool, and `{text}` is not; to send it all \
                         the same: '{key}:={json}'"
                    ))
                })?
            }
        };
        if object.insert(key.clone(), value).is_some() {
            return Err(Failure::usage(format!(
                "`{key}` is given twice; a list is one argument: '{key}:=[\"a\",\"b\"]'"
            )));
        }
    }
    Ok(object)
}

/// The value that the text means if it is to have one of these types. The narrower type wins: where
/// a number or a string will do, `5` is a number.
fn typed(text: &str, types: &[String]) -> Option<Value> {
    let json = serde_json::from_str::<Value>(text).ok();
    let is = |wanted: &str| {
        json.clone().filter(|value| match wanted {
            "integer" => value.is_i64() || value.is_u64(),
            "number" => value.is_number(),
            "boolean" => value.is_boolean(),
            "null" => value.is_null(),
            "object" => value.is_object(),
            _ => value.is_array(),
        })
    };
    let order = ["integer", "number", "boolean", "null", "object", "array"];
    let narrow =
        order.iter().filter(|one| types.iter().any(|t| t == *one)).find_map(|wanted| is(wanted));
    let any = types.is_empty() || types.iter().any(|one| one == "string");
    narrow.or_else(|| any.then(|| text.into()))
}

fn with_article(word: &str) -> String {
    match word {
        "null" => "null".into(),
        "integer" | "object" | "array" => format!("an {word}"),
        _ => format!("a {word}"),
    }
}

/// The JSON types that a property may have; none if the schema does not say.
fn types_of(schema: &Value, key: &str) -> Vec<String> {
    let parts = parts(schema, schema);
    let property = parts.iter().find_map(|part| part.get("properties")?.get(key));
    let mut types = Vec::new();
    for part in property.map(|property| self::parts(schema, property)).unwrap_or_default() {
        let named = match part.get("type") {
            Some(Value::String(one)) => vec![one.as_str()],
            Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
            _ => {
                let listed = part.get("enum").and_then(Value::as_array).into_iter().flatten();
                part.get("const").into_iter().chain(listed).map(type_of).collect()
            }
        };
        types.extend(named.into_iter().map(str::to_owned));
    }
    types.sort();
    types.dedup();
    types
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// A schema and those that it is made of, each once, so that a circle has an end. A `$ref` is followed
/// inside the document only: a schema must not make this command ask anybody (B9).
fn parts<'a>(root: &'a Value, schema: &'a Value) -> Vec<&'a Value> {
    let (mut parts, mut seen, mut next) = (Vec::new(), HashSet::new(), vec![schema]);
    while let Some(schema) = next.pop() {
        if !seen.insert(std::ptr::from_ref(schema)) {
            continue;
        }
        parts.push(schema);
        let target = schema.get("$ref").and_then(Value::as_str);
        next.extend(target.and_then(|r| r.strip_prefix('#')).and_then(|path| root.pointer(path)));
        for list in ["anyOf", "oneOf", "allOf"] {
            next.extend(schema.get(list).and_then(Value::as_array).into_iter().flatten());
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(texts: &[&str], schema: &Value) -> Result<Map<String, Value>, Failure> {
        let arguments: Vec<_> = texts.iter().map(|text| text.parse().unwrap()).collect();
        object(&arguments, Some(schema))
    }

    #[test]
    fn a_value_has_the_type_that_the_schema_names() {
        let schema = json!({
            "properties": {
                "i": {"type": "integer"}, "n": {"type": "number"}, "b": {"type": "boolean"},
                "s": {"type": "string"}, "o": {"type": ["integer", "null"]},
                "r": {"$ref": "#/$defs/Size"}, "a": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
                "l": {"type": "array"}, "e": {"enum": ["x", 5]}, "any": {},
            },
            "$defs": {"Size": {"type": "integer"}},
        });
        let texts = [
            "i=-5",
            "n=1.5",
            "b=true",
            "s=5",
            "o=null",
            "r=7",
            "a=8",
            "l=[1]",
            "e=x",
            "any=1",
            "more=1",
            "j:={\"k\":[true]}",
            "eq=a=b",
        ];
        let expected = json!({
            "i": -5, "n": 1.5, "b": true, "s": "5", "o": null, "r": 7, "a": 8, "l": [1], "e": "x",
            "any": "1", "more": "1", "j": {"k": [true]}, "eq": "a=b",
        });
        assert_eq!(Value::from(read(&texts, &schema).unwrap()), expected);
    }

    #[test]
    fn a_value_of_the_wrong_type_is_refused_with_the_way_to_send_it() {
        let schema = json!({"properties": {"i": {"type": ["integer", "null"]}}});
        for text in ["i=abc", "i=1.5", "i=", "i=\"5\""] {
            let error = format!("{:?}", read(&[text], &schema).expect_err(text));
            assert!(error.contains("`i` is to be an integer or null"), "{text}: {error}");
            assert!(error.contains("i:="), "{text}: {error}");
        }
        assert_eq!(read(&["i:=\"abc\""], &schema).unwrap()["i"], "abc");
    }

    #[test]
    fn what_is_no_argument_is_refused() {
        for text in ["", "word", "=x", ":=1", "k:=not json"] {
            assert!(text.parse::<Argument>().is_err(), "{text}");
        }
        let twice = read(&["k=1", "k=2"], &json!({})).expect_err("twice");
        assert!(format!("{twice:?}").contains("given twice"));
    }

    #[test]
    fn a_schema_that_refers_to_itself_does_no_harm() {
        let schema = json!({"$ref": "#", "properties": {"k": {"$ref": "#/properties/k"}}});
        assert_eq!(read(&["k=1", "other=1"], &schema).unwrap()["k"], "1");
        for url in ["http://localhost/schema", "http://localhost/schema#/$defs/i"] {
            let outside =
                json!({"properties": {"k": {"$ref": url}}, "$defs": {"i": {"type": "integer"}}});
            assert_eq!(read(&["k=1"], &outside).unwrap()["k"], "1", "{url}");
        }
    }

    #[test]
    fn a_schema_is_needed_for_text_only() {
        let json: Argument = "k:=1".parse().unwrap();
        let text: Argument = "k=1".parse().unwrap();
        assert!(!need_schema(std::slice::from_ref(&json)));
        assert!(need_schema(&[json, text]));
    }
}
