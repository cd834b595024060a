//! The threads of a tree, joined at its end; and the slots' own ones: made when first rung, parked while there is
//! nothing to do.

use super::Runnable;
use super::alarms::Alarms;
use super::pool::Pool;
use crate::failpoints;
use crate::rt::Mutex;
use crate::rt::thread::{self, JoinHandle, Thread};
use crate::{Runtime, Time};
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};

/// How a slot's own thread is called.
pub(crate) struct Bell {
    state: Mutex<State>,
    /// A hint for the spinning thread; the state decides.
    rung: AtomicBool,
    /// Of the own thread.
    post: Arc<Post>,
}

/// What is known of a thread from outside.
#[derive(Default)]
pub(super) struct Post {
    /// Its number; 0 before it runs.
    number: AtomicU64,
    /// It hangs in a turn and is not to be joined.
    abandoned: AtomicBool,
    /// It is one of the pool's.
    pooled: bool,
}

impl Post {
    pub(super) fn of_pool() -> Post {
        Post { pooled: true, ..Post::default() }
    }

    pub(super) fn is_abandoned(&self) -> bool {
        self.abandoned.load(Ordering::Relaxed)
    }
}

#[derive(Default)]
struct State {
    /// The own thread, once it is made.
    thread: Option<Thread>,
    /// The slot, while the own thread is its runner or about to be.
    run: Option<Arc<dyn Runnable>>,
    /// When to look for timers that are due. Weak: an idle thread keeps no slot alive.
    alarm: Option<(Time, Weak<dyn Runnable>)>,
    /// The child has ended for good.
    quit: bool,
}

enum Call {
    Run(Arc<dyn Runnable>),
    Alarm(Arc<dyn Runnable>),
    Quit,
}

impl Bell {
    pub(crate) fn new() -> Bell {
        Bell {
            state: Mutex::new(State::default()),
            rung: AtomicBool::new(false),
            post: Arc::new(Post::default()),
        }
    }

    /// Makes the own thread the runner. Gives the slot back when there is no thread to be had.
    pub(crate) fn ring(self: &Arc<Self>, slot: Arc<dyn Runnable>) -> Result<(), Arc<dyn Runnable>> {
        let mut state = self.state.lock();
        if self.ensure_thread(&mut state, &slot).is_err() {
            return Err(slot);
        }
        state.run = Some(slot);
        self.wake(state);
        Ok(())
    }

    /// Asks for a look at the timers at that time.
    pub(crate) fn set_alarm(self: &Arc<Self>, slot: &Arc<dyn Runnable>, at: Time) -> std::io::Result<()> {
        let mut state = self.state.lock();
        self.ensure_thread(&mut state, slot)?;
        let sooner = state.alarm.as_ref().is_none_or(|(before, _)| at < *before);
        state.alarm = Some((at, Arc::downgrade(slot)));
        if sooner {
            self.wake(state);
        }
        Ok(())
    }

    /// Lets the own thread end, after the turn it may be in.
    pub(crate) fn quit(&self) {
        let mut state = self.state.lock();
        state.quit = true;
        self.wake(state);
    }

    fn wake(&self, state: crate::rt::MutexGuard<'_, State>) {
        let thread = state.thread.clone();
        drop(state);
        self.rung.store(true, Ordering::Release);
        if let Some(thread) = thread {
            thread.unpark();
        }
    }

    fn ensure_thread(self: &Arc<Self>, state: &mut State, slot: &Arc<dyn Runnable>) -> std::io::Result<()> {
        if state.thread.is_none() {
            let place = slot.place();
            let above = if place.path.is_empty() { String::new() } else { format!("{}/", place.path) };
            let name = format!("{above}{}", slot.name());
            let (own, runtime) = (self.clone(), place.runtime.clone());
            state.thread = Some(place.threads.spawn(name, self.post.clone(), move || own.live(&runtime))?);
        }
        Ok(())
    }

    fn live(&self, runtime: &Runtime) {
        super::become_own_thread();
        loop {
            match self.next(runtime) {
                Call::Run(slot) => super::run(slot),
                Call::Alarm(slot) => {
                    let _scope = super::enter();
                    slot.alarm_came();
                    super::run_until(|| false);
                }
                Call::Quit => break,
            }
        }
    }

    fn next(&self, runtime: &Runtime) -> Call {
        thread::spin_until(|| self.rung.load(Ordering::Acquire));
        loop {
            self.rung.store(false, Ordering::Relaxed);
            let until = match self.poll(runtime) {
                Ok(call) => return call,
                Err(until) => until,
            };
            thread::park_until(until.and_then(|at| runtime.instant(at)));
        }
    }

