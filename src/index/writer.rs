//! Writes a file of the index: block after block under a temporary name, whole, and synced if it is to last, before it
//! gets its own.

use super::block::{BLOCK_BYTES, PAYLOAD_BYTES, put_block};
use super::filter::FilterWriter;
use super::header::{CONTENTS, Content, Header, Section, Stretch, is_piece};
use crate::storage::{Access, File, Storage, StorageError};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes that are gathered before they are written.
const WRITE_BYTES: usize = 256 << 10;
/// Room to begin with: most files are of few blocks.
const FEW_BYTES: usize = 16 * BLOCK_BYTES;
/// What a file of the index is called before it is whole ends so.
const TEMPORARY_SUFFIX: &str = ".new";
/// No two files that are being made have the same name, whoever makes them.
static NEXT_TEMPORARY: AtomicU64 = AtomicU64::new(1);

/// What the name of a file will be that is being made under this one; `None` for every other file.
pub(super) fn name_of_temporary(temporary: &str) -> Option<&str> {
    let (name, number) = temporary.strip_suffix(TEMPORARY_SUFFIX)?.rsplit_once('.')?;
    number.parse::<u64>().ok().map(|_| name)
}

/// A file of the index in the making.
#[derive(Debug)]
pub(super) struct TableWriter {
    storage: Arc<dyn Storage>,
    name: String,
    temporary: String,
    file: Arc<dyn File>,
    stretch: Stretch,
    level: u8,
    seed: u32,
    sections: [Section; CONTENTS],
    /// Blocks that are not written yet.
    buffer: Vec<u8>,
    /// The number of the first block in `buffer`.
    written: u32,
    /// The number of the next block.
    next: u32,
}

impl TableWriter {
    pub(super) fn create(
        storage: &Arc<dyn Storage>,
        name: String,
        stretch: Stretch,
        level: u8,
    ) -> Result<Self, StorageError> {
        let number = NEXT_TEMPORARY.fetch_add(1, Ordering::Relaxed);
        // Of one width, so that their order among a directory's names is that in which they were made.
        let temporary = format!("{name}.{number:020}{TEMPORARY_SUFFIX}");
        if storage.exists(&temporary)? {
            storage.remove(&temporary)?;
        }
        let file = storage.open(&temporary, Access::Create)?;
        let seed = Header::seed(&stretch, level);
        let (storage, buffer) = (Arc::clone(storage), Vec::with_capacity(FEW_BYTES));
        let sections = Default::default();
        Ok(Self {
            storage,
            name,
            temporary,
            file,
            stretch,
            level,
            seed,
            sections,
            buffer,
            written: 1,
            next: 1,
        })
    }

    /// Adds a block; gives its number.
    pub(super) fn push(&mut self, payload: &[u8]) -> Result<u32, StorageError> {
        let number = self.next;
        put_block(&mut self.buffer, self.seed, number, payload);
        self.next += 1;
        if self.buffer.len() >= WRITE_BYTES {
            self.write_out()?;
        }
        Ok(number)
    }

    fn write_out(&mut self) -> Result<(), StorageError> {
        self.file.write_at(&self.buffer, u64::from(self.written) * BLOCK_BYTES as u64)?;
        self.written = self.next;
        self.buffer.clear();
        Ok(())
    }

    /// The number that the next block will have.
    pub(super) fn next_block(&self) -> u32 {
        self.next
    }

    /// Notes a section that begins at `block` and ends with the last block added.
    pub(super) fn end_section(&mut self, part: Content, block: u32, items: u64, detail: u32) {
        self.sections[part as usize] = Section { block, blocks: self.next - block, items, detail };
    }

    /// Adds a plain run of bytes.
    pub(super) fn push_bytes(&mut self, part: Content, bytes: &[u8]) -> Result<(), StorageError> {
        let block = self.next;
        for payload in bytes.chunks(PAYLOAD_BYTES) {
            self.push(payload)?;
        }
        self.end_section(part, block, bytes.len() as u64, 0);
        Ok(())
    }

    pub(super) fn push_filter(&mut self, filter: &FilterWriter) -> Result<(), StorageError> {
        let block = self.next;
        for payload in filter.blocks() {
            self.push(payload)?;
        }
        self.end_section(Content::Filter, block, filter.cells(), 0);
        Ok(())
    }

    /// Writes the header and gives the file its name. The sync before the rename is what makes the name mean a whole
    /// file after a power cut; a file that is torn all the same fails its checksums.
    ///
    /// A piece is for who opens the store after the process was killed, and soon replaced. After a power cut it may be torn or
    /// gone, and the segment is read again from there; a sync would come too late for a kill while the disk is busy.
    pub(super) fn finish(mut self) -> Result<(), StorageError> {
        self.write_out()?;
        let Self { stretch, level, next, sections, .. } = self;
        self.file.write_at(&Header { stretch, level, blocks: next, sections }.encode(), 0)?;
        if is_piece(level) {
            return self.storage.rename(&self.temporary, &self.name);
        }
        self.file.sync_data()?;
        self.storage.rename(&self.temporary, &self.name)?;
        self.storage.sync_directory()
    }
}
