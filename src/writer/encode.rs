//! The caller's part of each record, made before the writer's turn.

use super::message::Draft;
use crate::error::AppendError;
use crate::event::NewEvent;
use crate::journal::{EncodedEvent, JournalError, Limited};

/// What one batch may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) record_bytes_max: u64,
    pub(crate) commit_bytes_max: u64,
    pub(crate) batch_events_max: u64,
}

/// The caller's part of each record; the first event over a limit is the error, and so is a batch that is.
pub(crate) fn encode(events: Vec<NewEvent>, limits: &Limits) -> Result<Vec<Draft>, AppendError> {
    let encode_one = |(item, event): (usize, NewEvent)| {
        let encoded =
            EncodedEvent::encode(&event, limits.record_bytes_max).map_err(|error| too_large(item, &error))?;
        Ok::<_, AppendError>(Draft { event, encoded })
    };
    let drafts: Vec<Draft> = events.into_iter().enumerate().map(encode_one).collect::<Result<_, _>>()?;
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
