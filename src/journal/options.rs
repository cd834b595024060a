//! The journal's limits, in bytes and counts.

use super::segment::HEADER_BYTES;

/// The journal's limits. The store's config fills and validates them; values that cannot work are raised to
/// the least that can.
///
/// ```
/// use timberline::journal::JournalOptions;
/// assert_eq!(JournalOptions::default().preallocate_bytes, 4 << 20);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JournalOptions {
    /// Bytes after which a segment is sealed; at most 1 GiB. Frames that only prove or report may stand
    /// beyond it.
    pub segment_bytes: u64,
    /// The most bytes of one commit, its 64 bytes of frame header included.
    pub commit_bytes_max: u64,
    /// Bytes of zeros written ahead of the tail at a time.
    pub preallocate_bytes: u64,
    /// The most segments kept open for readers.
    pub open_files_max: usize,
    /// Bytes of segments that are kept in memory for readers.
    pub cache_bytes: u64,
}

impl Default for JournalOptions {
    fn default() -> Self {
        Self {
            segment_bytes: 64 << 20,
            commit_bytes_max: 8 << 20,
            preallocate_bytes: 4 << 20,
            open_files_max: 64,
            cache_bytes: 1 << 20,
        }
    }
}

impl JournalOptions {
    /// Every commit must fit into an empty segment, and every offset into 32 bits.
    pub(super) fn workable(mut self) -> Self {
        self.commit_bytes_max = self.commit_bytes_max.clamp(1 << 10, 1 << 29);
        self.segment_bytes = self.segment_bytes.clamp(self.commit_bytes_max + HEADER_BYTES, 1 << 30);
        self
    }
}
