//! The journal's reading sides: beside the writer in this process, and beside one in another.

use super::block::{Block, ReadPoint, Record};
use super::error::JournalError;
use super::frame::{FRAME_HEADER_BYTES, MAGIC};
use super::options::JournalOptions;
use super::record::{Place, decode, extent};
use super::recovery::{Survey, survey, walk_last};
use super::scan::Walk;
use super::segment::{HEADER_BYTES, read_header, segment_name};
use super::store_id::{Identity, StoreId};
use super::wire::VARINT_BYTES_MAX;
use crate::event::EventSpan;
use crate::position::{Location, Position};
use crate::storage::{Access, File, OpenFiles, Storage};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The least and the most bytes a block is read with.
const BLOCK_BYTES_MIN: usize = 4 << 10;
const BLOCK_BYTES_MAX: usize = 64 << 20;

/// What the writer shows its readers.
#[derive(Debug)]
pub(super) struct Published {
    pub(super) storage: Arc<dyn Storage>,
    pub(super) identity: Identity,
    files: OpenFiles,
    /// Segment and offset of the end of the last whole frame, in one word so that they change together.
    tail: AtomicU64,
}

impl Published {
    pub(super) fn new(storage: Arc<dyn Storage>, identity: Identity, open_files_max: usize) -> Self {
        let files = OpenFiles::new(storage.clone(), open_files_max);
        Self { storage, identity, files, tail: AtomicU64::new(0) }
    }

    /// Everything before this place is written; the release pairs with the acquire of [`Published::tail`].
    pub(super) fn set_tail(&self, segment: u32, offset: u32) {
        self.tail.store(u64::from(segment) << 32 | u64::from(offset), Ordering::Release);
    }

    pub(super) fn tail(&self) -> (u32, u32) {
        let tail = self.tail.load(Ordering::Acquire);
        ((tail >> 32) as u32, tail as u32)
    }
}

/// Reads the journal up to its tail, from any thread; a clone is a handle to the same.
///
/// It never looks at a frame that is being written, and holds a bounded number of files open.
#[derive(Debug, Clone)]
pub struct JournalReader {
    published: Arc<Published>,
}

impl JournalReader {
    pub(super) fn new(published: Arc<Published>) -> Self {
        Self { published }
    }

    /// The store's id.
    #[must_use]
    pub fn store(&self) -> StoreId {
        self.published.identity.store
    }

    /// How many segments there are; they are numbered from 1.
    #[must_use]
    pub fn segments(&self) -> u32 {
        self.published.tail().0
    }

    /// Segment and offset (bytes) of the end of what can be read now.
    #[must_use]
    pub fn tail(&self) -> (u32, u32) {
        self.published.tail()
    }

    /// The begin of the journal.
    #[must_use]
    pub fn begin(&self) -> ReadPoint {
        ReadPoint { segment: 1, offset: HEADER_BYTES as u32, position: Position::new(1) }
    }

    /// The begin of segment `segment`.
    ///
    /// # Errors
    /// [`JournalError`] when the segment's header cannot be read or is not what it should be.
    pub fn begin_of(&self, segment: u32) -> Result<ReadPoint, JournalError> {
        let Published { storage, identity, .. } = &*self.published;
        let file = self.file(segment)?;
        let header = read_header(&**storage, &*file, segment, Some(identity.store))?;
        Ok(ReadPoint { segment, offset: HEADER_BYTES as u32, position: Position::new(header.first) })
    }

    /// The begin of the segment in which `position` stands, or would stand. Reads a logarithm of the number
    /// of segments many headers.
    ///
    /// # Errors
    /// As [`JournalReader::begin_of`].
    pub fn begin_before(&self, position: Position) -> Result<ReadPoint, JournalError> {
        let (mut low, mut high) = (1, self.segments());
        let mut point = self.begin();
        while low < high {
            let middle = low + (high - low).div_ceil(2);
            let begin = self.begin_of(middle)?;
            if begin.position <= position {
                (low, point) = (middle, begin);
            } else {
                high = middle - 1;
            }
        }
        Ok(point)
    }

    /// A block to read into; it has no memory yet.
    #[must_use]
    pub fn block(&self) -> Block {
        Block { bytes: Arc::default(), start: self.begin(), identity: self.published.identity.clone() }
    }

