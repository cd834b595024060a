//! What an actor is: private state, one closed message enum, and what happens to it when it fails.

use crate::{Context, ExitReason};
use std::convert::Infallible;

/// A state machine that is given one message at a time.
///
/// A handler never blocks on another actor: what it wants to send goes through its [`Context`] and is delivered after
/// the handler returned.
///
/// ```
/// use supervisors::{Actor, Context, Flow, Reply};
///
/// struct Counter(u64);
/// enum Count { Add(u64), Total(Reply<u64>) }
///
/// impl Actor for Counter {
///     type Message = Count;
///     type Error = std::convert::Infallible;
///     fn handle(&mut self, message: Count, _: &mut Context<'_, Count>) -> Result<Flow, Self::Error> {
///         match message {
///             Count::Add(n) => self.0 += n,
///             Count::Total(reply) => reply.send(self.0),
///         }
///         Ok(Flow::Continue)
///     }
/// }
/// ```
pub trait Actor: Send + 'static {
    /// One closed enum of everything this actor can be told.
    type Message: Send + 'static;
    /// Why this actor may give up by itself.
    type Error: Failure;

    /// Called once per incarnation, before its first message.
    ///
    /// # Errors
    /// An error is a failed start: the supervisor hears of it as such.
    fn started(&mut self, context: &mut Context<'_, Self::Message>) -> Result<(), Self::Error> {
        let _ = context;
        Ok(())
    }

    /// Takes one message.
    ///
    /// # Errors
    /// An error ends this incarnation; its [`Failure::remedy`] says what a restart can do.
    fn handle(
        &mut self,
        message: Self::Message,
        context: &mut Context<'_, Self::Message>,
    ) -> Result<Flow, Self::Error>;

    /// A wake-up arrived; any number of wake-ups since the last call are one.
    ///
    /// # Errors
    /// As for [`Actor::handle`].
    fn woken(&mut self, context: &mut Context<'_, Self::Message>) -> Result<Flow, Self::Error> {
        let _ = context;
        Ok(Flow::Continue)
    }

    /// The mailbox is drained or the turn's limit is reached: commit what was staged.
    ///
    /// # Errors
    /// As for [`Actor::handle`].
    fn turn_ended(&mut self, context: &mut Context<'_, Self::Message>) -> Result<Flow, Self::Error> {
        let _ = context;
        Ok(Flow::Continue)
    }

    /// An orderly end: [`Flow::Stop`], or a stop by the supervisor. Not called after a failure or a panic.
    fn stopping(&mut self, context: &mut Context<'_, Self::Message>, reason: &ExitReason) {
        let _ = (context, reason);
    }
}

/// Whether an actor goes on after a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Flow {
    /// Take the next message.
    Continue,
    /// End in good order, with [`ExitReason::Normal`].
    Stop,
}

/// What a restart can do for a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub enum Remedy {
    /// Restart me, within the budget.
    Restart,
    /// End me for good; my supervisor goes on.
    Stop,
    /// My supervisor must give up at once, whatever the budget.
    Escalate,
}

/// An actor's error, which also says what a restart can do for it.
///
/// ```
/// #[derive(Debug)]
/// struct DiskGone;
/// impl std::fmt::Display for DiskGone {
///     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str("the disk is gone") }
/// }
/// impl std::error::Error for DiskGone {}
/// impl supervisors::Failure for DiskGone {
///     fn remedy(&self) -> supervisors::Remedy { supervisors::Remedy::Escalate }
/// }
/// ```
pub trait Failure: std::error::Error + Send + Sync + 'static {
    /// What a restart can do for this failure. A restart, unless said otherwise.
    fn remedy(&self) -> Remedy {
        Remedy::Restart
    }
}

impl Failure for Infallible {}

/// What a factory may return: an actor, or the reason why there is none.
pub trait IntoActor {
    /// The actor that is made.
    type Actor: Actor;

    /// The actor, or why it could not be made.
    ///
    /// # Errors
    /// The factory's, a failed start.
    fn into_actor(self) -> Result<Self::Actor, <Self::Actor as Actor>::Error>;
}

impl<A: Actor> IntoActor for A {
    type Actor = A;

    fn into_actor(self) -> Result<A, A::Error> {
        Ok(self)
    }
}

impl<A: Actor> IntoActor for Result<A, A::Error> {
    type Actor = A;

    fn into_actor(self) -> Result<A, A::Error> {
        self
    }
}
