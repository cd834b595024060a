//! Opening: which files of the index there are, from where the journal has to be read again, and what can go.

use super::checkpoints::State;
use super::files::{Files, SegmentPlace, file_name, is_temporary, parse_name};
use super::header::{Content, PIECE_LEVELS, Stretch, is_piece};
use super::merged::Merged;
use super::sealed::Sealed;
use super::sealed_parts::{SealedParts, Segment};
use super::segments::{LEVEL_MAX, span};
use super::{IndexError, bytes::Bytes};
use crate::position::Position;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// What was found: the sealed parts up to the last that can be gone on from, and what was true there.
pub(super) struct Opened {
    pub(super) parts: SealedParts,
    pub(super) state: State,
    /// The segment whose records come next, and from which byte on; `None` from its begin on.
    pub(super) segment: u32,
    pub(super) resumes_at: Option<u32>,
    /// The level of the file that tells of the next piece of that segment.
    pub(super) next_level: Option<u8>,
}

/// Finds the files of the index. Reads the merges' heads and one segment's file, whatever the size of the store.
pub(super) fn open(files: &Arc<Files>) -> Result<Opened, IndexError> {
    let names: BTreeSet<(u8, u32)> =
        files.storage.list()?.iter().filter_map(|name| parse_name(name)).collect();
    let Known { whole: known, pieces, end: resumes_at, state } = newest_state(files, &names)?;
    crate::point("index.open.state_known");
    let (merges, firsts) = merges(files, known, &names);
    let mut segments = Vec::with_capacity(known as usize);
    for (number, first) in (1..=known).zip(firsts) {
        let first = match first {
            Some(first) => first,
            None => files.source.first_of(number).map_err(IndexError::Journal)?,
        };
        let place = SegmentPlace::new(number, first);
        place.is_lost.store(!names.contains(&(0, number)), Ordering::Release);
        segments.push(Segment::told(place));
    }
    let mut last = match known {
        0 => Position::START,
        known => Position::new(files.stretch(known, known)?.last),
    };
    let next_level = PIECE_LEVELS.clone().nth(pieces.len());
    for place in pieces {
        last = place.through;
        segments.push(Segment::told(place));
    }
    files.counters.is_due.store(true, Ordering::Release);
    if files.options.writes {
        remove_leftovers(files, known, next_level, &merges, &names);
    }
    let parts = SealedParts { files: Some(Arc::clone(files)), segments, merges, last };
    Ok(Opened { parts, state, segment: known + 1, resumes_at, next_level })
}

/// Up to where the files tell everything: so many segments whole, and the next in pieces.
#[derive(Default)]
struct Known {
    whole: u32,
    pieces: Vec<SegmentPlace>,
    /// Where the last piece ends in its segment.
    end: Option<u32>,
    state: State,
}

/// The newest files that say what was true at their end. What comes after it is read again.
fn newest_state(files: &Files, names: &BTreeSet<(u8, u32)>) -> Result<Known, IndexError> {
    let segments = files.source.segments().max(1);
    for number in (1..=segments).rev() {
        if number < segments {
            if let Some((_, state)) = state_in(files, (0, number), names)? {
                return Ok(Known { whole: number, state, ..Known::default() });
            }
            files.counters.lost.fetch_add(1, Ordering::Relaxed);
        }
        let known = pieces_of(files, number, names)?;
        if !known.pieces.is_empty() {
            return Ok(known);
        }
    }
    Ok(Known::default())
}

/// The pieces of a segment of which there are files, as far as one follows the other.
fn pieces_of(files: &Files, number: u32, names: &BTreeSet<(u8, u32)>) -> Result<Known, IndexError> {
    let mut known = Known { whole: number - 1, ..Known::default() };
    for level in PIECE_LEVELS {
        let Some((stretch, state)) = state_in(files, (level, number), names)? else { break };
        let expected = match known.pieces.last() {
            Some(before) => before.through.next(),
            None => files.source.first_of(number).map_err(IndexError::Journal)?,
        };
        let (first, through) = (Position::new(stretch.first), Position::new(stretch.last));
        if first != expected && !crate::planted("piece_behind_a_gap_believed") {
            break;
        }
        let begin = known.end.unwrap_or_default();
        known.pieces.push(SegmentPlace { level, begin, through, ..SegmentPlace::new(number, first) });
        (known.end, known.state) = (u32::try_from(stretch.end).ok(), state);
    }
    Ok(known)
}

