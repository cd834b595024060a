//! What the user holds of a cursor worker: stop it, wait for it, look at it.

use super::Message;
use super::error::CursorWorkerError;
use super::shared::Shared;
use crate::position::Position;
use crate::view::View;
use crate::writer;
use std::fmt;
use std::sync::{Arc, Weak};
use std::time::Duration;
use supervisors::{
    Address, ChildId, ChildState, Completion, ExitReason, Running, SupervisorHandle, TreeNode,
};

/// A running cursor worker. Dropping it stops the worker; the store still waits for it when it is closed.
#[must_use = "dropping the handle stops the worker"]
pub struct CursorWorkerHandle {
    pub(crate) name: ChildId,
    pub(crate) address: Address<Message>,
    pub(crate) supervisor: SupervisorHandle,
    pub(crate) completion: Completion,
    pub(crate) house: HouseWatch,
    pub(crate) shared: Arc<Shared>,
    pub(crate) view: Arc<View>,
}

/// Tells a worker that was stopped because the store failed from one that was stopped because someone asked.
#[derive(Debug)]
pub(crate) struct HouseWatch {
    /// Weak: a handle does not keep the store running.
    pub(crate) running: Weak<Running>,
    pub(crate) writer: Address<writer::Message>,
    pub(crate) deadline: Duration,
}

impl HouseWatch {
    /// Why the store failed, if it did. When it fails the writer ends before the workers are stopped, and the tree's root,
    /// which knows the reason, right after them.
    fn failure(&self) -> Option<String> {
        if !self.writer.has_ended() {
            return None;
        }
        let reason = self.running.upgrade()?.wait_timeout(self.deadline)?;
        reason.is_abnormal().then(|| reason.to_string())
    }
}

/// What a cursor worker is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CursorWorkerState {
    /// It waits for events.
    Idle,
    /// Its handler has a batch in hand.
    Handling,
    /// It failed, and waits for its restart.
    Restarting,
    /// It has ended; `join` says why.
    Ended,
}

/// A look at a cursor worker.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CursorWorkerStatus {
    /// What it is doing.
    pub state: CursorWorkerState,
    /// Everything of its region up to here is done and committed.
    pub position: Position,
    /// How many positions that it may see it has not looked at.
    pub lag_events: u64,
    /// The age of the oldest event it has not looked at; `None` when there is none.
    pub lag_age: Option<Duration>,
    /// Events whose batch was committed since the worker was started.
    pub delivered: u64,
    /// How often it was restarted.
    pub restarts: u64,
    /// Its last failure.
    pub last_failure: Option<String>,
}

impl CursorWorkerHandle {
    /// The worker's name in the tree.
    #[must_use]
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    /// Tells the worker to stop: at once if it is idle, after the batch in hand otherwise. Does not wait.
    pub fn stop(&self) {
        self.supervisor.stop(&self.name);
    }

    /// Waits until the worker has ended, without stopping it.
    ///
    /// # Errors
    /// [`CursorWorkerError`] says why it ended, unless the handler said `Stop` or someone called
    /// [`CursorWorkerHandle::stop`]. From inside the worker's own handler: `WouldDeadlock`.
    pub fn join(self) -> Result<(), CursorWorkerError> {
        if self.address.is_own_turn() {
            return Err(CursorWorkerError::WouldDeadlock);
        }
        match self.completion.wait() {
            ExitReason::Shutdown => {
                self.house.failure().map_or(Ok(()), |reason| Err(CursorWorkerError::Failed { reason }))
            }
            reason => CursorWorkerError::of(&reason, self.name.as_str()),
        }
    }

    /// Stops the worker and waits until it has ended.
    ///
    /// # Errors
    /// As [`CursorWorkerHandle::join`].
    pub fn stop_and_join(self) -> Result<(), CursorWorkerError> {
        self.stop();
        self.join()
    }

    /// A look at the worker. Answers at once, even while its handler hangs.
    #[must_use]
    pub fn status(&self) -> CursorWorkerStatus {
        let progress = self.shared.progress();
        let tree = self.supervisor.tree();
        let child = tree.root.child(self.name.as_str());
        let watermark = match self.shared.checkpoint {
            Some(_) => self.view.durable(),
            None => self.view.written(),
        };
        let lag_events = watermark.since(progress.seen);
        CursorWorkerStatus {
            state: self.state(child, progress.is_handling),
            position: progress.committed,
            lag_events,
            lag_age: (lag_events > 0).then(|| self.view.age_of(progress.seen.next())).flatten(),
            delivered: progress.delivered,
            restarts: child.map_or(0, |child| child.restarts_total),
            last_failure: child.and_then(|child| child.last_exit.as_ref()).map(ToString::to_string),
        }
    }

    fn state(&self, child: Option<&TreeNode>, is_handling: bool) -> CursorWorkerState {
        match child {
            _ if self.completion.try_wait().is_some() => CursorWorkerState::Ended,
            Some(TreeNode { state: ChildState::Restarting, .. }) => CursorWorkerState::Restarting,
            _ if is_handling => CursorWorkerState::Handling,
            _ => CursorWorkerState::Idle,
        }
    }
}

impl Drop for CursorWorkerHandle {
    fn drop(&mut self) {
        self.stop();
    }
}

impl fmt::Debug for CursorWorkerHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CursorWorkerHandle")
            .field("name", &self.name)
            .field("shared", &self.shared)
            .finish_non_exhaustive()
    }
}
