//! A block: a stretch of a segment in memory, with its records lent out of it in order.

use super::frame::{FRAME_HEADER_BYTES, Frame, FrameHeader, FrameMark, MAGIC};
use super::record::{Place, decode, extent};
use super::store_id::Identity;
use super::{JournalError, record};
use crate::event::EventSpan;
use crate::position::{Location, Position};
use std::sync::Arc;

pub use record::Record;

/// A place between two records, from where reading goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ReadPoint {
    /// The segment.
    pub segment: u32,
    /// Where in the segment, in bytes: the begin of a record or of a frame.
    pub offset: u32,
    /// The position of the next event from here on.
    pub position: Position,
}

impl ReadPoint {
    /// The place of a record that the index knows.
    #[must_use]
    pub fn at(position: Position, location: Location) -> Self {
        Self { segment: location.segment, offset: location.offset, position }
    }
}

/// A stretch of a segment, read at once. Reused, it reads without allocating.
#[derive(Debug)]
pub struct Block {
    pub(super) bytes: Arc<Vec<u8>>,
    pub(super) start: ReadPoint,
    pub(super) identity: Identity,
}

impl Block {
    /// The bytes that the spans of the block's events point into.
    #[must_use]
    pub fn bytes(&self) -> &Arc<Vec<u8>> {
        &self.bytes
    }

    /// Where the block begins.
    #[must_use]
    pub fn start(&self) -> ReadPoint {
        self.start
    }

    /// The records that stand whole in the block, in order.
    #[must_use]
    pub fn records(&self) -> Records<'_> {
        Records {
            bytes: &self.bytes,
            at: 0,
            start: self.start,
            point: self.start,
            identity: &self.identity,
            checked: true,
            mark: None,
        }
    }

    /// Gives the block memory to be read into, best what was read into before.
    pub fn lend(&mut self, memory: Vec<u8>) {
        self.bytes = Arc::new(memory);
    }

    /// Takes out what was read.
    #[must_use]
    pub fn take(&mut self) -> Arc<Vec<u8>> {
        std::mem::take(&mut self.bytes)
    }

    /// The buffer, to read into; a new one if the old one is still lent to someone.
    pub(super) fn buffer(&mut self) -> &mut Vec<u8> {
        if Arc::get_mut(&mut self.bytes).is_none() {
            self.bytes = Arc::default();
        }
        Arc::make_mut(&mut self.bytes)
    }
}

/// The records of a [`Block`] or a [`Frame`], each with where it stands. After the end,
/// [`Records::point`] says where to read on.
#[derive(Debug, Clone)]
pub struct Records<'a> {
    bytes: &'a [u8],
    at: usize,
    start: ReadPoint,
    point: ReadPoint,
    identity: &'a Identity,
    checked: bool,
    mark: Option<FrameMark>,
}

impl<'a> Records<'a> {
    pub(super) fn of_frame(frame: &'a Frame) -> Self {
        let start =
            ReadPoint { segment: frame.segment, offset: frame.offset, position: Position::new(frame.first) };
        // This process wrote these bytes a moment ago; its own memory needs no checksum.
        Self {
            bytes: &frame.bytes,
            at: 0,
            start,
            point: start,
            identity: &frame.identity,
            checked: false,
            mark: None,
        }
    }

    /// The records of a frame read from disk, `bytes`, that begins at `start`.
    pub(super) fn of_bytes(bytes: &'a [u8], start: ReadPoint, identity: &'a Identity) -> Self {
        Self { bytes, at: 0, start, point: start, identity, checked: true, mark: None }
    }

    /// Where the next record begins.
    #[must_use]
    pub fn point(&self) -> ReadPoint {
        self.point
    }

    /// The last frame whose header was stepped over.
    #[must_use]
    pub fn mark(&self) -> Option<FrameMark> {
        self.mark
    }

    /// The next event's span and place; other records on the way are skipped.
    #[inline]
    pub fn next_event(&mut self) -> Option<Result<(Location, EventSpan), JournalError>> {
        loop {
            match self.next()? {
                Ok((location, Record::Event(event))) => return Some(Ok((location, event))),
                Ok(_) => {}
                Err(error) => return Some(Err(error)),
            }
        }
    }

    /// Steps over frame headers. `Ok(false)`: the block has no more.
    #[inline]
    fn skip_headers(&mut self) -> Result<bool, JournalError> {
        while let Some(0) = self.bytes.get(self.at) {
            let rest = &self.bytes[self.at..];
            // Zeros are room that was not written yet, or the rest of a sealed segment.
            if rest.len() < FRAME_HEADER_BYTES || rest[..MAGIC.len()] == [0; MAGIC.len()] {
                return Ok(false);
            }
            let seed = self.identity.seeds.frame(self.point.segment, u64::from(self.point.offset));
            match FrameHeader::decode(rest, seed) {
                Some(header) if header.first == self.point.position.get() => {
                    let (segment, begin) = (self.point.segment, self.point.offset);
                    let end = begin.saturating_add(header.length);
                    self.mark = Some(FrameMark { segment, begin, end, chain: header.chain });
                    self.advance(FRAME_HEADER_BYTES);
                }
                _ => return Err(self.corrupt()),
            }
        }
        Ok(self.at < self.bytes.len())
    }

    #[inline]
    fn advance(&mut self, bytes: usize) {
        self.at += bytes;
        self.point.offset = self.start.offset + self.at as u32;
    }

    #[cold]
    fn corrupt(&mut self) -> JournalError {
        // Nothing after it can be trusted: the iteration ends.
        self.at = self.bytes.len();
        self.identity.corrupt(self.point.segment, u64::from(self.point.offset), self.point.position.get())
    }

    #[inline]
    fn step(&mut self) -> Result<Option<(Location, Record<'a>)>, JournalError> {
        if !self.skip_headers()? {
            return Ok(None);
        }
        let extent = match extent(&self.bytes[self.at..]) {
            Ok(Some(extent)) if self.at + extent.total <= self.bytes.len() => extent,
            Ok(_) => return Ok(None),
            Err(_) => return Err(self.corrupt()),
        };
        let place = Place {
            position: self.point.position.get(),
            seeds: self.identity.seeds,
            tag: self.identity.store.tag(),
            checked: self.checked,
        };
        let Ok(record) = decode(self.bytes, self.at, extent, &place) else { return Err(self.corrupt()) };
        let ReadPoint { segment, offset, .. } = self.point;
        let location = Location { segment, offset, length: extent.total as u32 };
        self.advance(extent.total);
        self.point.position = Position::new(self.point.position.get().saturating_add(record.positions()));
        Ok(Some((location, record)))
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<(Location, Record<'a>), JournalError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.step().transpose()
    }
}
