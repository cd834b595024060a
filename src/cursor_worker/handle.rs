//! What the user holds of a cursor worker: stop it, wait for it, look at it.

use super::Message;
use super::error::CursorWorkerError;
use super::shared::Shared;
use crate::index::Window;
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
///
/// ```
/// # use serde::{Deserialize, Serialize};
/// # use timberline::*;
/// # #[derive(Serialize, Deserialize)] struct Felled { tree: u32 }
/// # impl Payload for Felled { const KIND: &'static str = "Felled"; }
/// # #[derive(Serialize, Deserialize)] struct Planted;
/// # impl Payload for Planted { const KIND: &'static str = "Planted"; }
/// # let dir = tempfile::tempdir()?;
/// # let store = Store::open(Config::new(dir.path()))?;
/// # let stand = Coordinate::new("stand-4", "north-wood")?;
/// store.append(&stand, &Felled { tree: 17 })?;
/// let worker = store.cursor_worker(&Region::all(), CursorWorkerConfig::default(), |batch, _| {
///     assert_eq!(batch.len(), 1);
///     CursorWorkerAction::Continue // and wait for more
/// })?;
/// # while worker.status().delivered == 0 { std::thread::yield_now(); }
/// worker.stop_and_join()?;
///
/// // Nothing ends in silence: a handler that always panics is an error with its message and its place.
/// let broken = CursorWorkerConfig::default().name("broken").restart(RestartPolicy::Once);
/// let worker = store.cursor_worker(&Region::all(), broken, |_, _| panic!("out of paper"))?;
/// match worker.join() {
///     Err(CursorWorkerError::RestartBudgetExhausted { worker, restarts, message, location, .. }) => {
///         assert_eq!((worker.as_str(), restarts, message.as_str()), ("broken", 1, "out of paper"));
///         assert!(location.is_some());
///     }
///     other => panic!("{other:?}"),
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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
    /// How many positions there are from the first event that waits for it to the last event that it may see; 0 when
    /// none waits for it, whatever else was appended.
    pub lag_events: u64,
    /// The age of the first event that waits for it; `None` when there is none.
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

    /// Tells the worker to stop: at once if it is idle, after the batch in hand otherwise. Does not wait. When it returns,
    /// no further batch is begun.
    pub fn stop(&self) {
        // Once: when the worker has ended its name is free, and another worker may have it.
        if self.shared.ask_to_stop() {
            self.supervisor.stop(&self.name);
        }
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
        let reason = self.completion.wait();
        if self.shared.ask_to_stop() {
            // Its caller knows now how it ended: its name is free, and the report of `close` is about what is left.
            let _ = self.supervisor.remove(&self.name);
        }
        match reason {
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
    ///
    /// ```
    /// # use serde::{Deserialize, Serialize};
    /// # use timberline::*;
    /// # #[derive(Serialize, Deserialize)] struct Felled { tree: u32 }
    /// # impl Payload for Felled { const KIND: &'static str = "Felled"; }
    /// # #[derive(Serialize, Deserialize)] struct Planted;
    /// # impl Payload for Planted { const KIND: &'static str = "Planted"; }
    /// # let dir = tempfile::tempdir()?;
    /// # let store = Store::open(Config::new(dir.path()))?;
    /// # let stand = Coordinate::new("stand-4", "north-wood")?;
    /// store.append(&stand, &Felled { tree: 17 })?;
    /// let worker = store.cursor_worker(&Region::all(), CursorWorkerConfig::default(), |_, _| CursorWorkerAction::Stop)?;
    /// # while worker.status().state != CursorWorkerState::Ended { std::thread::yield_now(); }
    /// let status = worker.status();
    /// assert_eq!(status.state, CursorWorkerState::Ended);
    /// assert_eq!((status.position, status.lag_events, status.lag_age), (Position::new(1), 0, None));
    /// assert_eq!((status.delivered, status.restarts), (1, 0));
    /// worker.join()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn status(&self) -> CursorWorkerStatus {
        let progress = self.shared.progress();
        let child = self.supervisor.child(&self.name);
        let child = child.as_ref();
        let (lag_events, lag_age) = self.lag(progress.seen);
        let last_exit = child.and_then(|child| child.last_exit.as_ref());
        CursorWorkerStatus {
            state: self.state(child, progress.is_handling),
            position: progress.committed,
            lag_events,
            lag_age,
            delivered: progress.delivered,
            restarts: child.map_or(0, |child| child.restarts_total),
            last_failure: last_exit.filter(|reason| reason.is_abnormal()).map(ToString::to_string),
        }
    }

    /// From the first event of the region after `seen` to the last that the worker may see. An idle worker is not
    /// woken for what is not for it, and so has not looked at it.
    fn lag(&self, seen: Position) -> (u64, Option<Duration>) {
        let watermark = match self.shared.checkpoint {
            Some(_) => self.view.durable(),
            None => self.view.written(),
        };
        if watermark <= seen {
            return (0, None);
        }
        let window = Window { after: seen, through: watermark, limit: 1 };
        match self.view.first_in(&self.shared.region, window) {
            Ok(Some(first)) => (watermark.since(first) + 1, self.view.age_of(first)),
            Ok(None) => {
                self.shared.looked_for(seen, watermark);
                (0, None)
            }
            Err(_) => (watermark.since(seen), self.view.age_of(seen.next())),
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
