//! What the supervisor's decisions are told, and what they ask for.

use std::sync::Arc;
use std::time::Duration;

use super::plan::Plan;
use super::policy::{Remedy, Time};

/// Names a child among all a supervisor ever had; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key(pub(crate) u64);

/// Names one wait; a timer that fires after its wait is over means nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Timer(pub(crate) u64);

/// When a step is taken, and the chance it may use: both arguments, so that the same steps decide the same.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    pub(crate) now: Time,
    /// Evenly spread; only jitter reads it.
    pub(crate) luck: u32,
}

/// How a child ended, as far as a decision depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    Normal,
    Shutdown,
    Abnormal(Remedy),
    /// It did not answer by its deadline; its thread cannot be taken away, so its slot cannot be used again.
    Abandoned,
}

impl How {
    pub(crate) fn is_abnormal(self) -> bool {
        !matches!(self, How::Normal | How::Shutdown)
    }
}

/// What happened.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// Start the children, in order.
    Start,
    Started {
        child: Key,
        incarnation: u64,
    },
    StartFailed {
        child: Key,
        incarnation: u64,
        how: How,
    },
    Exited {
        child: Key,
        incarnation: u64,
        how: How,
    },
    /// A timer armed or a turn yielded before has come round.
    Due(Timer),
    /// A new child, last in the order.
    Add {
        child: Key,
        plan: Arc<Plan>,
    },
    /// Stop this child and forget it.
    Remove(Key),
    /// Stop everything, in reverse.
    Shutdown,
}

/// What must be done about it, in this order.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Effect {
    Start {
        child: Key,
        incarnation: u64,
    },
    /// Ask for an orderly end.
    Stop {
        child: Key,
    },
    /// Wait for this child no longer.
    Abandon {
        child: Key,
    },
    /// The child has ended for good.
    End {
        child: Key,
        exhausted: Option<Spent>,
    },
    /// The child is no longer one of ours.
    Forget {
        child: Key,
    },
    Arm {
        timer: Timer,
        after: Duration,
    },
    Disarm {
        timer: Timer,
    },
    /// Let other messages have their turn, then come back with `Due`.
    Yield {
        timer: Timer,
    },
    Tell(Notice),
    Added {
        child: Key,
    },
    AddFailed {
        child: Key,
        why: AddFailed,
    },
    Removed {
        child: Key,
    },
    /// All children of the first start run.
    Ready,
    /// The supervisor's own end; nothing follows.
    Exit(Cause),
}

/// Why an added child is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AddFailed {
    DidNotStart,
    Removed,
    Stopping,
}

/// A budget that is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spent {
    pub(crate) restarts: u32,
    pub(crate) within: Option<Duration>,
}

/// Why a supervisor ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    Shutdown,
    StartFailed {
        child: Key,
    },
    Exhausted {
        child: Key,
        spent: Spent,
    },
    /// The child's failure said that restarts cannot help, or it can never be restarted.
    Escalated {
        child: Key,
    },
}

/// One line of a child's life, for reports.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Notice {
    Started {
        child: Key,
        incarnation: u64,
        again: bool,
    },
    Failed {
        child: Key,
        incarnation: u64,
    },
    Stopped {
        child: Key,
        incarnation: u64,
    },
    Restarting {
        child: Key,
        incarnation: u64,
        restart: u32,
        of: u32,
        within: Option<Duration>,
        after: Duration,
    },
    GaveUp {
        child: Key,
        incarnation: u64,
        escalates: bool,
        spent: Option<Spent>,
    },
}
