//! How this program opens stores.

use crate::args::Dir;
use crate::failure::CommandError;
use crate::files::LastRun;
use std::path::Path;
use timberline::{Config, ReadOnlyStore, Store};

/// Bytes of one commit: room for a git commit that changes some 300,000 paths at once.
const COMMIT_BYTES_MAX: u64 = 64 << 20;
/// Bytes of a segment: twice a commit, which is the least.
const SEGMENT_BYTES: u64 = 128 << 20;
/// The most events of one batch that a store takes.
pub(crate) const BATCH_EVENTS_MAX: u32 = 1_000_000;
/// Bytes of one batch as this program estimates them, with room for what it does not count.
pub(crate) const BATCH_BYTES_MAX: usize = 48 << 20;

/// Opens a store for writing; it is created where there is none.
pub(crate) fn open(dir: &Path) -> Result<Store, CommandError> {
    let config = Config::new(dir)
        .commit_bytes_max(COMMIT_BYTES_MAX)
        .segment_bytes(SEGMENT_BYTES)
        .record_bytes_max(1 << 20)
        .batch_events_max(u64::from(BATCH_EVENTS_MAX));
    Ok(Store::open(config)?)
}

/// Opens a store for reading, also while another process writes it.
pub(crate) fn open_to_read(dir: &Dir) -> Result<ReadOnlyStore, CommandError> {
    Ok(Store::open_read_only(&dir.dir)?)
}

/// Records the tree of this run in the store's directory, for `timberline tree`.
pub(crate) fn record_run(store: &Store, dir: &Path, command: &str) -> Result<(), CommandError> {
    let tree = store.tree();
    let record = LastRun {
        command: command.to_owned(),
        events: store.written().get(),
        text: tree.to_string(),
        tree: serde_json::to_value(&tree).unwrap_or_default(),
    };
    record.write(dir)
}

/// Closes a store; a thread that had to be left behind is a failure.
pub(crate) fn close(store: Store) -> Result<(), CommandError> {
    store
        .close()
        .map(drop)
        .map_err(|error| CommandError::wrong(format!("the store did not close well: {error}")))
}
