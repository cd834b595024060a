//! Reads everything in order, block by block, without asking the index for each event.

use super::fill::READ_BYTES_MAX;
use crate::event::Batch;
use crate::index::{Found, Window};
use crate::journal::{JournalError, JournalReader, NEAR_BYTES, ReadPoint};
use crate::position::Position;

/// Adds the events inside `window` to `batch`: they begin with `first` and, unless there are gaps, end with `last`.
pub(super) fn sweep(
    reader: &JournalReader,
    window: Window,
    first: Found,
    last: Option<Found>,
    batch: &mut Batch,
) -> Result<(), JournalError> {
    let mut point = ReadPoint::at(first.position, first.location);
    let mut block = reader.block();
    while batch.len() < window.limit && point.position <= window.through {
        block.lend(batch.spare());
        if !reader.read_block(&mut block, point, wanted(point, last))? {
            break;
        }
        let mut records = block.records();
        // Nothing is looked at behind the last event: thousands of checkpoints may stand there.
        while batch.len() < window.limit
            && records.point().position <= window.through
            && let Some(event) = records.next_event()
        {
            let (_, event) = event?;
            // Behind a gap the next event may stand past the window.
            if event.position > window.through {
                break;
            }
            batch.push(event);
        }
        point = records.point();
        batch.push_block(block.take());
    }
    Ok(())
}

/// How many bytes to read from a point on: up to the last event, if it stands near. Should it be longer than is reckoned
/// with here, it is read by itself.
fn wanted(point: ReadPoint, last: Option<Found>) -> usize {
    let is_ahead =
        |last: &Found| last.location.segment == point.segment && last.location.offset >= point.offset;
    let bytes = match last.filter(is_ahead) {
        Some(Found { location, .. }) => location.offset + location.length.min(NEAR_BYTES) - point.offset,
        None => READ_BYTES_MAX,
    };
    bytes.min(READ_BYTES_MAX) as usize
}

/// Where the last event of a window stands, if no position before it is without an event.
pub(super) fn last_of(window: Window, first: Position) -> Position {
    let events = u64::try_from(window.limit).unwrap_or(u64::MAX);
    window.through.min(Position::new(first.get().saturating_add(events - 1)))
}
