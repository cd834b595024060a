//! A file of the index, opened: its blocks, checked as they are read, and its plain runs of bytes.

use super::IndexError;
use super::block::{BLOCK_BYTES, Block, PAYLOAD_BYTES, is_whole};
use super::filter;
use super::header::{Content, Header, Section};
use crate::storage::{Access, Cache, File, Storage, StorageError};
use std::sync::Arc;

/// Blocks of all files of the index, by the opened file's number and the block's.
pub(super) type Blocks = Cache<(u64, u32), Block>;

/// Memory that is taken before anything was read.
const RESERVED_BYTES_MAX: u64 = BLOCK_BYTES as u64;

/// An open file of the index.
#[derive(Debug)]
pub(super) struct Table {
    name: Arc<str>,
    file: Arc<dyn File>,
    /// No two opened files have the same.
    id: u64,
    seed: u32,
    pub(super) header: Header,
    blocks: Arc<Blocks>,
}

impl Table {
    /// Opens the file `name`. Whether it is the right one, its stretch tells.
    pub(super) fn open(
        storage: &dyn Storage,
        name: &str,
        store: &[u8; 16],
        id: u64,
        blocks: &Arc<Blocks>,
    ) -> Result<Self, IndexError> {
        Self::of_file(storage.open(name, Access::Read)?, name, store, id, blocks)
    }

    /// The file, opened already.
    pub(super) fn of_file(
        file: Arc<dyn File>,
        name: &str,
        store: &[u8; 16],
        id: u64,
        blocks: &Arc<Blocks>,
    ) -> Result<Self, IndexError> {
        let name: Arc<str> = name.into();
        let mut bytes = [0; BLOCK_BYTES];
        let count = file.read_at(&mut bytes, 0)?;
        let header = Header::decode(&bytes, store).filter(|_| count == BLOCK_BYTES);
        let Some(header) = header else { return Err(IndexError::Damaged { name, block: 0 }) };
        let seed = Header::seed(&header.stretch, header.level);
        Ok(Self { name, file, id, seed, header, blocks: Arc::clone(blocks) })
    }

    /// The block `number`, out of the cache or the file.
    pub(super) fn block(&self, number: u32) -> Result<Block, IndexError> {
        if let Some(block) = self.blocks.get(&(self.id, number)) {
            return Ok(block);
        }
        let block = self.read_block(number)?;
        self.blocks.insert((self.id, number), Arc::clone(&block));
        Ok(block)
    }

    /// The block `number`, past the cache: for walks that read everything once.
    pub(super) fn read_block(&self, number: u32) -> Result<Block, IndexError> {
        let mut block: Block = Arc::new([0; BLOCK_BYTES]);
        let offset = u64::from(number) * BLOCK_BYTES as u64;
        let count = self.file.read_at(Arc::make_mut(&mut block).as_mut_slice(), offset)?;
        if number == 0 || count < BLOCK_BYTES || !is_whole(self.seed, number, &block) {
            return Err(self.damaged(number));
        }
        Ok(block)
    }

    /// The block `number` of a section.
    pub(super) fn block_of(&self, section: Section, number: u32) -> Result<Block, IndexError> {
        if number >= section.blocks {
            return Err(self.damaged(section.block));
        }
        self.block(section.block.saturating_add(number))
    }

    #[cold]
    pub(super) fn damaged(&self, block: u32) -> IndexError {
        IndexError::Damaged { name: Arc::clone(&self.name), block }
    }

    /// What is said when the content of a block, though whole, makes no sense.
    pub(super) fn sound<T>(&self, block: u32, value: Option<T>) -> Result<T, IndexError> {
        value.ok_or_else(|| self.damaged(block))
    }

    /// Copies `count` bytes of a plain section, from byte `at` on.
    pub(super) fn bytes(&self, part: Content, at: u64, count: u64) -> Result<Vec<u8>, IndexError> {
        self.copied(part, at, count, |number| self.block(number))
    }

    /// All bytes of a plain section.
    pub(super) fn all_bytes(&self, part: Content) -> Result<Vec<u8>, IndexError> {
        self.bytes(part, 0, self.header.section(part).items)
    }

    /// All bytes of a plain section, past the cache: of one that is read once.
    pub(super) fn all_bytes_once(&self, part: Content) -> Result<Vec<u8>, IndexError> {
        self.copied(part, 0, self.header.section(part).items, |number| self.read_block(number))
    }

    fn copied(
        &self,
        part: Content,
        at: u64,
        count: u64,
        read: impl Fn(u32) -> Result<Block, IndexError>,
    ) -> Result<Vec<u8>, IndexError> {
        let section = self.header.section(part);
        let capacity = u64::from(section.blocks) * PAYLOAD_BYTES as u64;
        let end = at.checked_add(count).filter(|end| *end <= section.items && section.items <= capacity);
        let end = self.sound(section.block, end)?;
        let block_at = |at: u64| read(section.block.saturating_add((at / PAYLOAD_BYTES as u64) as u32));
        // A header may claim more than the file has: memory is taken for what is there.
        if count > RESERVED_BYTES_MAX {
            block_at(end - 1)?;
        }
        let mut out = Vec::with_capacity(count as usize);
        let mut at = at;
        while at < end {
            let (block, within) = (block_at(at)?, (at % PAYLOAD_BYTES as u64) as usize);
            let taken = (PAYLOAD_BYTES - within).min((end - at) as usize);
            out.extend_from_slice(&block[within..within + taken]);
            at += taken as u64;
        }
        Ok(out)
    }

    /// Whether the table may know a name with this hash; a table without a filter may know every name.
    pub(super) fn may_hold(&self, hash: u64) -> Result<bool, IndexError> {
        let section = self.header.section(Content::Filter);
        if section.blocks == 0 {
            return Ok(true);
        }
        let holds_cells = filter::blocks_hold(section.blocks, section.items);
        self.sound(section.block, holds_cells.then_some(()))?;
        let (number, at) = filter::place(hash, section.items);
        let look = |block: &Block| filter::may_hold(&block[..PAYLOAD_BYTES], at, hash);
        match self.blocks.look(&(self.id, section.block.saturating_add(number)), look) {
            Some(may_hold) => Ok(may_hold),
            None => Ok(look(&self.block_of(section, number)?)),
        }
    }
}

/// Whether an error says that the file is not there, or not usable: then it is made again.
pub(super) fn is_lost(error: &StorageError) -> bool {
    use crate::storage::StorageErrorKind::{NotAFile, NotFound};
    matches!(error.kind(), NotFound | NotAFile)
}
