//! A frame: the bytes of one commit, sealed by a checksum bound to its place and by the hash chain.

use super::block::Records;
use super::store_id::{Identity, StoreId};
use super::wire::Bytes;
use crate::position::Position;

pub(super) const FRAME_HEADER_BYTES: usize = 64;
/// Its first byte is 0, which no record begins with: at a record's place the two cannot be confused.
pub(super) const MAGIC: [u8; 4] = [0, b'T', b'L', b'F'];

const CRC_AT: usize = 4;
/// What the checksum covers begins here.
const COVERED_AT: usize = 8;
const CHECK_AT: usize = 14;
const CHAIN_AT: usize = 48;

/// What a frame is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FrameKind {
    /// Events and checkpoints.
    Commit,
    /// Positions that recovery cut.
    Gap,
    /// The journal was closed: everything before it is durable.
    Close,
    /// The segment ends here, and the next one is in the directory: under its own name, or being made.
    Seal,
}

impl FrameKind {
    fn of(byte: u8) -> Option<Self> {
        match byte {
            1 => Some(Self::Commit),
            2 => Some(Self::Gap),
            3 => Some(Self::Close),
            4 => Some(Self::Seal),
            _ => None,
        }
    }
}

/// What a frame says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FrameHeader {
    /// Bytes of the whole frame.
    pub(super) length: u32,
    pub(super) kind: FrameKind,
    /// The first position it covers, or the next one if it covers none.
    pub(super) first: u64,
    /// How many positions it covers.
    pub(super) count: u32,
    pub(super) epoch: u32,
    /// Every byte of this segment before this offset was durable when the frame was written.
    pub(super) synced_through: u64,
    pub(super) time: u64,
    /// The chain value: before the frame when sealing, after it when read.
    pub(super) chain: [u8; 16],
}

impl FrameHeader {
    /// Completes `frame`, whose first 64 bytes are free, and returns the new chain value.
    pub(super) fn seal(&self, frame: &mut [u8], seed: u32) -> [u8; 16] {
        frame[..4].copy_from_slice(&MAGIC);
        frame[CRC_AT..COVERED_AT].fill(0);
        frame[8..12].copy_from_slice(&self.length.to_le_bytes());
        frame[12..16].copy_from_slice(&[self.kind_byte(), 0, 0, 0]);
        frame[16..24].copy_from_slice(&self.first.to_le_bytes());
        frame[24..28].copy_from_slice(&self.count.to_le_bytes());
        frame[28..32].copy_from_slice(&self.epoch.to_le_bytes());
        frame[32..40].copy_from_slice(&self.synced_through.to_le_bytes());
        frame[40..48].copy_from_slice(&self.time.to_le_bytes());
        frame[CHAIN_AT..FRAME_HEADER_BYTES].copy_from_slice(&self.chain);
        // With both checksums zero and the previous value in the chain's place: one contiguous hash.
        let chain = truncated(blake3::hash(frame));
        frame[CHAIN_AT..FRAME_HEADER_BYTES].copy_from_slice(&chain);
        let check = fold(crc32c::crc32c_append(seed, &frame[COVERED_AT..FRAME_HEADER_BYTES]));
        frame[CHECK_AT..CHECK_AT + 2].copy_from_slice(&check.to_le_bytes());
        let crc = crc32c::crc32c_append(seed, &frame[COVERED_AT..]);
        frame[CRC_AT..COVERED_AT].copy_from_slice(&crc.to_le_bytes());
        chain
    }

    fn kind_byte(&self) -> u8 {
        match self.kind {
            FrameKind::Commit => 1,
            FrameKind::Gap => 2,
            FrameKind::Close => 3,
            FrameKind::Seal => 4,
        }
    }

    /// The header at the begin of `bytes`, if there is one that was written for this place. It says nothing of
    /// the rest of the frame; a torn frame's header can still be whole.
    pub(super) fn decode(bytes: &[u8], seed: u32) -> Option<Self> {
        let mut header: [u8; FRAME_HEADER_BYTES] = bytes.get(..FRAME_HEADER_BYTES)?.try_into().ok()?;
        if header[..4] != MAGIC {
            return None;
        }
        let check = Bytes::new(&header[CHECK_AT..]).u16()?;
        header[CHECK_AT..CHECK_AT + 2].fill(0);
        if fold(crc32c::crc32c_append(seed, &header[COVERED_AT..])) != check
            && !crate::planted("header_check_unchecked")
        {
            return None;
        }
        let mut fields = Bytes::new(&header[COVERED_AT..]);
        let length = fields.u32()?;
        let kind = FrameKind::of(fields.byte()?)?;
        fields.take(3)?;
        let header = Self {
            length,
            kind,
            first: fields.u64()?,
            count: fields.u32()?,
            epoch: fields.u32()?,
            synced_through: fields.u64()?,
            time: fields.u64()?,
            chain: fields.array()?,
        };
        header.is_plausible().then_some(header)
    }

