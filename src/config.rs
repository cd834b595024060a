//! Every limit of a store: a number with its unit and its range, checked once, when the store is opened.

use crate::event::Durability;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How a store is run. [`Config::new`] gives every limit its default; each setter names the unit and the range.
/// Nothing is checked before the store is opened; then a number out of range is a
/// [`ConfigError`] that names it.
///
/// ```
/// use std::time::Duration;
/// use timberline::Config;
/// let config = Config::new("/var/lib/app/events").segment_bytes(16 << 20).flush_interval(Duration::from_millis(50));
/// assert!(config.validate().is_ok());
/// assert!(Config::new("x").batch_events_max(0).validate().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Config {
    pub(crate) dir: PathBuf,
    pub(crate) segment_bytes: u64,
    pub(crate) preallocate_bytes: u64,
    pub(crate) commit_bytes_max: u64,
    pub(crate) record_bytes_max: u64,
    pub(crate) batch_events_max: u64,
    pub(crate) mailbox_messages: u64,
    pub(crate) open_files_max: u64,
    pub(crate) index_cache_bytes: u64,
    pub(crate) read_cache_bytes: u64,
    pub(crate) flush_interval: Duration,
    pub(crate) flush_bytes: u64,
    pub(crate) call_deadline: Duration,
    pub(crate) shutdown_deadline: Duration,
    pub(crate) durability: Durability,
}

/// A number in a [`Config`] that cannot work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field} is {value}, outside {least} to {most} ({unit})")]
#[non_exhaustive]
pub struct ConfigError {
    /// Which setting.
    pub field: &'static str,
    /// What it is set to.
    pub value: u64,
    /// The least that is taken.
    pub least: u64,
    /// The most that is taken.
    pub most: u64,
    /// What is counted.
    pub unit: &'static str,
}

const MIB: u64 = 1 << 20;

impl Config {
    /// A store in the directory `dir`, which is created if it does not exist.
    pub fn new(dir: impl AsRef<Path>) -> Self {
        Self {
            dir: dir.as_ref().to_owned(),
            segment_bytes: 64 * MIB,
            preallocate_bytes: 4 * MIB,
            commit_bytes_max: 8 * MIB,
            record_bytes_max: MIB,
            batch_events_max: 16_384,
            mailbox_messages: 1_024,
            open_files_max: 320,
            index_cache_bytes: 16 * MIB,
            read_cache_bytes: 64 * MIB,
            flush_interval: Duration::from_millis(100),
            flush_bytes: 8 * MIB,
            call_deadline: Duration::from_secs(30),
            shutdown_deadline: Duration::from_secs(10),
            durability: Durability::Durable,
        }
    }

    /// Where the store lives.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Bytes after which a segment is sealed and the next begun: 64 KiB to 1 GiB, 64 MiB by default. At least
    /// twice `commit_bytes_max`. Opening after a kill reads about an eighth of it again, after a power cut up to three
    /// segments, and the lookups of the growing segment are in memory. With few large segments, random reads of a large store
    /// touch fewer files.
    pub fn segment_bytes(mut self, bytes: u64) -> Self {
        self.segment_bytes = bytes;
        self
    }

    /// Bytes by which the open segment is written ahead with zeros, so that a sync need not change the file's
    /// length: 4 KiB to `segment_bytes`, 4 MiB by default.
    pub fn preallocate_bytes(mut self, bytes: u64) -> Self {
        self.preallocate_bytes = bytes;
        self
    }

    /// The most bytes of one commit, and so of one batch: 16 KiB to 512 MiB, 8 MiB by default.
    pub fn commit_bytes_max(mut self, bytes: u64) -> Self {
        self.commit_bytes_max = bytes;
        self
    }

    /// The most bytes of one payload: 1 B to half of `commit_bytes_max`, 1 MiB by default.
    pub fn record_bytes_max(mut self, bytes: u64) -> Self {
        self.record_bytes_max = bytes;
        self
    }

    /// The most events of one batch: 1 to 1,000,000, by default 16,384.
    pub fn batch_events_max(mut self, events: u64) -> Self {
        self.batch_events_max = events;
        self
    }

    /// Messages that wait for the gate and for the writer before a caller has to: 1 to 65,536, by default 1,024.
    pub fn mailbox_messages(mut self, messages: u64) -> Self {
        self.mailbox_messages = messages;
        self
    }

