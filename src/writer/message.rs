//! What the writer is told and what it answers.

use crate::error::{AppendError, CommitError, Receipts};
use crate::event::{Durability, NewEvent};
use crate::journal::BackgroundSynced;
use crate::position::{CheckpointId, Position};
use supervisors::Reply;

/// What the writer is told.
#[derive(Debug)]
pub(crate) enum Message {
    /// Store these events, all or none.
    Append(Append),
    /// Store a worker's reactions and its checkpoint, in one frame.
    Commit(Commit),
    /// Bring everything written so far to the disk.
    Flush(Reply<Result<Position, AppendError>>),
    /// The flush interval of a buffered event is over.
    FlushDue,
    /// A sync that ran beside the writer is over.
    Synced(BackgroundSynced),
}

/// A batch to be stored.
#[derive(Debug)]
pub(crate) struct Append {
    pub(crate) events: Vec<NewEvent>,
    pub(crate) durability: Durability,
    /// Where the receipts go; a denial that is recorded has nobody who waits.
    pub(crate) reply: Option<Reply<Receipts>>,
}

/// A worker's wish to make a batch done.
#[derive(Debug)]
pub(crate) struct Commit {
    pub(crate) checkpoint: Option<Advance>,
    pub(crate) reactions: Vec<NewEvent>,
    pub(crate) reply: Reply<Result<(), CommitError>>,
}

/// A checkpoint's step. It is taken only from where the checkpoint stands, so that no step is taken twice.
#[derive(Debug, Clone)]
pub(crate) struct Advance {
    pub(crate) id: CheckpointId,
    /// The canonical bytes of the region.
    pub(crate) region: Box<[u8]>,
    pub(crate) from: Position,
    pub(crate) to: Position,
}
