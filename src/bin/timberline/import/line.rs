//! From a line of JSON to an event. Pure: a line and the flags in, an event or a reason out.

use crate::args::JsonlArguments;
use serde_json::{Map, Value};
use std::collections::HashMap;
use timberline::{AppendOptions, Coordinate, Durability, NewEvent};

/// Bytes of one line, which is the payload.
pub(super) const LINE_BYTES_MAX: usize = 1 << 20;

/// How often each line was seen, by its hash; what tells equal lines apart.
#[derive(Debug, Default)]
pub(super) struct Seen(HashMap<[u8; 16], u32>);

impl Seen {
    /// The key of a line without a key of its own: the line, and its number among equal ones.
    fn key(&mut self, line: &[u8]) -> String {
        let hash = blake3::hash(line);
        let short = hash.as_bytes().first_chunk().copied().unwrap_or_default();
        let count = self.0.entry(short).or_insert(0);
        *count += 1;
        format!("jsonl:{}:{count}", hash.to_hex())
    }
}

/// The event that a line stands for, or why it stands for none.
pub(super) fn event(line: &[u8], flags: &JsonlArguments, seen: &mut Seen) -> Result<NewEvent, String> {
    let object: Map<String, Value> = serde_json::from_slice(line).map_err(|error| reason(&error))?;
    let entity = named(&object, flags.entity_field.as_deref(), flags.entity.as_deref())?;
    let scope = named(&object, flags.scope_field.as_deref(), Some(&flags.scope))?;
    let kind = named(&object, flags.kind_field.as_deref(), Some(&flags.kind))?;
    let key = match &flags.key_field {
        None => seen.key(line),
        Some(_) => key(&named(&object, flags.key_field.as_deref(), None)?),
    };
    check_kind(&kind)?;
    let coordinate = Coordinate::new(entity, scope).map_err(|error| error.to_string())?;
    let event = NewEvent::raw(coordinate, kind, 1, line.to_vec());
    Ok(event.idempotency_key(key).durability(Durability::Buffered))
}

fn reason(error: &serde_json::Error) -> String {
    use serde_json::error::Category;
    match error.classify() {
        Category::Data => "the line is no JSON object".to_owned(),
        Category::Eof => "the line ends in the middle of its JSON".to_owned(),
        // Of the place, only the column means something: the line is the file's, not the parser's.
        _ => format!("the line is no JSON, at column {}", error.column()),
    }
}

/// The value of a field as text, or what stands in for it.
fn named(object: &Map<String, Value>, field: Option<&str>, default: Option<&str>) -> Result<String, String> {
    let value = field.and_then(|field| object.get(field)).filter(|value| !value.is_null());
    match (value, default) {
        (Some(Value::String(text)), _) => Ok(text.clone()),
        (Some(value @ (Value::Number(_) | Value::Bool(_))), _) => Ok(value.to_string()),
        (Some(_), _) => {
            Err(format!("the field {:?} is no text, number or truth value", field.unwrap_or_default()))
        }
        (None, Some(default)) => Ok(default.to_owned()),
        (None, None) => Err(format!("the field {:?} is missing", field.unwrap_or_default())),
    }
}

/// The key of a line that names its own; a value over the limit is hashed.
fn key(value: &str) -> String {
    let key = format!("key:{value}");
    match key.len() <= AppendOptions::KEY_BYTES_MAX {
        true => key,
        false => format!("key-hash:{}", blake3::hash(value.as_bytes()).to_hex()),
    }
}

fn check_kind(kind: &str) -> Result<(), String> {
    match kind.len() {
        0 => Err("the kind may not be empty".to_owned()),
        1..=NewEvent::KIND_BYTES_MAX => Ok(()),
        bytes => {
            Err(format!("the kind has {bytes} bytes, over the limit of {} bytes", NewEvent::KIND_BYTES_MAX))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Arguments, Command, Import};
    use clap::Parser;

    fn flags(words: &str) -> JsonlArguments {
        let line = format!("timberline import jsonl - --dir d {words}");
        match Arguments::parse_from(line.split_whitespace()).command {
            Command::Import(Import::Jsonl(flags)) => flags,
            other => panic!("{other:?}"),
        }
    }

    #[track_caller]
    fn check(words: &str, line: &str, expected: Result<(&str, &str, &str), &str>) {
        match (event(line.as_bytes(), &flags(words), &mut Seen::default()), expected) {
            (Ok(event), Ok(names)) => {
                let place = event.coordinate();
                assert_eq!((place.entity(), place.scope(), event.kind()), names, "{line}");
                assert_eq!(event.payload(), line.as_bytes());
            }
            (Err(reason), Err(words)) => assert!(reason.contains(words), "{line}: {reason}"),
            (found, _) => panic!("{line}: {found:?}"),
        }
    }

    #[test]
    fn names_come_from_fields_or_from_flags() {
        check("--entity e", "{}", Ok(("e", "default", "Imported")));
        check("--entity-field id", r#"{"id": 7}"#, Ok(("7", "default", "Imported")));
        check("--entity-field id --entity e", r#"{"id": null}"#, Ok(("e", "default", "Imported")));
        check(
            "--entity-field id --scope-field s --kind-field k",
            r#"{"id": "a", "s": "shop", "k": true}"#,
            Ok(("a", "shop", "true")),
        );
    }

    #[test]
    fn a_line_that_stands_for_no_event_says_why() {
        check("--entity e", "[1]", Err("no JSON object"));
        check("--entity e", r#"{"a": "#, Err("middle"));
        check("--entity e", r#"{"a" 1}"#, Err("column 6"));
        check("--entity-field id", "{}", Err("\"id\" is missing"));
        check("--entity-field id", r#"{"id": [1]}"#, Err("no text"));
        check("--entity-field id", r#"{"id": "a\nb"}"#, Err("control character"));
        check("--entity-field id", r#"{"id": ""}"#, Err("may not be empty"));
        check("--entity e --kind-field k", r#"{"k": ""}"#, Err("kind may not be empty"));
        check("--entity e --key-field k", "{}", Err("\"k\" is missing"));
    }

    #[test]
    fn equal_lines_have_keys_of_their_own_and_the_same_ones_in_the_next_run() {
        let keys = |lines: [&[u8]; 3]| {
            let mut seen = Seen::default();
            lines.map(|line| seen.key(line))
        };
        let first = keys([b"a", b"b", b"a"]);
        assert_ne!(first[0], first[2]);
        assert_eq!(first, keys([b"a", b"b", b"a"]));
        assert!(key(&"k".repeat(300)).len() <= AppendOptions::KEY_BYTES_MAX);
        assert_ne!(key(&"k".repeat(300)), key(&"k".repeat(301)));
    }
}
