//! Files that are damaged, cut, half written or refused: never a wrong answer, and whole files again in the end.

use super::*;
use crate::index::block::BLOCK_BYTES;
use crate::index::table::Table;
use crate::storage::simulated::Fault;
use crate::storage::{Cache, StorageError};

/// Ten segments and a rest, with every sort of file: of segments, of a merge, of the growing segment.
fn every_file() -> (SimulatedDisk, Arc<Model>) {
    let (disk, model) = filled(SEGMENT_EVENTS * 10 + 4);
    assert_eq!(pieces_of(&disk, 11).len(), 1);
    (disk, model)
}

fn table(disk: &SimulatedDisk, name: &str) -> Result<Table, IndexError> {
    Table::open(disk, name, &STORE, 0, &Arc::new(Cache::new(1)))
}

#[test]
fn every_flipped_byte_of_a_file_fails_its_block_and_no_block_passes_for_another() {
    let (disk, _) = every_file();
    for name in [files::file_name(0, 3), files::file_name(1, 1), pieces_of(&disk, 11).remove(0)] {
        let whole = disk.image().bytes(&name).unwrap();
        let blocks = (whole.len() / BLOCK_BYTES) as u32;
        let is_sound = |bytes: &[u8], block: u32| {
            let mut image = disk.image();
            image.put(&name, bytes);
            let disk = SimulatedDisk::from_image(image);
            table(&disk, &name).is_ok_and(|table| block == 0 || table.read_block(block).is_ok())
        };
        assert!((0..blocks).all(|block| is_sound(&whole, block)));
        for at in (0..whole.len()).step_by(if cfg!(debug_assertions) { 13 } else { 1 }) {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << (at % 8);
            assert!(!is_sound(&bytes, (at / BLOCK_BYTES) as u32), "{name}: byte {at}");
        }
        for block in 1..blocks - 1 {
            let (mut bytes, at) = (whole.clone(), block as usize * BLOCK_BYTES);
            bytes.copy_within(at + BLOCK_BYTES..at + 2 * BLOCK_BYTES, at);
            assert!(!is_sound(&bytes, block), "{name}: block {block}");
        }
    }
}

#[test]
fn a_damaged_or_cut_file_is_answered_from_the_journal_and_written_again() {
    let (disk, model) = every_file();
    let image = disk.image();
    for name in image.names().map(str::to_owned).collect::<Vec<_>>() {
        let whole = image.bytes(&name).unwrap();
        let mut choices = Seeded::new(whole.len() as u64);
        for round in 0..if cfg!(debug_assertions) { 9 } else { 60 } {
            let mut bytes = whole.clone();
            let held: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at] != 0).collect();
            let at = held[choices.choose(held.len())];
            match round % 3 {
                0 => bytes.truncate(at),
                1 => bytes[at] ^= 0x10,
                // A lost sector, and one of the file's own at another place.
                _ => bytes[at / 512 * 512..].iter_mut().take(512).for_each(|byte| *byte = 0),
            }
            let mut image = image.clone();
            image.put(&name, &bytes);
            let disk = SimulatedDisk::from_image(image);
            let mut index = opened(&disk, &model);
            check(&index, &model);
            do_chores(&mut index);
            check_lookups(&index, &model);
        }
    }
}

#[test]
fn a_file_of_another_store_segment_or_history_is_not_believed() {
    let (disk, model) = every_file();
    let mut image = disk.image();
    // The file of one segment under the name of another.
    let other = image.bytes(&files::file_name(0, 4)).unwrap();
    image.put(&files::file_name(0, 3), &other);
    let merge = image.bytes(&files::file_name(1, 1)).unwrap();
    image.put(&files::file_name(1, 9), &merge);
    check(&opened(&SimulatedDisk::from_image(image.clone()), &model), &model);
    let name = files::file_name(0, 3);
    assert!(Table::open(&disk, &name, &[8; 16], 0, &Arc::new(Cache::new(1))).is_err());
}

/// Opens, writes files and merges, closes, and opens again; gives the disk's states on the way.
fn history(model: &Arc<Model>) -> Vec<crate::storage::simulated::Image> {
    let disk = SimulatedDisk::new();
    disk.keep_images();
    let half = Arc::new(model.begin(SEGMENT_EVENTS * 5 + 3));
    let mut index = opened(&disk, &half);
    do_chores(&mut index);
    index.write_open();
    let mut index = opened(&disk, model);
    do_chores(&mut index);
    index.write_open();
    disk.images()
}

#[test]
fn a_crash_while_files_are_written_and_merged_leaves_every_answer_right() {
    let model = Model::new(SEGMENT_EVENTS * 17 + 2);
    let images = history(&model);
    assert!(images.len() > 100, "{}", images.len());
    let (step, seeds) = if cfg!(debug_assertions) { (5, 3) } else { (1, 8) };
    for (number, image) in images.iter().enumerate().step_by(step) {
        for seed in 0..seeds {
            let mut seeded = Seeded::new(seed * 7_919 + number as u64);
            let crashed = image.crash(&mut |count| match seed {
                0 => count - 1,
                1 => 0,
                _ => seeded.choose(count),
            });
            let disk = SimulatedDisk::from_image(crashed);
            let mut index = opened(&disk, &model);
            check_lookups(&index, &model);
            do_chores(&mut index);
            check_lookups(&index, &model);
        }
    }
}

