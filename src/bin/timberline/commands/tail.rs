//! `timberline tail`: the newest events, and those that come.

use crate::args::TailArguments;
use crate::failure::CommandError;
use crate::{show, stores};
use std::collections::VecDeque;
use std::io::Write;
use std::time::Duration;
use supervisors::rt::{clock, thread};
use timberline::{Position, ReadOnlyStore, Region, StoredEvent};

/// How often a followed store is looked at. Another process writes it, and nobody there knows whom to wake.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);

/// `timberline tail`.
pub(crate) fn tail(arguments: &TailArguments, out: &mut dyn Write) -> Result<(), CommandError> {
    let store = stores::open_to_read(&arguments.store)?;
    let region = arguments.region.region();
    let seen = store.refresh()?;
    for event in first(arguments, &store, &region, seen)? {
        print(&event, arguments.json, out)?;
    }
    out.flush()?;
    if arguments.follow { follow(arguments, &store, &region, seen, out) } else { Ok(()) }
}

/// Goes on until the program is interrupted or its output closed.
fn follow(
    arguments: &TailArguments,
    store: &ReadOnlyStore,
    region: &Region,
    mut seen: Position,
    out: &mut dyn Write,
) -> Result<(), CommandError> {
    loop {
        let newest = store.refresh()?;
        if newest > seen {
            print_all(store, region, (seen, newest), arguments.json, out)?;
            seen = newest;
        } else {
            thread::park_until(Some(clock::now() + LOOK_INTERVAL));
        }
    }
}

/// What is printed before anything is followed.
fn first(
    arguments: &TailArguments,
    store: &ReadOnlyStore,
    region: &Region,
    through: Position,
) -> Result<VecDeque<StoredEvent>, CommandError> {
    let lines = if arguments.after.is_some() { usize::MAX } else { arguments.lines };
    let mut newest = VecDeque::new();
    // Of all events, the newest are those of the last positions; of others, nobody knows where they begin.
    let skipped = if region.is_all() { through.since(Position::new(lines as u64)) } else { 0 };
    let after = arguments.after.unwrap_or(skipped);
    for event in store.read(region).after(Position::new(after)).through(through) {
        newest.push_back(event?);
        if newest.len() > lines {
            newest.pop_front();
        }
    }
    Ok(newest)
}

fn print_all(
    store: &ReadOnlyStore,
    region: &Region,
    (after, through): (Position, Position),
    as_json: bool,
    out: &mut dyn Write,
) -> Result<(), CommandError> {
    for event in store.read(region).after(after).through(through) {
        print(&event?, as_json, out)?;
    }
    Ok(out.flush()?)
}

fn print(event: &StoredEvent, as_json: bool, out: &mut dyn Write) -> Result<(), CommandError> {
    match as_json {
        true => writeln!(out, "{}", show::object(event))?,
        false => writeln!(out, "{}", show::line(event))?,
    }
    Ok(())
}
