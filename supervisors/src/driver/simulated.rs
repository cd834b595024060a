//! The simulated driver: one thread, choices instead of the scheduler, a virtual clock.
//!
//! The slots are the shipped ones. A slot that is elected becomes runnable; a step picks one runnable slot and lets it
//! take one message, or deliver one item of its outbox. FIFO holds between one sender and one receiver; everything
//! else is a choice. The clock goes on only when nothing can run. Nothing but the choices decides: no hash order, no
//! thread, no address, no wall clock.

mod choices;

pub use choices::{Choices, Recorded, Seeded};

use super::{After, Runnable};
use crate::rt::{Mutex, MutexGuard, RwLock};
use crate::runtime::{Stepped, World};
use crate::{ChildId, Runtime, Time};
use std::fmt;
use std::sync::{Arc, Weak};
use std::time::Duration;

/// A world of one thread in which everything that is open is a choice.
///
/// ```
/// use std::time::Duration;
/// use supervisors::simulation::{Seeded, Simulation};
/// let simulation = Simulation::new(Seeded::new(42));
/// let runtime = simulation.runtime(); // start a supervisor on it
/// simulation.run_for(Duration::from_secs(3600)); // takes no time
/// assert_eq!(runtime.now().as_nanos(), 3_600_000_000_000);
/// ```
pub struct Simulation {
    core: Arc<Core>,
}

struct Core {
    state: Mutex<State>,
    /// Called around every handler, outside of the state's lock: it may choose, and panic.
    hook: RwLock<Option<Hook>>,
}

type Hook = Box<dyn Fn(&ChildId) + Send + Sync>;

struct State {
    choices: Box<dyn Choices>,
    now: Time,
    /// Elected and able to take something, oldest first.
    runnable: Vec<Arc<dyn Runnable>>,
    /// Waiting for room in the mailbox of the slot of that key.
    blocked: Vec<(usize, Arc<dyn Runnable>)>,
    /// Busy until then: what runs next of them waits.
    busy: Vec<(Time, Arc<dyn Runnable>)>,
    /// Busy until then though there is nothing more to do: what elects the slot of that key waits as long.
    resting: Vec<(Time, usize)>,
    /// At most one per slot.
    alarms: Vec<(Time, Weak<dyn Runnable>)>,
    /// How long the step in hand keeps its slot busy.
    delay: Duration,
    /// The blocked were tried again and nothing else has happened since.
    retried: bool,
    /// The process was killed: nothing runs any more.
    halted: bool,
    /// How far the calendar is off the virtual time, in microseconds.
    wall_offset: i64,
    trace: Vec<usize>,
    steps: u64,
    fingerprint: u64,
}

impl Simulation {
    /// A world at time zero in which nothing runs yet.
    #[must_use]
    pub fn new(choices: impl Choices + 'static) -> Simulation {
        let state = State {
            choices: Box::new(choices),
            now: Time::ZERO,
            runnable: Vec::new(),
            blocked: Vec::new(),
            busy: Vec::new(),
            resting: Vec::new(),
            alarms: Vec::new(),
            delay: Duration::ZERO,
            retried: false,
            halted: false,
            wall_offset: 0,
            trace: Vec::new(),
            steps: 0,
            fingerprint: 0xcbf2_9ce4_8422_2325,
        };
        Simulation { core: Arc::new(Core { state: Mutex::new(state), hook: RwLock::new(None) }) }
    }

    /// Where to start supervisors. Calls and waits of their users step the simulation until they are answered.
    #[must_use]
    pub fn runtime(&self) -> Runtime {
        Runtime::simulated(self.core.clone())
    }

    /// The virtual time.
    #[must_use]
    pub fn now(&self) -> Time {
        self.core.now()
    }

    /// Lets one thing happen; `false` when nothing is left that could.
    pub fn step(&self) -> bool {
        self.core.step(None) == Stepped::Ran
    }

    /// Steps until nothing can run without the clock going on; how many steps that took.
    pub fn settle(&self) -> u64 {
        let before = self.steps();
        while self.core.step(Some(self.now())) == Stepped::Ran {}
        self.steps() - before
    }

    /// Steps until that much virtual time has gone by and nothing is left to do then; how many steps that took.
    pub fn run_for(&self, time: Duration) -> u64 {
        let (before, until) = (self.steps(), self.now() + time);
        while self.core.step(Some(until)) == Stepped::Ran {}
        self.steps() - before
    }

