//! A split-block Bloom filter: a table that does not know a name says so from one block.

use super::Sort;
use super::block::PAYLOAD_BYTES;

/// Bits per name: about one name in a hundred is looked for in vain.
const NAME_BITS: u64 = 10;
/// A cell holds eight words; a name sets one bit in each.
const CELL_BYTES: usize = 32;
/// Cells in one block; the rest of a block stays empty, so that no cell crosses its end.
const BLOCK_CELLS: usize = PAYLOAD_BYTES / CELL_BYTES;
const SALTS: [u32; 8] =
    [0x47b6_137b, 0x4497_4d91, 0x8824_ad5b, 0xa2b7_289d, 0x7054_95c7, 0x2df1_424b, 0x9efc_4947, 0x5c6b_fb31];

/// The hash of a name; part of the format.
pub(super) fn hash(sort: Sort, name: &[u8]) -> u64 {
    let mut state = 0x9E37_79B9_7F4A_7C15 ^ (sort as u64 + 1).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    let (words, rest) = name.as_chunks::<8>();
    for word in words {
        state = folded(state ^ u64::from_le_bytes(*word));
    }
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    folded(folded(state ^ u64::from_le_bytes(last)) ^ name.len() as u64)
}

fn folded(value: u64) -> u64 {
    let product = u128::from(value ^ 0xA076_1D64_78BD_642F) * 0xE703_7ED1_A0B4_28DB;
    (product as u64) ^ (product >> 64) as u64
}

/// Where the cell of a name stands, counted in cells, of a filter of so many.
fn cell_of(hash: u64, cells: u64) -> u64 {
    ((hash >> 32) * cells) >> 32
}

fn bits(hash: u64) -> impl Iterator<Item = (usize, u32)> {
    SALTS
        .iter()
        .enumerate()
        .map(move |(word, salt)| (word * 4, 1 << ((hash as u32).wrapping_mul(*salt) >> 27)))
}

/// How many cells a filter over so many names has.
fn cells_for(names: u64) -> u64 {
    (names * NAME_BITS).div_ceil(CELL_BYTES as u64 * 8).clamp(1, u64::from(u32::MAX))
}

/// A filter that is being filled.
#[derive(Debug)]
pub(super) struct FilterWriter {
    cells: u64,
    bytes: Vec<u8>,
}

impl FilterWriter {
    pub(super) fn for_names(names: u64) -> Self {
        Self::of_cells(cells_for(names))
    }

    fn of_cells(cells: u64) -> Self {
        Self { cells, bytes: vec![0; cells as usize * CELL_BYTES] }
    }

    /// One that can be cut back to a half, a quarter or an eighth: for neighbours that may all have the same names.
    pub(super) fn for_at_most(names: u64) -> Self {
        Self::of_cells(cells_for(names).next_multiple_of(8))
    }

    /// Cuts it back as far as that leaves room for so many names: what stood in two neighbouring cells stands in one, where it is
    /// looked for in a filter of half as many.
    pub(super) fn cut_back(&mut self, names: u64) {
        while self.cells.is_multiple_of(2) && self.cells / 2 >= cells_for(names) {
            self.cells /= 2;
            for at in 0..self.cells as usize * CELL_BYTES {
                let from = at / CELL_BYTES * 2 * CELL_BYTES + at % CELL_BYTES;
                self.bytes[at] = self.bytes[from] | self.bytes[from + CELL_BYTES];
            }
            self.bytes.truncate(self.cells as usize * CELL_BYTES);
        }
    }

    pub(super) fn add(&mut self, hash: u64) {
        let at = cell_of(hash, self.cells) as usize * CELL_BYTES;
        for (word, bit) in bits(hash) {
            let byte = at + word + bit.trailing_zeros() as usize / 8;
            self.bytes[byte] |= 1 << (bit.trailing_zeros() % 8);
        }
    }

    /// The blocks' payloads, in order.
    pub(super) fn blocks(&self) -> impl Iterator<Item = &[u8]> {
        self.bytes.chunks(BLOCK_CELLS * CELL_BYTES)
    }

    pub(super) fn cells(&self) -> u64 {
        self.cells
    }
}

/// Whether a filter of so many cells stands in so many blocks.
pub(super) fn blocks_hold(blocks: u32, cells: u64) -> bool {
    (1..=u64::from(u32::MAX)).contains(&cells) && cells.div_ceil(BLOCK_CELLS as u64) <= u64::from(blocks)
}

/// Which block of a filter of so many cells has the name's cell, and where in its payload.
pub(super) fn place(hash: u64, cells: u64) -> (u32, usize) {
    let cell = cell_of(hash, cells) as usize;
    ((cell / BLOCK_CELLS) as u32, cell % BLOCK_CELLS * CELL_BYTES)
}

/// Whether the cell at `at` of a block's payload may know the name.
pub(super) fn may_hold(payload: &[u8], at: usize, hash: u64) -> bool {
    let word = |word: usize| payload.get(at + word..at + word + 4)?.try_into().ok().map(u32::from_le_bytes);
    bits(hash).all(|(at, bit)| word(at).is_none_or(|word| word & bit != 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_that_was_cut_back_is_the_one_that_was_made_for_so_many() {
        let hashes: Vec<u64> = (0..3_000_u32).map(|name| hash(Sort::Key, &name.to_le_bytes())).collect();
        for (most, cells) in [(24_000, 118), (12_000, 118), (3_000, 120), (9_000, 176)] {
            let mut filter = FilterWriter::for_at_most(most);
            hashes.iter().for_each(|hash| filter.add(*hash));
            filter.cut_back(3_000);
            let mut fresh = FilterWriter::of_cells(cells);
            hashes.iter().for_each(|hash| fresh.add(*hash));
            assert_eq!((filter.cells, filter.bytes == fresh.bytes), (cells, true), "for {most}");
        }
    }

    #[test]
    fn a_filter_knows_every_name_and_few_others() {
        let name = |number: u32| number.to_le_bytes();
        let mut filter = FilterWriter::for_names(10_000);
        (0..10_000).for_each(|number| filter.add(hash(Sort::Entity, &name(number))));
        let blocks: Vec<&[u8]> = filter.blocks().collect();
        let holds = |sort, number| {
            let hash = hash(sort, &name(number));
            let (block, at) = place(hash, filter.cells());
            may_hold(blocks[block as usize], at, hash)
        };
        assert!((0..10_000).all(|number| holds(Sort::Entity, number)));
        let wrong = (10_000..110_000).filter(|number| holds(Sort::Entity, *number)).count();
        let other = (0..10_000).filter(|number| holds(Sort::Scope, *number)).count();
        assert!(wrong < 3_000 && other < 300, "{wrong} and {other} are taken for known");
    }
}