#[test]
fn a_disk_that_fails_any_operation_on_a_file_of_the_index_changes_no_answer() {
    let model = Model::new(SEGMENT_EVENTS * 9 + 2);
    let count = {
        let disk = SimulatedDisk::new();
        work(&disk, &model).unwrap();
        disk.operations().len() as u64
    };
    let faults = [Fault::Io, Fault::NoSpace, Fault::TooManyFiles, Fault::ShortWrite(100), Fault::Interrupted];
    for number in (1..=count).step_by(if cfg!(debug_assertions) { 7 } else { 1 }) {
        for fault in faults {
            let disk = SimulatedDisk::new();
            disk.set_hook(move |operation| (operation.number == number).then_some(fault));
            // Only the listing at the begin may be refused; then there is no index, and nothing is answered.
            let is_refused = work(&disk, &model).is_err();
            disk.heal();
            let mut index = opened(&disk, &model);
            do_chores(&mut index);
            check_lookups(&index, &model);
            assert!(!is_refused || number < 4, "operation {number}");
        }
    }
}

/// Opens, writes every file that can be written, and looks at everything.
fn work(disk: &SimulatedDisk, model: &Arc<Model>) -> Result<(), StorageError> {
    let source: Arc<dyn Source> = Arc::clone(model) as _;
    let mut index = match Index::open(Arc::new(disk.clone()), source, options()) {
        Ok(index) => index,
        Err(IndexError::Storage(error)) => return Err(error),
        Err(error) => panic!("{error}"),
    };
    model.give(1..=model.last(), &mut |fact| index.take(fact));
    do_chores(&mut index);
    check_lookups(&index, model);
    index.write_open();
    Ok(())
}

#[test]
fn the_caches_hold_no_more_than_they_may() {
    let (disk, model) = filled(SEGMENT_EVENTS * 20);
    let mut image = disk.image();
    (1..=5).for_each(|segment| image.delete(&files::file_name(0, segment)));
    image.delete(&files::file_name(1, 1));
    let index =
        opened_with(&SimulatedDisk::from_image(image), &model, IndexOptions { writes: false, ..options() });
    check(&index, &model);
    let held = index.held();
    assert!(held.block_bytes <= options().cache_bytes && held.block_bytes > 0, "{held:?}");
    assert!(held.tables <= options().open_files_max && held.rebuilt <= 2, "{held:?}");
}

#[test]
fn a_file_that_is_damaged_when_it_is_merged_is_written_again_and_then_merged() {
    let (disk, model) = filled(SEGMENT_EVENTS * 7 + 2);
    let (mut image, name) = (disk.image(), files::file_name(0, 4));
    let mut bytes = image.bytes(&name).unwrap();
    // Every block but the header: opening, which reads no more of it, must not find out.
    (BLOCK_BYTES..bytes.len()).step_by(BLOCK_BYTES).for_each(|block| bytes[block + 9] ^= 1);
    image.put(&name, &bytes);
    let (disk, model) = (SimulatedDisk::from_image(image), Model::new(model.last() + SEGMENT_EVENTS));
    let mut index = opened(&disk, &model);
    // The merge that finds out writes nothing, and asks for more to be done.
    let mut chores = 0;
    while index.has_chores() {
        index.run_chore();
        chores += 1;
        assert!(chores < 40, "it does not come to an end");
    }
    check(&index, &model);
    assert!(table(&disk, &name).unwrap().read_block(1).is_ok(), "it is written again");
    assert!(disk.image().bytes(&files::file_name(1, 1)).is_some(), "the eight are merged");
    check(&opened(&disk, &model), &model);
}

/// A journal of which everything is known but where its sealed segments end: its disk does not say.
#[derive(Debug)]
struct Unreadable(Arc<Model>);

impl Source for Unreadable {
    fn store(&self) -> [u8; 16] {
        self.0.store()
    }

    fn segments(&self) -> u32 {
        self.0.segments()
    }

    fn first_of(&self, segment: u32) -> Result<Position, SharedError> {
        self.0.first_of(segment)
    }

    fn stretch_of(&self, _segment: u32) -> Result<Stretch, SharedError> {
        Err(Arc::new(std::io::Error::other("the disk does not say")))
    }

    fn holds(&self, stretch: &Stretch) -> Result<bool, SharedError> {
        self.0.holds(stretch)
    }

    fn replay(
        &self,
        segment: u32,
        from: (u32, Position),
        sink: &mut dyn FnMut(Fact<'_>),
    ) -> Result<(), SharedError> {
        self.0.replay(segment, from, sink)
    }
}

#[test]
fn a_journal_that_cannot_be_read_is_not_taken_for_files_that_are_lost() {
    let (disk, model) = filled(SEGMENT_EVENTS * 9 + 2);
    let before = disk.image();
    let source = Arc::new(Unreadable(Arc::clone(&model)));
    let refused = Index::open(Arc::new(disk.clone()), source, options());
    assert!(matches!(refused, Err(IndexError::Journal(_))), "{:?}", refused.err());
    assert!(disk.image().names().eq(before.names()), "no file is removed");
    check(&opened(&disk, &model), &model);
}
