//! Reads of records whose places are known: one read for many, and each record checked by itself.

use super::error::JournalError;
use super::frame::{FRAME_HEADER_BYTES, FrameHeader, FrameMark};
use super::reader::{JournalReader, Published};
use super::record::{Place, Record, decode, extent};
use super::segment::read_header;
use crate::event::EventSpan;
use crate::position::{Location, Position};

/// What a sealed segment holds, as its successor's header tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentBounds {
    /// The first position that can stand in it.
    pub first: Position,
    /// The last position that does; the one before `first` if none does.
    pub last: Position,
    /// The chain value behind its last frame: it stands for all history up to there.
    pub chain: [u8; 16],
    /// Where its last frame ends, in bytes.
    pub bytes: u64,
}

impl JournalReader {
    /// What the sealed segment `segment` holds. Reads two headers.
    ///
    /// # Errors
    /// [`JournalError`] when a header cannot be read or is not what it should be, as that of the successor of a
    /// segment that is not sealed.
    pub fn bounds_of(&self, segment: u32) -> Result<SegmentBounds, JournalError> {
        let Published { storage, identity, .. } = self.published();
        let header = |number| read_header(&**storage, &*self.file(number)?, number, Some(identity.store));
        let (this, next) = (header(segment)?, header(segment + 1)?);
        Ok(SegmentBounds {
            first: Position::new(this.first),
            last: Position::new(next.first - 1),
            chain: next.chain,
            bytes: next.previous_bytes,
        })
    }

    /// Whether this frame stands there, ends with the position before `next`, and has the same history before it.
    /// Reads its header.
    ///
    /// # Errors
    /// [`JournalError::Storage`], and as for any read of a segment.
    pub fn has_frame(&self, mark: FrameMark, next: Position) -> Result<bool, JournalError> {
        let FrameMark { segment, begin, end, chain } = mark;
        let (tail_segment, tail_offset) = self.tail();
        if segment == 0 || (segment, end) > (tail_segment, tail_offset) || end <= begin {
            return Ok(false);
        }
        let mut bytes = [0; FRAME_HEADER_BYTES];
        let count = self.file(segment)?.read_at(&mut bytes, u64::from(begin))?;
        let seed = self.published().identity.seeds.frame(segment, u64::from(begin));
        let header = FrameHeader::decode(&bytes[..count], seed);
        let is_it = |header: FrameHeader| {
            header.length == end - begin && header.chain == chain && header.next() == next.get()
        };
        Ok(header.is_some_and(is_it))
    }

    /// Reads `length` bytes of a segment, in which records stand that an index knows.
    ///
    /// # Errors
    /// [`JournalError::Storage`]; fewer bytes than asked for are no error here, but no record is found in them.
    pub fn read_run(&self, segment: u32, offset: u32, length: u32) -> Result<Vec<u8>, JournalError> {
        let mut bytes = vec![0; length as usize];
        let count = self.file(segment)?.read_at(&mut bytes, u64::from(offset))?;
        bytes.truncate(count);
        Ok(bytes)
    }

    /// How many segments there are, and their bytes up to the tail.
    ///
    /// # Errors
    /// [`JournalError::Storage`] when a segment's length cannot be read.
    pub fn extent(&self) -> Result<(u64, u64), JournalError> {
        let (last, tail) = self.tail();
        let sealed = (1..last).map(|segment| Ok(self.file(segment)?.length()?));
        let bytes: u64 = sealed.sum::<Result<u64, JournalError>>()?;
        Ok((u64::from(last), bytes + u64::from(tail)))
    }

    /// Decodes the event at `position`, whose record stands at `location`, out of a run that begins at byte `begin` of
    /// its segment. Its spans point into the run.
    ///
    /// # Errors
    /// [`JournalError::Corrupt`] when no event of that position stands there.
    pub fn event_in_run(
        &self,
        run: &[u8],
        begin: u32,
        position: Position,
        location: Location,
    ) -> Result<EventSpan, JournalError> {
        let identity = &self.published().identity;
        let place = Place {
            position: position.get(),
            seeds: identity.seeds,
            tag: identity.store.tag(),
            checked: true,
        };
        let at = (location.offset - begin) as usize;
        let record = run.get(at..).and_then(|rest| extent(rest).ok().flatten());
        match record.map(|extent| decode(run, at, extent, &place)) {
            Some(Ok(Record::Event(event))) => Ok(event),
            _ => Err(identity.corrupt(location.segment, u64::from(location.offset), position.get())),
        }
    }
}
