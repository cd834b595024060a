//! Events as people and programs read them.

use crate::calendar;
use crate::payload::{AuthorJoined, Committed, FileChanged, ImportFinished, LinesCounted};
use crate::text;
use serde::Serialize;
use serde_json::{Value, json};
use timberline::{Payload, StoredEvent};

/// Characters of a payload on a line for people.
const PAYLOAD_CHARS: usize = 100;

/// One line for people.
pub(crate) fn line(event: &StoredEvent) -> String {
    format!(
        "{:>8}  {}  {}  {}@{}  {}",
        event.position(),
        calendar::utc(event.time_micros()),
        text::escape(event.kind().as_bytes()),
        text::cut(event.entity(), PAYLOAD_CHARS),
        event.version(),
        summary(event),
    )
}

/// One object for programs.
pub(crate) fn object(event: &StoredEvent) -> Value {
    json!({
        "position": event.position(),
        "id": event.id(),
        "time_micros": event.time_micros(),
        "entity": event.entity(),
        "version": event.version(),
        "scope": event.scope(),
        "kind": event.kind(),
        "payload_version": event.payload_version(),
        "correlation": event.correlation(),
        "causes": event.causes(),
        "payload": payload(event),
    })
}

/// The payload as JSON: this program's own events field by field, payloads that are JSON as they are, and others as
/// `{"bytes": "<hexadecimal>"}`.
pub(crate) fn payload(event: &StoredEvent) -> Value {
    let own = match event.kind() {
        Committed::KIND => decoded::<Committed>(event),
        FileChanged::KIND => decoded::<FileChanged>(event),
        AuthorJoined::KIND => decoded::<AuthorJoined>(event),
        LinesCounted::KIND => decoded::<LinesCounted>(event),
        ImportFinished::KIND => decoded::<ImportFinished>(event),
        _ => None,
    };
    own.or_else(|| serde_json::from_slice(event.payload()).ok()).unwrap_or_else(|| bytes(event.payload()))
}

/// What an event says, in few words.
pub(crate) fn summary(event: &StoredEvent) -> String {
    let own = match event.kind() {
        Committed::KIND => event.payload_as().ok().map(|commit| committed(&commit)),
        FileChanged::KIND => event.payload_as().ok().map(|change| changed(&change)),
        _ => None,
    };
    text::cut(&own.unwrap_or_else(|| payload(event).to_string()), PAYLOAD_CHARS)
}

fn committed(commit: &Committed) -> String {
    let title = commit.message.lines().next().unwrap_or_default();
    format!("{} {}", commit.commit.short(), text::escape(title.as_bytes()))
}

fn changed(change: &FileChanged) -> String {
    let how = format!("{:?}", change.change).to_lowercase();
    let from = change.from.as_ref().map_or(String::new(), |from| format!(" from {from}"));
    match (change.added, change.removed) {
        (Some(added), Some(removed)) => format!("{how}{from} +{added} -{removed}"),
        _ => format!("{how}{from}, binary"),
    }
}

fn decoded<P: Payload + Serialize>(event: &StoredEvent) -> Option<Value> {
    serde_json::to_value(event.payload_as::<P>().ok()?).ok()
}

fn bytes(payload: &[u8]) -> Value {
    let hex: String = payload.iter().map(|byte| format!("{byte:02x}")).collect();
    json!({ "bytes": hex })
}
