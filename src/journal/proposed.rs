//! A proposed event's part of its record: everything that the writer need not know to number it.

use super::error::{JournalError, Limited};
use super::wire::{put_varint, varint_bytes};
use crate::event::{AppendOptions, EventId, NewEvent};
use crate::position::Version;

/// The parts of a record that are there only sometimes; the upper bits of its tag.
pub(super) const HAS_CORRELATION: u8 = 0x08;
pub(super) const HAS_CAUSES: u8 = 0x10;
pub(super) const HAS_KEY: u8 = 0x20;
pub(super) const HAS_PAYLOAD_VERSION: u8 = 0x40;

pub(super) const CAUSE_BYTES: usize = 16;

/// What only the writer knows of an event.
#[derive(Debug, Clone, Copy, Default)]
pub struct Numbers<'a> {
    /// The event's place among its entity's events.
    pub version: Version,
    /// The correlation, if the event neither begins one nor was proposed with one.
    pub correlation: Option<EventId>,
    /// Its causes inside the same batch.
    pub batch_causes: &'a [EventId],
}

/// Checks that every part of `event` is within its limit.
///
/// ```
/// use timberline::journal::check_event;
/// use timberline::{Coordinate, NewEvent};
/// let event = NewEvent::raw(Coordinate::new("door-1", "house")?, "Opened", 1, vec![7; 10]);
/// assert!(check_event(&event, 10).is_ok());
/// assert!(check_event(&event, 9).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`JournalError::TooLarge`] names the part that is over its limit; exactly at the limit is taken.
pub fn check_event(event: &NewEvent, payload_bytes_max: u64) -> Result<(), JournalError> {
    let options = &event.options;
    let key_bytes = options.key.as_deref().map_or(0, <[u8]>::len);
    let cause_count = options.causes.len() + options.batch_causes.len();
    within(Limited::Payload, event.payload.len(), payload_bytes_max)?;
    within(Limited::Kind, event.kind.len(), NewEvent::KIND_BYTES_MAX as u64)?;
    within(Limited::Key, key_bytes, AppendOptions::KEY_BYTES_MAX as u64)?;
    within(Limited::Causes, cause_count, AppendOptions::CAUSES_MAX as u64)
}

fn within(what: Limited, actual: usize, limit: u64) -> Result<(), JournalError> {
    let actual = actual as u64;
    if actual <= limit { Ok(()) } else { Err(JournalError::TooLarge { what, actual, limit }) }
}

/// What the record of `event` takes in bytes, but for its numbers: what counts towards the limit of a batch.
#[must_use]
pub fn proposed_bytes(event: &NewEvent) -> u64 {
    (own_bytes(event) + event.options.batch_causes.len() * CAUSE_BYTES) as u64
}

/// The bytes that [`put_own`] puts.
pub(super) fn own_bytes(event: &NewEvent) -> usize {
    let version = event.payload_version;
    let version_bytes = if version == 1 { 0 } else { varint_bytes(version.into()) };
    let key_bytes = key(event).map_or(0, sized);
    let (entity, scope) = (event.coordinate.entity(), event.coordinate.scope());
    let texts_bytes = sized(entity.as_bytes()) + sized(scope.as_bytes()) + sized(event.kind.as_bytes());
    event.options.causes.len() * CAUSE_BYTES + version_bytes + texts_bytes + key_bytes + event.payload.len()
}

fn sized(bytes: &[u8]) -> usize {
    varint_bytes(bytes.len() as u64) + bytes.len()
}

/// An empty key is none.
fn key(event: &NewEvent) -> Option<&[u8]> {
    event.options.key.as_deref().filter(|key| !key.is_empty())
}

/// The bits of the record's tag that the event decides.
pub(super) fn flags(event: &NewEvent) -> u8 {
    let key = if key(event).is_some() { HAS_KEY } else { 0 };
    let version = if event.payload_version == 1 { 0 } else { HAS_PAYLOAD_VERSION };
    key | version
}

/// Appends the end of the record's body: the causes outside the batch, and all that stands behind them.
pub(super) fn put_own(out: &mut Vec<u8>, event: &NewEvent) {
    let (causes, key) = (&event.options.causes, key(event));
    // First, so that they adjoin the causes the writer puts before them.
    causes.iter().for_each(|cause| out.extend_from_slice(&cause.to_u128().to_le_bytes()));
    if event.payload_version != 1 {
        put_varint(out, event.payload_version.into());
    }
    let texts = [event.coordinate.entity(), event.coordinate.scope(), &event.kind];
    texts.iter().for_each(|text| put_varint(out, text.len() as u64));
    key.iter().for_each(|key| put_varint(out, key.len() as u64));
    // The texts side by side, so that a reader can check them as one.
    out.extend_from_slice(event.coordinate.names().as_bytes());
    out.extend_from_slice(event.kind.as_bytes());
    key.iter().for_each(|key| out.extend_from_slice(key));
    out.extend_from_slice(&event.payload);
}
