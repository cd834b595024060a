//! The sending half of a mailbox. It names the child's slot, so it stays valid over restarts.

use crate::driver::{self, Hand};
use crate::reply::{self, Answer, Reply};
use crate::slot::Slot;
use crate::{CallError, ChildId, SendError, SendTimeoutError, TrySendError};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Where to send an actor its messages. It names the child's slot, so it stays valid over restarts; cheap to clone.
pub struct Address<M: Send + 'static> {
    pub(crate) slot: Arc<Slot<M>>,
}

impl<M: Send + 'static> Address<M> {
    pub(crate) fn new(slot: Arc<Slot<M>>) -> Address<M> {
        Address { slot }
    }

    /// Sends, and waits while the mailbox is full.
    ///
    /// # Errors
    /// The actor has ended for good; the message is given back.
    pub fn send(&self, message: M) -> Result<(), SendError<M>> {
        self.slot.push(message, None, Hand::Ring).map_err(|e| SendError(e.into_inner()))
    }

    /// Sends, if there is room now.
    ///
    /// # Errors
    /// The mailbox is full or the actor has ended for good; the message is given back.
    pub fn try_send(&self, message: M) -> Result<(), TrySendError<M>> {
        self.slot.try_push(message, Hand::Ring)
    }

    /// Sends, and waits that long at most while the mailbox is full.
    ///
    /// # Errors
    /// The mailbox was full until the deadline or the actor has ended for good; the message is given back.
    pub fn send_timeout(&self, message: M, timeout: Duration) -> Result<(), SendTimeoutError<M>> {
        self.slot.push(message, Some(timeout), Hand::Ring)
    }

    /// Sends a message that carries a [`Reply`] and waits for the answer. It may run this actor's turns, and those of
    /// actors that it sends to, on the calling thread. Where such a turn fails the actor is started again there too,
    /// once, before this returns: its factory and its `started` must want nothing, such as a lock, that the caller holds.
    ///
    /// # Errors
    /// Why there is no answer: see [`CallError`]. Never `DeadlineExceeded`.
    pub fn call<R: Send + 'static>(&self, message: impl FnOnce(Reply<R>) -> M) -> Result<R, CallError> {
        self.refuse_own_turn()?;
        let (reply, answer) = self.pair();
        let _scope = driver::enter();
        self.slot.push(message(reply), None, Hand::Here).map_err(|_| CallError::Stopped)?;
        driver::run_until(|| answer.is_ready());
        answer.wait()
    }

    /// Calls, and waits that long at most. To keep its deadline it never runs a turn itself, which costs a change of
    /// threads that [`Address::call`] saves.
    ///
    /// # Errors
    /// Why there is no answer: see [`CallError`].
    pub fn call_timeout<R: Send + 'static>(
        &self,
        timeout: Duration,
        message: impl FnOnce(Reply<R>) -> M,
    ) -> Result<R, CallError> {
        self.refuse_own_turn()?;
        let (reply, answer) = self.pair();
        let left = self.slot.push_by(message(reply), timeout)?;
        answer.wait_timeout(left)
    }

    /// Calls as [`Address::call`] does, and waits that long at most. The turns that this thread is elected to run are run
    /// to their end, so they may outlast the deadline; what other threads run may not.
    ///
    /// # Errors
    /// Why there is no answer: see [`CallError`].
    pub fn call_within<R: Send + 'static>(
        &self,
        timeout: Duration,
        message: impl FnOnce(Reply<R>) -> M,
    ) -> Result<R, CallError> {
        self.refuse_own_turn()?;
        let (reply, answer) = self.pair();
        let _scope = driver::enter();
        self.slot.push(message(reply), Some(timeout), Hand::Here).map_err(|error| match error {
            SendTimeoutError::Timeout(_) => CallError::DeadlineExceeded,
            SendTimeoutError::Stopped(_) => CallError::Stopped,
        })?;
        driver::run_until(|| answer.is_ready());
        answer.wait_for(Some(timeout))
    }

    /// As [`Address::call`], and leaves when there is nothing to do but wait. Nobody is told of the answer, or that the
    /// actor has ended.
    pub(crate) fn call_without_waiting<R: Send + 'static>(&self, message: impl FnOnce(Reply<R>) -> M) {
        let (reply, answer) = self.pair();
        let _scope = driver::enter();
        if self.slot.push(message(reply), None, Hand::Here).is_ok() {
            driver::run_until(|| answer.is_ready());
        }
    }

    /// Whether the calling thread is inside a turn of this actor, and so would wait for itself.
    #[must_use]
    pub fn is_own_turn(&self) -> bool {
        driver::holds(self.slot.key())
    }

    /// Whether the actor has ended for good.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.slot.is_closed()
    }

    /// Sends a message that carries a [`Reply`], waiting while the mailbox is full; the answer is waited for later.
    ///
    /// # Errors
    /// The actor has ended for good; the message is given back.
    pub fn submit<R: Send + 'static>(
        &self,
        message: impl FnOnce(Reply<R>) -> M,
    ) -> Result<Answer<R>, SendError<M>> {
        let (reply, answer) = self.pair();
        self.send(message(reply)).map(|()| answer)
    }

    /// Sends a message that carries a [`Reply`], if there is room now.
    ///
    /// # Errors
    /// The mailbox is full or the actor has ended for good; the message is given back.
    pub fn try_submit<R: Send + 'static>(
        &self,
        message: impl FnOnce(Reply<R>) -> M,
    ) -> Result<Answer<R>, TrySendError<M>> {
        let (reply, answer) = self.pair();
        self.try_send(message(reply)).map(|()| answer)
    }

    /// Wakes the actor: its `woken` is called once for any number of wake-ups. Never waits.
    pub fn wake(&self) {
        self.slot.wake_up(Hand::Ring);
    }

    /// The child's name.
    #[must_use]
    pub fn child(&self) -> &ChildId {
        self.slot.name()
    }

    /// Messages waiting now.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.slot.depth()
    }

    fn pair<R: Send + 'static>(&self) -> (Reply<R>, Answer<R>) {
        reply::pair(self.slot.bound_runtime())
    }

    fn refuse_own_turn(&self) -> Result<(), CallError> {
        if self.is_own_turn() { Err(CallError::OwnTurn) } else { Ok(()) }
    }
}

impl<M: Send + 'static> Clone for Address<M> {
    fn clone(&self) -> Address<M> {
        Address { slot: self.slot.clone() }
    }
}

impl<M: Send + 'static> fmt::Debug for Address<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Address").field(self.child()).finish()
    }
}
