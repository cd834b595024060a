//! A directory: names in order, in leaves of one block, under fences that say where each leaf begins.
//!
//! It is written in one pass and held in memory one block per height. Leaves and fences stand mixed, in the order in
//! which they became full; a leaf knows how many names stand before it, so a name's place in the order (its rank)
//! needs no bytes.

use super::IndexError;
use super::block::{Block, PAYLOAD_BYTES};
use super::bytes::{Bytes, put_prefixed, put_varint};
use super::header::{Content, Section};
use super::table::Table;
use super::writer::TableWriter;
use crate::storage::StorageError;
use std::cmp::Ordering;

/// Names that are longer stand as their first 480 bytes and a hash of the whole.
pub(super) const NAME_BYTES_MAX: usize = 511;
const LONG_HEAD_BYTES: usize = 480;
/// Bytes of the long names' form, which no other name has.
pub(super) const LONG_BYTES: usize = 512;
/// Height, count, base and the length of the common prefix.
const NODE_HEAD_BYTES: usize = 1 + 2 + 4 + 2;

/// The form in which a name stands in a directory.
pub(super) fn key_of(name: &[u8]) -> std::borrow::Cow<'_, [u8]> {
    if name.len() <= NAME_BYTES_MAX {
        return name.into();
    }
    let mut key = name[..LONG_HEAD_BYTES].to_vec();
    key.extend_from_slice(blake3::hash(name).as_bytes());
    key.into()
}

/// What stands in a directory of all names that begin with `prefix`: a superset if the prefix is a long one.
pub(super) fn prefix_of(prefix: &[u8]) -> &[u8] {
    &prefix[..prefix.len().min(LONG_HEAD_BYTES)]
}

/// Writes a directory, name by name, in order.
#[derive(Debug, Default)]
pub(super) struct DirectoryWriter {
    /// By height: the node that is being filled.
    nodes: Vec<NodeWriter>,
    names: u32,
}

#[derive(Debug, Default)]
struct NodeWriter {
    base: u32,
    keys: Vec<u8>,
    values: Vec<u8>,
    /// Where each key and each value ends.
    ends: Vec<(usize, usize)>,
}

impl DirectoryWriter {
    /// Adds a name with what is known of it. A value has at most 3,000 bytes.
    pub(super) fn push(
        &mut self,
        writer: &mut TableWriter,
        key: &[u8],
        value: &[u8],
    ) -> Result<(), StorageError> {
        self.add(writer, 0, key, value)?;
        self.names += 1;
        Ok(())
    }

    fn add(
        &mut self,
        writer: &mut TableWriter,
        height: usize,
        key: &[u8],
        value: &[u8],
    ) -> Result<(), StorageError> {
        if self.nodes.len() == height {
            self.nodes.push(NodeWriter::default());
        }
        if !self.nodes[height].has_room(key, value) {
            self.write_node(writer, height)?;
        }
        let names = self.names;
        let node = &mut self.nodes[height];
        if node.ends.is_empty() {
            node.base = names;
        }
        node.add(key, value);
        Ok(())
    }

    fn write_node(&mut self, writer: &mut TableWriter, height: usize) -> Result<(), StorageError> {
        let node = std::mem::take(&mut self.nodes[height]);
        let number = writer.push(&node.encode(height))?;
        let mut child = Vec::new();
        put_varint(&mut child, u64::from(number));
        self.add(writer, height + 1, node.key(0), &child)
    }

    /// Ends the directory, which began at `block`.
    pub(super) fn finish(
        mut self,
        writer: &mut TableWriter,
        part: Content,
        block: u32,
    ) -> Result<(), StorageError> {
        let mut height = 0;
        while height + 1 < self.nodes.len() {
            self.write_node(writer, height)?;
            height += 1;
        }
        let root = match self.nodes.get(height) {
            Some(node) => writer.push(&node.encode(height))?,
            None => 0,
        };
        writer.end_section(part, block, u64::from(self.names), root);
        Ok(())
    }
}

impl NodeWriter {
    fn key(&self, at: usize) -> &[u8] {
        let begin = if at == 0 { 0 } else { self.ends[at - 1].0 };
        &self.keys[begin..self.ends[at].0]
    }

    fn value(&self, at: usize) -> &[u8] {
        let begin = if at == 0 { 0 } else { self.ends[at - 1].1 };
        &self.values[begin..self.ends[at].1]
    }

