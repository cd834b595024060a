//! The process that is killed: it opens the store and appends from two threads, and says every receipt it is given.

use serde::{Deserialize, Serialize};
use std::io::Write;
use std::path::Path;
use std::thread;
use timberline::{
    CheckpointId, Config, Coordinate, CursorWorkerAction, CursorWorkerConfig, CursorWorkerHandle, Durability,
    NewEvent, Payload, Receipt, Region, Store,
};

/// Numbered as its entity's versions are.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Note(pub(super) u64);

impl Payload for Note {
    const KIND: &'static str = "Note";
}

/// What the worker makes of a note.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Echo(u64);

impl Payload for Echo {
    const KIND: &'static str = "Echo";
}

pub(super) fn config(dir: &Path) -> Config {
    Config::new(dir)
        .commit_bytes_max(16 << 10)
        .segment_bytes(256 << 10)
        .preallocate_bytes(16 << 10)
        .record_bytes_max(4 << 10)
}

fn say(line: impl std::fmt::Display) {
    let mut out = std::io::stdout().lock();
    // A parent that has gone does not want to know.
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// Goes on until it is killed.
pub(super) fn act(dir: &Path) {
    say("\nopening"); // the harness may have begun a line
    let store = Store::open(config(dir)).unwrap();
    say("opened");
    let _echo = echo(&store);
    thread::scope(|scope| {
        scope.spawn(|| durable(&store, "durable"));
        scope.spawn(|| buffered(&store, "buffered"));
    });
}

/// A worker with a place of its own that answers every note.
fn echo(store: &Store) -> CursorWorkerHandle {
    let config = CursorWorkerConfig::default().batch_size(7).checkpoint(CheckpointId::new("echo").unwrap());
    let answer = move |batch: &timberline::Batch, context: &mut timberline::HandlerContext| {
        for event in batch {
            let Note(n) = event.payload_as().unwrap();
            context.react_to(&event, NewEvent::new(&place("echo"), &Echo(n)).unwrap());
        }
        CursorWorkerAction::Continue
    };
    store.cursor_worker(&Region::kind(Note::KIND), config, answer).unwrap()
}

fn place(entity: &str) -> Coordinate {
    Coordinate::new(entity, "kills").unwrap()
}

fn note(entity: &str, n: u64) -> NewEvent {
    NewEvent::new(&place(entity), &Note(n)).unwrap()
}

/// One event, or a batch.
fn durable(store: &Store, entity: &str) {
    let mut n = store.last_version(entity).unwrap().get();
    loop {
        let count = if n.is_multiple_of(3) { 5 } else { 1 };
        let batch = (n + 1..=n + count).map(|n| note(entity, n)).collect();
        store.append_batch(batch).unwrap().iter().for_each(|receipt| acknowledge(entity, receipt));
        n += count;
    }
}

/// Many at a time, which the death of the process may not lose either.
fn buffered(store: &Store, entity: &str) {
    let mut n = store.last_version(entity).unwrap().get();
    loop {
        let submit = |n| store.submit_event(note(entity, n).durability(Durability::Buffered)).unwrap();
        let tickets: Vec<_> = (n + 1..=n + 10).map(submit).collect();
        tickets.into_iter().for_each(|ticket| acknowledge(entity, &ticket.wait().unwrap()));
        n += 10;
    }
}

fn acknowledge(entity: &str, receipt: &Receipt) {
    // The dot proves that the line is whole.
    say(format_args!("ack {entity} {} {} .", receipt.version, receipt.id));
}
