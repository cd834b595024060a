//! An event that is proposed but not stored.

use super::{AppendOptions, Coordinate, Durability, EventId, Expected, Payload, PayloadError};
use crate::position::Position;
use crate::region::Region;
use std::borrow::Cow;

/// An event as it is handed to the store: one item of a batch, or a reaction.
///
/// ```
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Serialize, Deserialize)] struct Opened;
/// # impl timberline::Payload for Opened { const KIND: &'static str = "Opened"; }
/// use timberline::{Coordinate, Expected, NewEvent};
/// let event = NewEvent::new(&Coordinate::new("door-1", "house")?, &Opened)?.expect(Expected::Empty);
/// assert_eq!(event.kind(), "Opened");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    pub(crate) coordinate: Coordinate,
    pub(crate) kind: Cow<'static, str>,
    pub(crate) payload_version: u16,
    pub(crate) payload: Vec<u8>,
    pub(crate) options: AppendOptions,
}

impl NewEvent {
    /// The most bytes of a kind's name.
    pub const KIND_BYTES_MAX: usize = 256;

    /// An event at `coordinate` that says `payload`.
    ///
    /// # Errors
    /// [`PayloadError::Encode`] when the payload cannot be encoded.
    pub fn new<P: Payload>(coordinate: &Coordinate, payload: &P) -> Result<Self, PayloadError> {
        let bytes = payload.encode()?;
        Ok(Self::raw(coordinate.clone(), P::KIND, P::VERSION, bytes))
    }

    /// An event whose payload is already bytes, for programs that learn their kinds while they run. The kind's
    /// limits are checked by the append.
    #[must_use]
    pub fn raw(
        coordinate: Coordinate,
        kind: impl Into<Cow<'static, str>>,
        payload_version: u16,
        payload: Vec<u8>,
    ) -> Self {
        let options = AppendOptions::default();
        Self { coordinate, kind: kind.into(), payload_version, payload, options }
    }

    /// Sets all options at once.
    #[must_use]
    pub fn with(mut self, options: AppendOptions) -> Self {
        self.options = options;
        self
    }

    /// As [`AppendOptions::expect`].
    #[must_use]
    pub fn expect(mut self, expected: Expected) -> Self {
        self.options = self.options.expect(expected);
        self
    }

    /// As [`AppendOptions::unless`].
    #[must_use]
    pub fn unless(mut self, region: Region, after: Position) -> Self {
        self.options = self.options.unless(region, after);
        self
    }

    /// As [`AppendOptions::idempotency_key`].
    #[must_use]
    pub fn idempotency_key(mut self, key: impl AsRef<[u8]>) -> Self {
        self.options = self.options.idempotency_key(key);
        self
    }

    /// As [`AppendOptions::caused_by`].
    #[must_use]
    pub fn caused_by(mut self, causes: impl IntoIterator<Item = EventId>) -> Self {
        self.options = self.options.caused_by(causes);
        self
    }

    /// As [`AppendOptions::caused_by_item`].
    #[must_use]
    pub fn caused_by_item(mut self, item: u32) -> Self {
        self.options = self.options.caused_by_item(item);
        self
    }

    /// As [`AppendOptions::correlated`].
    #[must_use]
    pub fn correlated(mut self, correlation: EventId) -> Self {
        self.options = self.options.correlated(correlation);
        self
    }

    /// As [`AppendOptions::durability`].
    #[must_use]
    pub fn durability(mut self, durability: Durability) -> Self {
        self.options = self.options.durability(durability);
        self
    }

    /// Where the event belongs.
    #[must_use]
    pub fn coordinate(&self) -> &Coordinate {
        &self.coordinate
    }

    /// The name of the payload's type.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The version of the payload's type.
    #[must_use]
    pub fn payload_version(&self) -> u16 {
        self.payload_version
    }

    /// The encoded payload.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// What the caller asks of the append.
    pub fn options(&self) -> &AppendOptions {
        &self.options
    }
}
