//! What the workloads ask of a store: a record of operations that each adapter fills in.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Sender;
use std::time::Instant;

/// Anything that ends a measurement.
pub type Res<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// An operation, or why this store has no such thing: the footnote of an empty cell.
pub type Op<T> = Result<T, &'static str>;

/// What an acknowledgement means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// The operating system has it; a power cut may take it.
    Buffered,
    /// The disk has it.
    Durable,
}

/// One caller's appends: `(first, count)` appends `count` events, numbered from `first`, as one atomic unit and
/// returns when they are acknowledged.
pub type Caller = Box<dyn FnMut(u64, u64) -> Res<()> + Send>;
/// Appends `count` events, numbered from `first`, each on its own, and waits for all at the end.
pub type Pipeline = Box<dyn FnMut(u64, u64) -> Res<()>>;
/// Reads by number: answers the bytes of the payloads it read.
pub type Read = Box<dyn FnMut(u64) -> Res<u64>>;
/// Reads every event with its payload and answers how many there were.
pub type Scan = Box<dyn FnOnce() -> Res<u64>>;
/// Makes one of the above; what it needs to know beforehand it learns then, unmeasured.
pub type Make<T> = Box<dyn Fn() -> Res<T>>;
/// Makes a [`Read`], once.
pub type MakeRead = Box<dyn FnOnce() -> Res<Read>>;
/// Starts a handler for all events to come, which sends the time at which it saw each.
pub type Start = Box<dyn FnOnce(Sender<Instant>) -> Res<Stop>>;
/// Ends what was started.
pub type Stop = Box<dyn FnOnce() -> Res<()>>;

/// An open store, as its operations. What is missing is missing in the peer, not in its adapter.
pub struct Store {
    /// Makes a caller; each of several threads gets its own.
    pub caller: Op<Make<Caller>>,
    /// Makes a pipeline.
    pub pipeline: Op<Make<Pipeline>>,
    /// Reads everything, in order.
    pub scan: Op<Scan>,
    /// The same, with a durable checkpoint after every [`CHECKPOINT_EVERY`] events.
    pub checkpointed: Op<Scan>,
    /// Reads all events of the n-th entity.
    pub entity: Op<MakeRead>,
    /// Gets the n-th event.
    pub get: Op<MakeRead>,
    /// Reads the newest n events.
    pub tail: Op<MakeRead>,
    /// Starts a handler.
    pub handler: Op<Start>,
    /// Closes what the operations above share.
    pub shut: Stop,
}

/// Events between two durable checkpoints.
pub const CHECKPOINT_EVERY: usize = 256;

/// A checkpoint id that no earlier round has used, so that every round begins at the beginning.
pub fn fresh_id() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    format!("worker-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

impl Store {
    /// A store that can do nothing yet, for adapters to fill in.
    pub fn new(shut: Stop) -> Self {
        Self {
            caller: Err("no appends in this mode"),
            pipeline: Err("an append cannot be handed in without waiting for it"),
            scan: Err("no scan"),
            checkpointed: Err("checkpoints are the application's own"),
            entity: Err("no lookup by entity"),
            get: Err("no lookup"),
            tail: Err("no read from the end"),
            handler: Err("nobody is told of an append: a reader has to poll"),
            shut,
        }
    }

    /// Closes the store cleanly. The other operations go first: they share it.
    pub fn close(mut self) -> Res<()> {
        let shut = std::mem::replace(&mut self.shut, Box::new(|| Ok(())));
        drop(self);
        shut()
    }
}

/// A peer: its name and how to open it.
#[derive(Clone, Copy)]
pub struct Peer {
    /// The column's heading, and the name on the command line.
    pub name: &'static str,
    /// The package whose version is printed; none for the floor.
    pub package: Option<&'static str>,
    /// What syncs and what does not, in each mode.
    pub modes: &'static str,
    /// The mode in which large stores are filled before they are read: buffered where there is such a mode.
    pub fill: Mode,
    /// The most events a full scan is given: fewer than asked where the time grows with the square.
    pub scan_events_max: u64,
    /// Opens the store in a directory, which may be new.
    pub open: fn(&Path, Mode) -> Res<Store>,
}
