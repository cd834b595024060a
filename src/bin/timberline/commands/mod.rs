//! What looks into a store, and what appends to it by hand.

mod append;
mod graph;
mod look;
mod tail;

pub(crate) use append::append;
pub(crate) use graph::{ancestry_lines, causes, effects};
pub(crate) use look::{problem_text, stats, tree, verify, verify_lines};
pub(crate) use tail::tail;

use crate::args::Which;
use crate::failure::CommandError;
use timberline::{EventId, ReadError, Reader, Region, StoredEvent};

/// The event that is meant; `get` and `read` are those of either kind of store.
fn find(
    which: Which,
    get: impl FnOnce(EventId) -> Result<Option<StoredEvent>, ReadError>,
    read: impl FnOnce(&Region) -> Reader,
) -> Result<EventId, CommandError> {
    let event = match which {
        Which::Id(id) => get(id)?,
        Which::At(position) => read(&Region::all()).after(position.previous()).limit(1).next().transpose()?,
    };
    match (event, which) {
        (Some(event), Which::At(position)) if event.position() != position => Err(nothing_at(which)),
        (Some(event), _) => Ok(event.id()),
        (None, _) => Err(nothing_at(which)),
    }
}

fn nothing_at(which: Which) -> CommandError {
    match which {
        Which::Id(id) => CommandError::wrong(format!("the store has no event {id}")),
        Which::At(position) => CommandError::wrong(format!("the store has no event at position {position}")),
    }
}
