//! Files that say as much as can be said in few bytes: what they tell must not take memory by its count.

use super::STORE;
use crate::index::bytes::{put_prefixed, put_varint};
use crate::index::directory::DirectoryWriter;
use crate::index::header::{Content, Stretch};
use crate::index::segments::{LEVEL_MAX, span};
use crate::index::writer::TableWriter;
use crate::storage::simulated::SimulatedDisk;
use crate::storage::{Storage, StorageError};
use std::sync::Arc;

const NAME: &str = "greedy";

/// The files.
///
/// # Errors
/// What the simulated disk says, which is nothing.
pub fn greedy() -> Result<Vec<Vec<u8>>, StorageError> {
    Ok(vec![
        file(0, short_checkpoints)?,
        file(0, short_gaps)?,
        file(LEVEL_MAX, names_everywhere)?,
        file(1, short_events)?,
    ])
}

fn file(level: u8, fill: fn(&mut TableWriter) -> Result<(), StorageError>) -> Result<Vec<u8>, StorageError> {
    let disk = SimulatedDisk::new();
    let storage: Arc<dyn Storage> = Arc::new(disk.clone());
    let stretch = Stretch {
        store: STORE,
        first_segment: 1,
        last_segment: span(level),
        first: 1,
        last: 9_000,
        chain: [0; 16],
        end: 1 << 20,
        last_frame: 0,
    };
    let mut writer = TableWriter::create(&storage, NAME.to_owned(), stretch, level)?;
    fill(&mut writer)?;
    writer.finish()?;
    Ok(disk.image().bytes(NAME).unwrap_or_default())
}

/// Checkpoints of five bytes or six.
fn short_checkpoints(writer: &mut TableWriter) -> Result<(), StorageError> {
    let ids: std::collections::BTreeSet<String> = (0..9_000).map(|number| format!("{number:x}")).collect();
    let mut state = Vec::new();
    [0, 0, ids.len() as u64].iter().for_each(|number| put_varint(&mut state, *number));
    for id in &ids {
        put_prefixed(&mut state, id.as_bytes());
        put_prefixed(&mut state, &[]);
        put_varint(&mut state, 1);
    }
    writer.push_bytes(Content::State, &state)
}

/// Gaps of one position, of three bytes and four.
fn short_gaps(writer: &mut TableWriter) -> Result<(), StorageError> {
    let mut gaps = Vec::new();
    for position in (2..30_000).step_by(2) {
        [position, 0].iter().for_each(|number| put_varint(&mut gaps, *number));
    }
    writer.push_bytes(Content::Gaps, &gaps)
}

/// Names, each in every segment of the largest merge that there is.
fn names_everywhere(writer: &mut TableWriter) -> Result<(), StorageError> {
    let mut directory = DirectoryWriter::default();
    let bits = span(LEVEL_MAX) as usize / 8;
    let mut value = Vec::new();
    put_varint(&mut value, (bits as u64) << 1 | 1);
    value.resize(value.len() + bits, u8::MAX);
    let block = writer.next_block();
    for number in 100..200 {
        directory.push(writer, format!("tree-{number}").as_bytes(), &value)?;
    }
    directory.finish(writer, Content::Entities, block)
}

/// Names, each with as many events of three bytes as a list has room for.
fn short_events(writer: &mut TableWriter) -> Result<(), StorageError> {
    let mut directory = DirectoryWriter::default();
    let mut value = Vec::new();
    // One segment, the first; then the list.
    [2, 0, 2_400].iter().for_each(|number| put_varint(&mut value, *number));
    (1..800).for_each(|_| value.extend_from_slice(&[2, 0, 0]));
    value.extend_from_slice(&[1, 0, 0]);
    let block = writer.next_block();
    for number in 100..200 {
        directory.push(writer, format!("tree-{number}").as_bytes(), &value)?;
    }
    directory.finish(writer, Content::Entities, block)
}
