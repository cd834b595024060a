//! An append that was handed in, and its answer that is still to come.

use crate::error::{AppendError, BatchReceipts, Receipts};
use crate::event::Receipt;
use std::time::Duration;
use supervisors::{Answer, CallError};

/// The answer to [`Store::submit`](crate::Store::submit) that is still to come. Dropping it does not take the event
/// back.
#[derive(Debug)]
#[must_use = "without waiting it is not known whether the event was stored"]
pub struct Ticket(BatchTicket);

/// The answer to [`Store::submit_batch`](crate::Store::submit_batch) that is still to come.
#[derive(Debug)]
#[must_use = "without waiting it is not known whether the events were stored"]
pub struct BatchTicket {
    answer: Answer<Receipts>,
    deadline: Duration,
}

impl Ticket {
    pub(super) fn new(answer: Answer<Receipts>, deadline: Duration) -> Self {
        Self(BatchTicket { answer, deadline })
    }

    /// Waits for the receipt, at most as long as the config's `call_deadline`.
    ///
    /// # Errors
    /// As [`Store::append`](crate::Store::append).
    pub fn wait(self) -> Result<Receipt, AppendError> {
        self.0.receipts().and_then(first)
    }

    /// Whether [`Ticket::wait`] would return at once.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.0.is_ready()
    }
}

impl BatchTicket {
    pub(super) fn new(answer: Answer<Receipts>, deadline: Duration) -> Self {
        Self { answer, deadline }
    }

    /// Waits for the receipts, one per event in the order of the batch, at most as long as the config's
    /// `call_deadline`.
    ///
    /// # Errors
    /// As [`Store::append_batch`](crate::Store::append_batch).
    pub fn wait(self) -> Result<Vec<Receipt>, AppendError> {
        self.receipts().map(BatchReceipts::into_vec)
    }

    fn receipts(self) -> Receipts {
        self.answer.wait_timeout(self.deadline).unwrap_or_else(|error| Err(unanswered(&error)))
    }

    /// Whether [`BatchTicket::wait`] would return at once.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.answer.is_ready()
    }
}

/// The receipt of a batch of one.
pub(super) fn first(receipts: BatchReceipts) -> Result<Receipt, AppendError> {
    let missing = || AppendError::Indeterminate { why: "the store gave no receipt".into() };
    receipts.into_iter().next().ok_or_else(missing)
}

/// What a caller is told whose answer did not come.
pub(super) fn unanswered(error: &CallError) -> AppendError {
    match error {
        CallError::OwnTurn => AppendError::WouldDeadlock,
        CallError::Stopped => AppendError::Closed,
        other => AppendError::Indeterminate { why: other.to_string() },
    }
}
