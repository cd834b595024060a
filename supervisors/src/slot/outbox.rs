//! What a turn wants to send: kept until the turn has succeeded, then delivered in order.

use super::boundary;
use crate::driver::{Hand, Runnable};
use crate::{Address, CallError, TrySendError};
use std::any::Any;
use std::collections::VecDeque;
use std::sync::Arc;

/// What is to be delivered, in order. Messages to one actor that follow each other share an entry and its memory.
#[derive(Default)]
pub(crate) struct Outbox(VecDeque<Box<dyn Delivery>>);

impl Outbox {
    pub(crate) fn send<N: Send + 'static>(&mut self, to: &Address<N>, message: N) {
        let last = self.0.back_mut().map(|last| &mut **last as &mut dyn Any);
        match last.and_then(|last| last.downcast_mut::<Letters<N>>()) {
            Some(letters) if letters.target() == to.slot.key() => letters.more.push_back(message),
            _ => self.0.push_back(Box::new(Letters::new(to.clone(), message))),
        }
    }

    pub(crate) fn wake<N: Send + 'static>(&mut self, to: &Address<N>) {
        self.0.push_back(Box::new(WakeUp { to: to.clone(), is_done: false }));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whose turn it is.
    pub(crate) fn first(&mut self) -> Option<&mut dyn Delivery> {
        self.0.front_mut().map(|first| &mut **first as &mut dyn Delivery)
    }

    /// The slot that the first goes to.
    pub(crate) fn target(&self) -> Option<usize> {
        self.0.front().map(|first| first.target())
    }

    /// Takes out the first.
    pub(crate) fn take_first(&mut self) -> Option<Box<dyn Delivery>> {
        self.0.pop_front()
    }
}

/// Something to deliver, or several things to one actor.
pub(crate) trait Delivery: Any + Send {
    /// The slot it goes to.
    fn target(&self) -> usize;
    /// The same, to wait for room in it.
    fn slot(&self) -> Arc<dyn Runnable>;
    /// Delivers the next if there is room. What goes to an actor that has ended counts as delivered, and is dropped.
    fn try_deliver(&mut self) -> bool;
    /// Waits for room for the next.
    fn deliver(&mut self);
    /// Whether everything was delivered.
    fn is_done(&self) -> bool;
}

/// Messages to one actor.
struct Letters<N: Send + 'static> {
    to: Address<N>,
    /// Taken by the delivery that succeeds. Most often it is the only one.
    next: Option<N>,
    more: VecDeque<N>,
}

struct WakeUp<N: Send + 'static> {
    to: Address<N>,
    is_done: bool,
}

impl<N: Send + 'static> Letters<N> {
    fn new(to: Address<N>, message: N) -> Letters<N> {
        Letters { to, next: Some(message), more: VecDeque::new() }
    }
}

impl<N: Send + 'static> Delivery for Letters<N> {
    fn target(&self) -> usize {
        self.to.slot.key()
    }

    fn slot(&self) -> Arc<dyn Runnable> {
        self.to.slot.clone()
    }

    fn try_deliver(&mut self) -> bool {
        let Some(message) = self.next.take() else { return true };
        match self.to.slot.try_push(message, Hand::Here) {
            Ok(()) => {}
            Err(TrySendError::Stopped(message)) => boundary::dropping(CallError::Stopped, || drop(message)),
            Err(TrySendError::Full(message)) => {
                self.next = Some(message);
                return false;
            }
        }
        self.next = self.more.pop_front();
        true
    }

    fn deliver(&mut self) {
        let Some(message) = self.next.take() else { return };
        if let Err(error) = self.to.slot.push(message, None, Hand::Here) {
            boundary::dropping(CallError::Stopped, || drop(error));
        }
        self.next = self.more.pop_front();
    }

    fn is_done(&self) -> bool {
        self.next.is_none()
    }
}

impl<N: Send + 'static> Delivery for WakeUp<N> {
    fn target(&self) -> usize {
        self.to.slot.key()
    }

    fn slot(&self) -> Arc<dyn Runnable> {
        self.to.slot.clone()
    }

    fn try_deliver(&mut self) -> bool {
        self.to.slot.wake_up(Hand::Here);
        self.is_done = true;
        true
    }

    fn deliver(&mut self) {
        self.try_deliver();
    }

    fn is_done(&self) -> bool {
        self.is_done
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Actor, ChildSpec, Context, Flow};
    use std::convert::Infallible;

    struct Deaf;

    impl Actor for Deaf {
        type Message = u32;
        type Error = Infallible;

        fn handle(&mut self, _: u32, _: &mut Context<'_, u32>) -> Result<Flow, Infallible> {
            Ok(Flow::Continue)
        }
    }

    #[test]
    fn messages_to_one_actor_share_an_entry_and_none_passes_what_was_put_in_before_it() {
        let (_first, first) = ChildSpec::actor("first", || Deaf);
        let (_second, second) = ChildSpec::actor("second", || Deaf);
        let mut outbox = Outbox::default();
        (0..3).for_each(|number| outbox.send(&first, number));
        outbox.wake(&first);
        outbox.send(&first, 3);
        outbox.send(&second, 4);
        outbox.send(&first, 5);
        let mut delivered = Vec::new();
        while let Some(letters) = outbox.first() {
            let (target, mut count) = (letters.target(), 0);
            while !letters.is_done() {
                assert!(letters.try_deliver(), "there is room");
                count += 1;
            }
            delivered.push((target, count));
            outbox.take_first();
        }
        let (first, second) = (first.slot.key(), second.slot.key());
        assert_eq!(delivered, [(first, 3), (first, 1), (first, 1), (second, 1), (first, 1)]);
    }
}
