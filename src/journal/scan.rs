//! Walks the frames of one segment and looks for frames behind a damaged place; it reads and judges, and changes nothing.

use super::frame::{FRAME_HEADER_BYTES, FrameHeader, FrameKind, MAGIC, checksum_holds};
use super::segment::{HEADER_BYTES, SegmentHeader};
use super::store_id::Seeds;
use crate::storage::{File, StorageError};
use std::sync::Arc;

/// Bytes read at once.
pub(super) const CHUNK_BYTES: usize = 256 << 10;

/// A movable view of a file; memory is one chunk, or one frame if that is larger.
#[derive(Debug)]
pub(super) struct Window {
    pub(super) file: Arc<dyn File>,
    /// The file's end, or as far as it may be read.
    pub(super) end: u64,
    buffer: Vec<u8>,
    start: u64,
}

impl Window {
    pub(super) fn new(file: Arc<dyn File>, end: u64) -> Self {
        Self { file, end, buffer: Vec::new(), start: 0 }
    }

    /// Up to `length` bytes from `offset` on; fewer only at the end.
    pub(super) fn bytes(&mut self, offset: u64, length: usize) -> Result<&[u8], StorageError> {
        let length = (length as u64).min(self.end.saturating_sub(offset)) as usize;
        let buffered = self.start + self.buffer.len() as u64;
        if offset < self.start || offset + length as u64 > buffered {
            let ahead = (CHUNK_BYTES as u64).min(self.end.saturating_sub(offset)) as usize;
            self.buffer.resize(length.max(ahead), 0);
            self.start = offset;
            let count = self.file.read_at(&mut self.buffer, offset)?;
            self.buffer.truncate(count);
        }
        let begin = (offset - self.start) as usize;
        let end = (begin + length).min(self.buffer.len());
        Ok(self.buffer.get(begin..end).unwrap_or_default())
    }
}

/// Where a walk over frames stands: everything the next frame must continue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tail {
    pub(super) offset: u64,
    /// The next position.
    pub(super) next: u64,
    pub(super) epoch: u32,
    pub(super) time: u64,
    pub(super) chain: [u8; 16],
    /// Everything before this offset is proven durable.
    pub(super) synced_through: u64,
}

impl Tail {
    /// Before the first frame of a segment.
    pub(super) fn begin(header: &SegmentHeader) -> Self {
        Self {
            offset: HEADER_BYTES,
            next: header.first,
            epoch: header.epoch,
            time: header.time,
            chain: header.chain,
            synced_through: HEADER_BYTES,
        }
    }

    /// Whether a frame at this place goes on where the walk stands.
    pub(super) fn is_continued_by(&self, frame: &FrameHeader) -> bool {
        frame.first == self.next
            && frame.epoch >= self.epoch
            && frame.time >= self.time
            && (HEADER_BYTES..=self.offset).contains(&frame.synced_through)
    }

    /// Behind that frame.
    pub(super) fn after(&self, frame: &FrameHeader) -> Self {
        Self {
            offset: self.offset + u64::from(frame.length),
            next: frame.next(),
            epoch: frame.epoch,
            time: frame.time,
            chain: frame.chain,
            synced_through: self.synced_through.max(frame.synced_through),
        }
    }
}

/// A walk over the frames of one segment, in order.
#[derive(Debug)]
pub(super) struct Walk {
    pub(super) window: Window,
    pub(super) segment: u32,
    pub(super) seeds: Seeds,
    pub(super) tail: Tail,
    /// The next position at `tail.synced_through`.
    pub(super) proven_next: u64,
    /// Whether the last frame that was stepped over ends the segment.
    pub(super) is_sealed: bool,
    /// Frame ends that are not proven yet, with the next position there.
    unproven: std::collections::VecDeque<(u64, u64)>,
}

impl Walk {
    pub(super) fn new(window: Window, segment: u32, seeds: Seeds, tail: Tail) -> Self {
        let proven_next = tail.next;
        Self { window, segment, seeds, tail, proven_next, is_sealed: false, unproven: Default::default() }
    }

    /// Steps over the next frame if a whole, valid one goes on here. Nothing goes on behind a seal.
    pub(super) fn step(&mut self) -> Result<Option<FrameHeader>, StorageError> {
        let Some(frame) = self.valid_at(self.tail.offset)? else { return Ok(None) };
        if self.is_sealed || !self.tail.is_continued_by(&frame) {
            return Ok(None);
        }
        self.is_sealed = frame.kind == FrameKind::Seal;
        self.tail = self.tail.after(&frame);
        self.unproven.push_back((self.tail.offset, self.tail.next));
        while let Some((_, next)) = self.unproven.pop_front_if(|(end, _)| *end <= self.tail.synced_through) {
            self.proven_next = next;
        }
        Ok(Some(frame))
    }