    /// Reads about `bytes` bytes of records from `point` on into `block`; false if there are no more now. At
    /// least one whole frame header or record is read, however large.
    ///
    /// # Errors
    /// [`JournalError::Corrupt`] or [`JournalError::Storage`].
    pub fn read_block(
        &self,
        block: &mut Block,
        point: ReadPoint,
        bytes: usize,
    ) -> Result<bool, JournalError> {
        block.start = point;
        let mut wanted = bytes.clamp(BLOCK_BYTES_MIN, BLOCK_BYTES_MAX);
        loop {
            let (tail_segment, tail_offset) = self.published.tail();
            let ReadPoint { segment, offset, .. } = block.start;
            let at_tail = segment == tail_segment;
            if segment > tail_segment || (at_tail && offset >= tail_offset) {
                block.buffer().clear();
                return Ok(false);
            }
            let limit = if at_tail { tail_offset } else { u32::MAX } - offset;
            self.fill(block, wanted.min(limit as usize))?;
            match first_item(block)? {
                FirstItem::Whole => return Ok(true),
                FirstItem::None if !at_tail => block.start = self.next_segment(block.start)?,
                FirstItem::Needs(bytes) if self.has(block.start, bytes, limit)? => wanted = bytes,
                FirstItem::None | FirstItem::Needs(_) => return Err(self.corrupt(block.start)),
            }
        }
    }

    fn fill(&self, block: &mut Block, bytes: usize) -> Result<(), JournalError> {
        let start = block.start;
        let file = self.file(start.segment)?;
        let buffer = block.buffer();
        buffer.resize(bytes, 0);
        let count = file.read_at(buffer, u64::from(start.offset))?;
        buffer.truncate(count);
        Ok(())
    }

    /// Whether as many bytes stand at `point`: asked before memory for a large record is taken.
    fn has(&self, point: ReadPoint, bytes: usize, limit: u32) -> Result<bool, JournalError> {
        let end = u64::from(point.offset) + bytes as u64;
        Ok(bytes as u64 <= u64::from(limit) && end <= self.file(point.segment)?.length()?)
    }

    /// Where reading goes on behind a sealed segment: its successor says which position comes next, and so
    /// whether anything is missing at the end.
    fn next_segment(&self, point: ReadPoint) -> Result<ReadPoint, JournalError> {
        let next = self.begin_of(point.segment + 1)?;
        if next.position == point.position { Ok(next) } else { Err(self.corrupt(point)) }
    }

    /// Reads the event at `position`, which stands at `location`, into `buffer`; its spans point into that.
    /// One read, no other allocation than the buffer's.
    ///
    /// # Errors
    /// [`JournalError::Corrupt`] when no event of that position stands there, [`JournalError::Storage`].
    pub fn read_event(
        &self,
        position: Position,
        location: Location,
        buffer: &mut Vec<u8>,
    ) -> Result<EventSpan, JournalError> {
        let point = ReadPoint::at(position, location);
        let (tail_segment, tail_offset) = self.published.tail();
        let end = u64::from(location.offset) + u64::from(location.length);
        if (location.segment, end) > (tail_segment, u64::from(tail_offset)) {
            return Err(self.corrupt(point));
        }
        buffer.resize(location.length as usize, 0);
        let count = self.file(location.segment)?.read_at(buffer, u64::from(location.offset))?;
        buffer.truncate(count);
        self.decode_event(position, buffer).ok_or_else(|| self.corrupt(point))
    }

    fn decode_event(&self, position: Position, bytes: &[u8]) -> Option<EventSpan> {
        let identity = &self.published.identity;
        let extent = extent(bytes).ok()??;
        let place = Place {
            position: position.get(),
            seeds: identity.seeds,
            tag: identity.store.tag(),
            checked: true,
        };
        match decode(bytes, 0, extent, &place) {
            Ok(Record::Event(event)) => Some(event),
            _ => None,
        }
    }

    pub(super) fn published(&self) -> &Published {
        &self.published
    }

    pub(super) fn file(&self, segment: u32) -> Result<Arc<dyn File>, JournalError> {
        let Published { storage, identity, files, .. } = &*self.published;
        // Opening the journal looks at a few headers; the others are looked at here, before anything is read.
        files.get(segment, segment_name, |file| {
            read_header(&**storage, file, segment, Some(identity.store)).map(|_| ())
        })
    }

    fn corrupt(&self, point: ReadPoint) -> JournalError {
        self.published.identity.corrupt(point.segment, u64::from(point.offset), point.position.get())
    }
}

