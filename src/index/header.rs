//! What a file of the index says of itself: which part of which journal it was made from, and where its sections stand.

use super::block::{BLOCK_BYTES, is_whole, put_block};
use super::bytes::Bytes;
use std::ops::RangeInclusive;

/// The version of everything the index writes; a file of another version is rebuilt.
pub(super) const FORMAT_VERSION: u32 = 3;
/// A mean length is told in parts of a byte: over a hundred thousand records half a byte would be far off.
pub(super) const MEAN_SHIFT: u32 = 16;
const MAGIC: &[u8; 8] = b"TIMBRIDX";
const STRETCH_BYTES: usize = 72;

/// The levels of the files that tell of the growing segment, piece after piece: the first has the first.
pub(super) const PIECE_LEVELS: RangeInclusive<u8> = 128..=u8::MAX;

/// Whether a file of this level tells of a piece of a segment only.
pub(super) fn is_piece(level: u8) -> bool {
    PIECE_LEVELS.contains(&level)
}

/// The stretch of the journal that a file of the index was made from. A file answers only for the stretch that is
/// there now: all of this must be equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stretch {
    /// The store's id.
    pub(crate) store: [u8; 16],
    pub(crate) first_segment: u32,
    pub(crate) last_segment: u32,
    /// The first position that can stand in it, and the last that does.
    pub(crate) first: u64,
    pub(crate) last: u64,
    /// The hash chain's value behind it: it stands for everything up to there.
    pub(crate) chain: [u8; 16],
    /// Where the stretch ends in its last segment, in bytes.
    pub(crate) end: u64,
    /// Where the frame begins that ends there; 0 unless it is a piece of a segment.
    pub(crate) last_frame: u64,
}

impl Stretch {
    /// The bytes of a record, were all records of the same length and all segments as long as the last; in 65,536ths.
    pub(super) fn mean_bytes(&self) -> u64 {
        let segments = u64::from(self.last_segment.saturating_sub(self.first_segment)) + 1;
        let bytes = (self.end << MEAN_SHIFT).saturating_mul(segments);
        bytes / self.last.saturating_add(1).saturating_sub(self.first).max(1)
    }
}

/// The last frame that the index has seen: what a file of the growing segment is bound to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) segment: u32,
    /// Where it begins and ends, in bytes.
    pub(crate) begin: u64,
    pub(crate) end: u64,
    /// The chain's value behind it.
    pub(crate) chain: [u8; 16],
}

/// A run of blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Section {
    pub(super) block: u32,
    pub(super) blocks: u32,
    /// Values, names, bytes or cells, as the section's kind has it.
    pub(super) items: u64,
    /// The root block of a directory, the bits of a column's value.
    pub(super) detail: u32,
}

/// The sections, by their place in the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    Offsets,
    EntityColumn,
    ScopeColumn,
    KindColumn,
    Entities,
    Scopes,
    Kinds,
    Keys,
    Causes,
    Heap,
    Filter,
    Gaps,
    State,
    Firsts,
}

pub(super) const CONTENTS: usize = 14;

/// The first block of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) stretch: Stretch,
    /// 0 for the lookups of one segment, n for a merge of 8 to the n segments' names.
    pub(super) level: u8,
    pub(super) blocks: u32,
    pub(super) sections: [Section; CONTENTS],
}

/// Before anything of a file is known its header's checksum is bound to the store alone.
pub(super) fn header_seed(store: &[u8; 16]) -> u32 {
    crc32c::crc32c_append(0x4944, store)
}

impl Header {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut payload = MAGIC.to_vec();
        payload.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
        payload.push(self.level);
        put_stretch(&mut payload, &self.stretch);
        payload.extend_from_slice(&self.blocks.to_le_bytes());
        for section in &self.sections {
            payload.extend_from_slice(&section.block.to_le_bytes());
            payload.extend_from_slice(&section.blocks.to_le_bytes());
            payload.extend_from_slice(&section.items.to_le_bytes());
            payload.extend_from_slice(&section.detail.to_le_bytes());
        }
        let mut block = Vec::with_capacity(BLOCK_BYTES);
        put_block(&mut block, header_seed(&self.stretch.store), 0, &payload);
        block
    }

    pub(super) fn decode(bytes: &[u8; BLOCK_BYTES], store: &[u8; 16]) -> Option<Self> {
        if !is_whole(header_seed(store), 0, bytes) {
            return None;
        }
        let mut fields = Bytes::new(bytes);
        if fields.take(MAGIC.len())? != MAGIC || fields.u32()? != FORMAT_VERSION {
            return None;
        }
        let level = fields.u8()?;
        let stretch = take_stretch(&mut fields)?;
        let mut header = Self { stretch, level, blocks: fields.u32()?, sections: Default::default() };
        for section in &mut header.sections {
            *section = Section {
                block: fields.u32()?,
                blocks: fields.u32()?,
                items: fields.u64()?,
                detail: fields.u32()?,
            };
        }
        Some(header)
    }

    pub(super) fn section(&self, part: Content) -> Section {
        self.sections[part as usize]
    }

    /// The seed of the checksums of all other blocks: a block of another file, or of another state of the journal,
    /// fails it.
    pub(super) fn seed(stretch: &Stretch, level: u8) -> u32 {
        let mut bytes = Vec::with_capacity(1 + STRETCH_BYTES);
        bytes.push(level);
        put_stretch(&mut bytes, stretch);
        crc32c::crc32c_append(0x4958, &bytes)
    }
}

/// The stretch and the level that a header's bytes name, whatever their checksum says.
#[cfg(feature = "simulation")]
pub(super) fn stretch_of(bytes: &[u8; BLOCK_BYTES]) -> Option<(Stretch, u8)> {
    let mut fields = Bytes::new(bytes);
    fields.take(MAGIC.len() + FORMAT_VERSION.to_le_bytes().len())?;
    let level = fields.u8()?;
    Some((take_stretch(&mut fields)?, level))
}

fn put_stretch(out: &mut Vec<u8>, stretch: &Stretch) {
    out.extend_from_slice(&stretch.store);
    out.extend_from_slice(&stretch.first_segment.to_le_bytes());
    out.extend_from_slice(&stretch.last_segment.to_le_bytes());
    out.extend_from_slice(&stretch.first.to_le_bytes());
    out.extend_from_slice(&stretch.last.to_le_bytes());
    out.extend_from_slice(&stretch.chain);
    out.extend_from_slice(&stretch.end.to_le_bytes());
    out.extend_from_slice(&stretch.last_frame.to_le_bytes());
}

fn take_stretch(fields: &mut Bytes<'_>) -> Option<Stretch> {
    Some(Stretch {
        store: fields.array()?,
        first_segment: fields.u32()?,
        last_segment: fields.u32()?,
        first: fields.u64()?,
        last: fields.u64()?,
        chain: fields.array()?,
        end: fields.u64()?,
        last_frame: fields.u64()?,
    })
}
