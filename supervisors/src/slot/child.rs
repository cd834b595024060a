//! The slot as its supervisor sees it.

use super::lane::Urgent;
use super::{CLOSED, Home, Slot, boundary};
use crate::control::{Child, ChildSnapshot, Phase, Place};
use crate::driver::{self, Hand, Runnable};
use crate::rt::atomic::Ordering;
use crate::spec::Settings;
use crate::{CallError, ChildId, Completion, ExitReason};
use std::sync::Arc;

impl<M: Send + 'static> Child for Slot<M> {
    fn id(&self) -> &ChildId {
        &self.id
    }

    fn completion(&self) -> Completion {
        self.completion.get_or_init(Completion::new).clone()
    }

    fn set_capacity(&self, messages: usize) {
        self.mailbox.set_capacity(messages);
    }

    fn adopt(self: Arc<Self>, place: Place, settings: &Settings) {
        self.mailbox.set_capacity(settings.mailbox);
        if let Some(completion) = self.completion.get() {
            completion.bind(&place.runtime);
        }
        let home = Home { place, driver: settings.driver, turn_limit: settings.turn_limit.max(1) };
        if self.home.set(home).is_err() {
            tracing::error!(child = %self.id, "a child was adopted twice; the first place stands");
        }
    }

    fn start(self: Arc<Self>, incarnation: u64) {
        self.lane.push(Urgent::Start(incarnation));
        driver::elected(self, Hand::Here); // the role of a slot that is down is its supervisor's to give
    }

    fn stop(self: Arc<Self>, incarnation: u64, hand: Hand) {
        self.urge(Urgent::Stop(incarnation), hand);
    }

    fn end(self: Arc<Self>, reason: &ExitReason) {
        self.pending.fetch_or(CLOSED, Ordering::AcqRel);
        match self.body.try_lock() {
            Some(mut body) => self.clean_up_body(&mut body),
            None => self.leave_to_its_runner(),
        }
        if let Some(bell) = self.bell.get() {
            bell.quit();
        }
        if let Some(completion) = self.completion.get() {
            completion.complete(reason);
        }
    }

    fn is_held(&self) -> bool {
        driver::holds(self.key())
    }

    fn snapshot(&self) -> ChildSnapshot {
        let place = self.home.get().map(|home| &home.place);
        let thread = self.stats.runner().map(|number| match place {
            Some(place) => place.threads.name_of(number),
            None => String::new(),
        });
        ChildSnapshot {
            phase: self.stats.phase(),
            incarnation: self.stats.incarnation(),
            depth: self.mailbox.len(),
            high_water: self.stats.high_water(),
            capacity: self.mailbox.capacity(),
            turns: self.stats.turns(),
            busy_since: place.and_then(|place| self.stats.busy_since(|| place.runtime.now())),
            note: self.stats.note(),
            doing: self.stats.doing(),
            thread,
        }
    }
}

impl<M: Send + 'static> Slot<M> {
    /// It hangs in a turn: the runner cleans up if it ever comes back. Who waits for its mailbox is told now.
    fn leave_to_its_runner(&self) {
        self.stats.set_phase(Phase::Ended);
        boundary::dropping(CallError::Stopped, || self.empty_mailbox());
        if let Some(runner) = self.stats.runner() {
            Runnable::place(self).threads.abandon(runner);
        }
    }
}
