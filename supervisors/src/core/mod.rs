//! The supervisor's decisions: a pure `step` from what happened to what must be done, without threads, channels or clocks.
//!
//! The rules are OTP's, with two differences: each child has a budget of its own, and a transient child that ended as
//! it should has ended for good, also for later group restarts, because callers must not wait for it. What OTP does by waiting inside the supervisor is done here by remembering: a start of
//! all children or a group restart is an [`Operation`](operation::Operation) that goes on whenever one of its children answers. While one is
//! under way, exits of other children are kept (`fallen`), as OTP keeps them in its mailbox.

mod budget;
mod change;
mod child;
mod children;
mod event;
mod exit;
mod operation;
mod plan;
pub(crate) mod policy;
mod roster;
mod stopping;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::time::Duration;

pub(crate) use child::{Child, State};
use children::Children;
pub(crate) use event::{AddFailed, Cause, Effect, Event, How, Key, Moment, Notice, Spent, Timer};
use operation::Operation;
pub(crate) use plan::Plan;
pub use plan::SpecError;
use policy::{Strategy, Time};
pub(crate) use roster::Roster;

/// One supervisor's decisions, from its first start to its exit.
#[derive(Clone, Debug)]
pub(crate) struct Core {
    strategy: Strategy,
    /// In start order.
    children: Children,
    phase: Phase,
    /// Under `OneForOne` one per child that is to be restarted; else one that is busy and others that wait.
    operations: Vec<Operation>,
    /// Exits still to be decided, in the order they came.
    fallen: VecDeque<(Key, u64)>,
    timers: u64,
    /// Nobody restarts this supervisor: what is down when it stops never comes back.
    is_root: bool,
}

/// Where the supervisor itself stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Idle,
    /// The first start of all children.
    Booting,
    Running,
    Stopping(Cause),
    Done,
}

/// The arguments of one step, handed down to whoever decides a part of it.
struct Step<'a> {
    now: Time,
    luck: u32,
    effects: &'a mut Vec<Effect>,
}

impl Step<'_> {
    fn push(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    fn tell(&mut self, notice: Notice) {
        self.effects.push(Effect::Tell(notice));
    }
}

impl Core {
    /// Children in start order, which is that of their keys.
    pub(crate) fn new(strategy: Strategy, children: impl IntoIterator<Item = Child>) -> Core {
        Core {
            strategy,
            children: Children::new(children),
            phase: Phase::Idle,
            operations: Vec::new(),
            fallen: VecDeque::new(),
            timers: 0,
            is_root: false,
        }
    }

    /// The decisions of a supervisor that nobody restarts.
    pub(crate) fn of_root(self, is_root: bool) -> Core {
        Core { is_root, ..self }
    }

    /// Takes in one event and appends what must be done about it, in order.
    pub(crate) fn step(&mut self, at: Moment, event: Event, effects: &mut Vec<Effect>) {
        let mut step = Step { now: at.now, luck: at.luck, effects };
        match event {
            Event::Start => self.boot(),
            Event::Started { child, incarnation } => self.child_started(child, incarnation, &mut step),
            Event::StartFailed { child, incarnation, how } => {
                self.child_exited(child, incarnation, how, &mut step)
            }
            Event::Exited { child, incarnation, how } => {
                self.child_exited(child, incarnation, how, &mut step)
            }
            Event::Due(timer) => self.due(timer, &mut step),
            Event::Add { child, plan } => self.add(child, plan, &mut step),
            Event::Remove(child) => self.remove(child, &mut step),
            Event::Shutdown => self.give_up(Cause::Shutdown, &mut step),
        }
        self.go_on(&mut step);
        self.drop_pointless_operations(&mut step);
        self.children.tidy();
    }

    /// The children in start order.
    #[cfg(test)]
    pub(crate) fn children(&self) -> Vec<Child> {
        self.children.iter().cloned().collect()
    }

    fn boot(&mut self) {
        self.phase = Phase::Booting;
        self.operations.push(Operation::boot());
    }

    /// Takes every decision that is ripe, until all that is left is to wait.
    fn go_on(&mut self, step: &mut Step<'_>) {
        loop {
            self.advance_all(step);
            match self.phase {
                Phase::Stopping(cause) => return self.wind_down(cause, step),
                Phase::Running | Phase::Booting if !self.is_busy() => {}
                _ => return,
            }
            crate::failpoints::point("core.go_on.before_fallen");
            match self.fallen.pop_front() {
                Some((key, incarnation)) => self.decide(key, incarnation, step),
                None => return,
            }
        }
    }

    /// A timer came round: a deadline passed, or a pause is over. One whose wait ended before is nobody's.
    fn due(&mut self, timer: Timer, step: &mut Step<'_>) {
        if let Some(at) = self.operations.iter().position(|op| op.waits_for(timer)) {
            self.resume(at, step);
        } else if let Some(at) = self.children.places(|child| child.timer == Some(timer)).first().copied() {
            self.deadline_passed(at, step);
        }
    }

    fn position(&self, key: Key) -> Option<usize> {
        self.children.position(key)
    }

    /// The child, if this is its newest incarnation: notices of older ones change nothing.
    fn current(&self, key: Key, incarnation: u64) -> Option<usize> {
        self.position(key).filter(|at| {
            self.children[*at].incarnation == incarnation || crate::planted::planted("stale_exit_heard")
        })
    }

    fn next_timer(&mut self) -> Timer {
        self.timers += 1;
        Timer(self.timers)
    }

    fn arm(&mut self, at: usize, after: Option<Duration>, step: &mut Step<'_>) {
        self.disarm(at, step);
        if let Some(after) = after {
            let timer = self.next_timer();
            self.children[at].timer = Some(timer);
            step.push(Effect::Arm { timer, after });
        }
    }

    fn disarm(&mut self, at: usize, step: &mut Step<'_>) {
        if let Some(timer) = self.children[at].timer.take() {
            step.push(Effect::Disarm { timer });
        }
    }
}
