//! What the writer shows its readers: how far the journal goes, the segments they have open, the blocks they keep.

use super::error::JournalError;
use super::options::JournalOptions;
use super::segment::{SegmentHeader, read_header, segment_name};
use super::store_id::Identity;
use crate::position::Location;
use crate::storage::{Cache, File, OpenFiles, Storage, StorageError};
use foldhash::fast::FixedState;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

/// Bytes of a block: what is read and kept at once for a record whose place is known.
const BLOCK_BYTES: u32 = 4 << 10;
/// A record that stands in more blocks is read by itself and not kept.
const BLOCKS_MAX: u32 = 3;

type Block = Arc<[u8; BLOCK_BYTES as usize]>;

/// What the writer shows its readers, and what they share.
#[derive(Debug)]
pub(super) struct Published {
    pub(super) storage: Arc<dyn Storage>,
    pub(super) identity: Identity,
    files: OpenFiles<OpenSegment>,
    /// Blocks in which records were looked up, by segment and number. A block is kept only if nothing in it changes
    /// any more.
    blocks: Cache<u64, Block>,
    /// Blocks that a read of many events has asked for once.
    asked: Asked,
    /// Segment and offset of the end of the last whole frame, in one word so that they change together.
    tail: AtomicU64,
    /// Whether the writer is another process: when that recovers, it may cut what was never synced and was seen here.
    is_beside_writer: bool,
}

/// When the block of a record is worth keeping. To read and keep one costs several times what its record does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// At once.
    AtOnce,
    /// When it is asked for a second time: a read of many events that stand far apart may touch more blocks than are kept.
    SecondTime,
}

/// Which blocks were asked for lately. It may forget one; it never takes one for another.
#[derive(Debug)]
struct Asked {
    blocks_max: usize,
    /// Made when it is first needed: an opening does not pay for it.
    slots: OnceLock<Box<[AtomicU64]>>,
}

impl Asked {
    fn new(blocks_max: usize) -> Self {
        Self { blocks_max: blocks_max.max(1), slots: OnceLock::new() }
    }

    /// Whether this block was asked for before; from now on it was. No block has the key 0.
    fn before(&self, key: u64) -> bool {
        let slots = self.slots.get_or_init(|| (0..self.blocks_max).map(|_| AtomicU64::new(0)).collect());
        let slot = &slots[(FixedState::default().hash_one(key) % slots.len() as u64) as usize];
        slot.load(Ordering::Relaxed) == key || {
            slot.store(key, Ordering::Relaxed);
            false
        }
    }
}

/// A segment's open file, with what never changes of it.
#[derive(Debug)]
pub(super) struct OpenSegment {
    pub(super) file: Arc<dyn File>,
    pub(super) header: SegmentHeader,
    /// The file's length in bytes, once the segment is sealed and it was asked for; 0 before.
    sealed_bytes: AtomicU64,
}

impl Published {
    pub(super) fn new(storage: Arc<dyn Storage>, identity: Identity, options: &JournalOptions) -> Self {
        let blocks_max = (options.cache_bytes / u64::from(BLOCK_BYTES)) as usize;
        Self {
            files: OpenFiles::new(storage.clone(), options.open_files_max),
            blocks: Cache::new(blocks_max),
            asked: Asked::new(blocks_max),
            storage,
            identity,
            tail: AtomicU64::new(0),
            is_beside_writer: false,
        }
    }

    /// For readers of what another process writes.
    pub(super) fn beside_writer(
        storage: Arc<dyn Storage>,
        identity: Identity,
        options: &JournalOptions,
    ) -> Self {
        Self { is_beside_writer: true, ..Self::new(storage, identity, options) }
    }

    /// Everything before this place is written; the release pairs with the acquire of [`Published::tail`].
    pub(super) fn set_tail(&self, segment: u32, offset: u32) {
        self.tail.store(u64::from(segment) << 32 | u64::from(offset), Ordering::Release);
    }

    #[inline]
    pub(super) fn tail(&self) -> (u32, u32) {
        let tail = self.tail.load(Ordering::Acquire);
        ((tail >> 32) as u32, tail as u32)
    }

    /// The segment `number`, opened. Opening the journal looks at a few headers; the others are looked at here, before
    /// anything is read.
    pub(super) fn segment(&self, number: u32) -> Result<Arc<OpenSegment>, JournalError> {
        self.files.get(number, segment_name, |file| {
            let header = read_header(&*self.storage, &*file, number, Some(self.identity.store))?;
            Ok(OpenSegment { file, header, sealed_bytes: AtomicU64::new(0) })
        })
    }