    /// The header at `offset`, if one was written for that place; the rest of the frame may be torn.
    pub(super) fn header_at(&mut self, offset: u64) -> Result<Option<FrameHeader>, StorageError> {
        let seed = self.seeds.frame(self.segment, offset);
        let header = FrameHeader::decode(self.window.bytes(offset, FRAME_HEADER_BYTES)?, seed);
        Ok(header.filter(|frame| frame.synced_through <= offset))
    }

    /// The frame at `offset`, if it is whole and valid.
    pub(super) fn valid_at(&mut self, offset: u64) -> Result<Option<FrameHeader>, StorageError> {
        let Some(header) = self.header_at(offset)? else { return Ok(None) };
        if u64::from(header.length) > self.window.end.saturating_sub(offset) {
            return Ok(None);
        }
        let seed = self.seeds.frame(self.segment, offset);
        let frame = self.window.bytes(offset, header.length as usize)?;
        let whole = frame.len() == header.length as usize
            && (checksum_holds(frame, seed) || crate::planted("frame_checksum_unchecked"));
        Ok(whole.then_some(header))
    }

    /// The bytes of the frame that begins at `offset`, as last read.
    pub(super) fn frame_bytes(&mut self, offset: u64, length: u32) -> Result<&[u8], StorageError> {
        self.window.bytes(offset, length as usize)
    }

    /// The first valid frame at or after `offset`, whatever it continues.
    pub(super) fn resync(&mut self, mut offset: u64) -> Result<Option<(u64, FrameHeader)>, StorageError> {
        while let Some(candidate) = self.find_magic(offset)? {
            // The header's own check is keyed by place and store: data that merely looks like a frame does not
            // get as far as a checksum over its claimed length.
            if let Some(frame) = self.valid_at(candidate)? {
                return Ok(Some((candidate, frame)));
            }
            offset = candidate + 1;
        }
        Ok(None)
    }

    fn find_magic(&mut self, mut offset: u64) -> Result<Option<u64>, StorageError> {
        loop {
            let chunk = self.window.bytes(offset, CHUNK_BYTES)?;
            if chunk.len() < FRAME_HEADER_BYTES {
                return Ok(None);
            }
            if let Some(at) = magic_in(chunk) {
                return Ok(Some(offset + at as u64));
            }
            offset += (chunk.len() - (MAGIC.len() - 1)) as u64;
        }
    }

    /// The offset after the last byte at or after `offset` that is not zero, if there is one.
    pub(super) fn data_end(&mut self, mut offset: u64) -> Result<Option<u64>, StorageError> {
        let mut data_end = None;
        loop {
            let chunk = self.window.bytes(offset, CHUNK_BYTES)?;
            if chunk.is_empty() {
                return Ok(data_end);
            }
            if !is_zero(chunk) {
                let last = chunk.iter().rposition(|byte| *byte != 0).unwrap_or(0);
                data_end = Some(offset + last as u64 + 1);
            }
            offset += chunk.len() as u64;
        }
    }

    /// The closing frame, if the file ends with one that proves all before it: then no scan is needed.
    pub(super) fn closing_frame(&mut self) -> Result<Option<Tail>, StorageError> {
        let offset = self.window.end.saturating_sub(FRAME_HEADER_BYTES as u64);
        if offset < self.tail.offset {
            return Ok(None);
        }
        let frame = self.valid_at(offset)?.filter(|frame| {
            frame.kind == FrameKind::Close
                && frame.synced_through == offset
                && frame.first >= self.tail.next
                && frame.epoch >= self.tail.epoch
                && frame.time >= self.tail.time
        });
        Ok(frame.map(|frame| Tail { offset, next: frame.first, ..self.tail }.after(&frame)))
    }
}

/// Whether all bytes are zero; in blocks, so that it runs at memory speed.
pub(super) fn is_zero(bytes: &[u8]) -> bool {
    let (blocks, rest) = bytes.as_chunks::<64>();
    blocks.iter().all(|block| block.iter().fold(0, |all, byte| all | byte) == 0)
        && rest.iter().all(|byte| *byte == 0)
}

fn magic_in(chunk: &[u8]) -> Option<usize> {
    let mut at = 0;
    while at + MAGIC.len() <= chunk.len() {
        // Most of what is searched is preallocated zeros. A magic may begin on the last of them.
        while chunk.len() - at > 64 && is_zero(&chunk[at..at + 64]) {
            at += 63;
        }
        if chunk[at..].starts_with(&MAGIC) {
            return Some(at);
        }
        at += 1;
    }
    None
}
