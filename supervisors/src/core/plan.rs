//! What the decisions know of a child spec, and which specs cannot work.

use std::time::Duration;

use super::policy::{Backoff, Exhausted, Restart, RestartPolicy};

/// The numbers of a child spec that decisions depend on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Plan {
    pub(crate) kind: Restart,
    pub(crate) policy: RestartPolicy,
    pub(crate) backoff: Option<Backoff>,
    /// How long an asked-for stop may take; `None` waits for as long as the child's own children need.
    pub(crate) shutdown: Option<Duration>,
    /// How long a start may take.
    pub(crate) start: Option<Duration>,
    pub(crate) exhausted: Exhausted,
}

/// Why a child spec is refused before anything starts.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SpecError {
    /// A budget of any size in no time would mean nothing.
    #[error("the restart window is zero")]
    ZeroWindow,
    /// The stops of `max_restarts` restarts may take longer than the window, so the budget could never run out.
    #[error(
        "{max_restarts} restarts that may each take {shutdown:?} to stop do not fit into a window of {within:?}: \
         the budget could never run out"
    )]
    BudgetNeverExhausts {
        /// Restarts allowed in the window.
        max_restarts: u32,
        /// The child's shutdown deadline.
        shutdown: Duration,
        /// The window.
        within: Duration,
    },
    /// A mailbox without room could take no message.
    #[error("the mailbox has room for no message")]
    ZeroMailbox,
    /// A turn without a message would never get anywhere.
    #[error("the turn limit is zero messages")]
    ZeroTurnLimit,
    /// A deadline of zero abandons every child.
    #[error("the {deadline} deadline is zero")]
    ZeroDeadline {
        /// Which one: "start" or "shutdown".
        deadline: &'static str,
    },
    /// The factor must be a number from 1 up, the jitter one from 0 to 1, the initial pause at most the longest.
    #[error("the backoff cannot work: {backoff:?}")]
    Backoff {
        /// As it was given.
        backoff: Backoff,
    },
}

impl Plan {
    /// Refuses what cannot work.
    pub(crate) fn check(&self) -> Result<(), SpecError> {
        self.check_deadlines()?;
        self.check_window()?;
        self.backoff.map_or(Ok(()), check_backoff)
    }

    fn check_deadlines(&self) -> Result<(), SpecError> {
        let zero = |deadline: Option<Duration>| deadline == Some(Duration::ZERO);
        match () {
            () if zero(self.shutdown) => Err(SpecError::ZeroDeadline { deadline: "shutdown" }),
            () if zero(self.start) => Err(SpecError::ZeroDeadline { deadline: "start" }),
            () => Ok(()),
        }
    }

    fn check_window(&self) -> Result<(), SpecError> {
        let RestartPolicy::Bounded { max_restarts, within } = self.policy else { return Ok(()) };
        if within.is_zero() {
            return Err(SpecError::ZeroWindow);
        }
        match self.shutdown {
            Some(shutdown) if shutdown.saturating_mul(max_restarts) > within => {
                Err(SpecError::BudgetNeverExhausts { max_restarts, shutdown, within })
            }
            _ => Ok(()),
        }
    }
}

fn check_backoff(backoff: Backoff) -> Result<(), SpecError> {
    let works = backoff.factor.is_finite()
        && backoff.factor >= 1.0
        && (0.0..=1.0).contains(&backoff.jitter)
        && backoff.initial <= backoff.max;
    if works { Ok(()) } else { Err(SpecError::Backoff { backoff }) }
}
