//! The one source of choices, and its drivers: a seed, a recorded trace, a fuzzer's bytes, an exhaustive search.

use super::deviations::Deviating;
use timberline::supervisors::simulation::{Choices, Recorded, Seeded};

/// Where the choices of a run come from.
#[derive(Clone, Debug)]
pub enum Source {
    /// Drawn from a seed.
    Seed(u64),
    /// Made before; zeros, which are harmless, after their end.
    Trace(Vec<usize>),
    /// Taken from bytes that a fuzzer made; zeros after their end.
    Bytes(Vec<u8>),
    /// Harmless but for a few; see [`super::Deviations`].
    Deviating(Deviating),
}

impl Source {
    pub(super) fn into_choices(self) -> Box<dyn Choices> {
        match self {
            Source::Seed(seed) => Box::new(Seeded::new(seed)),
            Source::Trace(trace) => Box::new(Recorded::new(trace)),
            Source::Bytes(bytes) => Box::new(Bytes::new(bytes)),
            Source::Deviating(deviating) => Box::new(deviating),
        }
    }
}

/// Choices out of bytes: one for each, two where there are more than 256 possibilities.
#[derive(Clone, Debug)]
pub struct Bytes {
    bytes: std::vec::IntoIter<u8>,
}

impl Bytes {
    /// Choices out of these bytes.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Bytes {
        Bytes { bytes: bytes.into_iter() }
    }

    fn next(&mut self) -> usize {
        self.bytes.next().unwrap_or(0).into()
    }
}

impl Choices for Bytes {
    fn choose(&mut self, n: usize) -> usize {
        let drawn = if n > 256 { self.next() << 8 | self.next() } else { self.next() };
        drawn % n
    }
}
