//! What the incarnations of one worker share with each other and with its handle.

use super::handler::Handler;
use crate::position::{CheckpointId, Position};
use crate::region::Region;
use std::fmt;
use supervisors::rt::Mutex;
use supervisors::rt::atomic::{AtomicBool, Ordering};

/// What outlives an incarnation: the handler, the region, and how far the work has come.
pub(crate) struct Shared {
    pub(crate) region: Region,
    pub(crate) batch_events: usize,
    pub(crate) checkpoint: Option<CheckpointId>,
    pub(crate) observes_gaps: bool,
    /// Only the worker locks it, for a batch at a time.
    pub(super) handler: Mutex<Box<Handler>>,
    progress: Mutex<Progress>,
    /// Somebody asked the worker to stop: it begins no batch any more, even if its supervisor is late to say so.
    stop_asked: AtomicBool,
}

/// How far a worker has come.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Progress {
    /// Everything of the region up to here is done and committed.
    pub(crate) committed: Position,
    /// Everything of the region up to here is done, or there was nothing.
    pub(crate) seen: Position,
    /// Events whose batch was committed in this process.
    pub(crate) delivered: u64,
    /// Whether the handler has a batch in hand.
    pub(crate) is_handling: bool,
    /// After which committed position the batch handed out last begins.
    handed_after: Position,
    /// How often a batch that begins there was handed out.
    attempt: u32,
}

impl Shared {
    pub(crate) fn new(
        region: Region,
        config: &super::CursorWorkerConfig,
        handler: Box<Handler>,
        committed: Position,
    ) -> Self {
        let progress = Progress { committed, seen: committed, ..Progress::default() };
        Self {
            region,
            batch_events: config.batch_events,
            checkpoint: config.checkpoint.clone(),
            observes_gaps: config.observes_gaps,
            handler: Mutex::new(handler),
            progress: Mutex::new(progress),
            stop_asked: AtomicBool::new(false),
        }
    }

    /// From here on no batch is begun. Whether that was not asked for before.
    pub(super) fn ask_to_stop(&self) -> bool {
        !self.stop_asked.swap(true, Ordering::AcqRel)
    }

    pub(super) fn is_asked_to_stop(&self) -> bool {
        self.stop_asked.load(Ordering::Acquire)
    }

    pub(crate) fn progress(&self) -> Progress {
        *self.progress.lock()
    }

    /// A new incarnation begins here.
    pub(super) fn resumed(&self, committed: Position) {
        let mut progress = self.progress.lock();
        *progress = Progress { committed, seen: committed, is_handling: false, ..*progress };
    }

    /// Notes that the batch after `committed` is handed out; gives how often that was done. Its begin tells it apart,
    /// not its end: what is appended between two attempts may join it.
    pub(super) fn handed(&self, committed: Position) -> u32 {
        let mut progress = self.progress.lock();
        let is_again = progress.handed_after == committed;
        progress.attempt = if is_again { progress.attempt.saturating_add(1) } else { 1 };
        progress.handed_after = committed;
        progress.is_handling = true;
        progress.attempt
    }

    pub(super) fn returned(&self) {
        self.progress.lock().is_handling = false;
    }

    pub(super) fn done(&self, committed: Position, events: usize) {
        let mut progress = self.progress.lock();
        progress.delivered += events as u64;
        progress.committed =
            if crate::planted("resume_forgets_progress") { progress.committed } else { committed };
        progress.seen = progress.seen.max(committed);
    }

    pub(super) fn skipped(&self, seen: Position) {
        self.progress.lock().seen = seen;
    }

    /// There is nothing of the region between the two; so that nobody looks for it again.
    pub(super) fn looked_for(&self, seen: Position, through: Position) {
        let mut progress = self.progress.lock();
        if progress.seen == seen {
            progress.seen = through;
        }
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("region", &self.region)
            .field("checkpoint", &self.checkpoint)
            .field("progress", &self.progress())
            .finish_non_exhaustive()
    }
}
