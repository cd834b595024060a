//! The words of a child spec that decisions depend on.

use std::ops::{Add, Sub};
use std::time::Duration;

/// A point on the runtime's clock, in nanoseconds since it began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub u64);

impl Add<Duration> for Time {
    type Output = Time;
    fn add(self, span: Duration) -> Time {
        Time(self.0.saturating_add(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)))
    }
}

impl Sub for Time {
    type Output = Duration;
    fn sub(self, earlier: Time) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// What a restart can do for a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Restart within the budget.
    Restart,
    /// End this child for good.
    Stop,
    /// The supervisor gives up at once.
    Escalate,
}

/// How often a child may come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RestartPolicy {
    /// One restart in the child's life.
    Once,
    /// At most `max_restarts` in any span of `within`.
    Bounded {
        /// Restarts allowed in the window.
        max_restarts: u32,
        /// The window.
        within: Duration,
    },
    /// No restart.
    Never,
}

/// Which exits call for a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restart {
    /// Every exit.
    Permanent,
    /// Abnormal exits.
    Transient,
    /// None.
    Temporary,
}

/// Who restarts with a failed child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// Nobody.
    OneForOne,
    /// All siblings.
    OneForAll,
    /// The siblings started after it.
    RestForOne,
}

/// What an exhausted budget ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exhausted {
    /// The supervisor.
    Escalate,
    /// The child alone.
    EndChild,
}

/// A growing pause before a restart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Backoff {
    /// Before the first restart in the window.
    pub initial: Duration,
    /// The longest pause.
    pub max: Duration,
    /// Growth per restart, at least 1.
    pub factor: f64,
    /// The part of the pause that chance may take away, 0 to 1.
    pub jitter: f64,
}