    /// Keeps the slot whose handler calls this busy for so long after its turn: what a disk does to a writer.
    pub fn busy_for(&self, time: Duration) {
        let mut state = self.core.state.lock();
        state.delay = state.delay.max(time);
    }

    /// Moves the calendar, and not the virtual time, by so many microseconds: someone set the clock.
    pub fn set_wall_clock(&self, by_micros: i64) {
        let mut state = self.core.state.lock();
        state.wall_offset = state.wall_offset.saturating_add(by_micros);
    }

    /// Calls `hook` inside every actor, before and after each of its handlers. Where it panics the actor does; what it
    /// captures must not keep the simulation alive, and it must not set another hook.
    pub fn around_handlers(&self, hook: impl Fn(&ChildId) + Send + Sync + 'static) {
        *self.core.hook.write() = Some(Box::new(hook));
    }

    /// Kills the process: from here on nothing runs, and every wait ends as one that nothing can end.
    pub fn halt(&self) {
        let left = self.core.state.lock().halt();
        drop(left);
    }

    /// Whether the process was killed and no other one runs.
    #[must_use]
    pub fn is_halted(&self) -> bool {
        self.core.state.lock().halted
    }

    /// Another process may run. What is left of the one before must be dropped by now.
    pub fn revive(&self) {
        self.core.state.lock().halted = false;
    }

    /// One of `n` things, for what else is simulated beside the actors; it is recorded like the driver's own choices.
    #[must_use]
    pub fn choose(&self, n: usize) -> usize {
        self.core.choose(n)
    }

    /// The choices made so far, for [`Recorded`].
    #[must_use]
    pub fn choices(&self) -> Vec<usize> {
        self.core.state.lock().trace.clone()
    }

    /// Steps made so far.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.core.state.lock().steps
    }

    /// A digest of which child ran when and of every choice: equal for equal runs.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        self.core.state.lock().fingerprint
    }
}

impl Drop for Simulation {
    /// What still waits holds the runtime, and by that the world, which holds what waits.
    fn drop(&mut self) {
        self.halt();
    }
}

impl fmt::Debug for Simulation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.core.state.lock();
        f.debug_struct("Simulation")
            .field("now", &state.now)
            .field("steps", &state.steps)
            .field("runnable", &state.runnable.len())
            .field("blocked", &state.blocked.len())
            .finish_non_exhaustive()
    }
}

/// Everything that waits to run.
type Left = (Vec<Arc<dyn Runnable>>, Vec<(usize, Arc<dyn Runnable>)>, Vec<(Time, Arc<dyn Runnable>)>);

impl State {
    /// Takes out what waits, to be dropped outside of the lock.
    fn halt(&mut self) -> Left {
        self.halted = true;
        self.alarms.clear();
        self.resting.clear();
        let Self { runnable, blocked, busy, .. } = self;
        (std::mem::take(runnable), std::mem::take(blocked), std::mem::take(busy))
    }

    fn ring(&mut self, slot: Arc<dyn Runnable>) {
        let key = slot.key();
        match self.resting.iter().find(|(until, resting)| *resting == key && *until > self.now) {
            Some((until, _)) => self.busy.push((*until, slot)),
            None => self.runnable.push(slot),
        }
    }

    fn choose(&mut self, n: usize) -> usize {
        if n < 2 {
            return 0;
        }
        let choice = self.choices.choose(n).min(n - 1);
        self.trace.push(choice);
        self.digest(choice as u64);
        choice
    }

    /// FNV-1a over words.
    fn digest(&mut self, word: u64) {
        self.fingerprint = (self.fingerprint ^ word).wrapping_mul(0x100_0000_01b3);
    }

    fn begin_step(&mut self, slot: &Arc<dyn Runnable>) {
        self.steps += 1;
        self.digest(self.now.as_nanos());
        slot.name().as_str().bytes().for_each(|byte| self.digest(byte.into()));
    }

    /// The slot that runs now, after the clock went on if it had to.
    fn pick(&mut self, until: Option<Time>) -> Result<Arc<dyn Runnable>, Stepped> {
        if self.runnable.is_empty() && !self.retried {
            self.retried = true; // a target that has ended does not run, and by that frees nobody
            self.free_where(|_| true);
        }
        if self.runnable.is_empty() {
            return Err(self.advance(until));
        }
        let choice = self.choose(self.runnable.len());
        Ok(self.runnable.remove(choice))
    }

