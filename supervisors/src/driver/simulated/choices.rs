//! Where the choices of a simulation come from: a seed, or a recording.

use crate::splitmix::SplitMix;

/// Decides whatever is open in a simulation.
pub trait Choices: Send {
    /// A number below `n`, which is at least 2. Zero is the harmless choice, so that shrinking towards zeros works.
    fn choose(&mut self, n: usize) -> usize;
}

impl<C: Choices + ?Sized> Choices for Box<C> {
    fn choose(&mut self, n: usize) -> usize {
        (**self).choose(n)
    }
}

/// Choices drawn from a seed.
#[derive(Clone, Debug)]
pub struct Seeded {
    draws: SplitMix,
}

impl Seeded {
    /// The same seed always draws the same.
    #[must_use]
    pub fn new(seed: u64) -> Seeded {
        Seeded { draws: SplitMix::new(seed) }
    }
}

impl Choices for Seeded {
    fn choose(&mut self, n: usize) -> usize {
        let scaled = (u128::from(self.draws.next()) * n as u128) >> 64; // below n
        usize::try_from(scaled).unwrap_or(0)
    }
}

/// Choices made before; zeros after their end. A choice too large for its place is the largest that fits.
#[derive(Clone, Debug)]
pub struct Recorded {
    choices: std::vec::IntoIter<usize>,
}

impl Recorded {
    /// Replays these.
    #[must_use]
    pub fn new(choices: Vec<usize>) -> Recorded {
        Recorded { choices: choices.into_iter() }
    }
}

impl Choices for Recorded {
    fn choose(&mut self, n: usize) -> usize {
        self.choices.next().unwrap_or(0).min(n - 1)
    }
}
