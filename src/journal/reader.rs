//! The reader beside the writer: records by their location, or in blocks, up to the tail that the writer shows.

use super::block::{Block, ReadPoint};
use super::error::JournalError;
use super::frame::MAGIC;
use super::published::OpenSegment;
use super::record::extent;
use super::segment::HEADER_BYTES;
use super::store_id::StoreId;
use super::wire::VARINT_BYTES_MAX;
use crate::position::Position;
use std::sync::Arc;

pub(super) use super::published::Published;

/// The least and the most bytes a block is read with.
const BLOCK_BYTES_MIN: usize = 4 << 10;
const BLOCK_BYTES_MAX: usize = 64 << 20;

/// Reads the journal up to its tail, from any thread; a clone is a handle to the same.
///
/// It never looks at a frame that is being written, and holds a bounded number of files open.
///
/// ```
/// # use std::sync::Arc;
/// # use timberline::journal::{Journal, JournalOptions, Numbers, StoreId};
/// # use timberline::storage::{Directory, Storage};
/// # use timberline::{Coordinate, NewEvent};
/// # let path = std::env::temp_dir().join(format!("timberline-reader-{}", std::process::id()));
/// # let _ = std::fs::remove_dir_all(&path);
/// # let storage: Arc<dyn Storage> = Arc::new(Directory::create(&path)?);
/// # let lock = Arc::new(storage.lock()?);
/// # let options = JournalOptions::default();
/// # let (mut journal, _) = Journal::open(storage.clone(), lock, options, 0, StoreId::new([7; 16]))?;
/// # let event = NewEvent::raw(Coordinate::new("door-1", "house")?, "Opened", 1, b"at noon".to_vec());
/// # for _ in 0..3 { journal.stage_event(&event, &Numbers::default())?; }
/// # journal.commit()?;
/// let reader = journal.reader();
/// let (mut block, mut point, mut events) = (reader.block(), reader.begin(), 0);
/// while reader.read_block(&mut block, point, 256 << 10)? {
///     let mut records = block.records();
///     while let Some(event) = records.next_event() {
///         let (_location, span) = event?;
///         assert_eq!(span.view(block.bytes()).entity, "door-1");
///         events += 1;
///     }
///     point = records.point();
/// }
/// assert_eq!(events, 3);
/// assert!(reader.verify(&mut |_progress| {})?.is_intact());
/// # std::fs::remove_dir_all(&path).unwrap();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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
        let header = self.segment(segment)?.header;
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
            let limit = self.left_of(block.start)?;
            self.fill(block, wanted.min(limit as usize))?;
            match first_item(block)? {
                FirstItem::Whole => return Ok(true),
                FirstItem::None if !at_tail => block.start = self.next_segment(block.start)?,
                FirstItem::Needs(bytes) if self.has(block.start, bytes, limit)? => wanted = bytes,
                FirstItem::None | FirstItem::Needs(_) => return Err(self.corrupt(block.start)),
            }
        }
    }

    /// Bytes of a segment from `point` on: memory for more would only be cleared and given back.
    fn left_of(&self, point: ReadPoint) -> Result<u32, JournalError> {
        let left = self.published.end_of(point.segment)?.saturating_sub(point.offset.into());
        Ok(u32::try_from(left).unwrap_or(u32::MAX - point.offset))
    }

    fn fill(&self, block: &mut Block, bytes: usize) -> Result<(), JournalError> {
        let start = block.start;
        let segment = self.segment(start.segment)?;
        let buffer = block.buffer();
        buffer.resize(bytes, 0);
        let count = segment.file.read_at(buffer, u64::from(start.offset))?;
        buffer.truncate(count);
        Ok(())
    }

    /// Whether as many bytes stand at `point`: asked before memory for a large record is taken.
    fn has(&self, point: ReadPoint, bytes: usize, limit: u32) -> Result<bool, JournalError> {
        let end = u64::from(point.offset) + bytes as u64;
        Ok(bytes as u64 <= u64::from(limit) && end <= self.segment(point.segment)?.file.length()?)
    }

    /// Where reading goes on behind a sealed segment: its successor says which position comes next, and so
    /// whether anything is missing at the end.
    fn next_segment(&self, point: ReadPoint) -> Result<ReadPoint, JournalError> {
        let next = self.begin_of(point.segment + 1)?;
        if next.position == point.position { Ok(next) } else { Err(self.corrupt(point)) }
    }

    pub(super) fn published(&self) -> &Published {
        &self.published
    }

    pub(super) fn segment(&self, number: u32) -> Result<Arc<OpenSegment>, JournalError> {
        self.published.segment(number)
    }

    pub(super) fn corrupt(&self, point: ReadPoint) -> JournalError {
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
    } else {
        // The least block has room for a frame's header, so that this is a record, or nothing that was written.
        let total = extent(bytes).ok().flatten().map_or(VARINT_BYTES_MAX, |extent| extent.total);
        Ok(FirstItem::Needs(total.max(bytes.len() + 1)))
    }
}
