//! What one batch may be. The callers of the gate check their events on their own threads; the writer checks
//! reactions, which pass no gate.

use crate::error::AppendError;
use crate::event::{Condition, NewEvent};
use crate::journal::{self, JournalError, Limited};
use crate::region::Region;

/// What one batch may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) record_bytes_max: u64,
    pub(crate) commit_bytes_max: u64,
    pub(crate) batch_events_max: u64,
}

impl Limits {
    /// Whether what is `staged` and `more` fit into one frame; both as bytes and events.
    pub(super) fn have_room(&self, staged: (u64, u64), more: (u64, u64)) -> bool {
        staged.0 + more.0 <= self.commit_bytes_max && staged.1 + more.1 <= self.batch_events_max
    }
}

/// Checks a batch; the first event that breaks a limit is the error, and so is a batch that does.
pub(crate) fn check(events: &[NewEvent], limits: &Limits) -> Result<(), AppendError> {
    let (count, limit) = (events.len() as u64, limits.batch_events_max);
    if count > limit {
        return Err(AppendError::Count { item: 0, what: "events", count, limit });
    }
    for (item, event) in events.iter().enumerate() {
        check_shape(item, event)?;
        journal::check_event(event, limits.record_bytes_max).map_err(|error| too_large(item, &error))?;
    }
    let (bytes, limit) = (events.iter().map(journal::proposed_bytes).sum(), limits.commit_bytes_max);
    match bytes <= limit {
        true => Ok(()),
        false => Err(AppendError::TooLarge { item: 0, what: "batch", bytes, limit }),
    }
}

/// Checks what is not the journal's: texts that may not be empty, and how large a condition is.
fn check_shape(item: usize, event: &NewEvent) -> Result<(), AppendError> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_takes_batches_exactly_up_to_its_limits_of_bytes_and_events() {
        let limits = Limits { record_bytes_max: 100, commit_bytes_max: 1_000, batch_events_max: 10 };
        let cases = [
            ((600, 3), (400, 7), true),
            ((600, 3), (401, 7), false),
            ((600, 3), (400, 8), false),
            ((1, 1), (999, 9), true),
            ((1_000, 10), (0, 0), true),
        ];
        for (staged, more, fits) in cases {
            assert_eq!(limits.have_room(staged, more), fits, "{staged:?} and {more:?}");
        }
    }
}
