//! Whether a batch may be stored, and with which versions: decided for the whole batch before any of it is staged.

use super::unapplied::Unapplied;
use super::versions::Versions;
use crate::error::{AppendError, ReadError};
use crate::event::{Condition, EventId, Expected, NewEvent, Receipt, StoreTag};
use crate::index::Window;
use crate::journal::Journal;
use crate::position::{Position, Version};
use crate::view::View;
use foldhash::HashMap;
use std::sync::Arc;

/// What becomes of one event of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// It is stored with this version.
    Store(Version),
    /// Its idempotency key was used before: the receipt of that time.
    Known(Receipt),
    /// Its idempotency key was used by an earlier event of this batch.
    SameAs(usize),
}

/// Everything a decision may look at, newest first: this turn's, what the index does not know yet, the index.
pub(super) struct Known<'a> {
    pub(super) staged: &'a Unapplied,
    pub(super) unapplied: &'a Unapplied,
    pub(super) view: &'a View,
    /// The last position that was given out.
    pub(super) last: Position,
    pub(super) tag: StoreTag,
}

impl<'a> Known<'a> {
    pub(super) fn new(
        staged: &'a Unapplied,
        unapplied: &'a Unapplied,
        view: &'a View,
        journal: Option<&Journal>,
    ) -> Self {
        let journal = journal.expect("no message comes before the writer has started");
        Self { staged, unapplied, view, last: journal.next_position().previous(), tag: journal.store().tag() }
    }

    fn keyed(&self, key: &[u8]) -> Result<Option<Receipt>, ReadError> {
        match self.staged.keyed(key).or_else(|| self.unapplied.keyed(key)) {
            Some(receipt) => Ok(Some(receipt)),
            None => self.view.receipt_of(key),
        }
    }

    fn first_in(&self, condition: &Condition) -> Result<Option<Position>, ReadError> {
        let window = Window { after: condition.after, through: Position::END, limit: 1 };
        let stored = self.view.first_in(&condition.region, window)?;
        Ok(stored
            .or_else(|| self.unapplied.first_in(&condition.region, condition.after))
            .or_else(|| self.staged.first_in(&condition.region, condition.after))
            .filter(|_| !crate::planted("condition_unchecked")))
    }

    fn has(&self, id: EventId) -> bool {
        crate::planted("cause_unchecked")
            || id.tag() == self.tag && id.position() > Position::START && id.position() <= self.last
    }

    /// Where the checkpoint named `id` stands.
    pub(super) fn checkpoint(&self, id: &crate::CheckpointId) -> Position {
        let newer = self.staged.checkpoint(id.as_str()).or_else(|| self.unapplied.checkpoint(id.as_str()));
        match newer {
            Some(checkpoint) => checkpoint.position,
            None => self.view.checkpoint(id).map_or(Position::START, |checkpoint| checkpoint.position),
        }
    }
}

/// Decides over a batch, into `steps`, and gives out its versions. All of its events may be stored, or the first that may not
/// is the error.
pub(super) fn plan(
    events: &[NewEvent],
    known: &Known<'_>,
    versions: &mut Versions,
    steps: &mut Vec<Step>,
) -> Result<(), AppendError> {
    steps.clear();
    let mut batch = Batch { last: events.len().saturating_sub(1), known, versions, keys: HashMap::default() };
    for (item, event) in events.iter().enumerate() {
        crate::point("writer.plan.before_step");
        match batch.step(item, event) {
            Ok(step) => steps.push(step),
            Err(refusal) => {
                take_back(events, steps, versions);
                return Err(refusal);
            }
        }
    }
    Ok(())
}

/// Takes back the versions of the events that `steps` had decided to store.
fn take_back(events: &[NewEvent], steps: &[Step], versions: &mut Versions) {
    let stored = events.iter().zip(steps).filter(|(_, step)| matches!(step, Step::Store(_)));
    stored.for_each(|(event, _)| versions.take_back(event.coordinate.entity()));
}

/// A batch in the middle of its decision.
struct Batch<'a> {
    /// The last item: nobody asks for its key.
    last: usize,
    known: &'a Known<'a>,
    versions: &'a mut Versions,
    /// The keys of the earlier events.
    keys: HashMap<&'a [u8], usize>,
}

impl<'a> Batch<'a> {
    fn step(&mut self, item: usize, event: &'a NewEvent) -> Result<Step, AppendError> {
        let (options, known) = (&event.options, self.known);
        if let Some(key) = options.key.as_deref().filter(|_| !crate::planted("idempotency_unchecked")) {
            if let Some(receipt) = known.keyed(key).map_err(indeterminate)? {
                return Ok(Step::Known(Receipt { duplicate: true, ..receipt }));
            }
            if let Some(earlier) = self.keys.get(key).filter(|_| !crate::planted("key_twice_in_a_batch")) {
                return Ok(Step::SameAs(*earlier));
            }
            if item < self.last {
                self.keys.insert(key, item);
            }
        }
        let ask = |entity: &str| known.view.version(entity);
        let entity = event.coordinate.entity();
        let number = self.versions.number(entity, ask).map_err(unreadable)?;
        let actual = self.versions.newest(number);
        check_expected(item, entity, options.expected, actual)?;
        check_condition(item, options.condition.as_ref(), known)?;
        crate::point("writer.plan.before_causes");
        check_causes(item, event, known)?;
        if item == self.last || !crate::planted("batch_versions_forgotten") {
            self.versions.advance(number);
        }
        Ok(Step::Store(if crate::planted("version_off_by_one") { actual } else { actual.next() }))
    }
}

fn check_expected(item: usize, entity: &str, expected: Expected, actual: Version) -> Result<(), AppendError> {
    if expected.holds(actual) || crate::planted("expected_unchecked") {
        return Ok(());
    }
    Err(AppendError::Conflict { item, entity: entity.to_owned(), expected, actual })
}

fn check_condition(item: usize, condition: Option<&Condition>, known: &Known<'_>) -> Result<(), AppendError> {
    let Some(condition) = condition else { return Ok(()) };
    match known.first_in(condition).map_err(unreadable)? {
        Some(position) => Err(AppendError::ConditionFailed { item, position }),
        None => Ok(()),
    }
}

fn check_causes(item: usize, event: &NewEvent, known: &Known<'_>) -> Result<(), AppendError> {
    let options = &event.options;
    if let Some(id) = options.causes.iter().chain(&options.correlation).find(|id| !known.has(**id)) {
        return Err(AppendError::UnknownCause { item, id: *id });
    }
    match options.batch_causes.iter().find(|cause| **cause as usize >= item) {
        Some(cause) => Err(AppendError::BatchCause { item, cause: *cause }),
        None => Ok(()),
    }
}

/// What the append must be checked against cannot be read: nothing is stored.
fn unreadable(error: ReadError) -> AppendError {
    AppendError::Storage { source: Arc::new(error) }
}

/// The key is known and its event cannot be read: whether this append is a repetition cannot be told.
fn indeterminate(error: ReadError) -> AppendError {
    AppendError::Indeterminate { why: format!("the event of the idempotency key cannot be read: {error}") }
}
