//! R1: a journal of three segments is cut at every byte, and something else stands behind the cut.

use super::cases;
use super::judge::{Told, reopen};
use super::workload::{End, Life};
use crate::{Effort, Row};
use timberline::OpenError;
use timberline::journal::segment_name;
use timberline::storage::simulated::{Image, Seeded, SimulatedDisk};

/// A segment's header is whole before the segment has its name.
const HEADER_BYTES: usize = 512;
/// A seal says that there is a successor.
const SEAL_BYTES: usize = 64;

/// What stands behind the cut.
#[derive(Clone, Copy, Debug)]
enum Rest {
    Nothing,
    Zeros,
    Old,
    Random,
}

const RESTS: [Rest; 4] = [Rest::Nothing, Rest::Zeros, Rest::Old, Rest::Random];

struct Journal {
    image: Image,
    life: Life,
    /// The segments, each up to its last byte that is not zero.
    segments: Vec<Vec<u8>>,
}

impl Journal {
    fn new() -> Self {
        let disk = SimulatedDisk::new();
        let life = Life::run(&disk, 5, 3, End::Killed);
        Self { segments: segments(&disk.image()), image: disk.image(), life }
    }

    fn bytes(&self) -> usize {
        self.segments.iter().map(Vec::len).sum::<usize>() + 1
    }

    /// The segment and the offset of a cut through the whole journal.
    fn place(&self, mut cut: usize) -> (usize, usize) {
        let last = self.segments.len() - 1;
        for (segment, bytes) in self.segments.iter().enumerate() {
            if cut < bytes.len() || segment == last {
                return (segment, cut.min(bytes.len()));
            }
            cut -= bytes.len();
        }
        (last, 0)
    }

    /// Notes of frames that end at or before that place.
    fn whole_before(&self, segment: usize, offset: u64) -> u64 {
        let before = |file: &str, end| match file.cmp(segment_name(segment as u32 + 1).as_str()) {
            std::cmp::Ordering::Less => true,
            std::cmp::Ordering::Equal => end <= offset,
            std::cmp::Ordering::Greater => false,
        };
        let frames = self.life.frames.iter().filter(|frame| before(&frame.file, frame.end));
        frames.map(|frame| frame.last).max().unwrap_or(0)
    }

    fn check(&self, cut: usize, rest: Rest, seed: u64) -> Result<(), String> {
        let (segment, offset) = self.place(cut);
        let (image, changed) = self.cut(segment, offset, rest, seed);
        let expected = self.whole_before(segment, changed as u64);
        let is_sealed =
            segment + 1 < self.segments.len() && changed + SEAL_BYTES > self.segments[segment].len();
        let disk = SimulatedDisk::from_image(image);
        let at = format!("segment {}, byte {offset}, {rest:?}", segment + 1);
        match reopen(&disk, seed) {
            Ok((_, contents)) if contents.notes.len() as u64 == expected => contents
                .check_prefix(expected as usize, self.life.issued)
                .map_err(|why| format!("{at}: {why}")),
            Ok((_, contents)) => {
                Err(format!("{at}: {expected} notes stand whole, {} are told", contents.notes.len()))
            }
            // No crash leaves half a header, and no crash takes a successor away: that is damage, and is told.
            Err(Told::Open(error)) if changed < HEADER_BYTES && is_told(&error, segment) => Ok(()),
            Err(Told::Open(OpenError::Missing { .. })) if is_sealed => Ok(()),
            Err(told) => Err(format!("{at}: {told}")),
        }
    }

    /// The image with the journal cut there; and the first byte that changed.
    fn cut(&self, segment: usize, offset: usize, rest: Rest, seed: u64) -> (Image, usize) {
        let mut image = self.image.clone();
        let bytes = &self.segments[segment];
        let mut cut = bytes[..offset].to_vec();
        // What a block held before: frames of the same store, at the same offset of another segment.
        let other = (segment + 1) % self.segments.len();
        let old = self.segments[other].get(offset..).unwrap_or_default();
        let mut draw = Seeded::new(seed);
        match rest {
            Rest::Nothing => {}
            Rest::Zeros => cut.resize(bytes.len(), 0),
            Rest::Old => cut.extend_from_slice(old),
            Rest::Random => cut.extend((offset..bytes.len()).map(|_| draw.choose(256) as u8)),
        }
        let same = cut.iter().zip(bytes).take_while(|(new, old)| new == old).count();
        image.put(&segment_name(segment as u32 + 1), &cut);
        (segment + 1..self.segments.len()).for_each(|later| image.delete(&segment_name(later as u32 + 1)));
        (image, same)
    }
}

/// Whether an opening says of that segment's header what it looks like: damaged, of another segment, of another format.
fn is_told(error: &OpenError, segment: usize) -> bool {
    match error {
        OpenError::Corrupt { path, .. }
        | OpenError::Foreign { path, .. }
        | OpenError::Format { path, .. } => path.ends_with(segment_name(segment as u32 + 1)),
        _ => false,
    }
}

fn segments(image: &Image) -> Vec<Vec<u8>> {
    let all = (1..).map_while(|number| image.bytes(&segment_name(number)));
    all.map(|mut bytes| {
        let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        bytes.truncate(end);
        bytes
    })
    .collect()
}

/// Torn tails.
#[must_use]
pub fn r1(effort: Effort) -> Row {
    let journal = Journal::new();
    let all = journal.bytes() as u64 * RESTS.len() as u64;
    let step = effort.pick(521, 7);
    let note = || format!("{} bytes in {} segments", journal.bytes() - 1, journal.segments.len());
    cases::row("R1", "torn tail", all.div_ceil(step), note, |case| {
        let case = case * step;
        let (cut, rest) = (case / RESTS.len() as u64, RESTS[(case % RESTS.len() as u64) as usize]);
        journal.check(cut as usize, rest, case)
    })
}
