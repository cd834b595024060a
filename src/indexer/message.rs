//! What the indexer is told.

use super::CatchUpError;
use crate::error::{AppendError, BatchReceipts, CommitError, Receipts};
use crate::event::Durability;
use crate::journal::{Frame, JournalReader};
use crate::position::Position;
use std::sync::Arc;
use supervisors::Reply;

/// What the indexer is told.
#[derive(Debug)]
pub(crate) enum Message {
    /// This was written, or synced, or both.
    Committed(Committed),
    /// The journal was opened: take in whatever of it the index's files do not have.
    CatchUp { reader: JournalReader, durable: Position, reply: Reply<Result<(), CatchUpError>> },
}

/// The outcome of one commit.
#[derive(Debug)]
pub(crate) struct Committed {
    /// What was written; `None` if there was only something to sync.
    pub(crate) frame: Option<Arc<Frame>>,
    /// The last position known to be on the disk.
    pub(crate) durable: Position,
    /// Who waits. They are answered when readers can see what they are told.
    pub(crate) answers: Vec<Answer>,
}

/// Someone who waits for a commit, and what to say.
#[derive(Debug)]
pub(crate) enum Answer {
    /// The receipts of a batch.
    Receipts(Reply<Receipts>, BatchReceipts),
    /// A worker's commit.
    Done(Reply<Result<(), CommitError>>),
    /// A batch that was refused, and why; told when what it was owed to is committed.
    Refused(Reply<Receipts>, AppendError),
    /// A worker's commit that was refused, likewise.
    Undone(Reply<Result<(), CommitError>>, CommitError),
    /// Everything was brought to the disk.
    Flushed(Reply<Result<Position, AppendError>>),
}

impl Answer {
    /// Says that the commit is done, and how far the disk has it.
    pub(crate) fn tell(self, durable: Position) {
        match self {
            Self::Receipts(reply, receipts) => reply.send(Ok(named(receipts, durable))),
            Self::Done(reply) => reply.send(Ok(())),
            Self::Refused(reply, refusal) => reply.send(Err(refusal)),
            Self::Undone(reply, refusal) => reply.send(Err(refusal)),
            Self::Flushed(reply) => reply.send(Ok(durable)),
        }
    }

    /// Says that nothing was stored.
    pub(crate) fn refuse(self, error: &AppendError) {
        match self {
            Self::Receipts(reply, _) | Self::Refused(reply, _) => reply.send(Err(error.clone())),
            Self::Done(reply) | Self::Undone(reply, _) => {
                reply.send(Err(CommitError::Append(error.clone())));
            }
            Self::Flushed(reply) => reply.send(Err(error.clone())),
        }
    }

    /// Says to a caller that its event may be stored. A worker hears of its dropped reply, and asks again if it can.
    fn forget(self) {
        match self {
            Self::Done(_) | Self::Undone(..) => {}
            other => other.refuse(&AppendError::Indeterminate {
                why: "the store ended before what was written could be read".into(),
            }),
        }
    }
}

impl Drop for Committed {
    /// Nobody is left to handle it. What was committed must not be taken for refused.
    fn drop(&mut self) {
        if !crate::planted("dropped_commit_not_told") {
            self.answers.drain(..).for_each(Answer::forget);
        }
    }
}

/// The receipts, each with the level its event has reached.
fn named(mut receipts: BatchReceipts, durable: Position) -> BatchReceipts {
    for receipt in &mut receipts {
        let is_durable = receipt.position <= durable;
        receipt.durability = if is_durable { Durability::Durable } else { Durability::Buffered };
    }
    receipts
}
