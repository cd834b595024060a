//! From proposed events to drafts: limits are checked and the caller's part of each record is encoded.
//!
//! The callers of the gate do this for appends, each on his own thread; the writer for reactions.

use super::message::Draft;
use crate::error::AppendError;
use crate::event::{Condition, NewEvent};
use crate::journal::{EncodedEvent, JournalError, Limited};
use crate::region::Region;

/// What one batch may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) record_bytes_max: u64,
    pub(crate) commit_bytes_max: u64,
    pub(crate) batch_events_max: u64,
}

/// Checks what encoding does not: how many events there are, and texts that may not be empty.
fn check(events: &[NewEvent], limits: &Limits) -> Result<(), AppendError> {
    let (count, limit) = (events.len() as u64, limits.batch_events_max);
    if count > limit {
        return Err(AppendError::Count { item: 0, what: "events", count, limit });
    }
    events.iter().enumerate().try_for_each(|(item, event)| check_event(item, event))
}

fn check_event(item: usize, event: &NewEvent) -> Result<(), AppendError> {
    let key = event.options.key.as_deref();
    if event.kind.is_empty() {
        return Err(AppendError::Empty { item, what: "kind" });
    }
    if key.is_some_and(<[u8]>::is_empty) {
        return Err(AppendError::Empty { item, what: "idempotency key" });
    }
    match &event.options.condition {
        Some(Condition { region, .. }) if region.term_count() > Region::TERMS_MAX => {
            let (count, limit) = (region.term_count() as u64, Region::TERMS_MAX as u64);
            Err(AppendError::Count { item, what: "terms of the condition's region", count, limit })
        }
        _ => Ok(()),
    }
}

/// The caller's part of each record; the first event that breaks a limit is the error, and so is a batch that does.
pub(crate) fn encode(events: Vec<NewEvent>, limits: &Limits) -> Result<Vec<Draft>, AppendError> {
    check(&events, limits)?;
    // Room for all at once: what a collected `Result` grows by is far more than one event, and dear to get.
    let mut drafts = Vec::with_capacity(events.len());
    for (item, mut event) in events.into_iter().enumerate() {
        let encoded = EncodedEvent::take(&mut event, limits.record_bytes_max)
            .map_err(|error| too_large(item, &error))?;
        drafts.push(Draft { event, encoded });
    }
    let (bytes, limit) = (drafts.iter().map(Draft::bytes).sum(), limits.commit_bytes_max);
    match bytes <= limit {
        true => Ok(drafts),
        false => Err(AppendError::TooLarge { item: 0, what: "batch", bytes, limit }),
    }
}

fn too_large(item: usize, error: &JournalError) -> AppendError {
    match error {
        JournalError::TooLarge { what: Limited::Causes, actual, limit } => {
            AppendError::Count { item, what: "causes", count: *actual, limit: *limit }
        }
        JournalError::TooLarge { what, actual, limit } => {
            let what = match what {
                Limited::Kind => "kind",
                Limited::Key => "idempotency key",
                _ => "payload",
            };
            AppendError::TooLarge { item, what, bytes: *actual, limit: *limit }
        }
        other => AppendError::Indeterminate { why: other.to_string() },
    }
}
