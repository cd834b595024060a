//! SplitMix64: small draws that are the same wherever and whenever they are drawn from the same begin.

/// A sequence of draws.
#[derive(Clone, Debug)]
pub(crate) struct SplitMix(u64);

impl SplitMix {
    /// Every begin, also 0, gives a full-length sequence.
    pub(crate) const fn new(begin: u64) -> SplitMix {
        SplitMix(begin)
    }

    /// The same clock and name draw the same; two names draw differently under the same clock.
    pub(crate) fn of(nanos: u64, name: &str) -> SplitMix {
        SplitMix(nanos ^ fold(name))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// The upper half of the next draw.
    pub(crate) fn next_half(&mut self) -> u32 {
        u32::try_from(self.next() >> 32).unwrap_or(0)
    }
}

/// FNV-1a.
fn fold(name: &str) -> u64 {
    name.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first numbers of the reference implementation, begun at 0.
    const REFERENCE: [u64; 3] = [0xe220_a839_7b1d_cdaf, 0x6e78_9e6a_a1b9_65f4, 0x06c4_5d18_8009_454f];

    #[test]
    fn it_draws_what_the_reference_draws() {
        let mut draws = SplitMix::new(0);
        assert_eq!(REFERENCE.map(|_| draws.next()), REFERENCE);
        let mut halves = SplitMix::new(0);
        assert_eq!(REFERENCE.map(|_| halves.next_half()), [0xe220_a839, 0x6e78_9e6a, 0x06c4_5d18]);
    }

    #[test]
    fn a_clock_that_stands_at_the_hash_of_the_name_begins_at_zero() {
        // The reference hashes of FNV-1a.
        for (name, hash) in [("", 0xcbf2_9ce4_8422_2325), ("foobar", 0x8594_4171_f739_67e8)] {
            assert_eq!(SplitMix::of(hash, name).next(), REFERENCE[0], "{name:?}");
        }
    }
}
