//! `timberline append`: one event by hand.

use super::find;
use crate::args::AppendArguments;
use crate::failure::CommandError;
use crate::{files, stores};
use serde_json::json;
use std::io::Write;
use timberline::{Coordinate, Durability, EventId, NewEvent, Receipt, Store};

/// Bytes of a payload that is read from standard input, and one more to see that there is more.
const PAYLOAD_BYTES_MAX: u64 = (1 << 20) + 1;

/// `timberline append`.
pub(crate) fn append(arguments: &AppendArguments, out: &mut dyn Write) -> Result<(), CommandError> {
    let event = event(arguments)?;
    let store = stores::open(&arguments.store.dir)?;
    let receipt = store_event(&store, event, arguments);
    let closed = stores::close(store);
    print(&receipt?, arguments.json, out)?;
    closed
}

fn event(arguments: &AppendArguments) -> Result<NewEvent, CommandError> {
    let payload = match arguments.payload.as_str() {
        "-" => files::standard_input(PAYLOAD_BYTES_MAX)?,
        text => text.as_bytes().to_vec(),
    };
    if let Err(error) = serde_json::from_slice::<serde::de::IgnoredAny>(&payload) {
        return Err(CommandError::wrong(format!("the payload is no JSON: {error}")));
    }
    let place = Coordinate::new(&arguments.entity, &arguments.scope)?;
    let payload = payload.trim_ascii().to_vec();
    Ok(NewEvent::raw(place, arguments.kind.clone(), 1, payload).expect(arguments.expect))
}

fn store_event(store: &Store, event: NewEvent, arguments: &AppendArguments) -> Result<Receipt, CommandError> {
    let causes =
        arguments.causes.iter().map(|which| find(*which, |id| store.get(id), |region| store.read(region)));
    let causes: Vec<EventId> = causes.collect::<Result<_, _>>()?;
    let durability = if arguments.buffered { Durability::Buffered } else { Durability::Durable };
    let event = event.caused_by(causes).durability(durability);
    let event = match &arguments.key {
        Some(key) => event.idempotency_key(key),
        None => event,
    };
    Ok(store.append_event(event)?)
}

fn print(receipt: &Receipt, as_json: bool, out: &mut dyn Write) -> Result<(), CommandError> {
    if as_json {
        let object = json!({
            "id": receipt.id,
            "position": receipt.position,
            "version": receipt.version,
            "durability": receipt.durability,
            "duplicate": receipt.duplicate,
        });
        return Ok(writeln!(out, "{object}")?);
    }
    let known = if receipt.duplicate { ", stored before" } else { "" };
    Ok(writeln!(out, "position {}, version {}, id {}{known}", receipt.position, receipt.version, receipt.id)?)
}
