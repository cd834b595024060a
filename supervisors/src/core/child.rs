//! One child as the decisions see it.

use super::budget::Budget;
use super::event::{How, Key, Timer};
use super::plan::Plan;
use std::sync::Arc;

/// Where a child stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Not running; a start may bring it (back).
    Down,
    Starting,
    Running,
    Stopping,
    /// It exited by itself, and the decision about that waits until a group restart under way is over.
    Fallen(How),
    /// Ended for good.
    Ended,
}

impl State {
    /// What must be brought down before it can start again: a live incarnation, or an exit that is not decided yet.
    pub(crate) fn must_come_down(self) -> bool {
        matches!(self, State::Starting | State::Running | State::Stopping | State::Fallen(_))
    }
}

/// One child.
#[derive(Clone, Debug)]
pub(crate) struct Child {
    pub(crate) key: Key,
    /// Shared by children that are alike.
    pub(crate) plan: Arc<Plan>,
    /// Set by [`Children`](super::children::Children) only, which counts on it.
    pub(super) state: State,
    /// The newest incarnation, counted from 1; 0 before the first start.
    pub(crate) incarnation: u64,
    pub(crate) budget: Budget,
    /// Its start or stop deadline.
    pub(crate) timer: Option<Timer>,
    /// Somebody waits to hear that it was added.
    pub(crate) adding: bool,
    /// It is forgotten as soon as it is down.
    pub(crate) removing: bool,
    /// It ran before, so its next start is a restart.
    pub(crate) ran: bool,
}

impl Child {
    /// A child whose last incarnation had this number; 0 for one that never ran.
    pub(crate) fn new(key: Key, plan: impl Into<Arc<Plan>>, incarnation: u64) -> Child {
        Child {
            key,
            plan: plan.into(),
            state: State::Down,
            incarnation,
            budget: Budget::default(),
            timer: None,
            adding: false,
            removing: false,
            ran: incarnation > 0,
        }
    }

    /// The same, ended for good.
    pub(crate) fn ended(self) -> Child {
        Child { state: State::Ended, ..self }
    }

    /// Restarts that count at `now`.
    #[cfg(test)]
    pub(crate) fn restarts_within(&self, now: crate::Time) -> u32 {
        self.budget.within(self.plan.policy, now)
    }

    pub(crate) fn state(&self) -> State {
        self.state
    }
}
