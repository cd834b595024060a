//! The part of the door through which events come in.

use super::Store;
use super::ticket::{BatchTicket, Ticket, first, unanswered};
use crate::error::{AppendError, BatchReceipts, Receipts};
use crate::event::{AppendOptions, Coordinate, NewEvent, Payload, Receipt};
use crate::gate;
use crate::position::Position;
use crate::writer;
use std::sync::atomic::Ordering;
use supervisors::{Answer, CallError, TrySendError};

impl Store {
    /// Appends one event. Waits until what the receipt says is true: with the default durability, until the event is on
    /// the disk.
    ///
    /// # Errors
    /// [`AppendError`]; its [`retry`](AppendError::retry) says what can be done. Unless that is `Unknown`, nothing was
    /// stored.
    pub fn append<P: Payload>(&self, coordinate: &Coordinate, payload: &P) -> Result<Receipt, AppendError> {
        self.append_event(NewEvent::new(coordinate, payload)?)
    }

    /// As [`Store::append`], with an expectation, a condition, a key, causes, a correlation or a durability.
    ///
    /// # Errors
    /// As [`Store::append`].
    pub fn append_with<P: Payload>(
        &self,
        coordinate: &Coordinate,
        payload: &P,
        options: AppendOptions,
    ) -> Result<Receipt, AppendError> {
        self.append_event(NewEvent::new(coordinate, payload)?.with(options))
    }

    /// Appends one event that was made before.
    ///
    /// # Errors
    /// As [`Store::append`].
    pub fn append_event(&self, event: NewEvent) -> Result<Receipt, AppendError> {
        self.propose(vec![event]).and_then(first)
    }

    /// Appends several events, all or none: for readers, for workers, and after a crash. The receipts are in the order
    /// of the batch.
    ///
    /// # Errors
    /// As [`Store::append`]; errors that concern one event name its place in the batch.
    pub fn append_batch(&self, events: Vec<NewEvent>) -> Result<Vec<Receipt>, AppendError> {
        self.propose(events).map(BatchReceipts::into_vec)
    }

    fn propose(&self, events: Vec<NewEvent>) -> Receipts {
        self.check(&events)?;
        let propose = |reply| gate::Message::Propose { events, reply };
        let answer = self.house.gate.call_within(self.call_deadline, propose);
        answer.unwrap_or_else(|error| Err(self.unanswered(&error)))
    }

    /// Hands an event in and does not wait for its receipt. Waits only while the mailbox is full.
    ///
    /// # Errors
    /// [`AppendError::Closed`] or what became of the store, and what breaks a limit; everything else is told by the
    /// ticket.
    pub fn submit<P: Payload>(&self, coordinate: &Coordinate, payload: &P) -> Result<Ticket, AppendError> {
        self.submit_event(NewEvent::new(coordinate, payload)?)
    }

    /// As [`Store::submit`], and never waits.
    ///
    /// # Errors
    /// [`AppendError::Full`] if the mailbox is full; otherwise as [`Store::submit`].
    pub fn try_submit<P: Payload>(
        &self,
        coordinate: &Coordinate,
        payload: &P,
    ) -> Result<Ticket, AppendError> {
        let events = vec![NewEvent::new(coordinate, payload)?];
        self.check(&events)?;
        match self.house.gate.try_submit(|reply| gate::Message::Propose { events, reply }) {
            Ok(answer) => Ok(Ticket::new(answer, self.call_deadline)),
            Err(TrySendError::Full(_)) => Err(AppendError::Full),
            Err(TrySendError::Stopped(_)) => Err(self.gone()),
        }
    }

    /// As [`Store::submit`], for an event that was made before.
    ///
    /// # Errors
    /// As [`Store::submit`].
    pub fn submit_event(&self, event: NewEvent) -> Result<Ticket, AppendError> {
        Ok(Ticket::new(self.hand_in(vec![event])?, self.call_deadline))
    }

    /// As [`Store::submit`], for several events, all or none.
    ///
    /// # Errors
    /// As [`Store::submit`].
    pub fn submit_batch(&self, events: Vec<NewEvent>) -> Result<BatchTicket, AppendError> {
        Ok(BatchTicket::new(self.hand_in(events)?, self.call_deadline))
    }

    /// Brings every event that was given a receipt before to the disk; gives the position up to which it is there.
    ///
    /// # Errors
    /// As [`Store::append`].
    pub fn flush(&self) -> Result<Position, AppendError> {
        let answer = self.house.writer.call_within(self.call_deadline, writer::Message::Flush);
        answer.unwrap_or_else(|error| Err(self.unanswered(&error)))
    }

    fn unanswered(&self, error: &CallError) -> AppendError {
        match error {
            CallError::Stopped => self.gone(),
            other => unanswered(other),
        }
    }

    /// Proposes and leaves.
    fn hand_in(&self, events: Vec<NewEvent>) -> Result<Answer<Receipts>, AppendError> {
        self.check(&events)?;
        let propose = |reply| gate::Message::Propose { events, reply };
        self.house.gate.submit(propose).map_err(|_| self.gone())
    }

    /// Checks the limits on this thread, so that the gate and the writer, which are one each, need not.
    fn check(&self, events: &[NewEvent]) -> Result<(), AppendError> {
        // Of a closed store nothing else is to be said, not even that the event is too large.
        if self.closed.load(Ordering::Acquire) {
            return Err(AppendError::Closed);
        }
        gate::check(events, &self.house.limits)
    }
}
