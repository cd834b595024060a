//! Who a store is, and the checksum seeds that bind its bytes to it and to where they stand.

use super::error::JournalError;
use super::segment::segment_name;
use crate::event::StoreTag;
use crate::position::Position;
use crate::storage::Storage;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// The 16 random bytes that tell one store from another.
///
/// They seed every checksum, so a file of another store never passes for one of this store. Keep them to
/// yourself: who knows them can forge bytes that look like frames.
///
/// ```
/// use timberline::journal::StoreId;
/// assert_eq!(StoreId::new([0xab; 16]).to_string(), "ab".repeat(16));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct StoreId([u8; 16]);

impl StoreId {
    /// The id made of these bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The id's bytes.
    #[must_use]
    pub const fn bytes(self) -> [u8; 16] {
        self.0
    }

    /// The part of the id that event ids carry.
    #[must_use]
    pub const fn tag(self) -> StoreTag {
        StoreTag(u16::from_le_bytes([self.0[14], self.0[15]]))
    }

    pub(super) fn seeds(self) -> Seeds {
        Seeds {
            frame: crc32c::crc32c_append(0x4652, &self.0),
            record: crc32c::crc32c_append(0x5245, &self.0),
        }
    }
}

impl fmt::Display for StoreId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for StoreId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoreId({self})")
    }
}

/// Where checksums of a store begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seeds {
    frame: u32,
    record: u32,
}

impl Seeds {
    /// The seed of the frame at `offset` of `segment`.
    #[inline]
    pub(super) fn frame(self, segment: u32, offset: u64) -> u32 {
        // Offsets and segment numbers fit into one word: a segment is under 4 GiB.
        let place = u64::from(segment) << 32 | (offset & 0xffff_ffff);
        crc32c::crc32c_append(self.frame, &place.to_le_bytes())
    }

    /// The checksum of a record's body: the record is the one at `position`.
    #[inline]
    pub(super) fn record(self, position: u64, body: &[u8]) -> u32 {
        let seed = crc32c::crc32c_append(self.record, &position.to_le_bytes());
        crc32c::crc32c_append(seed, body)
    }
}

/// What every part of an open journal knows of it.
#[derive(Debug, Clone)]
pub(super) struct Identity {
    pub(super) store: StoreId,
    pub(super) seeds: Seeds,
    pub(super) directory: Arc<Path>,
}

impl Identity {
    pub(super) fn new(store: StoreId, storage: &dyn Storage) -> Self {
        Self { store, seeds: store.seeds(), directory: storage.path("").into() }
    }

    #[cold]
    pub(super) fn corrupt(&self, segment: u32, offset: u64, position: u64) -> JournalError {
        let path = self.directory.join(segment_name(segment));
        JournalError::Corrupt { path, segment, offset, position: Position::new(position) }
    }
}
