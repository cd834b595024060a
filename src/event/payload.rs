//! What an event says: a serde value with the name and version of its type.

use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;

/// Bytes that an encoded payload is expected to need: room for them is taken at once.
const ENCODED_BYTES: usize = 256;

/// A type whose values can be the payload of an event.
///
/// `KIND` is the name under which events of this type are stored; `VERSION` is raised when the type's shape
/// changes, and [`Payload::upcast`] then reads what older programs wrote.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use timberline::{Payload, PayloadError};
///
/// #[derive(Serialize, Deserialize)]
/// struct Renamed { to: String, by: Option<String> }
///
/// impl Payload for Renamed {
///     const KIND: &'static str = "Renamed";
///     const VERSION: u16 = 2;
///     fn upcast(version: u16, bytes: &[u8]) -> Result<Self, PayloadError> {
///         match version {
///             1 => Ok(Renamed { to: timberline::decode_payload(bytes)?, by: None }),
///             _ => Err(PayloadError::no_upcast::<Self>(version)),
///         }
///     }
/// }
/// let old = postcard::to_stdvec("cedar").unwrap();
/// assert_eq!(Renamed::decode(1, &old)?.to, "cedar");
/// assert!(matches!(Renamed::decode(3, &old), Err(PayloadError::Newer { .. })));
/// # Ok::<(), PayloadError>(())
/// ```
pub trait Payload: Serialize + DeserializeOwned {
    /// The name of this kind of event. Not empty, at most 256 bytes.
    const KIND: &'static str;
    /// The version of the type's shape.
    const VERSION: u16 = 1;

    /// Reads what was written by `version`, which is older than [`Payload::VERSION`].
    ///
    /// # Errors
    /// [`PayloadError::NoUpcast`] unless the type says how.
    fn upcast(version: u16, bytes: &[u8]) -> Result<Self, PayloadError> {
        let _ = bytes;
        Err(PayloadError::no_upcast::<Self>(version))
    }

    /// The value as bytes.
    ///
    /// # Errors
    /// [`PayloadError::Encode`] when the type's `Serialize` refuses.
    fn encode(&self) -> Result<Vec<u8>, PayloadError> {
        postcard::to_extend(self, Vec::with_capacity(ENCODED_BYTES))
            .map_err(|source| PayloadError::Encode { kind: Self::KIND, source: Arc::new(source) })
    }

    /// The value that `bytes`, written by a program that knew `version`, stand for.
    ///
    /// # Errors
    /// [`PayloadError::Newer`] when this program is too old, [`PayloadError::NoUpcast`] when it is too new,
    /// [`PayloadError::Decode`] when the bytes are no such value.
    fn decode(version: u16, bytes: &[u8]) -> Result<Self, PayloadError> {
        match version.cmp(&Self::VERSION) {
            std::cmp::Ordering::Equal => decode_as(Self::KIND, bytes),
            std::cmp::Ordering::Less => Self::upcast(version, bytes),
            std::cmp::Ordering::Greater => {
                Err(PayloadError::Newer { kind: Self::KIND, stored: version, known: Self::VERSION })
            }
        }
    }
}

/// Why a payload could not be written or read.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum PayloadError {
    /// The value's `Serialize` refused.
    #[error("a payload of kind {kind} cannot be encoded")]
    Encode {
        /// The payload's kind.
        kind: &'static str,
        /// What the encoder said.
        source: Arc<postcard::Error>,
    },
    /// The bytes are no value of the type.
    #[error("the bytes are no payload of kind {kind}")]
    Decode {
        /// The payload's kind.
        kind: &'static str,
        /// What the decoder said.
        source: Arc<postcard::Error>,
    },
    /// The event is of another kind.
    #[error("the event is of kind {stored}, not {wanted}")]
    Kind {
        /// The kind of the stored event.
        stored: String,
        /// The kind of the type that was asked for.
        wanted: &'static str,
    },
    /// The event was written by a program that knows a newer version of the type: upgrade this program.
    #[error("version {stored} of {kind} is newer than version {known}, the newest this program knows")]
    Newer {
        /// The payload's kind.
        kind: &'static str,
        /// The version of the stored payload.
        stored: u16,
        /// The version this program knows.
        known: u16,
    },
    /// The type does not say how to read the older version.
    #[error("version {stored} of {kind} cannot be read: the type has no upcast from it")]
    NoUpcast {
        /// The payload's kind.
        kind: &'static str,
        /// The version of the stored payload.
        stored: u16,
    },
}

impl PayloadError {
    /// What [`Payload::upcast`] answers for a version it does not know.
    #[must_use]
    pub fn no_upcast<P: Payload>(version: u16) -> Self {
        Self::NoUpcast { kind: P::KIND, stored: version }
    }
}

/// Reads a value of an older shape; for use in [`Payload::upcast`].
///
/// # Errors
/// [`PayloadError::Decode`] when the bytes are no such value.
pub fn decode_payload<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, PayloadError> {
    decode_as(std::any::type_name::<T>(), bytes)
}

fn decode_as<T: DeserializeOwned>(kind: &'static str, bytes: &[u8]) -> Result<T, PayloadError> {
    postcard::from_bytes(bytes).map_err(|source| PayloadError::Decode { kind, source: Arc::new(source) })
}
