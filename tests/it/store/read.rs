//! Readers: regions, bounds and limits against a plain filter; `get` by id.

use super::*;
use timberline::{EventId, storage::simulated::Seeded};

/// A store of several segments, with entities, scopes and kinds that cross.
fn mixed(dir: &Path, events: usize) -> Store {
    let store = Store::open(small(dir)).unwrap();
    let mut draw = Seeded::new(7);
    let mut left = events;
    while left > 0 {
        let batch = (1 + draw.choose(40)).min(left);
        let mut event = || {
            let entity = ["oak", "oak-1", "oak-2", "elm", "*", "el"][draw.choose(6)];
            let scope = ["north", "south", "nor"][draw.choose(3)];
            let kind = ["Sown", "Felled", "Sow"][draw.choose(3)];
            let payload = vec![draw.choose(256) as u8; draw.choose(200)];
            NewEvent::raw(Coordinate::new(entity, scope).unwrap(), kind, 1, payload)
        };
        store.append_batch((0..batch).map(|_| event()).collect()).unwrap();
        left -= batch;
    }
    store
}

fn regions() -> Vec<Region> {
    let (oak, north, sown) = (Region::entity("oak"), Region::scope("north"), Region::kind("Sown"));
    vec![
        Region::all(),
        Region::nothing(),
        oak.clone(),
        north.clone(),
        sown.clone(),
        Region::entity("*"),
        Region::entity("nobody"),
        Region::entity_prefix("oak"),
        Region::entity_prefix("oak-"),
        Region::entity_prefix("el"),
        Region::entity_prefix("zzz"),
        oak.clone().and(north.clone()),
        oak.clone().and(north.clone()).and(sown.clone()),
        Region::entity_prefix("oak").and(sown.clone()),
        oak.clone().or(Region::entity("elm")),
        oak.clone().and(sown.clone()).or(north.clone().and(Region::kind("Felled"))),
        oak.clone().or(Region::entity_prefix("oak-")).and(Region::scope("south")),
        oak.and(Region::entity("elm")),
    ]
}

/// A reader gives what a plain filter over everything gives.
#[track_caller]
fn check_reader(
    store: &Store,
    all: &[StoredEvent],
    region: &Region,
    after: u64,
    through: Option<u64>,
    limit: u64,
) {
    let mut reader = store.read(region).after(Position::new(after)).limit(limit);
    if let Some(through) = through {
        reader = reader.through(Position::new(through));
    }
    let found: Vec<_> = reader.map(|event| event.unwrap().position()).collect();
    let wanted = all.iter().filter(|event| region.matches(event.entity(), event.scope(), event.kind()));
    let inside = wanted.filter(|event| {
        let position = event.position().get();
        position > after && through.is_none_or(|through| position <= through)
    });
    let expected: Vec<_> = inside.take(limit as usize).map(StoredEvent::position).collect();
    assert_eq!(found, expected, "{region} after {after} through {through:?} limit {limit}");
}

#[test]
fn a_reader_gives_the_events_of_its_region_and_bounds_in_position_order() {
    let dir = tempdir();
    let store = mixed(dir.path(), 2_000);
    assert!(store.stats().segments >= 3);
    for reopened in [false, true] {
        let store = if reopened {
            store.close().unwrap();
            &Store::open(small(dir.path())).unwrap()
        } else {
            &store
        };
        let all = check_whole(store);
        let mut draw = Seeded::new(11);
        for region in regions() {
            for limit in [0, 1, 7, 64, 65, u64::MAX] {
                check_reader(store, &all, &region, 0, None, limit);
            }
            for bound in [0, 1, 999, 1_999, 2_000, 2_001, u64::MAX] {
                check_reader(store, &all, &region, bound, None, u64::MAX);
                check_reader(store, &all, &region, 0, Some(bound), u64::MAX);
            }
            for _ in 0..5 {
                let (after, through) = (draw.choose(2_100) as u64, draw.choose(2_100) as u64);
                check_reader(store, &all, &region, after, Some(through), 1 + draw.choose(300) as u64);
            }
        }
    }
}

