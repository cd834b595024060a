//! Why an append was refused, or what is not known of it.

use super::SharedError;
use crate::event::{EventId, Expected, PayloadError, Receipt};
use crate::position::{Position, Version};

/// A gate's reasoned no.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, thiserror::Error)]
#[error("gate {gate:?} denies it: {reason} ({code})")]
pub struct Denial {
    /// The gate's name; filled in by the store.
    pub gate: String,
    /// A short name for the rule, for programs.
    pub code: String,
    /// The reason, for people.
    pub reason: String,
}

impl Denial {
    /// A no with a code for programs and a reason for people.
    #[must_use]
    pub fn new(code: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { gate: String::new(), code: code.into(), reason: reason.into() }
    }
}

/// What the caller of a failed append can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// The same append may succeed later: nothing was stored.
    Again,
    /// The same append will fail again: change it. Nothing was stored.
    Never,
    /// It is not known whether the event was stored. With an idempotency key the append can be repeated safely.
    Unknown,
    /// This store takes no more appends: close and open it. Nothing was stored.
    Reopen,
}

/// What a batch is answered: one receipt for each of its events.
pub(crate) type Receipts = Result<BatchReceipts, AppendError>;

/// The receipts of a batch. That of one event alone takes no memory of its own.
pub(crate) type BatchReceipts = smallvec::SmallVec<[Receipt; 1]>;

/// Why an append gave no receipt.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum AppendError {
    /// The entity is not as the caller expected.
    #[error("item {item}: entity {entity:?} is at version {actual}, expected {expected:?}")]
    Conflict {
        /// The place of the refused event in its batch, from 0.
        item: usize,
        /// The entity.
        entity: String,
        /// What the caller expected.
        expected: Expected,
        /// The version the entity has.
        actual: Version,
    },
    /// There is an event where the caller's condition allows none.
    #[error("item {item}: an event of the condition's region stands at position {position}")]
    ConditionFailed {
        /// The place of the refused event in its batch, from 0.
        item: usize,
        /// The first event that breaks the condition.
        position: Position,
    },
    /// One or more gates said no.
    #[error("item {item}: denied: {}", denials.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Denied {
        /// The place of the refused event in its batch, from 0.
        item: usize,
        /// Every no that was heard; one unless the store collects all.
        denials: Vec<Denial>,
    },
    /// A gate panicked, which denies.
    #[error("item {item}: gate {gate:?} panicked: {message}")]
    GatePanicked {
        /// The place of the refused event in its batch, from 0.
        item: usize,
        /// The gate's name.
        gate: String,
        /// The panic's message.
        message: String,
    },
    /// Something is over its limit.
    #[error("item {item}: {what} has {bytes} bytes, over the limit of {limit} bytes")]
    TooLarge {
        /// The place of the refused event in its batch, from 0.
        item: usize,
        /// What is too large: `payload`, `batch`, `kind`, `idempotency key`.
        what: &'static str,
        /// Its bytes.
        bytes: u64,
        /// The most bytes that are taken.
        limit: u64,
    },
    /// There is too much or nothing of something.
    #[error("item {item}: {count} {what}, outside 1 to {limit}")]
    Count {
        /// The place of the refused event in its batch, from 0.
        item: usize,
        /// What was counted: `events`, `causes`.
        what: &'static str,
        /// How many there are.
        count: u64,
        /// The most that are taken.
        limit: u64,
    },
    /// A text that may not be so: an empty kind, an empty idempotency key.
    #[error("item {item}: the {what} may not be empty")]
    Empty {
        /// The place of the refused event in its batch, from 0.
        item: usize,
        /// What is empty.
        what: &'static str,
    },
    /// A cause or correlation names no event of this store.
    #[error("item {item}: {id} is no event of this store")]
    UnknownCause {
        /// The place of the refused event in its batch, from 0.
        item: usize,
        /// The id that names nothing.
        id: EventId,
    },
    /// A cause inside the batch does not stand earlier in it.
    #[error("item {item}: its cause, item {cause} of the batch, does not stand earlier in it")]
    BatchCause {
        /// The place of the refused event in its batch, from 0.
        item: usize,
        /// The place that was named.
        cause: u32,
    },
    /// The payload could not be encoded.
    #[error("the payload cannot be encoded")]
    Payload(#[from] PayloadError),
    /// The mailbox is full and the caller did not want to wait.
    #[error("the mailbox is full")]
    Full,
    /// There is no room on the disk. Nothing was stored; appends work again as soon as there is room.
    #[error("no space left for the event; it was not stored")]
    NoSpace {
        /// What the disk said.
        source: SharedError,
    },
    /// The disk refused before anything was written. Nothing was stored.
    #[error("the disk refused the event; it was not stored")]
    Storage {
        /// What the disk said.
        source: SharedError,
    },
    /// It is not known whether the event was stored: an actor failed or the disk did, in the middle.
    #[error("the outcome is not known: {why}")]
    Indeterminate {
        /// What interrupted the append.
        why: String,
    },
    /// The disk failed while it synced, so this store takes no more appends. Reads go on; open the store again.
    #[error("the journal is poisoned: {why}")]
    Poisoned {
        /// What the disk said.
        why: String,
    },
    /// The store's supervisors gave up. Open it again.
    #[error("the store has failed: {reason}")]
    Failed {
        /// The exit reason of the tree's root.
        reason: String,
    },
    /// The call would wait for an actor whose turn this thread already holds.
    #[error("refused: the calling thread would wait for itself")]
    WouldDeadlock,
    /// The store is closed.
    #[error("the store is closed")]
    Closed,
}

impl AppendError {
    /// What the caller can do.
    #[must_use]
    pub fn retry(&self) -> Retry {
        match self {
            Self::Full | Self::NoSpace { .. } | Self::Storage { .. } => Retry::Again,
            Self::Indeterminate { .. } => Retry::Unknown,
            Self::Poisoned { .. } | Self::Failed { .. } | Self::Closed => Retry::Reopen,
            _ => Retry::Never,
        }
    }
}