    /// What is called for now, or when to look again. An unpark between this and the parking is not lost.
    fn poll(&self, runtime: &Runtime) -> Result<Call, Option<Time>> {
        let mut state = self.state.lock();
        if let Some(slot) = state.run.take() {
            return Ok(Call::Run(slot));
        }
        if state.quit {
            return Ok(Call::Quit);
        }
        let Some((at, _)) = state.alarm else { return Err(None) };
        if runtime.now() < at {
            return Err(Some(at));
        }
        let slot = state.alarm.take().and_then(|(_, slot)| slot.upgrade());
        slot.map(Call::Alarm).ok_or(None)
    }
}

/// The threads of one tree.
pub(crate) struct Threads {
    /// The tree's, before the names of those of its threads that no child has for its own.
    name: String,
    entries: Mutex<Vec<Entry>>,
    pub(super) pool: Arc<Pool>,
    pub(super) alarms: Arc<Alarms>,
}

struct Entry {
    name: String,
    handle: JoinHandle<()>,
    post: Arc<Post>,
}

impl Threads {
    pub(crate) fn new(name: &str) -> Arc<Threads> {
        Arc::new(Threads {
            name: name.to_owned(),
            entries: Mutex::default(),
            pool: Arc::default(),
            alarms: Arc::default(),
        })
    }

    /// A thread that belongs to no child.
    pub(super) fn spawn_shared(
        &self,
        name: &str,
        post: Arc<Post>,
        work: impl FnOnce() + Send + 'static,
    ) -> std::io::Result<Thread> {
        self.spawn(format!("{}/({name})", self.name), post, work)
    }

    fn spawn(
        &self,
        name: String,
        post: Arc<Post>,
        work: impl FnOnce() + Send + 'static,
    ) -> std::io::Result<Thread> {
        let own = post.clone();
        let numbered = move || {
            own.number.store(super::thread_number(), Ordering::Relaxed);
            work();
        };
        let handle = thread::spawn(name.clone(), failpoints::inherited(numbered))?;
        let thread = handle.thread().clone();
        let mut entries = self.entries.lock();
        entries.retain(|entry| !entry.handle.is_finished()); // those of removed children
        entries.push(Entry { name, handle, post });
        Ok(thread)
    }

    /// The thread of that number hangs in a turn: it is not to be joined.
    pub(crate) fn abandon(&self, number: u64) {
        let hung = self.entries.lock().iter().find(|entry| entry.is(number)).map(|entry| entry.post.clone());
        let Some(post) = hung else { return };
        // It may hang in the turns of two children, one inside of the other.
        if !post.abandoned.swap(true, Ordering::Relaxed) && post.pooled {
            self.pool.lost_one(self);
        }
    }

    /// The name of the thread of that number, if it is one of the tree's own.
    pub(crate) fn name_of(&self, number: u64) -> String {
        let entries = self.entries.lock();
        entries
            .iter()
            .find(|entry| entry.is(number))
            .map_or("a caller's thread", |entry| &entry.name)
            .to_owned()
    }

    /// Joins all threads, whose children must have ended, and returns the names of those that it could not: those
    /// that were abandoned, and the calling thread itself if it is one of them.
    pub(crate) fn join_all(&self) -> Vec<String> {
        self.quit();
        let entries = std::mem::take(&mut *self.entries.lock());
        entries.into_iter().filter_map(Entry::join).collect()
    }

    /// Lets the threads end that belong to no child.
    fn quit(&self) {
        self.alarms.quit();
        self.pool.quit();
    }
}

/// A tree that nobody joined: its threads end all the same.
impl Drop for Threads {
    fn drop(&mut self) {
        self.quit();
    }
}

impl Entry {
    fn is(&self, number: u64) -> bool {
        self.post.number.load(Ordering::Relaxed) == number
    }

    fn join(self) -> Option<String> {
        let hangs = self.post.is_abandoned() && !self.handle.is_finished();
        if hangs || self.is(super::thread_number()) {
            return Some(self.name);
        }
        if self.handle.join().is_err() {
            tracing::error!(thread = %self.name, "a thread of the runtime panicked outside of every handler");
        }
        None
    }
}

impl fmt::Debug for Threads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries = self.entries.lock();
        f.debug_list().entries(entries.iter().map(|entry| &entry.name)).finish()
    }
}
