//! Reads of records whose places are known: one read for many, and each record checked by itself.

use super::block::ReadPoint;
use super::error::JournalError;
use super::frame::{FRAME_HEADER_BYTES, FrameHeader, FrameMark};
use super::published::Keep;
use super::reader::JournalReader;
use super::record::{Place, Record, decode, extent};
use super::wire::VARINT_BYTES_MAX;
use crate::event::EventSpan;
use crate::position::{Location, Position};

/// The bytes of a location that are read as they are. Where the index knows only how far the next event is, more may be
/// checkpoints in between: then the record is asked for its length first.
pub(crate) const NEAR_BYTES: u32 = 4 << 10;

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
        let (this, next) = (self.segment(segment)?.header, self.segment(segment + 1)?.header);
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
        let count = self.segment(segment)?.file.read_at(&mut bytes, u64::from(begin))?;
        let seed = self.published().identity.seeds.frame(segment, u64::from(begin));
        let header = FrameHeader::decode(&bytes[..count], seed);
        let is_it = |header: FrameHeader| {
            header.length == end - begin && header.chain == chain && header.next() == next.get()
        };
        Ok(header.is_some_and(is_it))
    }

    /// Reads `length` bytes of a segment, in which records stand that an index knows, into `bytes`.
    ///
    /// # Errors
    /// [`JournalError::Storage`]; fewer bytes than asked for are no error here, but no record is found in them.
    pub fn read_run(
        &self,
        segment: u32,
        offset: u32,
        length: u32,
        bytes: &mut Vec<u8>,
    ) -> Result<(), JournalError> {
        bytes.resize(length as usize, 0);
        let count = self.segment(segment)?.file.read_at(bytes, u64::from(offset))?;
        bytes.truncate(count);
        Ok(())
    }

    /// Adds the record of the event at `position`, which stands at `location`, to `bytes`; its spans point into that. The
    /// location may be longer than the record. It comes out of the blocks that readers keep; what is too new or too long for that, or not worth it yet, is read by
    /// itself.
    ///
    /// # Errors
    /// [`JournalError::Corrupt`] when no event of that position stands there, [`JournalError::Storage`].
    pub fn read_event(
        &self,
        position: Position,
        location: Location,
        keep: Keep,
        bytes: &mut Vec<u8>,
    ) -> Result<EventSpan, JournalError> {
        if location.length <= NEAR_BYTES {
            return self.read_whole(position, location, keep, bytes);
        }
        let length = self.length_at(location)?;
        self.read_whole(position, Location { length, ..location }, keep, bytes)
    }

    /// The bytes of the record at a location, which may reach over all that stands before the next event; the location's
    /// own where no record can be told.
    fn length_at(&self, location: Location) -> Result<u32, JournalError> {
        let (mut head, offset) = ([0; VARINT_BYTES_MAX], u64::from(location.offset));
        let Some(segment) = self.published().segment_up_to(location.segment, offset)? else {
            return Ok(location.length);
        };
        let count = segment.file.read_at(&mut head, offset)?;
        let total = extent(&head[..count]).ok().flatten().and_then(|extent| u32::try_from(extent.total).ok());
        Ok(total.map_or(location.length, |total| total.min(location.length)))
    }

    fn read_whole(
        &self,
        position: Position,
        location: Location,
        keep: Keep,
        bytes: &mut Vec<u8>,
    ) -> Result<EventSpan, JournalError> {
        let begin = bytes.len();
        if self.published().gather(location, keep, bytes)? {
            if let Some(event) = self.decoded(bytes, begin, position) {
                return Ok(event);
            }
            // What was kept may be damaged where the disk is not.
            self.published().forget(location);
            bytes.truncate(begin);
        }
        let Location { segment, offset, length } = location;
        let corrupt = || self.corrupt(ReadPoint::at(position, location));
        // Asked before memory is taken.
        let segment = self.published().segment_up_to(segment, u64::from(offset) + u64::from(length))?;
        let Some(segment) = segment else { return Err(corrupt()) };
        bytes.resize(begin + length as usize, 0);
        let count = segment.file.read_at(&mut bytes[begin..], u64::from(offset))?;
        bytes.truncate(begin + count);
        self.decoded(bytes, begin, position).ok_or_else(corrupt)
    }

    /// How many segments there are, and their bytes up to the tail.
    ///
    /// # Errors
    /// [`JournalError::Storage`] when a segment's length cannot be read.
    pub fn extent(&self) -> Result<(u64, u64), JournalError> {
        let (last, tail) = self.tail();
        let sealed = (1..last).map(|segment| self.published().end_of(segment));
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
        let at = (location.offset - begin) as usize;
        self.decoded(run, at, position).ok_or_else(|| self.corrupt(ReadPoint::at(position, location)))
    }

    /// The event at `position`, if its record stands at byte `at` of `bytes`.
    #[inline]
    fn decoded(&self, bytes: &[u8], at: usize, position: Position) -> Option<EventSpan> {
        let identity = &self.published().identity;
        let place = Place {
            position: position.get(),
            seeds: identity.seeds,
            tag: identity.store.tag(),
            checked: true,
        };
        let extent = extent(bytes.get(at..)?).ok()??;
        match decode(bytes, at, extent, &place) {
            Ok(Record::Event(event)) => Some(event),
            _ => None,
        }
    }
}
