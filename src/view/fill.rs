//! Reads found events: those that stand close together at once, the others out of the blocks that readers keep.

use super::read_error;
use crate::error::ReadError;
use crate::event::Batch;
use crate::index::Found;
use crate::journal::{JournalReader, Keep, NEAR_BYTES};

/// The most bytes that are read at once: few enough that they are still in the processor's cache when they are decoded.
pub(super) const READ_BYTES_MAX: u32 = 256 << 10;
/// Bytes between two records that are cheaper to read than to skip.
const SKIP_BYTES_MIN: u32 = 8 << 10;
/// A run of fewer events is taken out of the blocks that are kept.
const RUN_EVENTS_MIN: usize = 4;

/// Adds the found events to `batch`. They are given in position order.
pub(super) fn fill(reader: &JournalReader, found: &[Found], batch: &mut Batch) -> Result<(), ReadError> {
    batch.reserve(found.len());
    let mut singles = batch.empty_spare();
    singles.reserve(room_for_singles(found));
    for run in runs(found) {
        if is_short(run) {
            singles = read_singles(reader, run, singles, batch)?;
            continue;
        }
        singles = end_block(singles, batch);
        for piece in pieces(run) {
            read_piece(reader, piece, batch)?;
        }
    }
    end_block(singles, batch);
    Ok(())
}

/// Those that stand close together, in turn.
fn runs(found: &[Found]) -> impl Iterator<Item = &[Found]> {
    found.chunk_by(|one, next| is_near(*one, *next))
}

fn is_short(run: &[Found]) -> bool {
    run.len() < RUN_EVENTS_MIN
}

/// Bytes that those take that are not read together, or as many as are read before a block ends.
fn room_for_singles(found: &[Found]) -> usize {
    let singles = runs(found).filter(|run| is_short(run)).flatten();
    let bytes: u64 = singles.map(|found| u64::from(found.location.length.min(NEAR_BYTES))).sum();
    bytes.min(READ_BYTES_MAX.into()) as usize
}

/// Hands what was read to the batch; gives memory to go on with.
fn end_block(bytes: Vec<u8>, batch: &mut Batch) -> Vec<u8> {
    if bytes.is_empty() {
        return bytes;
    }
    batch.push_block(bytes.into());
    batch.empty_spare()
}

/// What is long is read by itself: little is saved, and other records may make it seem longer than it is.
fn is_near(one: Found, next: Found) -> bool {
    one.location.segment == next.location.segment
        && one.location.length.max(next.location.length) <= NEAR_BYTES
        && next.location.offset.saturating_sub(end(&one)) < SKIP_BYTES_MIN
}

/// Cuts a run so that no piece is longer than may be read at once, unless a single record is.
fn pieces(run: &[Found]) -> impl Iterator<Item = &[Found]> {
    let mut rest = run;
    std::iter::from_fn(move || {
        let first = rest.first()?;
        let fits = |found: &Found| end(found) - first.location.offset <= READ_BYTES_MAX;
        let count = rest.iter().take_while(|found| fits(found)).count().max(1);
        let (piece, later) = rest.split_at(count);
        rest = later;
        Some(piece)
    })
}

fn end(found: &Found) -> u32 {
    found.location.offset + found.location.length
}

/// Adds each of the events to `bytes`; gives memory to go on with, for a block is no longer than what is read at once
/// and one event.
fn read_singles(
    reader: &JournalReader,
    run: &[Found],
    mut bytes: Vec<u8>,
    batch: &mut Batch,
) -> Result<Vec<u8>, ReadError> {
    for Found { position, location } in run {
        let event = reader.read_event(*position, *location, Keep::SecondTime, &mut bytes);
        batch.push(event.map_err(|error| read_error(error, *position))?);
        if bytes.len() >= READ_BYTES_MAX as usize {
            bytes = end_block(bytes, batch);
        }
    }
    Ok(bytes)
}

fn read_piece(reader: &JournalReader, piece: &[Found], batch: &mut Batch) -> Result<(), ReadError> {
    let (Some(first), Some(last)) = (piece.first(), piece.last()) else { return Ok(()) };
    let (begin, mut bytes) = (first.location.offset, batch.spare());
    reader
        .read_run(first.location.segment, begin, end(last) - begin, &mut bytes)
        .map_err(|error| read_error(error, first.position))?;
    crate::point("view.fill.read");
    for found in piece {
        let event = reader
            .event_in_run(&bytes, begin, found.position, found.location)
            .map_err(|error| read_error(error, found.position))?;
        batch.push(event);
    }
    batch.push_block(bytes.into());
    Ok(())
}