    fn is_plausible(&self) -> bool {
        let covers = self.first.checked_add(u64::from(self.count)).is_some();
        covers && self.first > 0 && self.length as usize >= FRAME_HEADER_BYTES
    }

    /// The first position after the frame.
    pub(super) fn next(&self) -> u64 {
        self.first + u64::from(self.count)
    }
}

/// Whether `frame`, whole, is what was written for this place.
pub(super) fn checksum_holds(frame: &[u8], seed: u32) -> bool {
    let stored = Bytes::new(frame.get(CRC_AT..).unwrap_or_default()).u32();
    stored.is_some_and(|stored| crc32c::crc32c_append(seed, &frame[COVERED_AT..]) == stored)
}

/// The chain value after `frame`, computed anew from the one before it.
pub(super) fn chain_after(previous: [u8; 16], frame: &[u8]) -> [u8; 16] {
    let (header, records) = frame.split_at(FRAME_HEADER_BYTES.min(frame.len()));
    let mut blank = [0; FRAME_HEADER_BYTES];
    blank[..header.len()].copy_from_slice(header);
    blank[CRC_AT..COVERED_AT].fill(0);
    blank[CHECK_AT..CHECK_AT + 2].fill(0);
    blank[CHAIN_AT..].copy_from_slice(&previous);
    truncated(blake3::Hasher::new().update(&blank).update(records).finalize())
}

/// The chain value of a store's very begin.
pub(super) fn chain_origin(store: StoreId) -> [u8; 16] {
    truncated(blake3::hash(&store.bytes()))
}

fn truncated(hash: blake3::Hash) -> [u8; 16] {
    let mut chain = [0; 16];
    chain.copy_from_slice(&hash.as_bytes()[..16]);
    chain
}

fn fold(crc: u32) -> u16 {
    (crc ^ (crc >> 16)) as u16
}

/// A frame's place and the chain value behind it, which stands for all history up to there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameMark {
    /// The segment.
    pub segment: u32,
    /// Where the frame begins, in bytes.
    pub begin: u32,
    /// Where it ends.
    pub end: u32,
    /// The chain value behind it.
    pub chain: [u8; 16],
}

/// A frame as it was committed, so that the index can apply it without reading it back.
#[derive(Debug)]
pub struct Frame {
    pub(super) bytes: Vec<u8>,
    pub(super) segment: u32,
    pub(super) offset: u32,
    pub(super) first: u64,
    pub(super) count: u32,
    pub(super) time: u64,
    pub(super) identity: Identity,
}

impl Frame {
    /// Memory for a frame.
    pub(super) fn empty(identity: Identity) -> Self {
        Self { bytes: Vec::new(), segment: 0, offset: 0, first: 0, count: 0, time: 0, identity }
    }

    /// The records, as [`Records`] of this frame's [bytes](Frame::bytes).
    #[must_use]
    pub fn records(&self) -> Records<'_> {
        Records::of_frame(self)
    }

    /// The whole frame; the spans that its records yield point into this.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The segment it stands in.
    #[must_use]
    pub fn segment(&self) -> u32 {
        self.segment
    }

    /// Where it begins in the segment, in bytes.
    #[must_use]
    pub fn offset(&self) -> u32 {
        self.offset
    }

    /// The first position it covers.
    #[must_use]
    pub fn first(&self) -> Position {
        Position::new(self.first)
    }

    /// The last position it covers; the one before `first` when it covers none.
    #[must_use]
    pub fn last(&self) -> Position {
        Position::new(self.first + u64::from(self.count) - 1)
    }

    /// How many positions it covers.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Where it stands, and the chain value behind it.
    #[must_use]
    pub fn mark(&self) -> FrameMark {
        let chain = self.bytes[CHAIN_AT..FRAME_HEADER_BYTES].try_into().unwrap_or_default();
        let (begin, segment) = (self.offset, self.segment);
        FrameMark { segment, begin, end: begin + self.bytes.len() as u32, chain }
    }

    /// When it was committed, in microseconds since 1970 began.
    #[must_use]
    pub fn time_micros(&self) -> u64 {
        self.time
    }
}
