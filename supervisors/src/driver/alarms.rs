//! The thread that watches the timers of a tree's pooled slots: made when the first is set. It runs no turn itself, so
//! that no handler holds up an alarm.

use super::Runnable;
use crate::rt::Mutex;
use crate::rt::thread::{self, Thread};
use crate::{Runtime, Time};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Weak};

#[derive(Default)]
pub(crate) struct Alarms {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The watching thread, once it is made.
    thread: Option<Thread>,
    /// When which slot looks for timers that are due, earliest first.
    due: BTreeSet<(Time, usize)>,
    /// Each of those slots, once. Weak: an alarm keeps no slot alive.
    slots: BTreeMap<usize, (Time, Weak<dyn Runnable>)>,
    /// All children have ended for good.
    quit: bool,
}

impl State {
    /// Whether the watching thread must look sooner than it meant to.
    fn set(&mut self, slot: &Arc<dyn Runnable>, at: Time) -> bool {
        match self.slots.get(&slot.key()) {
            // Who looks too early asks again for what is left; that costs less than to move the alarm.
            Some((sooner, _)) if *sooner <= at => return false,
            Some((later, _)) => drop(self.due.remove(&(*later, slot.key()))),
            None => {}
        }
        let sooner = self.due.first().is_none_or(|(first, _)| at < *first);
        self.due.insert((at, slot.key()));
        self.slots.insert(slot.key(), (at, Arc::downgrade(slot)));
        sooner
    }

    /// The slots whose time has come, and when the next one's comes.
    fn take_due(&mut self, now: Time) -> (Vec<Arc<dyn Runnable>>, Option<Time>) {
        let mut came = Vec::new();
        while let Some((_, key)) = self.due.first().copied().filter(|(at, _)| *at <= now) {
            self.due.pop_first();
            came.extend(self.slots.remove(&key).and_then(|(_, slot)| slot.upgrade()));
        }
        (came, self.due.first().map(|(at, _)| *at))
    }
}

impl Alarms {
    /// Has the slot look at its timers at that time.
    pub(super) fn set(self: &Arc<Self>, slot: &Arc<dyn Runnable>, at: Time) -> std::io::Result<()> {
        let mut state = self.state.lock();
        if state.thread.is_none() {
            let (alarms, runtime) = (self.clone(), slot.place().runtime.clone());
            let live = move || alarms.live(&runtime);
            state.thread = Some(slot.place().threads.spawn_shared("alarms", Arc::default(), live)?);
        }
        let woken = if state.set(slot, at) { state.thread.clone() } else { None };
        drop(state);
        woken.iter().for_each(Thread::unpark);
        Ok(())
    }

    fn live(&self, runtime: &Runtime) {
        loop {
            let mut state = self.state.lock();
            if state.quit {
                return;
            }
            let (came, next) = state.take_due(runtime.now());
            drop(state);
            if came.is_empty() {
                thread::park_until(next.and_then(|at| runtime.instant(at)));
            }
            came.into_iter().for_each(Runnable::alarm_came);
        }
    }

    /// Lets the thread end.
    pub(super) fn quit(&self) {
        let mut state = self.state.lock();
        state.quit = true;
        let thread = state.thread.clone();
        drop(state);
        thread.iter().for_each(Thread::unpark);
    }
}
