//! One-slot reply boxes: replying never blocks, and a reply dropped unanswered is itself an answer.

use crate::rt::Mutex;
use crate::rt::atomic::{AtomicBool, Ordering};
use crate::rt::thread::{self, Thread};
use crate::slot::boundary::{self, Unanswered};
use crate::{CallError, Runtime, driver};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A pair that belongs to no call: whoever holds the [`Reply`] answers whoever holds the [`Answer`].
///
/// ```
/// let (reply, answer) = supervisors::reply_box();
/// reply.send(7);
/// assert_eq!(answer.wait(), Ok(7));
/// ```
#[must_use]
pub fn reply_box<R: Send + 'static>() -> (Reply<R>, Answer<R>) {
    pair(None)
}

/// A pair whose answer steps that runtime while it waits, if it is a simulated one.
pub(crate) fn pair<R: Send + 'static>(runtime: Option<&Runtime>) -> (Reply<R>, Answer<R>) {
    let slot = Arc::new(Slot { ready: AtomicBool::new(false), state: Mutex::new(State::Open) });
    (
        Reply { slot: Some(slot.clone()) },
        Answer { slot, runtime: runtime.filter(|it| it.is_simulated()).cloned() },
    )
}

/// The side that answers, once, without ever waiting.
#[must_use = "a reply that is dropped answers `NoReply`"]
pub struct Reply<R: Send + 'static> {
    /// Taken by `send`; what is left at the drop was not answered.
    slot: Option<Arc<Slot<R>>>,
}

/// The side that waits for the answer.
#[must_use = "an answer that nobody waits for is lost"]
pub struct Answer<R: Send + 'static> {
    slot: Arc<Slot<R>>,
    runtime: Option<Runtime>,
}

struct Slot<R> {
    /// Set together with `Answered`, so that a waiter can look without the lock.
    ready: AtomicBool,
    state: Mutex<State<R>>,
}

enum State<R> {
    Open,
    Waiting(Thread),
    Answered(Result<R, CallError>),
    Taken,
}

impl<R: Send + 'static> Reply<R> {
    /// Answers. It does not matter whether anyone still waits.
    pub fn send(mut self, value: R) {
        if let Some(slot) = self.slot.take() {
            slot.answer(Ok(value));
        }
    }
}

impl<R: Send + 'static> Drop for Reply<R> {
    fn drop(&mut self) {
        if let Some(slot) = self.slot.take() {
            boundary::dropped_unanswered(slot);
        }
    }
}

impl<R> Slot<R> {
    fn answer(&self, answer: Result<R, CallError>) {
        let before = {
            let mut state = self.state.lock();
            // Under the lock: who registers too late to be unparked must find the flag set when it looks again.
            self.ready.store(true, Ordering::Release);
            std::mem::replace(&mut *state, State::Answered(answer))
        };
        if let State::Waiting(thread) = before {
            thread.unpark();
        }
    }

    fn take(&self) -> Option<Result<R, CallError>> {
        if !self.ready.load(Ordering::Acquire) {
            return None;
        }
        match std::mem::replace(&mut *self.state.lock(), State::Taken) {
            State::Answered(answer) => Some(answer),
            _ => Some(Err(CallError::NoReply)), // taken before: there was one answer and it is gone
        }
    }

    fn register(&self) {
        let mut state = self.state.lock();
        if matches!(*state, State::Open | State::Waiting(_)) {
            *state = State::Waiting(thread::current());
        }
    }
}

impl<R: Send> Unanswered for Slot<R> {
    fn refuse(&self, error: CallError) {
        self.answer(Err(error));
    }
}

impl<R: Send + 'static> Answer<R> {
    /// Waits for the answer.
    ///
    /// # Errors
    /// Why there is none: see [`CallError`]. Never `DeadlineExceeded`.
    pub fn wait(self) -> Result<R, CallError> {
        self.wait_for(None)
    }

    /// Waits that long at most. A later answer is dropped.
    ///
    /// # Errors
    /// Why there is no answer: see [`CallError`].
    pub fn wait_timeout(self, timeout: Duration) -> Result<R, CallError> {
        self.wait_for(Some(timeout))
    }

    /// The answer, if it is there. It is given once; after that the box says `NoReply`.
    pub fn try_wait(&self) -> Option<Result<R, CallError>> {
        self.slot.take()
    }

    /// Whether the answer is there.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.slot.ready.load(Ordering::Acquire)
    }

    pub(crate) fn wait_for(&self, timeout: Option<Duration>) -> Result<R, CallError> {
        driver::wait(self.runtime.as_ref(), timeout, || self.slot.take(), || self.slot.register())
            .unwrap_or_else(|ended| Err(ended.into()))
    }
}

impl<R: Send + 'static> fmt::Debug for Reply<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reply")
    }
}

impl<R: Send + 'static> fmt::Debug for Answer<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").field("ready", &self.is_ready()).finish()
    }
}