#[test]
fn a_reader_ends_with_what_was_newest_when_it_was_first_asked() {
    let dir = tempdir();
    let store = Store::open(small(dir.path())).unwrap();
    (0..100).for_each(|n| {
        store.append_with(&at("tree"), &note(n), buffered()).unwrap();
    });
    let mut reader = store.read(&Region::all());
    store.append(&at("tree"), &note(100)).unwrap();
    assert_eq!(number(&reader.next().unwrap().unwrap()), 0);
    (101..200).for_each(|n| {
        store.append(&at("tree"), &note(n)).unwrap();
    });
    assert_eq!(reader.by_ref().count(), 100, "100 more, and not the 99 that came later");
    assert!(reader.next().is_none() && reader.next().is_none());
    assert_eq!(store.read(&Region::all()).count(), 200);
}

#[test]
fn a_reader_of_an_entity_gives_its_events_by_version() {
    let dir = tempdir();
    let store = mixed(dir.path(), 1_000);
    for entity in ["oak", "oak-1", "*", "el"] {
        let versions: Vec<_> = store.entity(entity).map(|event| event.unwrap().version().get()).collect();
        assert_eq!(versions, (1..=store.last_version(entity).unwrap().get()).collect::<Vec<_>>());
        assert!(versions.len() > 100);
    }
    assert_eq!(store.entity("oa").count(), 0);
}

#[test]
fn readers_read_on_while_events_are_appended() {
    let dir = tempdir();
    let store = Store::open(small(dir.path())).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let mut seen = 0;
                while seen < 1_000 {
                    for event in store.read(&Region::all()).after(Position::new(seen)) {
                        seen += 1;
                        assert_eq!(event.unwrap().position().get(), seen);
                    }
                }
            });
        }
        (0..1_000).for_each(|n| {
            store.append_with(&at("tree"), &note(n), buffered()).unwrap();
        });
    });
}

#[test]
fn an_id_finds_its_event_and_nothing_else() {
    let (dir, other) = (tempdir(), tempdir());
    let store = mixed(dir.path(), 500);
    let stranger = Store::open(small(other.path())).unwrap().append(&at("tree"), &note(1)).unwrap().id;
    for event in everything(&store) {
        assert_eq!(store.get(event.id()).unwrap(), Some(event.clone()));
        assert_eq!(store.get(event.id().to_string().parse().unwrap()).unwrap(), Some(event));
    }
    let events = everything(&store);
    let id = events[99].id();
    let elsewhen = events.iter().find(|event| event.id().time_millis() != id.time_millis()).unwrap().id();
    let forged = [
        stranger,
        EventId::from_u128(0),
        EventId::from_u128(u128::MAX),
        EventId::from_u128(id.to_u128() ^ 1), // another store's tag
        EventId::new(id.time_millis(), elsewhen.position(), id.tag()),
        EventId::new(elsewhen.time_millis(), id.position(), id.tag()),
        EventId::new(id.time_millis(), Position::new(501), id.tag()),
        EventId::new(id.time_millis(), Position::START, id.tag()),
        EventId::new(id.time_millis(), Position::END, id.tag()),
    ];
    for id in forged {
        assert_eq!(store.get(id).unwrap(), None, "{id}");
    }
}

#[test]
fn stats_count_what_the_store_holds() {
    let dir = tempdir();
    let store = mixed(dir.path(), 500);
    let stats = store.stats();
    assert_eq!((stats.events, stats.entities), (500, 6));
    assert_eq!((stats.written, stats.durable), (Position::new(500), Position::new(500)));
    // Files of the index come and go while the store is open.
    store.close().unwrap();
    let files = snapshot(dir.path());
    let segments = files.keys().filter(|name| name.ends_with(".segment"));
    assert_eq!(stats.segments, segments.count() as u64);
    assert!(stats.bytes <= files.values().map(|file| file.len() as u64).sum() && stats.bytes > 500 * 20);
    assert_eq!(serde_json::to_value(stats).unwrap()["events"], 500);
}