    /// Nothing can run: the clock goes on to what comes next.
    fn advance(&mut self, until: Option<Time>) -> Stepped {
        self.alarms.retain(|(_, slot)| slot.strong_count() > 0);
        let alarms = self.alarms.iter().map(|(at, _)| *at);
        let next = alarms.chain(self.busy.iter().map(|(at, _)| *at)).min();
        match (next, until) {
            (None, None) => return Stepped::Idle,
            (Some(next), None) => self.now = self.now.max(next),
            (Some(next), Some(until)) if next <= until => self.now = self.now.max(next),
            (_, Some(until)) => {
                self.now = self.now.max(until);
                return Stepped::Deadline;
            }
        }
        self.retried = false;
        Stepped::Ran
    }

    /// The slots whose alarm is due.
    fn due(&mut self) -> Vec<Arc<dyn Runnable>> {
        let now = self.now;
        if self.alarms.iter().all(|(at, _)| *at > now) {
            return Vec::new();
        }
        self.alarms.extract_if(.., |(at, _)| *at <= now).filter_map(|(_, slot)| slot.upgrade()).collect()
    }

    fn free_where(&mut self, freed: impl Fn(usize) -> bool) {
        if !self.blocked.is_empty() {
            let freed = self.blocked.extract_if(.., |(on, _)| freed(*on)).map(|(_, slot)| slot);
            self.runnable.extend(freed);
        }
    }

    fn end_of_business(&mut self) {
        let now = self.now;
        self.resting.retain(|(until, _)| *until > now);
        if !self.busy.is_empty() {
            let rested = self.busy.extract_if(.., |(at, _)| *at <= now).map(|(_, slot)| slot);
            self.runnable.extend(rested);
        }
    }

    fn after(&mut self, key: usize, after: After) {
        let until = self.now + std::mem::take(&mut self.delay);
        match after {
            After::Resigned if until > self.now => self.resting.push((until, key)),
            After::Resigned => {}
            After::Again(slot) | After::HandOver(slot) if until > self.now => self.busy.push((until, slot)),
            After::Again(slot) | After::HandOver(slot) => self.runnable.push(slot),
            After::Blocked { slot, on } => return self.blocked.push((on.key(), slot)),
        }
        self.retried = false;
        self.free_where(|on| on == key);
    }
}

impl World for Core {
    fn now(&self) -> Time {
        self.state.lock().now
    }

    fn wall_offset(&self) -> i64 {
        self.state.lock().wall_offset
    }

    fn ring(&self, slot: Arc<dyn Runnable>) {
        let mut state = self.state.lock();
        if !state.halted {
            state.ring(slot);
        }
    }

    fn alarm(&self, slot: Arc<dyn Runnable>, at: Time) {
        let mut state = self.state.lock();
        if state.halted {
            return;
        }
        let weak = Arc::downgrade(&slot);
        state.alarms.retain(|(_, other)| !other.ptr_eq(&weak));
        state.alarms.push((at, weak));
    }

    fn step(&self, until: Option<Time>) -> Stepped {
        let mut state = self.state.lock();
        if state.halted {
            return Stepped::Idle;
        }
        state.end_of_business();
        let due = state.due();
        if !due.is_empty() {
            drop(state); // they elect slots, which ring
            due.into_iter().for_each(Runnable::alarm_came);
            state = self.state.lock();
        }
        match state.pick(until) {
            Ok(slot) => self.run(state, slot),
            Err(stepped) => return stepped,
        }
        Stepped::Ran
    }

    fn choose(&self, n: usize) -> usize {
        self.state.lock().choose(n)
    }

    fn is_delayed(&self) -> bool {
        !self.state.lock().delay.is_zero()
    }

    fn around_handler(&self, child: &ChildId) {
        if let Some(hook) = &*self.hook.read() {
            hook(child);
        }
    }
}

impl Core {
    fn run(&self, mut state: MutexGuard<'_, State>, slot: Arc<dyn Runnable>) {
        let key = slot.key();
        state.begin_step(&slot);
        let outer = std::mem::take(&mut state.delay); // of the turn that waits while this one runs
        drop(state);
        let after = slot.run();
        let mut state = self.state.lock();
        if state.halted {
            state.delay = Duration::ZERO;
            drop(state); // what the slot drops may want it
            return drop(after);
        }
        state.after(key, after);
        state.delay = outer;
    }
}

#[cfg(test)]
mod tests;
