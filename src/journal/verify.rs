//! Walks the whole journal and checks everything that can be checked, the hash chain included.

use super::block::{ReadPoint, Record, Records};
use super::error::JournalError;
use super::frame::{FrameHeader, FrameKind, chain_after};
use super::reader::{JournalReader, Published};
use super::scan::{Tail, Walk, Window};
use super::segment::{HEADER_BYTES, read_header, segment_name};
use super::store_id::Identity;
use crate::position::Position;
use crate::storage::Access;
use std::fmt::Write;

/// Problems kept in a report; more are only counted.
const PROBLEMS_MAX: usize = 100;

/// What a verification found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct VerifyReport {
    /// Segments walked.
    pub segments: u32,
    /// Frames walked.
    pub frames: u64,
    /// Events whose records were checked.
    pub events: u64,
    /// Positions that recovery gave up.
    pub gap_positions: u64,
    /// Bytes walked.
    pub bytes: u64,
    /// The last position found.
    pub last: Position,
    /// The chain value of the last frame, in hexadecimal. Kept somewhere else, it proves later that nothing up
    /// to here was edited, reordered or cut.
    pub chain_head: String,
    /// What is wrong, in order; the first 100.
    pub problems: Vec<Problem>,
    /// How many more there are.
    pub problems_dropped: u64,
}

impl VerifyReport {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_intact(&self) -> bool {
        self.problems.is_empty()
    }

    fn note(&mut self, problem: Problem) {
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(problem);
        } else {
            self.problems_dropped += 1;
        }
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The segment.
    pub segment: u32,
    /// Where the damaged frame or header begins, in bytes.
    pub offset: u64,
    /// The first position that cannot be trusted.
    pub position: Position,
    /// What is wrong with it.
    pub what: String,
}

/// How far a verification is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VerifyProgress {
    /// The segment it is in.
    pub segment: u32,
    /// How many there are.
    pub segments: u32,
    /// Bytes walked so far.
    pub bytes: u64,
}

impl JournalReader {
    /// Checks everything up to the tail: checksums, chain, dense positions, epochs and times that never go
    /// back, proofs that are sane. Calls `progress` after every segment. Reads the whole journal; memory is
    /// one frame.
    ///
    /// # Errors
    /// Only [`JournalError::Storage`]: what is wrong with the journal is in the report.
    pub fn verify(&self, progress: &mut dyn FnMut(VerifyProgress)) -> Result<VerifyReport, JournalError> {
        let (segments, tail_offset) = self.tail();
        let mut verifier = Verifier {
            published: self.published(),
            report: VerifyReport::default(),
            tail: None,
            is_chained: true,
        };
        for segment in 1..=segments {
            let end = if segment == segments { u64::from(tail_offset) } else { u64::from(u32::MAX) };
            verifier.segment(segment, end)?;
            progress(VerifyProgress { segment, segments, bytes: verifier.report.bytes });
        }
        Ok(verifier.finish(segments))
    }
}

struct Verifier<'a> {
    published: &'a Published,
    report: VerifyReport,
    /// Where the walk stands; `None` after something that could not be read.
    tail: Option<Tail>,
    /// Whether the chain value before the next frame is known.
    is_chained: bool,
}

