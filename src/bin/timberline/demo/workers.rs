//! The four cursor workers of the demo: two that work, one that stumbles, one that cannot be helped.

use super::handlers;
use crate::failure::CommandError;
use crate::payload::{Committed, FileChanged, ImportFinished};
use crate::progress::{self, Bars};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use supervisors::rt::channel::{Receiver, RecvTimeoutError, bounded};
use timberline::{
    CheckpointId, CursorWorkerConfig, CursorWorkerError, CursorWorkerHandle, CursorWorkerState, Payload,
    Region, RestartPolicy, Store,
};

/// How often a worker that does not report is looked at.
const LOOK_INTERVAL: Duration = Duration::from_millis(200);
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
    /// Restarts and panics of the stumbling worker, and what its `join` said.
    pub(super) stumbling: (u64, u64, Result<(), CursorWorkerError>),
    pub(super) lines: Result<(), CursorWorkerError>,
    pub(super) roster: Result<(), CursorWorkerError>,
    pub(super) doomed: Result<(), CursorWorkerError>,
}

impl Workers {
    /// Starts all four; they follow until they have handled the end of run number `run`.
    pub(super) fn start(store: &Store, scope: &str, run: u64, bars: &Bars) -> Result<Self, CommandError> {
        let bar = |name| bars.add(progress::spinner(name));
        let stumbles = Arc::new(AtomicU64::new(0));
        let policy = |max_restarts| RestartPolicy::Bounded { max_restarts, within: WINDOW };
        let config = |name: &str| -> Result<CursorWorkerConfig, CommandError> {
            let id = CheckpointId::new(name).map_err(|error| CommandError::wrong(error.to_string()))?;
            Ok(CursorWorkerConfig::default().name(name).checkpoint(id).batch_size(1024))
        };
        let (changes, commits) = (Region::kind(FileChanged::KIND), Region::kind(Committed::KIND));
        let end = Region::kind(ImportFinished::KIND);
        let (send, arrived) = bounded(1);
        let lines = store.cursor_worker(
            &changes.clone().or(end.clone()),
            config("lines")?,
            handlers::lines(scope, handlers::Progress::new(bar("lines"), run, send)),
        )?;
        let lines = Follower { handle: lines, arrived };
        let (send, arrived) = bounded(1);
        let roster = store.cursor_worker(
            &commits.clone().or(end.clone()),
            config("roster")?,
            handlers::roster(scope, handlers::Progress::new(bar("roster"), run, send)),
        )?;
        let roster = Follower { handle: roster, arrived };
        let (send, arrived) = bounded(1);
        let stumbling = store.cursor_worker(
            &changes.or(commits.clone()).or(end.clone()),
            config("stumbling")?.restart(policy(STUMBLING_RESTARTS)),
            handlers::stumbling(handlers::Progress::new(bar("stumbling"), run, send), stumbles.clone()),
        )?;
        let stumbling = Follower { handle: stumbling, arrived };
        let (send, arrived) = bounded(1);
        let doomed = store.cursor_worker(
            &commits.or(end),
            config("doomed")?.restart(policy(DOOMED_RESTARTS)),
            handlers::doomed(handlers::Progress::new(bar("doomed"), run, send)),
        )?;
        let doomed = Follower { handle: doomed, arrived };
        Ok(Self { lines, roster, stumbling, doomed, stumbles })
    }

    /// Waits until each worker has handled the end of the import, or has ended.
    pub(super) fn wait(&self) {
        for follower in [&self.lines, &self.roster, &self.stumbling, &self.doomed] {
            follower.wait();
        }
    }

    /// Stops the workers and says how each ended.
    pub(super) fn join(self) -> Ends {
        let restarts = self.stumbling.handle.status().restarts;
        let stumbles = self.stumbles.load(Ordering::SeqCst);
        Ends {
            lines: self.lines.handle.stop_and_join(),
            roster: self.roster.handle.stop_and_join(),
            stumbling: (restarts, stumbles, self.stumbling.handle.stop_and_join()),
            doomed: self.doomed.handle.stop_and_join(),
        }
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
