//! Reads found events in as few and as large pieces as their places allow.

use super::read_error;
use crate::error::ReadError;
use crate::event::Batch;
use crate::index::Found;
use crate::journal::JournalReader;
use std::sync::Arc;

/// The most bytes that are read at once.
const BLOCK_BYTES_MAX: u32 = 1 << 20;
/// Bytes between two records that are cheaper to read than to skip.
const SKIP_BYTES_MIN: u32 = 16 << 10;

/// Adds the found events to `batch`. They are given in position order.
pub(super) fn fill(reader: &JournalReader, found: &[Found], batch: &mut Batch) -> Result<(), ReadError> {
    for run in found.chunk_by(|one, next| is_near(*one, *next)) {
        for piece in pieces(run) {
            read_piece(reader, piece, batch)?;
        }
    }
    Ok(())
}

fn is_near(one: Found, next: Found) -> bool {
    let end = one.location.offset + one.location.length;
    one.location.segment == next.location.segment && next.location.offset.saturating_sub(end) < SKIP_BYTES_MIN
}

/// Cuts a run so that no piece is longer than a block, unless a single record is.
fn pieces(run: &[Found]) -> impl Iterator<Item = &[Found]> {
    let mut rest = run;
    std::iter::from_fn(move || {
        let first = rest.first()?;
        let fits = |found: &Found| end(found) - first.location.offset <= BLOCK_BYTES_MAX;
        let count = rest.iter().take_while(|found| fits(found)).count().max(1);
        let (piece, later) = rest.split_at(count);
        rest = later;
        Some(piece)
    })
}

fn end(found: &Found) -> u32 {
    found.location.offset + found.location.length
}

fn read_piece(reader: &JournalReader, piece: &[Found], batch: &mut Batch) -> Result<(), ReadError> {
    let (Some(first), Some(last)) = (piece.first(), piece.last()) else { return Ok(()) };
    let begin = first.location.offset;
    let run = reader
        .read_run(first.location.segment, begin, end(last) - begin)
        .map_err(|error| read_error(error, first.position))?;
    crate::point("view.fill.read");
    let run = Arc::new(run);
    batch.push_block(Arc::clone(&run));
    for found in piece {
        let event = reader
            .event_in_run(&run, begin, found.position, found.location)
            .map_err(|error| read_error(error, found.position))?;
        batch.push(event);
    }
    Ok(())
}
