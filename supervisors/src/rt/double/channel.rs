//! A bounded channel with crossbeam's contract: first in, first out; errors give the message back; a side that is
//! gone ends the waits of the other, and what was sent before can still be received.

use super::clock;
use super::sync::{Mutex, MutexGuard};
use super::thread::{self, Thread};
use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub use crossbeam_channel::{
    RecvError, RecvTimeoutError, SendError, SendTimeoutError, TryRecvError, TrySendError,
};

struct State<T> {
    queue: VecDeque<T>,
    capacity: usize,
    senders: usize,
    receivers: usize,
    waiting: Vec<Thread>,
}

type Shared<T> = Arc<Mutex<State<T>>>;

/// The sending side.
pub struct Sender<T>(Shared<T>);

/// The receiving side.
pub struct Receiver<T>(Shared<T>);

/// A channel for at most so many messages.
///
/// # Panics
/// For a capacity of zero, which nothing here uses.
#[must_use]
pub fn bounded<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    assert!(capacity > 0, "the double has no rendezvous");
    let state = State { queue: VecDeque::new(), capacity, senders: 1, receivers: 1, waiting: Vec::new() };
    let shared = Arc::new(Mutex::new(state));
    (Sender(shared.clone()), Receiver(shared))
}

/// Ends the waits of everyone, who look again.
fn stir<T>(mut state: MutexGuard<'_, State<T>>) {
    let waiting = std::mem::take(&mut state.waiting);
    drop(state);
    waiting.iter().for_each(Thread::unpark);
}

/// Tries until it is done or the time is over, parked in between.
fn wait<T, R>(
    shared: &Shared<T>,
    timeout: Option<Duration>,
    mut attempt: impl FnMut(MutexGuard<'_, State<T>>) -> Option<R>,
) -> Option<R> {
    let deadline = timeout.and_then(|timeout| clock::now().checked_add(timeout));
    loop {
        if let Some(done) = attempt(shared.lock()) {
            return Some(done);
        }
        if deadline.is_some_and(|at| clock::now() >= at) {
            return None;
        }
        thread::park_until(deadline);
    }
}

impl<T> Sender<T> {
    fn attempt(mut state: MutexGuard<'_, State<T>>, message: T) -> Result<(), TrySendError<T>> {
        if state.receivers == 0 {
            return Err(TrySendError::Disconnected(message));
        }
        if state.queue.len() >= state.capacity {
            return Err(TrySendError::Full(message));
        }
        state.queue.push_back(message);
        stir(state);
        Ok(())
    }

    /// Sends if there is room.
    ///
    /// # Errors
    /// There is none, or nobody to receive.
    pub fn try_send(&self, message: T) -> Result<(), TrySendError<T>> {
        Sender::attempt(self.0.lock(), message)
    }

    /// Waits for room.
    ///
    /// # Errors
    /// Nobody is left to receive.
    pub fn send(&self, message: T) -> Result<(), SendError<T>> {
        self.send_within(message, None).map_err(|error| SendError(error.into_inner()))
    }

    /// Waits for room, for so long.
    ///
    /// # Errors
    /// There was none until then, or nobody is left to receive.
    pub fn send_timeout(&self, message: T, timeout: Duration) -> Result<(), SendTimeoutError<T>> {
        self.send_within(message, Some(timeout))
    }

    fn send_within(&self, message: T, timeout: Option<Duration>) -> Result<(), SendTimeoutError<T>> {
        let mut unsent = Some(message);
        let done = wait(&self.0, timeout, |mut state| {
            if state.receivers > 0 && state.queue.len() >= state.capacity {
                state.waiting.push(thread::current());
                return None;
            }
            unsent.take().map(|message| Sender::attempt(state, message))
        });
        match (done, unsent) {
            (Some(Ok(())), _) => Ok(()),
            (Some(Err(error)), _) => Err(SendTimeoutError::Disconnected(error.into_inner())),
            (None, Some(message)) => Err(SendTimeoutError::Timeout(message)),
            (None, None) => unreachable!("an unsent message is kept"),
        }
    }

    /// Messages in it.
    pub fn len(&self) -> usize {
        self.0.lock().queue.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<T> Receiver<T> {
    fn attempt(mut state: MutexGuard<'_, State<T>>) -> Result<T, TryRecvError> {
        let Some(message) = state.queue.pop_front() else {
            return Err(if state.senders == 0 { TryRecvError::Disconnected } else { TryRecvError::Empty });
        };
        stir(state);
        Ok(message)
    }

    /// The first message, if there is one.
    ///
    /// # Errors
    /// There is none, or will never be.
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        Receiver::attempt(self.0.lock())
    }

    /// Waits for a message.
    ///
    /// # Errors
    /// It is empty and nobody is left to send.
    pub fn recv(&self) -> Result<T, RecvError> {
        self.recv_within(None).map_err(|_| RecvError)
    }

    /// Waits for a message, for so long.
    ///
    /// # Errors
    /// None came until then, or nobody is left to send.
    pub fn recv_timeout(&self, timeout: Duration) -> Result<T, RecvTimeoutError> {
        self.recv_within(Some(timeout))
    }

    fn recv_within(&self, timeout: Option<Duration>) -> Result<T, RecvTimeoutError> {
        let done = wait(&self.0, timeout, |mut state| {
            if state.queue.is_empty() && state.senders > 0 {
                state.waiting.push(thread::current());
                return None;
            }
            Some(Receiver::attempt(state))
        });
        match done {
            Some(received) => received.map_err(|_| RecvTimeoutError::Disconnected),
            None => Err(RecvTimeoutError::Timeout),
        }
    }

    /// Messages in it.
    pub fn len(&self) -> usize {
        self.0.lock().queue.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Sender<T> {
        self.0.lock().senders += 1;
        Sender(self.0.clone())
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Receiver<T> {
        self.0.lock().receivers += 1;
        Receiver(self.0.clone())
    }
}

/// While a panic unwinds nothing may be locked under loom; then the other side is not told.
impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let mut state = self.0.lock();
            state.senders -= 1;
            if state.senders == 0 {
                stir(state);
            }
        }
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let mut state = self.0.lock();
            state.receivers -= 1;
            if state.receivers == 0 {
                stir(state);
            }
        }
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sender")
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Receiver")
    }
}
