//! The bounded queue of a slot. It outlives every incarnation and is made when the first message comes.

use crate::rt::Mutex;
use crate::rt::channel::{self, Receiver, SendTimeoutError, Sender, TrySendError};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

pub(crate) struct Mailbox<M> {
    /// Read once, when the queue is made.
    capacity: AtomicUsize,
    ends: OnceLock<Ends<M>>,
}

struct Ends<M> {
    sender: Sender<M>,
    /// Never received from while a runner is at work: it is there to empty the mailbox of a child that hangs.
    spare: Mutex<Option<Receiver<M>>>,
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

    fn ends(&self) -> &Ends<M> {
        self.ends.get_or_init(|| {
            let (sender, receiver) = channel::bounded(self.capacity());
            Ends { sender, spare: Mutex::new(Some(receiver)) }
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.get().map_or(0, |ends| ends.sender.len())
    }

    pub(crate) fn try_push(&self, message: M) -> Result<(), TrySendError<M>> {
        self.ends().sender.try_send(message)
    }

    /// Waits for room.
    pub(crate) fn push(&self, message: M, timeout: Option<Duration>) -> Result<(), SendTimeoutError<M>> {
        match timeout {
            Some(timeout) => self.ends().sender.send_timeout(message, timeout),
            None => self.ends().sender.send(message).map_err(|e| SendTimeoutError::Disconnected(e.0)),
        }
    }

    /// For a runner; `None` once the mailbox is closed.
    pub(crate) fn receiver(&self) -> Option<Receiver<M>> {
        self.ends().spare.lock().clone()
    }

    /// Drops what is queued.
    pub(crate) fn drain(&self) {
        let Some(receiver) = self.receiver() else { return };
        while receiver.try_recv().is_ok() {}
    }

    /// Drops what is queued and refuses what comes, once the runner's receiver is dropped too.
    pub(crate) fn close(&self) {
        drop(self.ends().spare.lock().take());
    }
}
