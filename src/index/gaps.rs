//! Gaps in files: where each begins and how many positions it has, as varints, in order.
//!
//! They are told one by one, and kept only where they are wanted: in memory a gap is many times its bytes.

use super::IndexError;
use super::bytes::{Bytes, put_varint};
use super::header::Content;
use super::table::Table;
use crate::position::Position;
use std::ops::RangeInclusive;

/// A run of positions that hold no event.
pub(super) type Gap = RangeInclusive<Position>;

pub(super) fn put_gap(out: &mut Vec<u8>, gap: &Gap) {
    put_varint(out, gap.start().get());
    put_varint(out, gap.end().since(*gap.start()));
}

/// Whether the gap lies after `after` and begins not after `through`.
pub(super) fn is_within(gap: &Gap, after: Position, through: Position) -> bool {
    *gap.end() > after && *gap.start() <= through
}

/// The gaps of a segment's file, or of a merge, one after the other. Each begins behind the one before: or a few positions
/// could be told of as many times as a file likes.
pub(super) fn each_gap(table: &Table, mut tell: impl FnMut(Gap)) -> Result<(), IndexError> {
    let bytes = table.all_bytes(Content::Gaps)?;
    let (mut fields, mut before) = (Bytes::new(&bytes), None);
    while !fields.is_at_end() {
        let gap = fields.varint().zip(fields.varint());
        let range = gap.and_then(|(begin, more)| Some((begin, begin.checked_add(more)?)));
        let range = range.filter(|(begin, end)| before.replace(*end).is_none_or(|before| before < *begin));
        let (begin, end) = table.sound(table.header.section(Content::Gaps).block, range)?;
        tell(Position::new(begin)..=Position::new(end));
    }
    Ok(())
}

/// Those that lie after `after` and begin not after `through`.
pub(super) fn gaps_within(table: &Table, after: Position, through: Position) -> Result<Vec<Gap>, IndexError> {
    let mut gaps = Vec::new();
    each_gap(table, |gap| {
        if is_within(&gap, after, through) {
            gaps.push(gap);
        }
    })?;
    Ok(gaps)
}