    /// Bytes of the index's files that are kept in memory: 64 KiB to 64 GiB, 16 MiB by default. What is not kept is
    /// read again when it is asked for.
    pub fn index_cache_bytes(mut self, bytes: u64) -> Self {
        self.index_cache_bytes = bytes;
        self
    }

    /// Bytes of segments that are kept in memory for reads of single events and of regions whose events stand far apart:
    /// 64 KiB to 64 GiB, 64 MiB by default. It fills as such reads go on; reads in order and appends leave it alone.
    pub fn read_cache_bytes(mut self, bytes: u64) -> Self {
        self.read_cache_bytes = bytes;
        self
    }

    /// Segments, and files of the index, that are kept open for readers: 2 to 4,096 of each, by default 320: enough for 20 GiB
    /// in segments of 64 MiB. Random reads of a store of more segments open and close them; the system must allow as many open
    /// files as both together, and some that stand for many segments and stay open: at most eight for each of 8, 64 and 512,
    /// and one for each 4,096.
    pub fn open_files_max(mut self, files: u64) -> Self {
        self.open_files_max = files;
        self
    }

    /// After how long a buffered event is brought to the disk at the latest: 1 ms to 1 h, by default 100 ms. Appends to what
    /// is buffered go on meanwhile. While a sync takes longer than that, the next one waits for another interval.
    pub fn flush_interval(mut self, interval: Duration) -> Self {
        self.flush_interval = interval;
        self
    }

    /// Buffered bytes that are brought to the disk without waiting for the [flush interval](Config::flush_interval): 4 KiB to
    /// 1 GiB, by default 8 MiB. What is buffered when a process is killed is written again by the next open: the more it is,
    /// the longer that takes.
    pub fn flush_bytes(mut self, bytes: u64) -> Self {
        self.flush_bytes = bytes;
        self
    }

    /// How long a caller waits for an answer before it is told that the outcome is unknown: 1 ms to 24 h, by
    /// default 30 s.
    pub fn call_deadline(mut self, deadline: Duration) -> Self {
        self.call_deadline = deadline;
        self
    }

    /// How long an actor may take to stop before it is abandoned and named in the report; the writer needs the time of
    /// its last sync. 1 ms to 1 h, by default
    /// 10 s.
    pub fn shutdown_deadline(mut self, deadline: Duration) -> Self {
        self.shutdown_deadline = deadline;
        self
    }

    /// What an append waits for unless its options say otherwise; [`Durability::Durable`] by default.
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// Checks every number against its range.
    ///
    /// # Errors
    /// [`ConfigError`] names the first setting that cannot work.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let kib = 1 << 10;
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        within("commit_bytes_max", self.commit_bytes_max, 16 * kib, 1 << 29, "bytes")?;
        let segment_least = (self.commit_bytes_max * 2).max(64 * kib);
        within("segment_bytes", self.segment_bytes, segment_least, 1 << 30, "bytes")?;
        within("preallocate_bytes", self.preallocate_bytes, 4 * kib, self.segment_bytes, "bytes")?;
        within("record_bytes_max", self.record_bytes_max, 1, self.commit_bytes_max / 2, "bytes")?;
        within("batch_events_max", self.batch_events_max, 1, 1_000_000, "events")?;
        within("mailbox_messages", self.mailbox_messages, 1, 65_536, "messages")?;
        within("open_files_max", self.open_files_max, 2, 4_096, "files")?;
        within("index_cache_bytes", self.index_cache_bytes, 64 * kib, 64 << 30, "bytes")?;
        within("read_cache_bytes", self.read_cache_bytes, 64 * kib, 64 << 30, "bytes")?;
        within("flush_interval", millis(self.flush_interval), 1, 3_600_000, "ms")?;
        within("flush_bytes", self.flush_bytes, 4 * kib, 1 << 30, "bytes")?;
        within("call_deadline", millis(self.call_deadline), 1, 86_400_000, "ms")?;
        within("shutdown_deadline", millis(self.shutdown_deadline), 1, 3_600_000, "ms")
    }
}

fn within(
    field: &'static str,
    value: u64,
    least: u64,
    most: u64,
    unit: &'static str,
) -> Result<(), ConfigError> {
    if (least..=most).contains(&value) {
        Ok(())
    } else {
        Err(ConfigError { field, value, least, most, unit })
    }
}
