//! Lists of places of every shape, written into a file and read back: where the records stand, and what that costs.

use super::*;
use crate::index::sealed::Sealed;
use crate::index::table::Table;
use crate::index::{scan, seal, select};
use crate::storage::{Cache, OperationKind};

const PLACES: u32 = 20_000;
const FIRST: u64 = 1_000;
const GAP: std::ops::Range<u32> = 10_000..10_005;

/// An entity for each shape of a list: alone, as a run, near, far, in one chunk and in several.
fn entity_of(place: u32) -> String {
    match place {
        5_000 => "single".into(),
        3_000..3_200 => "run".into(),
        7_000..7_003 => "few side by side".into(),
        _ if place % 1_999 == 7 => "far".into(),
        _ if place % 157 == 3 => "a chunk".into(),
        _ if place % 50 == 1 => "chunks".into(),
        _ => format!("other-{}", place % 7),
    }
}

/// A segment's lookups over records of very different lengths, with checkpoints between some of them.
fn part() -> (Part, Stretch) {
    let (mut part, mut choices, mut offset) = (Part::new(1, Position::new(FIRST)), Seeded::new(7), 512);
    for place in (0..PLACES).filter(|place| *place == GAP.start || !GAP.contains(place)) {
        let position = FIRST + u64::from(place);
        if place == GAP.start {
            let last = FIRST + u64::from(GAP.end) - 1;
            part.push_gap(Position::new(position)..=Position::new(last), offset);
            continue;
        }
        let length = if choices.choose(50) == 0 { 30_000 } else { 30 + choices.choose(200) as u32 };
        let event = EventRef {
            id: EventId::new(0, Position::new(position), StoreTag(0)),
            version: Version::new(1),
            time_micros: 0,
            correlation: EventId::new(0, Position::new(position), StoreTag(0)),
            entity: &entity_of(place),
            scope: "scope",
            kind: "Kind",
            payload_version: 1,
            payload: &[],
            causes: Causes::from_bytes(&[]),
        };
        part.push(&event, b"", Location { segment: 1, offset, length });
        offset += length + if place % 100 == 0 { 64 } else { 0 };
    }
    let last = FIRST + u64::from(PLACES) - 1;
    let stretch = Stretch {
        store: STORE,
        first_segment: 1,
        last_segment: 1,
        first: FIRST,
        last,
        chain: CHAIN,
        end: u64::from(offset),
        last_frame: 0,
    };
    (part, stretch)
}

fn written(disk: &SimulatedDisk, part: &Part, stretch: Stretch) -> Table {
    let storage: Arc<dyn Storage> = Arc::new(disk.clone());
    seal::write(&storage, 0, stretch, &[part], None).unwrap();
    Table::open(&*storage, &files::file_name(0, 1), &STORE, 1, &Arc::new(Cache::new(1_000))).unwrap()
}

#[test]
fn a_list_of_any_shape_tells_where_its_records_stand_from_any_place_on() {
    let ((part, stretch), disk) = (part(), SimulatedDisk::new());
    let table = written(&disk, &part, stretch);
    let names: std::collections::BTreeSet<String> = (0..PLACES).map(entity_of).collect();
    // Records side by side are told by the column, up to where the next one begins.
    let is_far_apart = |name: &String| !["run", "few side by side"].contains(&name.as_str());
    let entities = names.iter().map(|name| (Region::entity(name), is_far_apart(name)));
    for (region, is_exact) in entities.chain([(Region::scope("scope"), false), (Region::all(), false)]) {
        for after in [0, 1, 2_999, 3_050, 7_001, 9_999, 10_003, 15_001, 19_990, PLACES - 1, PLACES + 5] {
            let after = Position::new(FIRST + u64::from(after) - 1);
            let window = Window { after, through: Position::END, limit: 700 };
            let (mut told, mut known) = (Vec::new(), Vec::new());
            scan::select(Sealed::new(&table), &region, window, &mut told).unwrap();
            select::select(&part, &region, window, &mut known);
            assert_eq!(told.len(), known.len(), "{region} {window:?}");
            for (told, known) in told.iter().zip(&known) {
                assert_eq!((told.position, told.location.offset), (known.position, known.location.offset));
                let more = told.location.length - known.location.length;
                assert!(more == 0 || (more == 64 && !is_exact), "{region} {more}");
            }
        }
    }
}

#[test]
fn events_that_stand_far_apart_are_found_without_a_block_for_each() {
    let ((part, stretch), disk) = (part(), SimulatedDisk::new());
    for (entity, events, blocks_max) in [("single", 1, 2), ("far", 10, 2), ("a chunk", 127, 4)] {
        let table = written(&disk, &part, stretch);
        let (before, mut found) = (disk.operations().len(), Vec::new());
        let window = Window { after: Position::START, through: Position::END, limit: 1_000 };
        scan::select(Sealed::new(&table), &Region::entity(entity), window, &mut found).unwrap();
        let operations = disk.operations();
        let reads = operations[before..].iter().filter(|operation| operation.kind == OperationKind::Read);
        // The filter, the leaf, and for a longer list its part of the heap, which a block may end in.
        assert_eq!((found.len(), reads.count() <= blocks_max), (events, true), "{entity}");
    }
}
