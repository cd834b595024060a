//! The four cursor workers of the demo: two that work, one that stumbles, one that cannot be helped.

use super::handlers::{self, Progress};
use crate::failure::CommandError;
use crate::payload::{Committed, FileChanged, ImportFinished};
use crate::progress::{self, Bars};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use supervisors::rt::channel::{Receiver, RecvTimeoutError, bounded};
use timberline::{
    Batch, CheckpointId, CursorWorkerAction, CursorWorkerConfig, CursorWorkerError, CursorWorkerHandle,
    CursorWorkerState, HandlerContext, Payload, Region, RestartPolicy, Store,
};

/// How often a worker that does not report is looked at.
const LOOK_INTERVAL: Duration = Duration::from_millis(200);
/// Events that a worker is handed at once.
const BATCH_EVENTS: usize = 1024;
const WINDOW: Duration = Duration::from_secs(60);
/// Restarts that the stumbling worker has within the window.
pub(super) const STUMBLING_RESTARTS: u32 = 5;
/// Restarts that the doomed worker has within the window.
pub(super) const DOOMED_RESTARTS: u32 = 2;

/// A worker that follows the import.
struct Follower {
    handle: CursorWorkerHandle,
    /// Told when the worker has handled the end of this run's import.
    arrived: Receiver<()>,
}

/// The workers while they run.
pub(super) struct Workers {
    lines: Follower,
    roster: Follower,
    stumbling: Follower,
    doomed: Follower,
    /// How often the stumbling worker panicked in this run.
    stumbles: Arc<AtomicU64>,
}

/// How the workers ended.
#[derive(Debug)]
pub(super) struct Ends {
    /// How often the stumbling worker panicked, and what its `join` said.
    pub(super) stumbling: (u64, Result<(), CursorWorkerError>),
    pub(super) lines: Result<(), CursorWorkerError>,
    pub(super) roster: Result<(), CursorWorkerError>,
    pub(super) doomed: Result<(), CursorWorkerError>,
}

impl Workers {
    /// Starts all four; they follow until they have handled the end of run number `run`.
    pub(super) fn start(store: &Store, scope: &str, run: u64, bars: &Bars) -> Result<Self, CommandError> {
        let place = Start { store, run, bars };
        let (changes, commits) = (Region::kind(FileChanged::KIND), Region::kind(Committed::KIND));
        let stumbles = Arc::new(AtomicU64::new(0));
        let counted = stumbles.clone();
        Ok(Self {
            lines: place
                .follower("lines", 3, changes.clone(), |progress| handlers::lines(scope, progress))?,
            roster: place
                .follower("roster", 3, commits.clone(), |progress| handlers::roster(scope, progress))?,
            stumbling: place.follower(
                "stumbling",
                STUMBLING_RESTARTS,
                changes.or(commits.clone()),
                |progress| handlers::stumbling(progress, counted),
            )?,
            doomed: place.follower("doomed", DOOMED_RESTARTS, commits, handlers::doomed)?,
            stumbles,
        })
    }

    /// Waits until each worker has handled the end of the import, or has ended.
    pub(super) fn wait(&self) {
        for follower in [&self.lines, &self.roster, &self.stumbling, &self.doomed] {
            follower.wait();
        }
    }

    /// Stops the workers and says how each ended.
    pub(super) fn join(self) -> Ends {
        let stumbles = self.stumbles.load(Ordering::SeqCst);
        Ends {
            lines: self.lines.handle.stop_and_join(),
            roster: self.roster.handle.stop_and_join(),
            stumbling: (stumbles, self.stumbling.handle.stop_and_join()),
            doomed: self.doomed.handle.stop_and_join(),
        }
    }
}

/// What all workers have in common.
struct Start<'a> {
    store: &'a Store,
    run: u64,
    bars: &'a Bars,
}

impl Start<'_> {
    /// Starts a worker over the events of `region` and the ends of runs, with a durable checkpoint under its name.
    fn follower<H>(
        &self,
        name: &'static str,
        max_restarts: u32,
        region: Region,
        handler: impl FnOnce(Progress) -> H,
    ) -> Result<Follower, CommandError>
    where
        H: FnMut(&Batch, &mut HandlerContext) -> CursorWorkerAction + Send + 'static,
    {
        let id = CheckpointId::new(name).map_err(|error| CommandError::wrong(error.to_string()))?;
        let config = CursorWorkerConfig::default()
            .name(name)
            .checkpoint(id)
            .batch_size(BATCH_EVENTS)
            .restart(RestartPolicy::Bounded { max_restarts, within: WINDOW });
        let (send, arrived) = bounded(1);
        let progress = Progress::new(self.bars.add(progress::spinner(name)), self.run, send);
        let region = region.or(Region::kind(ImportFinished::KIND));
        let handle = self.store.cursor_worker(&region, config, handler(progress))?;
        Ok(Follower { handle, arrived })
    }
}

impl Follower {
    fn wait(&self) {
        // A worker that ended early sends nothing; whether it did is looked at from time to time.
        while let Err(RecvTimeoutError::Timeout) = self.arrived.recv_timeout(LOOK_INTERVAL) {
            if self.handle.status().state == CursorWorkerState::Ended {
                return;
            }
        }
    }
}
