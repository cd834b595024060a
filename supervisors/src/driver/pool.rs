//! The threads that the pooled slots of one tree share: made when first needed, parked while nothing waits.
//!
//! A slot stands in the queue only while it has a runner, and then once, so the queue is no longer than there are
//! pooled slots. A pool thread never waits for room in a mailbox: who is to make that room may stand behind it in the
//! queue. A thread that is left hanging in a turn is replaced, so that a pool keeps as many as it was given.

use super::Runnable;
use super::threads::{Post, Threads};
use crate::planted::{self, Bug};
use crate::rt::Mutex;
use crate::rt::thread::{self, Thread};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

#[derive(Default)]
pub(crate) struct Pool {
    state: Mutex<State>,
    /// How many slots wait: a hint for who looks without the lock. The state decides, so plain std also under loom.
    waiting: AtomicUsize,
}

#[derive(Default)]
struct State {
    /// Elected and not yet run, oldest first.
    queue: VecDeque<Arc<dyn Runnable>>,
    /// Threads that only a ring wakes, each with its number in this pool.
    parked: Vec<(usize, Thread)>,
    /// Threads that will look at the queue again before they park: for as many slots nobody must be woken.
    looking: usize,
    /// Threads that are there and not left hanging.
    threads: usize,
    /// Threads ever made.
    made: usize,
    /// All children have ended for good.
    quit: bool,
}

impl State {
    fn wake_one(&mut self) -> Option<Thread> {
        let (_, thread) = self.parked.pop()?;
        self.looking += 1;
        Some(thread)
    }

    /// A parked thread goes on: woken by someone, or for no reason.
    fn goes_on(&mut self, number: usize) {
        match self.parked.iter().position(|(parked, _)| *parked == number) {
            Some(at) => drop(self.parked.remove(at)),
            None => self.looking -= 1,
        }
    }
}

impl Pool {
    /// Whether slots wait for a thread of the pool.
    pub(super) fn is_waited_for(&self) -> bool {
        self.waiting.load(Relaxed) > 0
    }

    /// Has a thread of the pool run the slot. Gives it back when there is no thread to be had.
    pub(super) fn ring(self: &Arc<Self>, slot: Arc<dyn Runnable>) -> Result<(), Arc<dyn Runnable>> {
        let (threads, limit) = (slot.place().threads.clone(), slot.place().runtime.pool_threads());
        let mut state = self.state.lock();
        let wanting = state.queue.len() >= state.looking;
        let woken = if wanting && !planted::is(Bug::PoolStaysParked) { state.wake_one() } else { None };
        if wanting && woken.is_none() && state.threads < limit {
            let made = self.make_thread(&mut state, &threads);
            if made.is_err() && state.threads == 0 {
                return Err(slot);
            }
        }
        state.queue.push_back(slot);
        self.waiting.store(state.queue.len(), Relaxed);
        drop(state);
        woken.iter().for_each(Thread::unpark);
        Ok(())
    }

    fn make_thread(self: &Arc<Self>, state: &mut State, threads: &Threads) -> std::io::Result<()> {
        let (number, pool, post) = (state.made + 1, self.clone(), Arc::new(Post::of_pool()));
        let own = post.clone();
        threads.spawn_shared(&format!("pool {number}"), post, move || pool.live(number, &own))?;
        state.made = number;
        state.threads += 1;
        state.looking += 1; // it looks before it parks
        Ok(())
    }

    fn live(&self, number: usize, post: &Post) {
        self.state.lock().looking -= 1;
        while let Some(slot) = self.next(number) {
            super::run_pooled(slot, self);
            if post.is_abandoned() {
                return; // it was replaced
            }
        }
    }

    /// The next slot; `None` when nothing waits and nothing will.
    fn next(&self, number: usize) -> Option<Arc<dyn Runnable>> {
        let mut looked = false;
        let mut state = self.state.lock();
        loop {
            let waits = state.queue.pop_front();
            self.waiting.store(state.queue.len(), Relaxed);
            if waits.is_some() || state.quit {
                return waits;
            }
            if looked {
                state.parked.push((number, thread::current()));
                drop(state);
                thread::park();
                state = self.state.lock();
                state.goes_on(number);
            } else {
                state.looking += 1;
                drop(state);
                thread::spin_until(|| self.is_waited_for());
                state = self.state.lock();
                state.looking -= 1;
            }
            looked = !looked;
        }
    }

    /// One of the threads hangs in a turn: another may take its place.
    pub(super) fn lost_one(self: &Arc<Self>, threads: &Threads) {
        let mut state = self.state.lock();
        state.threads -= 1;
        if state.queue.len() > state.looking {
            let _ = self.make_thread(&mut state, threads); // else the next ring tries again
        }
    }

    /// Lets the threads end, after what waits.
    pub(super) fn quit(&self) {
        let mut state = self.state.lock();
        state.quit = true;
        let parked: Vec<_> = std::iter::from_fn(|| state.wake_one()).collect();
        drop(state);
        if planted::is(Bug::PoolEndsAsleep) {
            return;
        }
        parked.iter().for_each(Thread::unpark);
    }
}
