//! Children that come and go while the supervisor runs.

use super::event::{AddFailed, Effect, Key};
use super::operation::Reach;
use super::{Child, Core, Phase, Plan, State, Step};
use std::sync::Arc;

impl Core {
    /// A new child, last in the order. During a start or restart it takes its turn at the end of the group.
    pub(super) fn add(&mut self, key: Key, plan: Arc<Plan>, step: &mut Step<'_>) {
        if matches!(self.phase, Phase::Stopping(_) | Phase::Done) {
            return step.push(Effect::AddFailed { child: key, why: AddFailed::Stopping });
        }
        let at = self.children.push(Child { adding: true, ..Child::new(key, plan, 0) });
        if self.phase == Phase::Running && !self.is_busy() {
            self.start(at, step);
        }
    }

    pub(super) fn remove(&mut self, key: Key, step: &mut Step<'_>) {
        let Some(at) = self.position(key) else { return };
        self.children[at].removing = true;
        match self.children[at].state() {
            State::Down | State::Ended => self.drop_down(at, step),
            State::Fallen(how) => self.down(at, how, step),
            State::Starting | State::Running | State::Stopping => self.ask_to_stop(at, step),
        }
    }

    fn drop_down(&mut self, at: usize, step: &mut Step<'_>) {
        match self.children[at].adding {
            true => self.add_failed(at, AddFailed::Removed, step),
            false => self.forget(at, step),
        }
    }

    pub(super) fn add_failed(&mut self, at: usize, why: AddFailed, step: &mut Step<'_>) {
        step.push(Effect::AddFailed { child: self.children[at].key, why });
        self.forget(at, step);
    }

    /// Takes the child out of the books. A restart that was to begin with it begins with the next one.
    pub(super) fn forget(&mut self, at: usize, step: &mut Step<'_>) {
        self.disarm(at, step);
        self.pass_on_restart(at);
        let Some(child) = self.children.remove(at) else { return };
        if child.state() != State::Ended {
            step.push(Effect::End { child: child.key, exhausted: None });
        }
        if child.removing {
            step.push(Effect::Removed { child: child.key });
        }
        step.push(Effect::Forget { child: child.key });
    }

    fn pass_on_restart(&mut self, at: usize) {
        let gone = self.children[at].key;
        let Some(next) = self.children.after(at).map(|child| child.key) else { return };
        for operation in &mut self.operations {
            if operation.reach == Reach::From(gone) {
                operation.reach = Reach::From(next);
            }
        }
    }
}