/// What a block begins with.
enum FirstItem {
    /// A whole record, or a whole frame header.
    Whole,
    /// Nothing: zeros or the end of the file.
    None,
    /// Something that is longer than the block: this many bytes.
    Needs(usize),
}

fn first_item(block: &Block) -> Result<FirstItem, JournalError> {
    let mut records = block.records();
    if let Some(record) = records.next() {
        return record.map(|_| FirstItem::Whole);
    }
    let bytes: &[u8] = &block.bytes;
    if records.point() != block.start {
        Ok(FirstItem::Whole)
    } else if bytes.iter().take(MAGIC.len()).all(|byte| *byte == 0) {
        Ok(FirstItem::None)
    } else if bytes[0] == 0 {
        Ok(FirstItem::Needs(FRAME_HEADER_BYTES))
    } else {
        let total = extent(bytes).ok().flatten().map_or(VARINT_BYTES_MAX, |extent| extent.total);
        Ok(FirstItem::Needs(total.max(bytes.len() + 1)))
    }
}

/// Follows a journal that another process may be writing, and never writes itself.
///
/// What it sees is valid but not necessarily durable: if the writer's machine loses power, the writer's
/// recovery can cut what a follower has already seen.
#[derive(Debug)]
pub struct JournalFollower {
    reader: JournalReader,
    walk: Walk,
}

impl JournalFollower {
    /// Opens the journal in `storage` for reading only, without its lock.
    ///
    /// # Errors
    /// [`JournalError::Empty`] if there is none; else as [`super::Journal::open`]. A frame that is incomplete
    /// or damaged at the end is not an error: it is taken as not written yet.
    pub fn open(storage: Arc<dyn Storage>, options: JournalOptions) -> Result<Self, JournalError> {
        let Some(survey) = survey(&*storage)? else {
            return Err(JournalError::Empty { path: storage.path("") });
        };
        let mut walk = walk_last(&*storage, &survey, Access::Read)?;
        if let Some(tail) = walk.closing_frame()? {
            walk.tail = tail;
        }
        let published = Published::new(storage, survey.identity, options.open_files_max);
        let mut follower = Self { reader: JournalReader::new(Arc::new(published)), walk };
        follower.refresh()?;
        Ok(follower)
    }

    /// A reader that sees what the last [`JournalFollower::refresh`] has found.
    #[must_use]
    pub fn reader(&self) -> JournalReader {
        self.reader.clone()
    }

    /// The last position found so far.
    #[must_use]
    pub fn last(&self) -> Position {
        Position::new(self.walk.tail.next - 1)
    }

    /// The last position that the writer's own bytes prove to be on the disk.
    #[must_use]
    pub fn durable(&self) -> Position {
        Position::new(self.walk.proven_next - 1)
    }

    /// Looks for new frames and segments and returns the last position.
    ///
    /// # Errors
    /// [`JournalError::Corrupt`] when a segment does not go on where its predecessor ends, or the disk's errors.
    pub fn refresh(&mut self) -> Result<Position, JournalError> {
        loop {
            self.walk_to_end()?;
            let published = self.reader.published();
            if !published.storage.exists(&segment_name(self.walk.segment + 1))? {
                break;
            }
            // The successor exists, so its predecessor is complete: look once more before moving on.
            self.walk_to_end()?;
            self.next_segment()?;
        }
        let Walk { segment, tail, .. } = &self.walk;
        self.reader.published().set_tail(*segment, tail.offset as u32);
        Ok(self.last())
    }

    fn walk_to_end(&mut self) -> Result<(), JournalError> {
        let window = &mut self.walk.window;
        let end = window.file.length()?.min(u64::from(u32::MAX));
        *window = super::scan::Window::new(window.file.clone(), end);
        while self.walk.step()?.is_some() {}
        Ok(())
    }

    fn next_segment(&mut self) -> Result<(), JournalError> {
        let Published { storage, identity, .. } = self.reader.published();
        let number = self.walk.segment + 1;
        let file = storage.open(&segment_name(number), Access::Read)?;
        let last = read_header(&**storage, &*file, number, Some(identity.store))?;
        let tail = self.walk.tail;
        if last.first != tail.next || last.chain != tail.chain {
            return Err(identity.corrupt(self.walk.segment, tail.offset, tail.next));
        }
        let survey = Survey { identity: identity.clone(), last };
        self.walk = walk_last(&**storage, &survey, Access::Read)?;
        Ok(())
    }
}
