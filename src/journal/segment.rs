//! A segment file: its name and the header it begins with.

use super::error::JournalError;
use super::scan::Tail;
use super::store_id::StoreId;
use super::wire::Bytes;
use crate::position::Position;
use crate::storage::{File, Storage};

/// The version of everything the journal writes; a reader refuses any other.
pub const FORMAT_VERSION: u32 = 1;

/// A whole sector, so that no frame's write ever touches the header.
pub(super) const HEADER_BYTES: u64 = 512;
const MAGIC: &[u8; 8] = b"TIMBRSEG";
const CRC_AT: usize = HEADER_BYTES as usize - 4;
const SUFFIX: &str = ".segment";
const TEMPORARY_SUFFIX: &str = ".segment.new";

/// The file name of segment `number`.
///
/// ```
/// assert_eq!(timberline::journal::segment_name(7), "0000000007.segment");
/// ```
#[must_use]
pub fn segment_name(number: u32) -> String {
    format!("{number:010}{SUFFIX}")
}

/// The name under which segment `number` is prepared.
pub(super) fn temporary_name(number: u32) -> String {
    format!("{number:010}{TEMPORARY_SUFFIX}")
}

/// The number in a segment's name; `None` for every other file.
pub(super) fn segment_number(name: &str) -> Option<u32> {
    let number = name.strip_suffix(SUFFIX)?.parse().ok()?;
    (number > 0 && segment_name(number) == name).then_some(number)
}

/// Whether the file is a segment whose preparation was interrupted.
pub(super) fn is_temporary(name: &str) -> bool {
    name.strip_suffix(".new").and_then(segment_number).is_some()
}

/// What a segment says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SegmentHeader {
    pub(super) number: u32,
    pub(super) store: StoreId,
    /// The first position that can stand in it.
    pub(super) first: u64,
    /// The chain value before its first frame.
    pub(super) chain: [u8; 16],
    pub(super) epoch: u32,
    /// The time of the last frame before it, or of the store's creation.
    pub(super) time: u64,
    pub(super) segment_bytes: u64,
    /// The length of the segment before it, 0 for the first: that one may not be shorter.
    pub(super) previous_bytes: u64,
}

/// Why bytes are no header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HeaderProblem {
    Damaged,
    Format(u32),
}

impl SegmentHeader {
    /// The header of the segment that goes on behind `tail`, the end of segment `number`.
    pub(super) fn after(number: u32, store: StoreId, tail: &Tail, segment_bytes: u64) -> Self {
        Self {
            number: number + 1,
            store,
            first: tail.next,
            chain: tail.chain,
            epoch: tail.epoch,
            time: tail.time,
            segment_bytes,
            previous_bytes: tail.offset,
        }
    }

    pub(super) fn encode(&self) -> [u8; HEADER_BYTES as usize] {
        let mut bytes = [0; HEADER_BYTES as usize];
        let fields: [&[u8]; 10] = [
            MAGIC,
            &FORMAT_VERSION.to_le_bytes(),
            &self.number.to_le_bytes(),
            &self.store.bytes(),
            &self.first.to_le_bytes(),
            &self.chain,
            &self.epoch.to_le_bytes(),
            &self.time.to_le_bytes(),
            &self.segment_bytes.to_le_bytes(),
            &self.previous_bytes.to_le_bytes(),
        ];
        let mut at = 0;
        for field in fields {
            bytes[at..at + field.len()].copy_from_slice(field);
            at += field.len();
        }
        let crc = crc32c::crc32c(&bytes[..CRC_AT]);
        bytes[CRC_AT..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, HeaderProblem> {
        let mut fields = Bytes::new(bytes);
        let version = fields.take(MAGIC.len()).filter(|magic| magic == MAGIC).and_then(|_| fields.u32());
        match version {
            // Before the checksum: another version may keep it elsewhere.
            Some(version) if version != FORMAT_VERSION => Err(HeaderProblem::Format(version)),
            Some(_) => Self::fields(bytes, fields).ok_or(HeaderProblem::Damaged),
            None => Err(HeaderProblem::Damaged),
        }
    }

    fn fields(bytes: &[u8], mut fields: Bytes<'_>) -> Option<Self> {
        let crc = Bytes::new(bytes.get(CRC_AT..)?).u32()?;
        if crc32c::crc32c(&bytes[..CRC_AT]) != crc {
            return None;
        }
        Some(Self {
            number: fields.u32()?,
            store: StoreId::new(fields.array()?),
            first: fields.u64()?,
            chain: fields.array()?,
            epoch: fields.u32()?,
            time: fields.u64()?,
            segment_bytes: fields.u64()?,
            previous_bytes: fields.u64()?,
        })
    }
}

/// Reads the header of segment `number` and checks that it stands where it belongs.
pub(super) fn read_header(
    storage: &dyn Storage,
    file: &dyn File,
    number: u32,
    store: Option<StoreId>,
) -> Result<SegmentHeader, JournalError> {
    let mut bytes = [0; HEADER_BYTES as usize];
    let count = file.read_at(&mut bytes, 0)?;
    let path = || storage.path(&segment_name(number));
    let header = SegmentHeader::decode(&bytes[..count]).map_err(|problem| match problem {
        HeaderProblem::Damaged => {
            JournalError::Corrupt { path: path(), segment: number, offset: 0, position: Position::START }
        }
        HeaderProblem::Format(found) => JournalError::Format { path: path(), found, known: FORMAT_VERSION },
    })?;
    match store {
        Some(expected) if expected != header.store => {
            Err(JournalError::Foreign { path: path(), expected, found: header.store })
        }
        _ if header.number != number => {
            Err(JournalError::Duplicate { path: path(), segment: number, found: header.number })
        }
        _ => Ok(header),
    }
}