    fn add(&mut self, key: &[u8], value: &[u8]) {
        self.keys.extend_from_slice(key);
        self.values.extend_from_slice(value);
        self.ends.push((self.keys.len(), self.values.len()));
    }

    /// Whether one more fits into the block, reckoned with the common prefix that is left then.
    fn has_room(&self, key: &[u8], value: &[u8]) -> bool {
        if self.ends.is_empty() {
            return true;
        }
        let (count, prefix) = (self.ends.len() + 1, common(self.key(0), key));
        // Two bytes where the entry begins, two for the length of what follows the prefix.
        let entries = count * (2 + 2) + self.keys.len() + key.len() - count * prefix;
        NODE_HEAD_BYTES + prefix + entries + self.values.len() + value.len() <= PAYLOAD_BYTES
    }

    fn encode(&self, height: usize) -> Vec<u8> {
        let count = self.ends.len();
        let prefix = if count == 0 { 0 } else { common(self.key(0), self.key(count - 1)) };
        let mut out = vec![height as u8];
        out.extend_from_slice(&(count as u16).to_le_bytes());
        out.extend_from_slice(&self.base.to_le_bytes());
        out.extend_from_slice(&(prefix as u16).to_le_bytes());
        if count > 0 {
            out.extend_from_slice(&self.key(0)[..prefix]);
        }
        let offsets = out.len();
        out.resize(offsets + count * 2, 0);
        for at in 0..count {
            let begin = (out.len() as u16).to_le_bytes();
            out[offsets + at * 2..offsets + at * 2 + 2].copy_from_slice(&begin);
            put_prefixed(&mut out, &self.key(at)[prefix..]);
            out.extend_from_slice(self.value(at));
        }
        out
    }
}

fn common(one: &[u8], other: &[u8]) -> usize {
    one.iter().zip(other).take_while(|(one, other)| one == other).count()
}

/// A leaf or a fence, as read.
#[derive(Debug, Clone)]
pub(super) struct Node {
    block: Block,
    number: u32,
    height: u8,
    pub(super) count: u32,
    /// How many names stand before a leaf.
    pub(super) base: u32,
    prefix: usize,
}

impl Node {
    fn parse(number: u32, block: Block) -> Option<Self> {
        let mut fields = Bytes::new(&block[..PAYLOAD_BYTES]);
        let (height, count, base) = (fields.u8()?, fields.u16()?, fields.u32()?);
        let prefix = usize::from(fields.u16()?);
        fields.take(prefix)?;
        fields.take(usize::from(count) * 2)?;
        Some(Self { block, number, height, count: u32::from(count), base, prefix })
    }

    fn prefix(&self) -> &[u8] {
        &self.block[NODE_HEAD_BYTES..NODE_HEAD_BYTES + self.prefix]
    }

    /// What stands behind the common prefix of a key, and the value.
    fn entry(&self, at: u32) -> Option<(&[u8], Bytes<'_>)> {
        let offset = NODE_HEAD_BYTES + self.prefix + at as usize * 2;
        let offset = Bytes::new(self.block.get(offset..)?).u16()?;
        let mut fields = Bytes::new(self.block[..PAYLOAD_BYTES].get(usize::from(offset)..)?);
        Some((fields.prefixed()?, fields))
    }

    pub(super) fn key(&self, at: u32) -> Option<Vec<u8>> {
        let (suffix, _) = self.entry(at)?;
        Some([self.prefix(), suffix].concat())
    }

    pub(super) fn value(&self, at: u32) -> Option<Bytes<'_>> {
        self.entry(at).map(|(_, value)| value)
    }

    fn order(&self, at: u32, key: &[u8]) -> Option<Ordering> {
        let head = &key[..key.len().min(self.prefix)];
        let (suffix, _) = self.entry(at)?;
        Some(self.prefix().cmp(head).then_with(|| suffix.cmp(&key[head.len()..])))
    }

    /// The first entry whose key is not before `key`, and whether it is that key.
    fn lower_bound(&self, key: &[u8]) -> Option<(u32, bool)> {
        let (mut low, mut high) = (0, self.count);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.order(middle, key)? {
                Ordering::Less => low = middle + 1,
                Ordering::Equal => return Some((middle, true)),
                Ordering::Greater => high = middle,
            }
        }
        Some((low, false))
    }
}

/// Looks names up in a table's directory.
#[derive(Debug, Clone, Copy)]
pub(super) struct Directory<'a> {
    table: &'a Table,
    section: Section,
}

