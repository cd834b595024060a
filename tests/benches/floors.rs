//! What the kernel costs with no store at all.

use crate::measure::scratch;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::time::Instant;

/// As many bytes as a frame with one event of the benchmark has.
const FRAME_BYTES: usize = 232;
const PAGE_BYTES: usize = 4096;

/// A file whose first bytes were written and synced, as a preallocated segment's are.
fn written(bytes: usize) -> (tempfile::TempDir, File) {
    let dir = scratch();
    let mut options = OpenOptions::new();
    let file = options.create(true).truncate(true).write(true).open(dir.path().join("floor")).unwrap();
    // Page by page: what comes in one go is kept in large pieces, in which the system takes longer over small writes.
    for at in (0..bytes).step_by(PAGE_BYTES) {
        file.write_all_at(&[0; PAGE_BYTES], at as u64).unwrap();
    }
    file.sync_data().unwrap();
    (dir, file)
}

pub(crate) fn writes() -> f64 {
    let count = 100_000;
    let (_dir, file) = written(count * FRAME_BYTES);
    let frame = [5; FRAME_BYTES];
    let began = Instant::now();
    for number in 0..count {
        file.write_all_at(&frame, (number * FRAME_BYTES) as u64).unwrap();
    }
    count as f64 / began.elapsed().as_secs_f64()
}

pub(crate) fn synced_writes() -> f64 {
    let count = 500;
    let (_dir, file) = written(count * FRAME_BYTES);
    let frame = [5; FRAME_BYTES];
    let began = Instant::now();
    for number in 0..count {
        file.write_all_at(&frame, (number * FRAME_BYTES) as u64).unwrap();
        file.sync_data().unwrap();
    }
    count as f64 / began.elapsed().as_secs_f64()
}
