//! Starts in order and restarts: stop the group in reverse, pause, start it in order, one answer at a time.

use std::ops::Range;
use std::time::Duration;

use super::budget::Grant;
use super::event::{Effect, Key, Notice, Timer};
use super::policy::Strategy;
use super::{Core, Phase, State, Step};

/// A start or restart of several children that goes on with their answers.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    pub(super) reach: Reach,
    pub(super) phase: Progress,
}

/// Which children an operation concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    Only(Key),
    /// This one and those started after it.
    From(Key),
    All,
}

/// How far an operation has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    Stopping { then: Pause },
    Paused { until: Timer },
    Starting,
}

/// What lies between the stops and the starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pause {
    None,
    /// Let other messages have their turn.
    Yield,
    Backoff(Duration),
}

impl Operation {
    pub(super) fn boot() -> Operation {
        Operation { reach: Reach::All, phase: Progress::Starting }
    }

    pub(super) fn waits_for(&self, timer: Timer) -> bool {
        self.phase == Progress::Paused { until: timer }
    }

    fn is_paused(&self) -> bool {
        matches!(self.phase, Progress::Paused { .. })
    }
}

impl Core {
    /// Opens the restart of a failed child's group, in place of those that waited for a part of it.
    pub(super) fn restart(&mut self, at: usize, grant: Grant, failed_start: bool, step: &mut Step<'_>) {
        let child = &self.children[at];
        let after = super::budget::pause(child.plan.backoff, grant.restart, step.luck);
        step.tell(Notice::Restarting {
            child: child.key,
            incarnation: child.incarnation + 1,
            restart: grant.restart,
            of: grant.of,
            within: grant.within,
            after,
        });
        let then = match (after, failed_start) {
            (Duration::ZERO, true) => Pause::Yield,
            (Duration::ZERO, false) => Pause::None,
            (after, _) => Pause::Backoff(after),
        };
        let reach = self.group_of(child.key);
        crate::failpoints::point("core.restart.told");
        self.drop_replaced_operations(at, reach, failed_start, step);
        self.operations.push(Operation { reach, phase: Progress::Stopping { then } });
    }

    fn group_of(&self, key: Key) -> Reach {
        match self.strategy {
            Strategy::OneForOne => Reach::Only(key),
            Strategy::OneForAll => Reach::All,
            Strategy::RestForOne if crate::planted::planted("rest_for_one_restarts_one") => Reach::Only(key),
            Strategy::RestForOne => Reach::From(key),
        }
    }

    /// The places of the children it concerns; children added since are among them.
    pub(super) fn range(&self, reach: Reach) -> Range<usize> {
        let Range { start, end } = self.children.all();
        let place = |key| self.position(key).unwrap_or(end);
        match reach {
            Reach::All => start..end,
            Reach::From(key) => place(key)..end,
            Reach::Only(key) => place(key)..(place(key) + 1).min(end),
        }
    }

    /// The operation in which the start failed is over, and those that waited for a part of the group are covered.
    fn drop_replaced_operations(&mut self, at: usize, reach: Reach, failed_start: bool, step: &mut Step<'_>) {
        let group = self.range(reach);
        self.drop_operations_where(step, |core, operation| {
            let own = core.range(operation.reach);
            group.contains(&own.start)
                || (failed_start && operation.phase == Progress::Starting && own.contains(&at))
        });
    }

    /// The pause is over. Children that came up meanwhile (added ones) are stopped before the group starts, and
    /// restarts of their own are covered.
    pub(super) fn resume(&mut self, at: usize, step: &mut Step<'_>) {
        let mut operation = self.operations.remove(at);
        operation.phase = Progress::Stopping { then: Pause::None };
        let group = self.range(operation.reach);
        self.drop_operations_where(step, |core, other| group.contains(&core.range(other.reach).start));
        self.operations.push(operation);
    }

    /// A pause that no child waits for any longer.
    pub(super) fn drop_pointless_operations(&mut self, step: &mut Step<'_>) {
        self.drop_operations_where(step, |core, operation| {
            operation.is_paused() && core.range(operation.reach).is_empty()
        });
    }

    fn drop_operations_where(&mut self, step: &mut Step<'_>, over: impl Fn(&Core, &Operation) -> bool) {
        if !self.operations.iter().any(|operation| over(self, operation)) {
            return;
        }
        let (dropped, kept) = self.operations.iter().cloned().partition(|operation| over(self, operation));
        self.operations = kept;
        disarm(dropped, step);
    }

