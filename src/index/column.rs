//! A column: one small number per place, packed into as many bits as the largest needs.

use super::IndexError;
use super::block::{Block, PAYLOAD_BYTES};
use super::header::{Content, Section};
use super::table::Table;
use super::writer::TableWriter;
use crate::storage::StorageError;

/// How many values of so many bits fit into a block.
fn per_block(bits: u32) -> u32 {
    (PAYLOAD_BYTES as u32 * 8) / bits
}

/// Writes `values`, none of which is over `most`.
pub(super) fn put(
    writer: &mut TableWriter,
    part: Content,
    values: impl ExactSizeIterator<Item = u32>,
    most: u32,
) -> Result<(), StorageError> {
    let (block, count, bits) = (writer.next_block(), values.len() as u64, 32 - most.leading_zeros());
    if bits > 0 {
        put_blocks(writer, values, bits)?;
    }
    writer.end_section(part, block, count, bits);
    Ok(())
}

fn put_blocks(
    writer: &mut TableWriter,
    values: impl Iterator<Item = u32>,
    bits: u32,
) -> Result<(), StorageError> {
    let (mut payload, mut open, mut filled, mut count) = (Vec::with_capacity(PAYLOAD_BYTES), 0_u64, 0, 0);
    let last = per_block(bits);
    let mut values = values.peekable();
    while let Some(value) = values.next() {
        open |= u64::from(value) << filled;
        filled += bits;
        count += 1;
        let ends = count == last || values.peek().is_none();
        while filled >= 8 || (ends && filled > 0) {
            payload.push(open as u8);
            open >>= 8;
            filled = filled.saturating_sub(8);
        }
        if ends {
            writer.push(&payload)?;
            payload.clear();
            count = 0;
        }
    }
    Ok(())
}

/// Reads a column, best in order: the block it stands in is kept.
#[derive(Debug)]
pub(super) struct Column<'a> {
    table: &'a Table,
    section: Section,
    held: Option<(u32, Block)>,
}

impl<'a> Column<'a> {
    pub(super) fn new(table: &'a Table, part: Content) -> Self {
        Self { table, section: table.header.section(part), held: None }
    }

    /// The value at `place`.
    #[inline]
    pub(super) fn get(&mut self, place: u32) -> Result<u32, IndexError> {
        let bits = self.section.detail;
        if bits == 0 {
            return Ok(0);
        }
        if bits > u32::BITS {
            return Err(self.table.damaged(self.section.block));
        }
        let per_block = per_block(bits);
        let block = self.block(place / per_block)?;
        let at = (place % per_block) as usize * bits as usize;
        let mut word = [0; 8];
        // The checksum behind the payload makes that there is always something to read.
        let begin = at / 8;
        let taken = 8.min(block.len() - begin);
        word[..taken].copy_from_slice(&block[begin..begin + taken]);
        Ok((u64::from_le_bytes(word) >> (at % 8)) as u32 & (u32::MAX >> (u32::BITS - bits)))
    }

    fn block(&mut self, number: u32) -> Result<&Block, IndexError> {
        if self.held.as_ref().is_none_or(|(held, _)| *held != number) {
            self.held = None;
        }
        match self.held {
            Some((_, ref block)) => Ok(block),
            None => {
                let block = self.table.block_of(self.section, number)?;
                Ok(&self.held.insert((number, block)).1)
            }
        }
    }
}