/// What a file tells of, and what was true at the end of that, if there is such a file and the journal still has what it
/// was made from.
fn state_in(
    files: &Files,
    (level, number): (u8, u32),
    names: &BTreeSet<(u8, u32)>,
) -> Result<Option<(Stretch, State)>, IndexError> {
    if !names.contains(&(level, number)) {
        return Ok(None);
    }
    let read = files.table(level, number, number).and_then(|table| {
        let state = Sealed::new(&table).state()?;
        Ok(state.map(|state| (table.header.stretch, state)))
    });
    match read {
        Err(IndexError::Journal(cause)) => Err(IndexError::Journal(cause)),
        // Recovery cut what it tells of, or it is damaged: the journal tells the rest.
        Err(error) => {
            files.note_lost(level, number, &error, false);
            Ok(None)
        }
        found => found,
    }
}

/// The largest merges that there are, side by side, and the first positions that they tell.
fn merges(files: &Files, known: u32, names: &BTreeSet<(u8, u32)>) -> (Vec<Merged>, Vec<Option<Position>>) {
    let (mut merges, mut firsts) = (Vec::new(), Vec::new());
    while (firsts.len() as u32) < known {
        let first = firsts.len() as u32 + 1;
        let found = (1..=LEVEL_MAX).rev().find_map(|level| {
            let fits = (first - 1).is_multiple_of(span(level)) && first + (span(level) - 1) <= known;
            let merge = (fits && names.contains(&(level, first))).then(|| Merged::new(level, first))?;
            let told = firsts_of(files, &merge)?;
            Some((merge, told))
        });
        match found {
            Some((merge, told)) => {
                merges.push(merge);
                firsts.extend(told.into_iter().map(Some));
            }
            None => firsts.push(None),
        }
    }
    (merges, firsts)
}

/// The first positions of a merge's segments; `None` if the merge is of no use.
fn firsts_of(files: &Files, merge: &Merged) -> Option<Vec<Position>> {
    let read = merge.table(files).and_then(|table| {
        let bytes = table.all_bytes_once(Content::Firsts)?;
        let mut fields = Bytes::new(&bytes);
        let firsts: Option<Vec<_>> =
            (0..span(merge.level)).map(|_| fields.u64().map(Position::new)).collect();
        table.sound(0, firsts.filter(|_| fields.is_at_end()))
    });
    match read {
        Ok(firsts) => Some(firsts),
        Err(error) => {
            files.note_lost(merge.level, merge.first_segment(), &error, false);
            None
        }
    }
}

/// Removes what was being made when the last writer ended, merges that larger ones stand for, and files of segments
/// that there are not.
fn remove_leftovers(
    files: &Files,
    known: u32,
    next_level: Option<u8>,
    merges: &[Merged],
    names: &BTreeSet<(u8, u32)>,
) {
    let sealed = files.source.segments().saturating_sub(1);
    let is_used = |level: u8, first: u32| match level {
        0 => first <= sealed,
        _ if is_piece(level) => first == known + 1 && next_level.is_none_or(|next| level < next),
        _ => merges.iter().any(|merge| (merge.level, merge.first_segment()) == (level, first)),
    };
    let unused = names.iter().filter(|(level, first)| !is_used(*level, *first));
    let mut leftovers: Vec<String> = unused.map(|(level, first)| file_name(*level, *first)).collect();
    leftovers.extend(files.storage.list().unwrap_or_default().into_iter().filter(|name| is_temporary(name)));
    for name in leftovers {
        crate::point("index.open.before_removal");
        // What stays is looked at by the next open.
        let _ = files.storage.remove(&name);
    }
}
