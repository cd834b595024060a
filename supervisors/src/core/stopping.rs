//! Stops with deadlines, one child or all in reverse, and the supervisor's own end.

use super::event::{AddFailed, Cause, Effect, How};
use super::{Core, Phase, State, Step};

impl Core {
    /// Asks a child to stop, once.
    pub(super) fn ask_to_stop(&mut self, at: usize, step: &mut Step<'_>) {
        if self.children[at].state() != State::Stopping {
            self.arm(
                at,
                self.children[at].plan.shutdown.filter(|_| !crate::planted::planted("no_stop_deadline")),
                step,
            );
            self.children.set_state(at, State::Stopping);
            step.push(Effect::Stop { child: self.children[at].key });
        }
    }

    /// A child did not answer in time: nobody waits for it any longer.
    pub(super) fn deadline_passed(&mut self, at: usize, step: &mut Step<'_>) {
        let (child, incarnation) = (self.children[at].key, self.children[at].incarnation);
        self.children[at].timer = None;
        step.push(Effect::Abandon { child });
        self.child_exited(child, incarnation, How::Abandoned, step);
    }

    /// Nothing is restarted from here on; what was under way is dropped, waits end at once. The first cause stays.
    pub(super) fn give_up(&mut self, cause: Cause, step: &mut Step<'_>) {
        if matches!(self.phase, Phase::Stopping(_) | Phase::Done) {
            return;
        }
        self.phase = Phase::Stopping(cause);
        self.drop_operations(step);
        self.settle_fallen(step);
        for at in self.children.places(|child| child.adding && child.state() == State::Down) {
            self.add_failed(at, AddFailed::Stopping, step);
        }
    }

    /// Exits that nobody will decide about any more.
    fn settle_fallen(&mut self, step: &mut Step<'_>) {
        self.fallen.clear();
        for at in self.children.places(|child| matches!(child.state(), State::Fallen(_))) {
            if let State::Fallen(how) = self.children[at].state() {
                self.down(at, how, step);
            }
        }
    }

    /// Stops the last child that is up; when none is, the supervisor ends.
    pub(super) fn wind_down(&mut self, cause: Cause, step: &mut Step<'_>) {
        if self.is_root {
            self.end_what_is_down(cause, step);
        }
        let last = if crate::planted::planted("shutdown_in_start_order") {
            self.children.places(|child| child.state().must_come_down()).first().copied()
        } else {
            self.children.last_to_come_down(self.children.all())
        };
        match last {
            Some(at) => self.ask_to_stop(at, step),
            None => {
                self.phase = Phase::Done;
                step.push(Effect::Exit(cause));
            }
        }
    }

    /// Whoever waits for a child that will never come back is told so at once: it may be a child that is still up and
    /// could not stop otherwise.
    fn end_what_is_down(&mut self, cause: Cause, step: &mut Step<'_>) {
        while let Some(at) = self.children.first_down(self.children.all()) {
            let spent = match cause {
                Cause::Exhausted { child, spent } if child == self.children[at].key => Some(spent),
                _ => None,
            };
            self.end(at, spent, step);
        }
    }
}
