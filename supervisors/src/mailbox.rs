//! The bounded queue of a slot. It outlives every incarnation and is made when the first message comes.

use crate::rt::channel::{self, Receiver, SendTimeoutError, Sender, TrySendError};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

pub(crate) struct Mailbox<M> {
    /// Read once, when the queue is made.
    capacity: AtomicUsize,
    ends: OnceLock<(Sender<M>, Receiver<M>)>,
}

impl<M> Mailbox<M> {
    pub(crate) fn new(capacity: usize) -> Mailbox<M> {
        Mailbox { capacity: AtomicUsize::new(capacity), ends: OnceLock::new() }
    }

    pub(crate) fn set_capacity(&self, messages: usize) {
        self.capacity.store(messages, Ordering::Relaxed);
    }

    pub(crate) fn capacity(&self) -> usize {
        self.capacity.load(Ordering::Relaxed).max(1) // 0 would be a rendezvous, which a runner never waits in
    }

    fn ends(&self) -> &(Sender<M>, Receiver<M>) {
        self.ends.get_or_init(|| {
            channel::bounded(self.capacity() + usize::from(crate::planted::planted("mailbox_one_too_large")))
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.get().map_or(0, |(sender, _)| sender.len())
    }

    pub(crate) fn try_push(&self, message: M) -> Result<(), TrySendError<M>> {
        self.ends().0.try_send(message)
    }

    /// Waits for room.
    pub(crate) fn push(&self, message: M, timeout: Option<Duration>) -> Result<(), SendTimeoutError<M>> {
        match timeout {
            Some(timeout) => self.ends().0.send_timeout(message, timeout),
            None => self.ends().0.send(message).map_err(|e| SendTimeoutError::Disconnected(e.0)),
        }
    }

    /// For the runner.
    pub(crate) fn pop(&self) -> Option<M> {
        self.ends().1.try_recv().ok()
    }

    /// Drops what is queued, and by that lets those in who wait for room. The channel is never disconnected: what a
    /// sender pushes at that moment could no longer be taken out, and its caller would wait for ever.
    pub(crate) fn drain(&self) {
        if self.ends.get().is_some() {
            while self.pop().is_some() {}
        }
    }
}
