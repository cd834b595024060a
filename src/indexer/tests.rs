//! The index over a real journal: caught up, closed, opened, killed.

use super::*;
use crate::error::BatchReceipts;
use crate::event::{Batch, Coordinate, NewEvent};
use crate::index::{Found, Lookups, Window};
use crate::journal::{Journal, JournalOptions, Keep, Numbers, StoreId};
use crate::position::{CheckpointId, Version};
use crate::region::Region;
use crate::storage::simulated::SimulatedDisk;

const OPTIONS: IndexOptions = IndexOptions {
    cache_bytes: 1 << 18,
    open_files_max: 8,
    unwritten_max: 2,
    growth_bytes: 700,
    writes: true,
};

fn open(disk: &SimulatedDisk) -> (Journal, Index) {
    let storage: Arc<dyn Storage> = Arc::new(disk.clone());
    let lock = Arc::new(storage.lock().unwrap());
    let options = JournalOptions {
        segment_bytes: 3_000,
        commit_bytes_max: 1_400,
        preallocate_bytes: 700,
        open_files_max: 4,
        cache_bytes: 0,
    };
    let (journal, _) = Journal::open(Arc::clone(&storage), lock, options, 1, StoreId::new([7; 16])).unwrap();
    let mut index = Index::open(storage, Arc::new(Truth(journal.reader())), OPTIONS).unwrap();
    catch_up(&mut index, &journal.reader(), make_room).unwrap();
    (journal, index)
}

/// Commits `count` frames of two events and a checkpoint, applied as they are committed.
fn append(journal: &mut Journal, index: &mut Index, count: u64) {
    for _ in 0..count {
        for _ in 0..2 {
            let position = journal.next_position();
            let entity = format!("entity-{}", position.get() % 5);
            let event = NewEvent::raw(Coordinate::new(entity, "scope").unwrap(), "Kind", 1, vec![7; 30]);
            let numbers = Numbers { version: Version::new(position.get().div_ceil(5)), ..Numbers::default() };
            journal.stage_event(&event, &numbers).unwrap();
        }
        let (id, last) = (CheckpointId::new("mailer").unwrap(), journal.next_position().previous());
        journal.stage_checkpoint(&id, &Region::all().to_bytes(), last).unwrap();
        let frame = journal.commit().unwrap().unwrap().frame;
        apply(index, &Interests::default(), &frame).unwrap();
        make_room(index);
    }
}

/// Every event is found at its place and reads back.
#[track_caller]
fn check(journal: &Journal, index: &Index) {
    let last = journal.last();
    assert_eq!(index.applied(), last);
    let checkpoint = index.checkpoint("mailer").map(|checkpoint| checkpoint.position);
    assert_eq!(checkpoint, Some(last));
    let reader = journal.reader();
    for entity in 0..5 {
        let region = Region::entity(format!("entity-{entity}"));
        let window = Window { after: Position::START, through: last, limit: 10_000 };
        let mut found: Vec<Found> = Vec::new();
        index.select(&region, window, &mut found).unwrap();
        assert!(
            found.iter().map(|found| found.position.get()).eq((1..=last.get()).filter(|n| n % 5 == entity))
        );
        let mut buffer = Vec::new();
        for Found { position, location } in found {
            let event = reader.read_event(position, location, Keep::AtOnce, &mut buffer).unwrap();
            assert_eq!(event.view(&buffer).entity, format!("entity-{entity}"));
        }
        let newest = (1..=last.get()).rev().find(|n| n % 5 == entity).unwrap();
        let version = index.last_version(&format!("entity-{entity}")).unwrap();
        assert_eq!(version, Version::new(newest.div_ceil(5)));
    }
    assert!(Batch::default().is_empty() && index.entity_count() == 5);
}

fn do_chores(index: &mut Index) {
    while index.has_chores() {
        let chore = index.chore();
        if !index.run(chore) {
            break;
        }
    }
}

#[test]
fn an_index_goes_on_where_it_was_closed_and_where_the_process_was_killed() {
    let disk = SimulatedDisk::new();
    for life in 0..12 {
        let (mut journal, mut index) = open(&disk);
        if life > 0 {
            check(&journal, &index);
        }
        append(&mut journal, &mut index, 40 + life);
        check(&journal, &index);
        if life % 3 != 2 {
            do_chores(&mut index);
        }
        check(&journal, &index);
        journal.sync().unwrap();
        if life % 2 == 0 {
            journal.close().unwrap();
            index.write_open();
        }
    }
    let (journal, index) = open(&disk);
    check(&journal, &index);
}

#[test]
fn opening_a_store_of_many_segments_takes_as_many_operations_as_opening_one_of_few() {
    let disk = SimulatedDisk::new();
    let mut operations = Vec::new();
    for segments in [30, 60, 120] {
        let (mut journal, mut index) = open(&disk);
        while journal.reader().segments() < segments {
            append(&mut journal, &mut index, 1);
        }
        do_chores(&mut index);
        journal.close().unwrap();
        index.write_open();
        let before = disk.operations().len();
        let (journal, index) = open(&disk);
        operations.push(disk.operations().len() - before);
        check(&journal, &index);
    }
    assert!(operations.iter().all(|count| count.abs_diff(operations[0]) < 60), "{operations:?}");
}

#[test]
fn what_was_never_durable_and_is_cut_is_forgotten_by_the_index_too() {
    let disk = SimulatedDisk::new();
    let (mut journal, mut index) = open(&disk);
    append(&mut journal, &mut index, 5);
    journal.sync().unwrap();
    append(&mut journal, &mut index, 2);
    // The file of the growing segment reaches the disk, the last frames do not.
    index.write_open();
    let crashed = disk.crash(&mut |count| count - 1);
    let (mut journal, mut index) = open(&crashed);
    assert_eq!(journal.last(), Position::new(10));
    check(&journal, &index);
    append(&mut journal, &mut index, 30);
    check(&journal, &index);
}

#[test]
fn who_waits_for_a_commit_that_catching_up_has_not_found_is_not_told_that_it_is_there() {
    let disk = SimulatedDisk::new();
    let (mut journal, _) = open(&disk);
    let event = NewEvent::raw(Coordinate::new("a", "s").unwrap(), "Kind", 1, vec![7]);
    journal.stage_event(&event, &Numbers { version: Version::new(1), ..Numbers::default() }).unwrap();
    let frame = journal.commit().unwrap().unwrap().frame;
    let view = Arc::new(View::new(supervisors::Runtime::threads()));
    let of_sealer = Arc::clone(&view);
    let (_, sealer) = supervisors::ChildSpec::actor("sealer", move || Sealer::new(Arc::clone(&of_sealer)));
    let storage: Arc<dyn Storage> = Arc::new(disk.clone());
    let mut indexer =
        Indexer::new(Setup { view, interests: Arc::default(), storage, options: OPTIONS, sealer });
    let (reply, answer) = supervisors::reply_box();
    let answers = vec![Answer::Receipts(reply, BatchReceipts::new())];
    indexer.early.push(Committed { frame: Some(frame), durable: Position::START, answers });
    indexer.answer_early(Position::START);
    assert!(matches!(answer.wait(), Ok(Err(crate::AppendError::Indeterminate { .. }))));
}
