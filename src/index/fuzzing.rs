//! A door for fuzzing: anyone's bytes as a file of the index, also past the checksums that would stop most of them.
//!
//! A lookup may say that the file is damaged; it may not panic, loop, or take memory that the file does not stand for.

mod greedy;

pub use greedy::greedy;

use super::block::{BLOCK_BYTES, PAYLOAD_BYTES, checksum};
use super::gaps::each_gap;
use super::header::{Content, Header, header_seed, stretch_of};
use super::sealed::Sealed;
use super::select::MERGED_NAMES_MAX;
use super::table::Table;
use super::{IndexError, Sort, Window, merged, scan};
use crate::position::Position;
use crate::region::Region;
use crate::storage::simulated::GivenFile;
use crate::storage::{Cache, File};
use std::sync::Arc;

/// Asks a file, and returns how many of the questions it answered.
pub type Decoding = Box<dyn FnOnce() -> usize>;

const STORE: [u8; 16] = [7; 16];
const NAME: &str = "0000000001.index";
/// Places of a file that is asked.
const PLACES_MAX: u32 = 10_000;
/// Answers of one lookup: a file is free to tell of many. More than a chunk of postings has.
const LIMIT: usize = 200;

/// The file that these bytes are, as it stands and with the checksums of its blocks mended, to be asked everything. What is
/// copied for that is copied before: the memory of asking is the index's own.
#[must_use]
pub fn file(bytes: &[u8]) -> Vec<Decoding> {
    let mut mended = bytes.to_vec();
    mend(&mut mended);
    let files = [GivenFile::open(bytes), GivenFile::open(&mended)];
    files.into_iter().map(|file| Box::new(move || answers(file)) as Decoding).collect()
}

fn answers(file: Arc<dyn File>) -> usize {
    let table = Table::of_file(file, NAME, &STORE, 0, &Arc::new(Cache::new(64)));
    // The store asks a file only when its stretch is the journal's, which bounds how many places it has.
    let asked = table.ok().filter(|table| Sealed::new(table).end() <= PLACES_MAX);
    asked.map_or(0, |table| ask(&table).iter().filter(|answer| answer.is_ok()).count())
}

fn ask(table: &Table) -> Vec<Result<(), IndexError>> {
    let sealed = Sealed::new(table);
    let first = Position::new(table.header.stretch.first);
    let window = Window { after: Position::START, through: Position::new(u64::MAX), limit: LIMIT };
    let regions = [
        Region::all(),
        Region::entity("tree-1"),
        Region::entity_prefix("t").and(Region::kind("Note")),
        Region::scope("wood").or(Region::kind("Note")),
    ];
    let mut answers: Vec<_> =
        regions.iter().map(|region| scan::select(sealed, region, window, &mut Vec::new())).collect();
    for sort in [Sort::Entity, Sort::Scope, Sort::Kind, Sort::Key, Sort::Cause] {
        answers.push(sealed.known(sort, b"tree-1").map(drop));
    }
    answers.extend([
        sealed.locate(first).map(drop),
        sealed.locate(first.next()).map(drop),
        sealed.ranks_with("tree").map(drop),
        sealed.entries_with("tree", MERGED_NAMES_MAX).map(drop),
        sealed.keyed(b"key-1").map(drop),
        sealed.effects(first, LIMIT).map(drop),
        sealed.gaps(first, first.next()).map(drop),
        each_gap(table, |_| ()),
        sealed.state().map(drop),
        table.all_bytes_once(Content::Firsts).map(drop),
        merged::segments_with(table, "tree").map(drop),
        merged::segments_of(table, Sort::Kind, b"Note").map(drop),
        merged::scattered(table, b"tree-1").map(drop),
        merged::scattered(table, b"tree-100").map(drop),
    ]);
    answers
}

/// Gives whole blocks the checksums that their bytes would have if they had been written so.
fn mend(bytes: &mut [u8]) {
    let (blocks, _) = bytes.as_chunks_mut::<BLOCK_BYTES>();
    let Some((stretch, level)) = blocks.first().and_then(stretch_of) else { return };
    for (number, block) in blocks.iter_mut().enumerate() {
        let seed = match number {
            0 => header_seed(&STORE),
            _ => Header::seed(&stretch, level),
        };
        let crc = checksum(seed, number as u32, &block[..PAYLOAD_BYTES]);
        block[PAYLOAD_BYTES..].copy_from_slice(&crc.to_le_bytes());
    }
}