    pub(super) fn drop_operations(&mut self, step: &mut Step<'_>) {
        disarm(std::mem::take(&mut self.operations), step);
    }

    /// Exits are decided one after another while children depend on each other; under `OneForOne` they do not.
    pub(super) fn is_busy(&self) -> bool {
        let serial = self.strategy != Strategy::OneForOne || self.phase == Phase::Booting;
        serial && self.operations.iter().any(|op| !op.is_paused())
    }

    /// Takes each operation as far as it goes. When the supervisor gives up there are none left.
    pub(super) fn advance_all(&mut self, step: &mut Step<'_>) {
        let mut at = 0;
        while at < self.operations.len() {
            if self.advance(at, step) {
                self.operations.remove(at);
                self.booted(step);
            } else {
                at += 1;
            }
        }
    }

    fn booted(&mut self, step: &mut Step<'_>) {
        if self.phase == Phase::Booting {
            self.phase = Phase::Running;
            step.push(Effect::Ready);
        }
    }

    /// Whether the operation is done.
    fn advance(&mut self, operation: usize, step: &mut Step<'_>) -> bool {
        loop {
            let Operation { reach, phase } = self.operations[operation];
            let goes_on = match phase {
                Progress::Stopping { then } => {
                    self.stop_next(reach, step) && self.pause(operation, then, step)
                }
                Progress::Paused { .. } => false,
                Progress::Starting => match self.start_next(reach, step) {
                    Some(done) => return done,
                    None => false,
                },
            };
            if !goes_on {
                return false;
            }
        }
    }

    /// Asks the last child of the group that is up to stop; says whether all are down.
    fn stop_next(&mut self, reach: Reach, step: &mut Step<'_>) -> bool {
        while !matches!(self.phase, Phase::Stopping(_)) {
            let group = self.range(reach);
            let last = if crate::planted::planted("stop_order_not_reversed") {
                self.children
                    .places(|child| child.state().must_come_down())
                    .into_iter()
                    .find(|at| group.contains(at))
            } else {
                self.children.last_to_come_down(group)
            };
            let Some(at) = last else { return true };
            match self.children[at].state() {
                // Who fell by itself before its stop was asked for is stopped all the same, and not charged.
                State::Fallen(how) => self.down(at, how, step),
                _ => {
                    self.ask_to_stop(at, step);
                    return false;
                }
            }
        }
        false
    }

    fn pause(&mut self, operation: usize, then: Pause, step: &mut Step<'_>) -> bool {
        if then == Pause::None {
            self.operations[operation].phase = Progress::Starting;
            return true;
        }
        let timer = self.next_timer();
        self.operations[operation].phase = Progress::Paused { until: timer };
        step.push(match then {
            Pause::Backoff(after) => Effect::Arm { timer, after },
            _ => Effect::Yield { timer },
        });
        false
    }

    /// Starts the next child of the group; `Some(done)` says whether none is left or one must answer first.
    fn start_next(&mut self, reach: Reach, step: &mut Step<'_>) -> Option<bool> {
        let range = self.range(reach);
        if self.children.is_one_starting(range.clone()) {
            return Some(false);
        }
        match self.children.first_down(range) {
            Some(at) => self.start(at, step),
            None => return Some(true),
        }
        Some(false)
    }

    /// A new incarnation.
    pub(super) fn start(&mut self, at: usize, step: &mut Step<'_>) {
        self.arm(at, self.children[at].plan.start, step);
        self.children.set_state(at, State::Starting);
        let child = &mut self.children[at];
        child.incarnation += 1;
        step.push(Effect::Start { child: child.key, incarnation: child.incarnation });
    }

    pub(super) fn child_started(&mut self, key: Key, incarnation: u64, step: &mut Step<'_>) {
        let Some(at) = self.current(key, incarnation) else { return };
        // A stop that was asked for meanwhile stays asked for.
        if self.children[at].state() != State::Starting {
            return;
        }
        self.disarm(at, step);
        self.children.set_state(at, State::Running);
        let child = &mut self.children[at];
        step.tell(Notice::Started { child: key, incarnation, again: child.ran });
        child.ran = true;
        if std::mem::take(&mut child.adding) {
            step.push(Effect::Added { child: key });
        }
    }
}

fn disarm(dropped: Vec<Operation>, step: &mut Step<'_>) {
    for operation in dropped {
        if let Progress::Paused { until } = operation.phase {
            step.push(Effect::Disarm { timer: until });
        }
    }
}
