//! Segments of many events: names that need several leaves under fences, sections of several blocks, files that are written
//! piece by piece.

use super::*;
use crate::index::header::Content;
use crate::index::table::Table;
use crate::storage::Cache;

const LARGE_EVENTS: u64 = 30_000;

fn large() -> Arc<Model> {
    Model::of_segments(LARGE_EVENTS * 2 + 4_000, LARGE_EVENTS)
}

/// As `check`, with fewer windows and a part of the lookups: each is held against all events.
#[track_caller]
fn check_large(index: &Index, model: &Model) {
    let last = model.last();
    for region in regions() {
        for (after, limit) in [(0, usize::MAX), (LARGE_EVENTS - 3, 200), (last - 2_000, usize::MAX)] {
            let window = Window { after: Position::new(after), through: Position::new(last - 5), limit };
            check_region(index, model, &region, window);
        }
    }
    for number in (1..=last).step_by(997) {
        let event = model.events[number as usize - 1].as_ref();
        let position = Position::new(number);
        let place = index.locate(position).unwrap().map(|location| (location.segment, location.offset));
        assert_eq!(place, event.map(|_| (model.segment_of(number), number as u32)));
        assert_eq!(index.keyed(format!("key-{number}").as_bytes()).unwrap(), event.map(|_| position));
        let window = Window { after: position, through: Position::END, limit: 10 };
        let expected = model.positions(|event| event.number / 2 == number, window);
        assert_eq!(index.effects(position, 10).unwrap(), expected);
    }
    let gap = |number: u64| model.events[number as usize - 1].is_none().then(|| Position::new(number));
    let gaps: Vec<_> = (1..=last).filter_map(gap).map(|at| at..=at).collect();
    assert_eq!(index.gaps(Position::START, Position::END).unwrap(), gaps);
}

#[test]
fn segments_of_many_names_answer_the_same_in_memory_and_in_files() {
    let (disk, model) = (SimulatedDisk::new(), large());
    let mut index = opened(&disk, &model);
    check_large(&index, &model);
    do_chores(&mut index);
    check_large(&index, &model);
    let index = opened(&disk, &model);
    assert_eq!(index.segment(), 3, "nothing sealed is read from the journal again");
    check_large(&index, &model);
    let table = Table::open(&disk, &files::file_name(0, 1), &STORE, 0, &Arc::new(Cache::new(1))).unwrap();
    let names = table.header.section(Content::Entities);
    let is_root_last = names.detail == names.block + names.blocks - 1;
    assert!(names.blocks > 2 && is_root_last, "several leaves and a fence over them: {names:?}");
    assert!(table.header.section(Content::Gaps).blocks > 1);
}
