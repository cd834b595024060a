//! The errors of sending and calling; each gives the unsent message back.

use crate::ChildId;
use std::fmt;

/// The actor has ended for good; the message is given back.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the actor has ended for good")]
pub struct SendError<M>(pub M);

/// Why a message could not be sent at once; it is given back.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TrySendError<M> {
    /// The mailbox is full now.
    #[error("the mailbox is full")]
    Full(M),
    /// The actor has ended for good.
    #[error("the actor has ended for good")]
    Stopped(M),
}

/// Why a message could not be sent by the deadline; it is given back.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SendTimeoutError<M> {
    /// The mailbox was full until the deadline.
    #[error("the mailbox was full until the deadline")]
    Timeout(M),
    /// The actor has ended for good.
    #[error("the actor has ended for good")]
    Stopped(M),
}

impl<M> TrySendError<M> {
    /// The message that was not sent.
    pub fn into_inner(self) -> M {
        match self {
            TrySendError::Full(message) | TrySendError::Stopped(message) => message,
        }
    }
}

impl<M> SendTimeoutError<M> {
    /// The message that was not sent.
    pub fn into_inner(self) -> M {
        match self {
            SendTimeoutError::Timeout(message) | SendTimeoutError::Stopped(message) => message,
        }
    }
}

impl<M> fmt::Debug for SendError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SendError(..)")
    }
}

impl<M> fmt::Debug for TrySendError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TrySendError::Full(_) => "Full(..)",
            TrySendError::Stopped(_) => "Stopped(..)",
        })
    }
}

impl<M> fmt::Debug for SendTimeoutError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SendTimeoutError::Timeout(_) => "Timeout(..)",
            SendTimeoutError::Stopped(_) => "Stopped(..)",
        })
    }
}

/// Why a call has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// The actor failed with this call in its hands. Whether the call took effect is not known; calls that
    /// were still queued are handled by the next incarnation and do not end like this.
    #[error("{child} failed in its incarnation {incarnation} while it held this call")]
    ActorFailed {
        /// The child that failed.
        child: ChildId,
        /// The incarnation that failed, from 1.
        incarnation: u64,
    },
    /// The actor goes on, but dropped the reply without an answer.
    #[error("the actor dropped the reply without an answer")]
    NoReply,
    /// The actor has ended for good, before or after it was given the call.
    #[error("the actor has ended for good")]
    Stopped,
    /// No answer came by the deadline; it may still take effect.
    #[error("no answer came by the deadline")]
    DeadlineExceeded,
    /// The calling thread holds this actor's turn and would wait for itself. Nothing was sent.
    #[error("the calling thread holds this actor's turn and would wait for itself")]
    OwnTurn,
    /// Nothing that is left to happen can answer (only a simulated runtime can know).
    #[error("nothing that is left to happen in the simulation can answer")]
    Deadlock,
}
