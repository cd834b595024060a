//! How a cursor worker is run.

use crate::position::CheckpointId;
use std::time::Duration;
use supervisors::{Backoff, RestartPolicy};

/// How a cursor worker is run. The default delivers batches of up to 256 events from the beginning, keeps no
/// checkpoint, and restarts 3 times within 60 s.
///
/// ```
/// use std::time::Duration;
/// use timberline::{CheckpointId, CursorWorkerConfig, RestartPolicy};
/// let config = CursorWorkerConfig::default()
///     .batch_size(100)
///     .restart(RestartPolicy::Bounded { max_restarts: 5, within: Duration::from_secs(30) })
///     .checkpoint(CheckpointId::new("mailer")?);
/// # let _ = config;
/// # Ok::<(), timberline::CheckpointIdError>(())
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct CursorWorkerConfig {
    pub(crate) name: Option<String>,
    pub(crate) batch_events: usize,
    pub(crate) restart: RestartPolicy,
    pub(crate) checkpoint: Option<CheckpointId>,
    pub(crate) observes_gaps: bool,
    pub(crate) backoff: Option<Backoff>,
    pub(crate) shutdown_deadline: Option<Duration>,
}

/// A setting of a [`CursorWorkerConfig`] that cannot work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CursorWorkerConfigError {
    /// The batch size is out of range.
    #[error("a batch of {events} events is outside 1 to {most}")]
    BatchSize {
        /// The batch size that was asked for.
        events: usize,
        /// The largest that is taken.
        most: usize,
    },
    /// The region has more terms than a region may have.
    #[error("the region has {terms} terms, over the limit of {limit}")]
    Region {
        /// How many it has.
        terms: usize,
        /// The most that are taken.
        limit: usize,
    },
    /// The restart policy, the backoff or the deadline cannot work.
    #[error("{why}")]
    Restart {
        /// What the supervisor said.
        why: String,
    },
}

impl Default for CursorWorkerConfig {
    fn default() -> Self {
        Self {
            name: None,
            batch_events: 256,
            restart: RestartPolicy::Bounded { max_restarts: 3, within: Duration::from_secs(60) },
            checkpoint: None,
            observes_gaps: false,
            backoff: None,
            shutdown_deadline: None,
        }
    }
}

impl CursorWorkerConfig {
    /// The most events of a batch.
    pub const BATCH_EVENTS_MAX: usize = 65_536;

    /// The worker's name in the tree, in reports and in errors. Without it the checkpoint's id names it, or a number.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The most events that are handed to the handler at once: 1 to [`CursorWorkerConfig::BATCH_EVENTS_MAX`].
    pub fn batch_size(mut self, events: usize) -> Self {
        self.batch_events = events;
        self
    }

    /// How often the worker is restarted when its handler panics.
    pub fn restart(mut self, policy: RestartPolicy) -> Self {
        self.restart = policy;
        self
    }

    /// Keeps the worker's place under this id. The worker then sees durable events only.
    pub fn checkpoint(mut self, id: CheckpointId) -> Self {
        self.checkpoint = Some(id);
        self
    }

    /// Tells the handler of positions that were numbered and never made visible; see [`crate::Batch::gaps`].
    pub fn observe_gaps(mut self, observes: bool) -> Self {
        self.observes_gaps = observes;
        self
    }

    /// Waits before each restart.
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = Some(backoff);
        self
    }

    /// How long the batch in hand may take when the worker is stopped, before the worker is abandoned and named in
    /// the report. Without it the store's `shutdown_deadline` holds.
    pub fn shutdown_deadline(mut self, deadline: Duration) -> Self {
        self.shutdown_deadline = Some(deadline);
        self
    }

    pub(crate) fn validate(&self) -> Result<(), CursorWorkerConfigError> {
        let most = Self::BATCH_EVENTS_MAX;
        match self.batch_events {
            1..=Self::BATCH_EVENTS_MAX => Ok(()),
            events => Err(CursorWorkerConfigError::BatchSize { events, most }),
        }
    }
}
