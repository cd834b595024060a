//! Two sources of choices for crashes: one that tries everything, one that draws from a seed.

/// Goes through every combination of choices, the harmless one first.
///
/// ```
/// use timberline::storage::simulated::Exhaustive;
/// let mut seen = Vec::new();
/// let mut choices = Exhaustive::new();
/// while choices.next_run() {
///     seen.push((choices.choose(2), choices.choose(2)));
/// }
/// assert_eq!(seen, [(0, 0), (0, 1), (1, 0), (1, 1)]);
/// ```
#[derive(Debug, Default)]
pub struct Exhaustive {
    taken: Vec<(usize, usize)>,
    next: usize,
    started: bool,
}

impl Exhaustive {
    /// A source at its first combination.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Moves to the next combination; false when all were tried.
    pub fn next_run(&mut self) -> bool {
        if !std::mem::replace(&mut self.started, true) {
            return true;
        }
        self.taken.truncate(self.next);
        self.next = 0;
        while let Some((choice, count)) = self.taken.pop() {
            if choice + 1 < count {
                self.taken.push((choice + 1, count));
                return true;
            }
        }
        false
    }

    /// One of `0..count` (`count` at least 1).
    pub fn choose(&mut self, count: usize) -> usize {
        if self.next == self.taken.len() {
            self.taken.push((0, count));
        }
        self.next += 1;
        self.taken[self.next - 1].0.min(count - 1)
    }
}

/// Draws choices from a seed; the same seed draws the same.
///
/// ```
/// use timberline::storage::simulated::Seeded;
/// let draw = |seed| { let mut choices = Seeded::new(seed); [choices.choose(9), choices.choose(9)] };
/// assert_eq!(draw(7), draw(7));
/// ```
#[derive(Debug, Clone)]
pub struct Seeded {
    state: u64,
}

impl Seeded {
    /// A source for `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The next 64 bits (splitmix64).
    pub fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// One of `0..count` (`count` at least 1).
    pub fn choose(&mut self, count: usize) -> usize {
        (self.next_u64() % count.max(1) as u64) as usize
    }
}