impl Verifier<'_> {
    fn identity(&self) -> &Identity {
        &self.published.identity
    }

    fn note(&mut self, segment: u32, offset: u64, position: u64, what: impl Into<String>) {
        let position = Position::new(position);
        self.report.note(Problem { segment, offset, position, what: what.into() });
    }

    fn segment(&mut self, segment: u32, end: u64) -> Result<(), JournalError> {
        let Some(mut walk) = self.enter(segment, end)? else { return Ok(()) };
        while let Some(frame) = self.next_frame(&mut walk)? {
            self.frame(&mut walk, &frame)?;
        }
        self.report.bytes += walk.tail.offset;
        self.tail = Some(walk.tail);
        Ok(())
    }

    /// Opens the segment and checks that it goes on where the one before it ended.
    fn enter(&mut self, segment: u32, end: u64) -> Result<Option<Walk>, JournalError> {
        let storage = &*self.published.storage;
        let opened =
            storage.open(&segment_name(segment), Access::Read).map_err(JournalError::from).and_then(|file| {
                let header = read_header(storage, &*file, segment, Some(self.published.identity.store))?;
                Ok((file, header))
            });
        let (file, header) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                let next = self.tail.take().map_or(0, |tail| tail.next);
                self.note(segment, 0, next, error.to_string());
                return Ok(None);
            }
        };
        if let Some(before) = self.tail.take()
            && (before.next != header.first || before.chain != header.chain)
        {
            self.note(segment, 0, before.next, "it does not go on where the segment before it ends");
        }
        let window = Window::new(file.clone(), end.min(file.length()?));
        Ok(Some(Walk::new(window, segment, self.identity().seeds, Tail::begin(&header))))
    }

    /// The frame at the tail. After damage, which is noted, the walk goes on with the next frame that is found.
    fn next_frame(&mut self, walk: &mut Walk) -> Result<Option<FrameHeader>, JournalError> {
        let offset = walk.tail.offset;
        if let Some(frame) = walk.valid_at(offset)? {
            return Ok(Some(frame));
        }
        if walk.data_end(offset)?.is_none() {
            return Ok(None);
        }
        self.note(walk.segment, offset, walk.tail.next, "the frame is damaged");
        let Some((found, frame)) = walk.resync(offset + 1)? else { return Ok(None) };
        (walk.tail.offset, walk.tail.next) = (found, frame.first);
        self.is_chained = false;
        Ok(Some(frame))
    }

    fn frame(&mut self, walk: &mut Walk, frame: &FrameHeader) -> Result<(), JournalError> {
        let Tail { offset, next, chain, .. } = walk.tail;
        let proven = walk.tail.synced_through;
        if !walk.tail.is_continued_by(frame) || frame.synced_through < proven.max(HEADER_BYTES) {
            self.note(walk.segment, offset, next, "the frame does not go on where the one before it ends");
        }
        let bytes = walk.frame_bytes(offset, frame.length)?.to_vec();
        // Behind damage the chain value is not known, and the damage is noted already.
        let is_chained = std::mem::replace(&mut self.is_chained, true);
        if is_chained && chain_after(chain, &bytes) != frame.chain {
            self.note(
                walk.segment,
                offset,
                next,
                "the hash chain is broken: history was changed before here",
            );
        }
        self.records(walk, frame, &bytes);
        walk.tail = Tail {
            offset: offset + u64::from(frame.length),
            next: frame.next(),
            epoch: frame.epoch,
            time: frame.time,
            chain: frame.chain,
            synced_through: proven.max(frame.synced_through),
        };
        Ok(())
    }

    fn records(&mut self, walk: &Walk, frame: &FrameHeader, bytes: &[u8]) {
        self.report.frames += 1;
        let start = ReadPoint {
            segment: walk.segment,
            offset: walk.tail.offset as u32,
            position: Position::new(frame.first),
        };
        let identity = &self.published.identity;
        let mut records = Records::of_bytes(bytes, start, identity);
        let mut sound = true;
        for record in records.by_ref() {
            sound &= match record {
                Ok((_, Record::Event(event))) => {
                    self.report.events += 1;
                    event.time_micros == frame.time
                }
                Ok((_, Record::Gap(gap))) => {
                    self.report.gap_positions += gap.end().since(*gap.start()) + 1;
                    frame.kind == FrameKind::Gap
                }
                Ok((_, Record::Checkpoint { .. })) => true,
                Err(_) => false,
            };
        }
        let end = records.point();
        let is_whole = end.position.get() == frame.next() && end.offset == start.offset + frame.length;
        if !sound || !is_whole {
            self.note(
                walk.segment,
                walk.tail.offset,
                frame.first,
                "the frame's records are not what it says",
            );
        }
    }

    fn finish(mut self, segments: u32) -> VerifyReport {
        self.report.segments = segments;
        if let Some(tail) = self.tail {
            self.report.last = Position::new(tail.next - 1);
            for byte in tail.chain {
                // Writing to a string has no way to fail.
                let _ = write!(self.report.chain_head, "{byte:02x}");
            }
        }
        self.report
    }
}
