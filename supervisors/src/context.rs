//! What a handler is given besides its message: the time, its outbox, its timers, its name.

use crate::slot::outbox::Outbox;
use crate::timer::Timers;
use crate::{Address, ChildId, Runtime, Time, TimerId};
use std::fmt;
use std::time::Duration;

/// What a handler is given besides its message.
///
/// What it sends is delivered after the turn, in order, and waits for room where a mailbox is full. A turn that fails
/// sends nothing: what it had put into the outbox is discarded.
pub struct Context<'a, M: Send + 'static> {
    pub(crate) address: &'a Address<M>,
    pub(crate) turn: &'a mut Turn<M>,
}

/// What a turn gathers.
pub(crate) struct Turn<M> {
    pub(crate) outbox: Outbox,
    pub(crate) timers: Timers<M>,
    /// Read when first asked for, once per turn.
    pub(crate) now: Option<Time>,
    pub(crate) wake_me: bool,
    pub(crate) incarnation: u64,
    /// What the handler has reason to expect: until it is there, a drained mailbox does not yet end the turn.
    pub(crate) expected: Option<Expected>,
}

/// Messages that will come soon.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expected {
    /// How many a turn is to have handled.
    pub(crate) messages: usize,
    /// How long it waits for them, in all.
    pub(crate) within: Duration,
}

impl<M> Turn<M> {
    pub(crate) fn new() -> Turn<M> {
        let (outbox, timers) = (Outbox::default(), Timers::new());
        Turn { outbox, timers, now: None, wake_me: false, incarnation: 0, expected: None }
    }
}

impl<M: Send + 'static> Context<'_, M> {
    /// The time of this turn, monotonic or virtual. The clock is read when a turn first asks.
    pub fn now(&mut self) -> Time {
        let runtime = self.address.slot.runtime();
        *self.turn.now.get_or_insert_with(|| runtime.now())
    }

    /// Puts a message for another actor into the outbox. One for an actor that has ended by then is dropped.
    pub fn send<N: Send + 'static>(&mut self, to: &Address<N>, message: N) {
        self.turn.outbox.send(to, message);
    }

    /// Puts a wake-up for another actor into the outbox. Wake-ups never wait; those that meet are one.
    pub fn wake<N: Send + 'static>(&mut self, to: &Address<N>) {
        self.turn.outbox.wake(to);
    }

    /// Gives this actor a message after that time, unless it is cancelled or this incarnation ends before.
    pub fn send_after(&mut self, delay: Duration, message: M) -> TimerId {
        let at = self.now() + delay;
        self.turn.timers.set(at, message)
    }

    /// Cancels a timer; `false` if it has fired or was cancelled before.
    pub fn cancel(&mut self, timer: TimerId) -> bool {
        self.turn.timers.cancel(timer)
    }

    /// Asks for [`Actor::woken`](crate::Actor::woken) in a next turn, after what the supervisor may want first.
    pub fn wake_me(&mut self) {
        self.turn.wake_me = true;
    }

    /// Says that the next turn has reason to expect that many messages: having drained the mailbox, it looks for more
    /// until it has handled as many, at most that long, before it ends. For an actor whose [`turn_ended`] is dear and
    /// shared by all messages of the turn, as a commit is. It holds for one turn; a simulated turn does not wait, because
    /// there the end of a turn is a choice.
    ///
    /// [`turn_ended`]: crate::Actor::turn_ended
    pub fn expect_messages(&mut self, messages: usize, within: Duration) {
        self.turn.expected = Some(Expected { messages, within });
    }

    /// This actor's own address.
    #[must_use]
    pub fn address(&self) -> &Address<M> {
        self.address
    }

    /// This actor's name.
    #[must_use]
    pub fn child(&self) -> &ChildId {
        self.address.child()
    }

    /// How often this actor has been started, from 1.
    #[must_use]
    pub fn incarnation(&self) -> u64 {
        self.turn.incarnation
    }

    /// Where this actor runs.
    #[must_use]
    pub fn runtime(&self) -> &Runtime {
        self.address.slot.runtime()
    }

    /// Says what this turn is doing, for whoever looks at the tree or must abandon this actor.
    pub fn doing(&mut self, what: &'static str) {
        self.address.slot.stats.set_doing(what);
    }

    /// Notes what is worth knowing of this start: the report of it carries the note. For use in
    /// [`Actor::started`](crate::Actor::started).
    pub fn note(&mut self, note: impl Into<String>) {
        self.address.slot.stats.set_note(note.into());
    }
}

impl<M: Send + 'static> fmt::Debug for Context<'_, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("child", self.child())
            .field("incarnation", &self.incarnation())
            .finish()
    }
}
