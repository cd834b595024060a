//! How a slot is given something: pushed first, then counted, and run by whom that elects.

use super::{CLOSED, Slot, boundary};
use crate::driver::{self, Hand};
use crate::planted::{self, Bug};
use crate::rt::atomic::Ordering;
use crate::rt::channel;
use crate::{CallError, Runtime, SendTimeoutError, TrySendError};
use std::sync::Arc;
use std::time::Duration;

impl<M: Send + 'static> Slot<M> {
    /// Pushes if there is room.
    pub(crate) fn try_push(self: &Arc<Self>, message: M, hand: Hand) -> Result<(), TrySendError<M>> {
        if self.is_closed() {
            return Err(TrySendError::Stopped(message));
        }
        if planted::is(Bug::CountBeforePush) {
            self.count(hand);
        }
        match self.mailbox.try_push(message) {
            Ok(()) if planted::is(Bug::CountBeforePush) => {}
            Ok(()) => self.count(hand),
            Err(channel::TrySendError::Full(message)) => return Err(TrySendError::Full(message)),
            Err(channel::TrySendError::Disconnected(message)) => return Err(TrySendError::Stopped(message)),
        }
        Ok(())
    }

    /// Pushes, and waits for room.
    pub(crate) fn push(
        self: &Arc<Self>,
        message: M,
        timeout: Option<Duration>,
        hand: Hand,
    ) -> Result<(), SendTimeoutError<M>> {
        match self.try_push(message, hand) {
            Ok(()) => Ok(()),
            Err(TrySendError::Stopped(message)) => Err(SendTimeoutError::Stopped(message)),
            Err(TrySendError::Full(message)) => self.push_waiting(message, timeout, hand),
        }
    }

    /// Pushes for a call with a deadline; what is left of its time.
    pub(crate) fn push_by(self: &Arc<Self>, message: M, timeout: Duration) -> Result<Duration, CallError> {
        let message = match self.try_push(message, Hand::Ring) {
            Ok(()) => return Ok(timeout),
            Err(TrySendError::Stopped(_)) => return Err(CallError::Stopped),
            Err(TrySendError::Full(message)) => message,
        };
        // Only a full mailbox costs a look at the clock. Of a slot that nobody adopted yet any clock will do.
        let clock = self.bound_runtime().cloned().unwrap_or_else(Runtime::threads);
        let began = clock.now();
        match self.push_waiting(message, Some(timeout), Hand::Ring) {
            Ok(()) => Ok(timeout.saturating_sub(clock.now() - began)),
            Err(SendTimeoutError::Timeout(_)) => Err(CallError::DeadlineExceeded),
            Err(SendTimeoutError::Stopped(_)) => Err(CallError::Stopped),
        }
    }

    fn push_waiting(
        self: &Arc<Self>,
        message: M,
        timeout: Option<Duration>,
        hand: Hand,
    ) -> Result<(), SendTimeoutError<M>> {
        if self.bound_runtime().is_some_and(Runtime::is_simulated) {
            return self.push_stepping(message, timeout, hand);
        }
        driver::hand_over(); // one of the slots on this thread's list may be what makes the room
        match self.mailbox.push(message, timeout) {
            Ok(()) => self.count(hand),
            Err(channel::SendTimeoutError::Timeout(message)) => {
                return Err(SendTimeoutError::Timeout(message));
            }
            Err(channel::SendTimeoutError::Disconnected(message)) => {
                return Err(SendTimeoutError::Stopped(message));
            }
        }
        Ok(())
    }

    /// On a simulated runtime a wait is steps of the world.
    fn push_stepping(
        self: &Arc<Self>,
        message: M,
        timeout: Option<Duration>,
        hand: Hand,
    ) -> Result<(), SendTimeoutError<M>> {
        let mut waiting = Some(message);
        let outcome = driver::wait(
            self.bound_runtime(),
            timeout,
            || match self.try_push(waiting.take()?, hand) {
                Err(TrySendError::Full(message)) => {
                    waiting = Some(message);
                    None
                }
                Ok(()) => Some(Ok(())),
                Err(TrySendError::Stopped(message)) => Some(Err(SendTimeoutError::Stopped(message))),
            },
            || {},
        );
        match (outcome, waiting) {
            (Ok(sent), _) => sent,
            (Err(_), Some(message)) => Err(SendTimeoutError::Timeout(message)),
            (Err(_), None) => unreachable!("a message that was not sent is kept"),
        }
    }

    pub(crate) fn wake_up(self: &Arc<Self>, hand: Hand) {
        if !self.wake.swap(true, Ordering::AcqRel) {
            self.count(hand);
        }
    }

    /// Counts what was pushed before, and sees to it that the slot is run if that elects.
    pub(super) fn count(self: &Arc<Self>, hand: Hand) {
        let before = self.pending.fetch_add(1, Ordering::AcqRel);
        if before == 0 {
            driver::elected(self.clone(), hand);
        } else if before & CLOSED != 0 && !planted::is(Bug::LeftInTheMailbox) {
            boundary::dropping(CallError::Stopped, || self.mailbox.drain());
        }
    }
}
