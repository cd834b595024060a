//! Why a cursor worker ended, or never began.

use super::config::CursorWorkerConfigError;
use crate::error::ReadError;
use crate::position::{CheckpointId, Position};
use crate::region::Region;
use std::sync::Arc;
use supervisors::{ExitReason, Failure, Remedy};

/// Why a cursor worker ended other than by `Stop` or [`stop`](crate::CursorWorkerHandle::stop), or never began.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum CursorWorkerError {
    /// The handler panicked more often than the restart policy allows. The worker's place is where its last batch
    /// was committed.
    #[error("{worker} exhausted its budget after {restarts} restarts; last panic: {message}{}", at(location))]
    RestartBudgetExhausted {
        /// The worker's name.
        worker: String,
        /// How often it was restarted.
        restarts: u32,
        /// The last panic's message, or the last error.
        message: String,
        /// The last panic's place in the source.
        location: Option<String>,
    },
    /// The handler asked for a rollback. The next worker gets the same batch.
    #[error("the handler rolled back; the next worker goes on after position {position}")]
    RolledBack {
        /// The last committed position.
        position: Position,
    },
    /// The checkpoint could not be committed; the batch was rolled back.
    #[error("checkpoint {id:?} could not be committed: {cause}")]
    CheckpointFailed {
        /// The checkpoint's id; empty for a worker without one, whose reactions could not be committed.
        id: String,
        /// Why.
        cause: String,
    },
    /// The checkpoint belongs to another region. It is untouched.
    #[error("checkpoint {id} is bound to the region {stored}, not to {requested}")]
    CheckpointRegionMismatch {
        /// The checkpoint's id.
        id: CheckpointId,
        /// The region it is bound to.
        stored: Box<Region>,
        /// The region that was asked for.
        requested: Box<Region>,
    },
    /// A live worker has this checkpoint id.
    #[error("a worker with the checkpoint id {id} is running")]
    AlreadyRunning {
        /// The checkpoint's id.
        id: CheckpointId,
    },
    /// The config cannot work.
    #[error("the config of the worker cannot work")]
    Config(#[from] CursorWorkerConfigError),
    /// The events could not be read.
    #[error("the worker could not read on")]
    Read(#[source] Arc<ReadError>),
    /// The worker did not stop by its deadline and was left to itself.
    #[error("the worker did not stop by its deadline")]
    Abandoned,
    /// The store's supervisors gave up. The worker's place is where its last batch was committed.
    #[error("the store has failed: {reason}")]
    Failed {
        /// The exit reason.
        reason: String,
    },
    /// The store is closed.
    #[error("the store is closed")]
    Closed,
    /// The call would wait for a worker whose handler makes it.
    #[error("refused: a handler may not wait for its own worker")]
    WouldDeadlock,
}

impl Failure for CursorWorkerError {
    fn remedy(&self) -> Remedy {
        // Only a panic is worth another try: everything here would come back the same.
        Remedy::Stop
    }
}

fn at(location: &Option<String>) -> String {
    location.as_ref().map(|place| format!(" at {place}")).unwrap_or_default()
}

impl CursorWorkerError {
    /// What `join` says of a worker's end.
    pub(crate) fn of(reason: &ExitReason, worker: &str) -> Result<(), Self> {
        match reason {
            ExitReason::Normal | ExitReason::Shutdown => Ok(()),
            ExitReason::Abandoned => Err(Self::Abandoned),
            ExitReason::BudgetExhausted { restarts, .. } => Err(Self::exhausted(reason, worker, *restarts)),
            other => Err(other
                .downcast_ref::<Self>()
                .cloned()
                .unwrap_or_else(|| Self::exhausted(other, worker, 0))),
        }
    }

    fn exhausted(reason: &ExitReason, worker: &str, restarts: u32) -> Self {
        let (message, location) = match reason.root_cause() {
            ExitReason::Panicked { message, location } => {
                (message.clone(), location.as_ref().map(ToString::to_string))
            }
            other => (other.to_string(), None),
        };
        Self::RestartBudgetExhausted { worker: worker.to_owned(), restarts, message, location }
    }
}
