//! Segments of one stretch: how a merge tells in which of them a name occurs.

use super::bytes::{Bytes, put_varint};
use super::header::Stretch;
use super::table::Table;

/// How many neighbours of one level make one of the next.
pub(super) const FAN_IN: u32 = 8;
/// A set of segments takes at most 512 bytes, so that a name's entry fits into a block.
pub(super) const LEVEL_MAX: u8 = 4;

/// How many segments a merge of this level covers.
pub(super) fn span(level: u8) -> u32 {
    FAN_IN.pow(u32::from(level))
}

/// Segments of a stretch, a bit for each: however many names tell of them, they take no more.
#[derive(Debug, Clone)]
pub(super) struct SegmentSet {
    first: u32,
    last: u32,
    /// Up to the last that has a bit, so that none take no memory.
    words: Vec<u64>,
}

impl SegmentSet {
    /// None of the stretch; `None` if that is more than any merge covers.
    pub(super) fn within(stretch: &Stretch) -> Option<Self> {
        let (first, last) = (stretch.first_segment, stretch.last_segment);
        last.checked_sub(first).filter(|more| *more < span(LEVEL_MAX))?;
        Some(Self { first, last, words: Vec::new() })
    }

    /// Puts a segment in; `None` if it lies outside of the stretch.
    fn insert(&mut self, segment: u32) -> Option<()> {
        let bit = segment.checked_sub(self.first).filter(|_| segment <= self.last)?;
        let word = bit as usize / 64;
        self.words.resize(self.words.len().max(word + 1), 0);
        self.words[word] |= 1 << (bit % 64);
        Some(())
    }

    /// Puts in what is in a set of the same stretch.
    pub(super) fn add(&mut self, other: &Self) {
        self.words.resize(self.words.len().max(other.words.len()), 0);
        self.words.iter_mut().zip(&other.words).for_each(|(word, more)| *word |= more);
    }

    /// Keeps only what is in a set of the same stretch, too.
    pub(super) fn keep(&mut self, other: &Self) {
        self.words.truncate(other.words.len());
        self.words.iter_mut().zip(&other.words).for_each(|(word, kept)| *word &= kept);
    }

    /// The segments, ascending.
    pub(super) fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        let bits = |word: u64| (0..64).filter(move |bit| word >> bit & 1 == 1);
        let words = (0..).zip(&self.words).filter(|(_, word)| **word != 0);
        words.flat_map(move |(at, word)| bits(*word).map(move |bit| self.first + at * 64 + bit))
    }
}

/// Segments as bytes: as steps from one to the next, or, if that is shorter, as one bit for each.
pub(super) fn encode_segments(numbers: &[u32], first: u32, out: &mut Vec<u8>) {
    let mut steps = Vec::new();
    let mut expected = first;
    for number in numbers {
        put_varint(&mut steps, u64::from(number - expected));
        expected = number + 1;
    }
    let bits = numbers.last().map_or(0, |last| (last - first) as usize / 8 + 1);
    if steps.len() <= bits {
        put_varint(out, (numbers.len() as u64) << 1);
        out.extend_from_slice(&steps);
        return;
    }
    put_varint(out, (bits as u64) << 1 | 1);
    let begin = out.len();
    out.resize(begin + bits, 0);
    for number in numbers {
        let bit = (number - first) as usize;
        out[begin + bit / 8] |= 1 << (bit % 8);
    }
}

/// The segments of a name; those of a single segment's file are that one.
pub(super) fn decode_segments(table: &Table, value: &mut Bytes<'_>) -> Option<SegmentSet> {
    let stretch = &table.header.stretch;
    let mut segments = SegmentSet::within(stretch)?;
    if table.header.level == 0 {
        segments.insert(stretch.first_segment)?;
        return Some(segments);
    }
    let head = value.small()?;
    if head & 1 == 0 {
        let mut expected = stretch.first_segment;
        for _ in 0..head >> 1 {
            let number = expected.checked_add(value.small()?)?;
            segments.insert(number)?;
            expected = number.checked_add(1)?;
        }
    } else {
        for (byte, bits) in (0_u32..).zip(value.take(head as usize >> 1)?) {
            for bit in (0..8).filter(|bit| bits & (1 << bit) != 0) {
                segments.insert(stretch.first_segment.checked_add(byte * 8 + bit)?)?;
            }
        }
    }
    Some(segments)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    fn stretch(first_segment: u32, last_segment: u32) -> Stretch {
        Stretch {
            store: [7; 16],
            first_segment,
            last_segment,
            first: 1,
            last: 9,
            chain: [0; 16],
            end: 0,
            last_frame: 0,
        }
    }

    /// These of the segments 65 to 576.
    pub(in crate::index) fn set(numbers: &[u32]) -> SegmentSet {
        let mut set = SegmentSet::within(&stretch(65, 576)).unwrap();
        numbers.iter().for_each(|number| set.insert(*number).unwrap());
        set
    }

    #[test]
    fn a_set_is_united_and_intersected_and_tells_its_segments_in_order() {
        for (one, other) in
            [([576, 65, 128, 129], [129, 300, 65, 65]), ([129, 300, 65, 65], [576, 65, 128, 129])]
        {
            let (mut union, mut both) = (set(&one), set(&one));
            union.add(&set(&other));
            both.keep(&set(&other));
            assert!(union.iter().eq([65, 128, 129, 300, 576]));
            assert!(both.iter().eq([65, 129]));
        }
    }

    #[test]
    fn a_segment_outside_and_a_stretch_that_no_merge_covers_are_refused() {
        let mut set = set(&[]);
        assert_eq!((set.insert(64), set.insert(577), set.iter().count()), (None, None, 0));
        assert!(
            SegmentSet::within(&stretch(1, 4_096)).is_some()
                && SegmentSet::within(&stretch(1, 4_097)).is_none()
        );
        assert!(SegmentSet::within(&stretch(2, 1)).is_none());
    }
}
