//! What a child's end means: nothing, a restart, the child's end for good, or the supervisor's own.

use super::event::{AddFailed, Cause, Effect, How, Key, Notice, Spent};
use super::operation::Progress;
use super::policy::{Exhausted, Remedy, Restart};
use super::{Core, Phase, State, Step};
use crate::planted::{self, Bug};

impl Core {
    pub(super) fn child_exited(&mut self, key: Key, incarnation: u64, how: How, step: &mut Step<'_>) {
        let Some(at) = self.current(key, incarnation) else { return };
        match self.children[at].state() {
            // Under `OneForOne` others may be starting when a shutdown begins; it asks them in their turn.
            State::Starting if matches!(self.phase, Phase::Stopping(_)) => self.down(at, how, step),
            State::Starting => self.start_failed(at, how, step),
            State::Stopping if planted::is(Bug::ExitInAStopIsLost) && how.is_abnormal() => {}
            State::Stopping => self.down(at, how, step),
            State::Running if matches!(self.phase, Phase::Stopping(_)) => self.down(at, how, step),
            // It is met as fallen when its turn to be stopped comes.
            State::Running if self.is_being_stopped(at) => self.children.set_state(at, State::Fallen(how)),
            State::Running => {
                self.children.set_state(at, State::Fallen(how));
                self.fallen.push_back((key, incarnation));
            }
            State::Down | State::Fallen(_) | State::Ended => {}
        }
    }

    /// Its stop is on its way: an exit that crosses it is taken for it, and not charged.
    fn is_being_stopped(&self, at: usize) -> bool {
        let stopping = |op: &&super::Operation| matches!(op.phase, Progress::Stopping { .. });
        self.operations.iter().filter(stopping).any(|op| self.range(op.reach).contains(&at))
    }

    /// A running child ended by itself.
    pub(super) fn decide(&mut self, key: Key, incarnation: u64, step: &mut Step<'_>) {
        let Some(at) = self.current(key, incarnation) else { return };
        let State::Fallen(how) = self.children[at].state() else { return };
        self.children.set_state(at, State::Down);
        self.tell_end(at, how, step);
        match (self.children[at].plan.kind, how) {
            (_, How::Abnormal(Remedy::Escalate)) if !planted::planted("escalation_swallowed") => {
                self.escalate(at, step)
            }
            (Restart::Temporary, _) if !planted::planted("temporary_child_revived") => self.forget(at, step),
            (Restart::Transient, How::Normal | How::Shutdown)
                if !planted::planted("transient_child_revived") =>
            {
                self.end(at, None, step)
            }
            _ => self.charge(at, how, false, step),
        }
    }

    /// A child did not start: the first start and an addition fail with it, a restart is tried again.
    fn start_failed(&mut self, at: usize, how: How, step: &mut Step<'_>) {
        self.disarm(at, step);
        self.children.set_state(at, if how == How::Abandoned { State::Ended } else { State::Down });
        self.tell_end(at, how, step);
        let key = self.children[at].key;
        if self.children[at].adding {
            self.add_failed(at, AddFailed::DidNotStart, step);
        } else if self.phase == Phase::Booting && !planted::planted("first_start_tried_again") {
            self.give_up(Cause::StartFailed { child: key }, step);
        } else if how == How::Abnormal(Remedy::Escalate) {
            self.escalate(at, step);
        } else {
            self.charge(at, how, true, step);
        }
    }

    /// Restarts the child within its budget.
    fn charge(&mut self, at: usize, how: How, failed_start: bool, step: &mut Step<'_>) {
        match how {
            How::Abnormal(Remedy::Stop) => return self.end(at, None, step),
            How::Abandoned => return self.lost(at, step),
            _ => {}
        }
        let child = &mut self.children[at];
        match child.budget.charge(child.plan.policy, step.now) {
            Ok(grant) => self.restart(at, grant, failed_start, step),
            Err(spent) => self.exhausted(at, spent, step),
        }
    }

    fn exhausted(&mut self, at: usize, spent: Spent, step: &mut Step<'_>) {
        let child = self.children[at].key;
        let escalates = self.children[at].plan.exhausted == Exhausted::Escalate;
        self.tell_gave_up(at, escalates, Some(spent), step);
        if escalates {
            self.give_up(Cause::Exhausted { child, spent }, step);
        } else {
            self.end(at, Some(spent), step);
        }
    }

    /// An abandoned child cannot come back: its thread may still be inside it.
    fn lost(&mut self, at: usize, step: &mut Step<'_>) {
        match self.children[at].plan.exhausted {
            Exhausted::Escalate => self.escalate(at, step),
            Exhausted::EndChild => {
                self.tell_gave_up(at, false, None, step);
                self.end(at, None, step);
            }
        }
    }

    fn escalate(&mut self, at: usize, step: &mut Step<'_>) {
        self.tell_gave_up(at, true, None, step);
        self.give_up(Cause::Escalated { child: self.children[at].key }, step);
    }

    /// A stop that was asked for has happened.
    pub(super) fn down(&mut self, at: usize, how: How, step: &mut Step<'_>) {
        self.disarm(at, step);
        self.tell_end(at, how, step);
        self.children.set_state(at, if how == How::Abandoned { State::Ended } else { State::Down });
        let child = &self.children[at];
        let temporary = child.plan.kind == Restart::Temporary;
        let (adding, removing) = (child.adding, child.removing);
        match self.phase {
            _ if adding && removing => self.add_failed(at, AddFailed::Removed, step),
            _ if removing => self.forget(at, step),
            Phase::Stopping(_) if adding => self.add_failed(at, AddFailed::Stopping, step),
            Phase::Stopping(_) => {}
            // A failure that restarts cannot help stays one when it comes to light in a stop.
            _ if how == How::Abnormal(Remedy::Escalate) => self.escalate(at, step),
            _ if how == How::Abnormal(Remedy::Stop) => self.end(at, None, step),
            _ if adding && (temporary || how == How::Abandoned) => {
                self.add_failed(at, AddFailed::DidNotStart, step)
            }
            _ if temporary => self.forget(at, step),
            _ if how == How::Abandoned => self.lost(at, step),
            _ => {}
        }
    }

    pub(super) fn end(&mut self, at: usize, exhausted: Option<Spent>, step: &mut Step<'_>) {
        self.children.set_state(at, State::Ended);
        step.push(Effect::End { child: self.children[at].key, exhausted });
    }

    fn tell_end(&self, at: usize, how: How, step: &mut Step<'_>) {
        let (child, incarnation) = (self.children[at].key, self.children[at].incarnation);
        step.tell(match how.is_abnormal() {
            true => Notice::Failed { child, incarnation },
            false => Notice::Stopped { child, incarnation },
        });
    }

    fn tell_gave_up(&self, at: usize, escalates: bool, spent: Option<Spent>, step: &mut Step<'_>) {
        let (child, incarnation) = (self.children[at].key, self.children[at].incarnation);
        step.tell(Notice::GaveUp { child, incarnation, escalates, spent });
    }
}
