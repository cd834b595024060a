//! The table of checkpoints: where each durable cursor stands; and what else is true of a store as of some position.

use super::bytes::{Bytes, put_prefixed, put_varint};
use crate::position::Position;
use std::cmp::Ordering;

/// Where a cursor stands, and over which region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Checkpoint {
    /// The canonical bytes of the region the cursor is bound to.
    pub(crate) region: Box<[u8]>,
    /// Everything of the region up to here was handled.
    pub(crate) position: Position,
}

/// What is true as of the end of a segment, and cannot be told from the segment alone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct State {
    /// Different entities so far.
    pub(super) entities: u64,
    /// Positions without an event so far.
    pub(super) gap_positions: u64,
    /// The newest checkpoint of each cursor.
    checkpoints: Packed,
}

impl State {
    pub(super) fn apply(&mut self, id: &str, checkpoint: Checkpoint) {
        match self.checkpoints.place_of(id) {
            Ok(_) if crate::planted("first_checkpoint_stays") => {}
            place => self.checkpoints.put(place, id, &checkpoint),
        }
    }

    pub(super) fn checkpoint(&self, id: &str) -> Option<Checkpoint> {
        let place = self.checkpoints.place_of(id).ok()?;
        let Entry { region, position, .. } = Entry::take(&mut self.checkpoints.from(place))?;
        Some(Checkpoint { region: region.into(), position: Position::new(position) })
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put_varint(&mut out, self.entities);
        put_varint(&mut out, self.gap_positions);
        put_varint(&mut out, self.checkpoints.begins.len() as u64);
        out.extend_from_slice(&self.checkpoints.bytes);
        out
    }

    pub(super) fn decode(bytes: Vec<u8>) -> Option<Self> {
        let mut fields = Bytes::new(&bytes);
        let (entities, gap_positions, count) = (fields.varint()?, fields.varint()?, fields.varint()?);
        let head = bytes.len() - fields.left();
        let checkpoints = Packed::of(bytes, head).filter(|packed| packed.begins.len() as u64 == count)?;
        Some(Self { entities, gap_positions, checkpoints })
    }
}

/// Checkpoints in the order of their ids, as they stand in a file. A map of them would take many times their bytes, which
/// may be anyone's.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Packed {
    bytes: Vec<u8>,
    /// Where each begins.
    begins: Vec<u32>,
}

/// One of them.
struct Entry<'a> {
    id: &'a str,
    region: &'a [u8],
    position: u64,
}

impl<'a> Entry<'a> {
    fn take(fields: &mut Bytes<'a>) -> Option<Self> {
        let id = std::str::from_utf8(fields.prefixed()?).ok()?;
        Some(Self { id, region: fields.prefixed()?, position: fields.varint()? })
    }
}

impl Packed {
    /// What stands behind the first `head` bytes, if that is checkpoints in order.
    fn of(mut bytes: Vec<u8>, head: usize) -> Option<Self> {
        bytes.drain(..head);
        u32::try_from(bytes.len()).ok()?;
        let mut begins = Vec::with_capacity(each_begin(&bytes, |_| {})?);
        each_begin(&bytes, |begin| begins.push(begin))?;
        Some(Self { bytes, begins })
    }

    fn from(&self, place: usize) -> Bytes<'_> {
        let begin = self.begins.get(place).map_or(self.bytes.len(), |begin| *begin as usize);
        Bytes::new(self.bytes.get(begin..).unwrap_or_default())
    }

    /// The place of this id's checkpoint, or the one where it would stand.
    fn place_of(&self, id: &str) -> Result<usize, usize> {
        let (mut low, mut high) = (0, self.begins.len());
        while low < high {
            let middle = low + (high - low) / 2;
            let order =
                Entry::take(&mut self.from(middle)).map_or(Ordering::Greater, |entry| entry.id.cmp(id));
            match order {
                Ordering::Less => low = middle + 1,
                Ordering::Equal => return Ok(middle),
                Ordering::Greater => high = middle,
            }
        }
        Err(low)
    }

    fn put(&mut self, place: Result<usize, usize>, id: &str, checkpoint: &Checkpoint) {
        let mut entry = Vec::new();
        put_prefixed(&mut entry, id.as_bytes());
        put_prefixed(&mut entry, &checkpoint.region);
        put_varint(&mut entry, checkpoint.position.get());
        let begin_of = |place: usize| self.bytes.len() - self.from(place).left();
        let (place, range) = match place {
            Ok(place) => (place, begin_of(place)..begin_of(place + 1)),
            Err(place) => (place, begin_of(place)..begin_of(place)),
        };
        let (begin, old, new) = (range.start as u32, range.len() as u32, entry.len() as u32);
        if range.is_empty() {
            self.begins.insert(place, begin);
        }
        self.bytes.splice(range, entry);
        self.begins[place + 1..].iter_mut().for_each(|begin| *begin = *begin - old + new);
    }
}

/// Where each checkpoint begins, and how many there are; `None` unless they are whole and each has a greater id than the
/// one before.
fn each_begin(bytes: &[u8], mut tell: impl FnMut(u32)) -> Option<usize> {
    let (mut fields, mut before, mut count) = (Bytes::new(bytes), None, 0);
    while !fields.is_at_end() {
        tell((bytes.len() - fields.left()) as u32);
        let id = Entry::take(&mut fields)?.id;
        if before.replace(id).is_some_and(|before| before >= id) {
            return None;
        }
        count += 1;
    }
    Some(count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn checkpoint(region: &[u8], position: u64) -> Checkpoint {
        Checkpoint { region: region.into(), position: Position::new(position) }
    }

    #[test]
    fn packed_checkpoints_are_a_map_and_read_back_as_they_were() {
        let (mut state, mut map) =
            (State { entities: 3, gap_positions: 4, ..State::default() }, BTreeMap::new());
        let mut draw = crate::storage::simulated::Seeded::new(5);
        for step in 0..600 {
            let id = "x".repeat(draw.choose(3)) + &draw.choose(20).to_string();
            let new = checkpoint(&b"region"[..draw.choose(7)], 1 << draw.choose(60));
            state.apply(&id, new.clone());
            map.insert(id, new);
            assert!(
                map.iter().all(|(id, there)| state.checkpoint(id).as_ref() == Some(there)),
                "step {step}"
            );
            assert_eq!(state.checkpoint("nobody"), None);
            assert_eq!(State::decode(state.encode()), Some(state.clone()));
        }
        assert_eq!(state.checkpoints.begins.len(), map.len());
    }

    #[test]
    fn checkpoints_that_are_cut_or_out_of_order_are_refused() {
        let mut state = State::default();
        state.apply("a", checkpoint(b"", 1));
        state.apply("b", checkpoint(b"", 2));
        let whole = state.encode();
        assert!((0..whole.len()).all(|length| State::decode(whole[..length].to_vec()).is_none()));
        let (mut doubled, mut swapped) = (whole.clone(), whole.clone());
        doubled[4] = b'b';
        swapped[4] = b'c';
        assert_eq!((State::decode(doubled), State::decode(swapped)), (None, None));
    }
}
