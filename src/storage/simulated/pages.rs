//! A file's bytes in shared pages: a copy of a disk costs a pointer per page, a write copies only what it touches.

use std::sync::{Arc, LazyLock};

/// The unit that reaches a disk whole or not at all.
pub(super) const SECTOR_BYTES: usize = 512;
const PAGE_BYTES: usize = 4096;

type Page = [u8; PAGE_BYTES];
static ZEROS: LazyLock<Arc<Page>> = LazyLock::new(|| Arc::new([0; PAGE_BYTES]));

#[derive(Debug, Clone, Default)]
pub(super) struct Pages {
    pages: Vec<Arc<Page>>,
    length: usize,
}

impl Pages {
    pub(super) fn length(&self) -> usize {
        self.length
    }

    pub(super) fn read_at(&self, buffer: &mut [u8], offset: usize) -> usize {
        let count = buffer.len().min(self.length.saturating_sub(offset));
        for_each_page(offset, count, |page, within, at| {
            buffer[at].copy_from_slice(&self.pages[page][within]);
        });
        count
    }

    /// Writes, extending if needed; the bytes between the old end and `offset` are zeros.
    pub(super) fn write_at(&mut self, bytes: &[u8], offset: usize) {
        self.set_length(self.length.max(offset + bytes.len()));
        for_each_page(offset, bytes.len(), |page, within, at| {
            let (old, new) = (&mut self.pages[page], &bytes[at]);
            if old[within.clone()] != *new {
                Arc::make_mut(old)[within].copy_from_slice(new);
            }
        });
    }

    pub(super) fn set_length(&mut self, length: usize) {
        if length < self.length && !length.is_multiple_of(PAGE_BYTES) {
            let page = &mut self.pages[length / PAGE_BYTES];
            Arc::make_mut(page)[length % PAGE_BYTES..].fill(0);
        }
        self.pages.resize_with(length.div_ceil(PAGE_BYTES), || ZEROS.clone());
        self.length = length;
    }

    /// Sector `number`, with zeros past the end.
    pub(super) fn sector(&self, number: usize) -> [u8; SECTOR_BYTES] {
        let mut sector = [0; SECTOR_BYTES];
        self.read_at(&mut sector, number * SECTOR_BYTES);
        sector
    }

    /// Replaces what of sector `number` lies before the end.
    pub(super) fn set_sector(&mut self, number: usize, sector: &[u8; SECTOR_BYTES]) {
        let offset = number * SECTOR_BYTES;
        let count = SECTOR_BYTES.min(self.length.saturating_sub(offset));
        if count > 0 {
            self.write_at(&sector[..count], offset);
        }
    }

    pub(super) fn to_vec(&self) -> Vec<u8> {
        self.range(0, self.length)
    }

    /// Up to `count` bytes from `offset` on; fewer only at the end.
    pub(super) fn range(&self, offset: usize, count: usize) -> Vec<u8> {
        let count = count.min(self.length.saturating_sub(offset));
        let mut bytes = Vec::with_capacity(count);
        for_each_page(offset, count, |page, within, _| {
            bytes.extend_from_slice(&self.pages[page][within]);
        });
        bytes
    }
}

/// Splits `count` bytes at `offset` by page: the page's number, the range within it, the range of the bytes.
fn for_each_page(
    offset: usize,
    count: usize,
    mut visit: impl FnMut(usize, std::ops::Range<usize>, std::ops::Range<usize>),
) {
    let mut done = 0;
    while done < count {
        let within = (offset + done) % PAGE_BYTES;
        let step = (PAGE_BYTES - within).min(count - done);
        visit((offset + done) / PAGE_BYTES, within..within + step, done..done + step);
        done += step;
    }
}