    /// How far a segment may be read, in bytes.
    pub(super) fn end_of(&self, number: u32) -> Result<u64, JournalError> {
        let (tail_segment, tail_offset) = self.tail();
        match number.cmp(&tail_segment) {
            std::cmp::Ordering::Less => Ok(self.segment(number)?.sealed_bytes()?),
            std::cmp::Ordering::Equal => Ok(tail_offset.into()),
            std::cmp::Ordering::Greater => Ok(0),
        }
    }

    /// The segment `number`, opened, if it may be read up to byte `end`.
    pub(super) fn segment_up_to(
        &self,
        number: u32,
        end: u64,
    ) -> Result<Option<Arc<OpenSegment>>, JournalError> {
        let (tail_segment, tail_offset) = self.tail();
        if number > tail_segment || (number == tail_segment && end > tail_offset.into()) {
            return Ok(None);
        }
        let segment = self.segment(number)?;
        let is_whole = number == tail_segment || end <= segment.sealed_bytes()?;
        Ok(is_whole.then_some(segment))
    }

    /// Adds the bytes of a record to `out`, out of the blocks that are kept. False, and nothing added, if it stands in
    /// too many of them, or in one that still changes or is not worth keeping yet.
    pub(super) fn gather(
        &self,
        location: Location,
        keep: Keep,
        out: &mut Vec<u8>,
    ) -> Result<bool, JournalError> {
        let Location { segment, offset, length } = location;
        let Some(end) = offset.checked_add(length).filter(|_| length > 0) else { return Ok(false) };
        let blocks = offset / BLOCK_BYTES..=(end - 1) / BLOCK_BYTES;
        if blocks.end() - blocks.start() >= BLOCKS_MAX || !self.is_settled(segment, *blocks.end()) {
            return Ok(false);
        }
        let before = out.len();
        for number in blocks {
            let Some(block) = self.block(segment, number, keep)? else {
                out.truncate(before);
                return Ok(false);
            };
            let begin = number * BLOCK_BYTES;
            let within = offset.saturating_sub(begin)..(end - begin).min(BLOCK_BYTES);
            out.extend_from_slice(&block[within.start as usize..within.end as usize]);
        }
        Ok(true)
    }

    /// Drops the blocks in which a record stands.
    pub(super) fn forget(&self, location: Location) {
        let Location { segment, offset, length } = location;
        let blocks = offset / BLOCK_BYTES..=offset.saturating_add(length) / BLOCK_BYTES;
        blocks.take(BLOCKS_MAX as usize).for_each(|number| self.blocks.remove(&key(segment, number)));
    }

    /// Whether nothing in a block changes any more, in this writer's life.
    fn is_settled(&self, segment: u32, number: u32) -> bool {
        let (tail_segment, tail_offset) = self.tail();
        let is_before_tail = segment == tail_segment && number < tail_offset / BLOCK_BYTES;
        segment < tail_segment || (is_before_tail && !self.is_beside_writer)
    }

    #[inline]
    fn block(&self, segment: u32, number: u32, keep: Keep) -> Result<Option<Block>, JournalError> {
        let key = key(segment, number);
        if let Some(block) = self.blocks.get(&key) {
            return Ok(Some(block));
        }
        let is_worth_it = keep == Keep::AtOnce || self.asked.before(key);
        if !is_worth_it || !self.blocks.admits(&key) {
            return Ok(None);
        }
        let block = self.read_block(segment, number)?;
        self.blocks.insert(key, Arc::clone(&block));
        Ok(Some(block))
    }

    /// What a file's last block lacks is zeros, in which no record is found.
    fn read_block(&self, segment: u32, number: u32) -> Result<Block, JournalError> {
        let mut block: Block = Arc::new([0; BLOCK_BYTES as usize]);
        let offset = u64::from(number) * u64::from(BLOCK_BYTES);
        self.segment(segment)?.file.read_at(Arc::make_mut(&mut block).as_mut_slice(), offset)?;
        Ok(block)
    }
}

fn key(segment: u32, number: u32) -> u64 {
    u64::from(segment) << 32 | u64::from(number)
}

impl OpenSegment {
    /// The length of a sealed segment's file; asked of the disk once.
    fn sealed_bytes(&self) -> Result<u64, StorageError> {
        match self.sealed_bytes.load(Ordering::Relaxed) {
            0 => {
                let bytes = self.file.length()?;
                self.sealed_bytes.store(bytes, Ordering::Relaxed);
                Ok(bytes)
            }
            bytes => Ok(bytes),
        }
    }
}