impl<'a> Directory<'a> {
    pub(super) fn new(table: &'a Table, part: Content) -> Self {
        Self { table, section: table.header.section(part) }
    }

    /// How many names there are.
    pub(super) fn names(&self) -> u32 {
        self.section.items.try_into().unwrap_or(u32::MAX)
    }

    /// The leaf with `key`, and its entry there.
    pub(super) fn find(&self, key: &[u8]) -> Result<Option<(Node, u32)>, IndexError> {
        let Some((leaf, at, is_it)) = self.descend(key)? else { return Ok(None) };
        Ok(is_it.then_some((leaf, at)))
    }

    /// How many names stand before `key`.
    pub(super) fn rank(&self, key: &[u8]) -> Result<u32, IndexError> {
        Ok(self.descend(key)?.map_or(0, |(leaf, at, _)| leaf.base.saturating_add(at)))
    }

    /// The ranks of all names that begin so.
    pub(super) fn ranks_with(&self, prefix: &[u8]) -> Result<std::ops::Range<u32>, IndexError> {
        let begin = self.rank(prefix)?;
        // The first text that is behind all that begin so: the last byte that can grow, grown.
        let keep = prefix.iter().rposition(|byte| *byte != u8::MAX);
        let end = match keep {
            Some(last) => {
                let mut behind = prefix[..=last].to_vec();
                behind[last] += 1;
                self.rank(&behind)?
            }
            None => self.names(),
        };
        Ok(begin..end.max(begin))
    }

    fn descend(&self, key: &[u8]) -> Result<Option<(Node, u32, bool)>, IndexError> {
        let mut number = self.section.detail;
        if number == 0 {
            return Ok(None);
        }
        let mut height_max = u8::MAX;
        loop {
            let node = self.node(number)?;
            let bound = self.table.sound(number, node.lower_bound(key))?;
            if node.height == 0 {
                return Ok(Some((node, bound.0, bound.1)));
            }
            // Every step goes down: a wrong block cannot send the search round in circles.
            self.table.sound(number, (node.height < height_max).then_some(()))?;
            height_max = node.height;
            let child = if bound.1 { bound.0 } else { bound.0.saturating_sub(1) };
            number = self.table.sound(number, node.value(child).and_then(|mut value| value.small()))?;
        }
    }

    fn node(&self, number: u32) -> Result<Node, IndexError> {
        let within = number.checked_sub(self.section.block).unwrap_or(u32::MAX);
        let block = self.table.block_of(self.section, within)?;
        self.table.sound(number, Node::parse(number, block))
    }

    /// All names, in order, from the first that is not before `key`.
    pub(super) fn walk_from(&self, key: &[u8]) -> Result<Walk, IndexError> {
        let mut walk = Walk { is_cached: true, ..Walk::whole(self.section) };
        if let Some((leaf, at, _)) = self.descend(key)? {
            (walk.next, walk.at) = (leaf.number, at);
        }
        Ok(walk)
    }
}

/// A walk over the names of a directory, in order.
#[derive(Debug)]
pub(super) struct Walk {
    /// The next block to look at, and the one behind the last.
    next: u32,
    end: u32,
    leaf: Option<Node>,
    at: u32,
    is_cached: bool,
}

impl Walk {
    /// Over everything, past the cache.
    pub(super) fn whole(section: Section) -> Self {
        let end = section.block.saturating_add(section.blocks);
        Self { next: section.block, end, leaf: None, at: 0, is_cached: false }
    }

    /// The next name: its leaf and its entry there.
    pub(super) fn next(&mut self, table: &Table) -> Result<Option<(&Node, u32)>, IndexError> {
        while self.leaf.as_ref().is_none_or(|leaf| self.at >= leaf.count) {
            if self.leaf.take().is_some() {
                self.at = 0;
            }
            if !self.read_leaf(table)? {
                return Ok(None);
            }
        }
        self.at += 1;
        Ok(self.leaf.as_ref().map(|leaf| (leaf, self.at - 1)))
    }

    /// Reads on to the next leaf; fences on the way are stepped over.
    fn read_leaf(&mut self, table: &Table) -> Result<bool, IndexError> {
        while self.next < self.end {
            let number = self.next;
            self.next += 1;
            let read = if self.is_cached { table.block(number) } else { table.read_block(number) };
            let node = table.sound(number, Node::parse(number, read?))?;
            if node.height == 0 {
                self.leaf = Some(node);
                return Ok(true);
            }
        }
        Ok(false)
    }
}
