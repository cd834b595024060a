//! The id of a git object: 20 bytes, or 32 in repositories that use SHA-256.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use std::fmt;

/// The id of a commit. In a stored payload it is bytes, in JSON hexadecimal.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Oid {
    length: u8,
    bytes: [u8; Oid::BYTES_MAX],
}

impl Oid {
    /// The most bytes of an id.
    pub(crate) const BYTES_MAX: usize = 32;

    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut padded = [0; Self::BYTES_MAX];
        padded.get_mut(..bytes.len())?.copy_from_slice(bytes);
        Some(Self { length: bytes.len() as u8, bytes: padded })
    }

    pub(crate) fn from_hex(hex: &[u8]) -> Option<Self> {
        let (pairs, odd) = hex.as_chunks::<2>();
        let digit = |d: u8| (d as char).to_digit(16).map(|d| d as u8);
        let bytes: Option<Vec<u8>> = pairs.iter().map(|[h, l]| Some(digit(*h)? << 4 | digit(*l)?)).collect();
        if !odd.is_empty() || pairs.is_empty() { None } else { Self::from_bytes(&bytes?) }
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }

    /// The first ten digits, enough for people.
    pub(crate) fn short(&self) -> String {
        self.to_string().chars().take(10).collect()
    }
}

impl fmt::Display for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_bytes().iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Oid({self})")
    }
}

impl Serialize for Oid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            serializer.serialize_bytes(self.as_bytes())
        }
    }
}

impl<'de> Deserialize<'de> for Oid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let oid = if deserializer.is_human_readable() {
            Self::from_hex(String::deserialize(deserializer)?.as_bytes())
        } else {
            Self::from_bytes(&Vec::<u8>::deserialize(deserializer)?)
        };
        oid.ok_or_else(|| D::Error::custom("no object id"))
    }
}

#[cfg(test)]
mod tests {
    use super::Oid;

    #[test]
    fn ids_of_both_lengths_are_read_and_written_and_others_refused() {
        for hex in ["d68dd4031d2ad5b7a3829ad7df6635e27a7daa22", &"0f".repeat(32)] {
            let oid = Oid::from_hex(hex.as_bytes()).unwrap();
            assert_eq!(oid.to_string(), hex);
            let stored = postcard::to_stdvec(&oid).unwrap();
            assert_eq!(stored.len(), 1 + hex.len() / 2);
            assert_eq!(postcard::from_bytes::<Oid>(&stored).unwrap(), oid);
            assert_eq!(serde_json::from_str::<Oid>(&format!("{hex:?}")).unwrap(), oid);
        }
        for hex in ["", "f", "zz", "+f", &"0f".repeat(33)] {
            assert!(Oid::from_hex(hex.as_bytes()).is_none(), "{hex}");
        }
    }
}
