//! What a turn wants to send: kept until the turn has succeeded, then delivered in order.

use super::boundary;
use crate::driver::{Hand, Runnable};
use crate::{Address, CallError, TrySendError};
use std::collections::VecDeque;
use std::sync::Arc;

pub(crate) type Outbox = VecDeque<Box<dyn Delivery>>;

/// One thing to deliver.
pub(crate) trait Delivery: Send {
    /// The slot it goes to.
    fn target(&self) -> usize;
    /// The same, to wait for room in it.
    fn slot(&self) -> Arc<dyn Runnable>;
    /// Delivers if there is room. What goes to an actor that has ended counts as delivered, and is dropped.
    fn try_deliver(&mut self) -> bool;
    /// Waits for room.
    fn deliver(&mut self);
}

pub(crate) struct Letter<N: Send + 'static> {
    to: Address<N>,
    /// Taken by the delivery that succeeds.
    message: Option<N>,
}

pub(crate) struct WakeUp<N: Send + 'static>(pub(crate) Address<N>);

impl<N: Send + 'static> Letter<N> {
    pub(crate) fn new(to: Address<N>, message: N) -> Letter<N> {
        Letter { to, message: Some(message) }
    }
}

impl<N: Send + 'static> Delivery for Letter<N> {
    fn target(&self) -> usize {
        self.to.slot.key()
    }

    fn slot(&self) -> Arc<dyn Runnable> {
        self.to.slot.clone()
    }

    fn try_deliver(&mut self) -> bool {
        let Some(message) = self.message.take() else { return true };
        match self.to.slot.try_push(message, Hand::Here) {
            Ok(()) => {}
            Err(TrySendError::Stopped(message)) => boundary::dropping(CallError::Stopped, || drop(message)),
            Err(TrySendError::Full(message)) => self.message = Some(message),
        }
        self.message.is_none()
    }

    fn deliver(&mut self) {
        let Some(message) = self.message.take() else { return };
        if let Err(error) = self.to.slot.push(message, None, Hand::Here) {
            boundary::dropping(CallError::Stopped, || drop(error));
        }
    }
}

impl<N: Send + 'static> Delivery for WakeUp<N> {
    fn target(&self) -> usize {
        self.0.slot.key()
    }

    fn slot(&self) -> Arc<dyn Runnable> {
        self.0.slot.clone()
    }

    fn try_deliver(&mut self) -> bool {
        self.0.slot.wake_up(Hand::Here);
        true
    }

    fn deliver(&mut self) {
        self.try_deliver();
    }
}
