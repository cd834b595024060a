//! Changes of known inputs: a few at once, of the kinds that decoders are weak against.

use timberline::storage::simulated::Seeded;

/// Numbers at the edges of what fields hold.
const EDGES: [u64; 8] = [0, 1, 0x7f, 0x80, 0xffff, 0x7fff_ffff, 0xffff_ffff, u64::MAX];
const LENGTH_MAX: usize = 64 << 10;

/// Draws mutations, the same for the same name.
pub(super) struct Mutator(Seeded);

impl Mutator {
    pub(super) fn new(name: &str) -> Self {
        Self(Seeded::new(name.bytes().fold(0, |seed, byte| seed * 31 + u64::from(byte))))
    }

    pub(super) fn mutation_of(&mut self, corpus: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = corpus[self.0.choose(corpus.len())].clone();
        for _ in 0..1 + self.0.choose(4) {
            self.mutate(&mut bytes, corpus);
        }
        bytes.truncate(LENGTH_MAX);
        bytes
    }

    fn mutate(&mut self, bytes: &mut Vec<u8>, corpus: &[Vec<u8>]) {
        if bytes.is_empty() {
            return bytes.push(self.0.next_u64() as u8);
        }
        let at = self.place(bytes.len());
        match self.0.choose(7) {
            0 => bytes[at] ^= 1 << self.0.choose(8),
            1 => bytes[at] = self.0.next_u64() as u8,
            2 => self.number(&mut bytes[at..]),
            3 => bytes.truncate(at),
            4 => drop(bytes.drain(at..(at + 1 + self.0.choose(16)).min(bytes.len()))),
            5 => {
                let more: Vec<u8> = (0..1 + self.0.choose(16)).map(|_| self.0.next_u64() as u8).collect();
                drop(bytes.splice(at..at, more));
            }
            _ => {
                let other = &corpus[self.0.choose(corpus.len())];
                let from = self.0.choose(other.len());
                bytes.truncate(at);
                bytes.extend_from_slice(other.get(from..).unwrap_or_default());
            }
        }
    }

    /// Headers stand at the begin: half of the changes go there.
    fn place(&mut self, length: usize) -> usize {
        let within = if self.0.choose(2) == 0 { length.min(700) } else { length };
        self.0.choose(within)
    }

    fn number(&mut self, bytes: &mut [u8]) {
        let number = EDGES[self.0.choose(EDGES.len())].to_le_bytes();
        let width = [1, 2, 4, 8][self.0.choose(4)].min(bytes.len());
        bytes[..width].copy_from_slice(&number[..width]);
    }
}
