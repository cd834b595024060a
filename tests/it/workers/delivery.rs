//! What a worker is handed: everything of its region, in order, history and live alike.

use super::support::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use timberline::{
    Config, Coordinate, CursorWorkerConfig, Durability, NewEvent, Payload, Position, Region, Store,
};

const ENTITIES: [&str; 3] = ["oak-1", "oak-2", "pine"];
const SCOPES: [&str; 2] = ["north", "south"];

/// The event with this number, spread over entities, scopes and kinds.
fn mixed(number: u64) -> NewEvent {
    let coordinate =
        Coordinate::new(ENTITIES[(number % 3) as usize], SCOPES[(number / 3 % 2) as usize]).unwrap();
    let event = if number.is_multiple_of(5) {
        NewEvent::new(&coordinate, &Echo(number))
    } else {
        NewEvent::new(&coordinate, &Step(number))
    };
    let durability = if number.is_multiple_of(4) { Durability::Durable } else { Durability::Buffered };
    event.unwrap().durability(durability)
}

/// Appends from three threads while a worker over `region` runs, and holds what it was handed against the store.
#[track_caller]
fn check(region: &Region, config: CursorWorkerConfig) {
    let dir = tempfile::tempdir().unwrap();
    // Small segments, so that the stream crosses from one to the next.
    let config_of_store = Config::new(dir.path()).commit_bytes_max(16 << 10).segment_bytes(64 << 10);
    let store =
        Arc::new(Store::open(config_of_store.preallocate_bytes(4 << 10).record_bytes_max(1 << 10)).unwrap());
    let next = Arc::new(AtomicU64::new(1));
    let append_some = |count: u64| {
        let (store, next) = (Arc::clone(&store), Arc::clone(&next));
        std::thread::spawn(move || {
            for _ in 0..count {
                let size = next.load(Ordering::Relaxed) % 7 + 1;
                let first = next.fetch_add(size, Ordering::Relaxed);
                store.append_batch((first..first + size).map(mixed).collect()).unwrap();
            }
        })
    };
    append_some(60).join().unwrap();
    let history = store.written();

    let (tell, seen) = seen::<Vec<Position>>();
    let worker = store
        .cursor_worker(region, config, move |batch, _| {
            let _ = tell.send(batch.iter().map(|event| event.position()).collect());
            Continue
        })
        .unwrap();
    let appenders: Vec<_> = (0..3).map(|_| append_some(60)).collect();
    appenders.into_iter().for_each(|thread| thread.join().unwrap());
    store.flush().unwrap();

    let expected: Vec<_> = store.read(region).map(|event| event.unwrap().position()).collect();
    assert!(expected.iter().any(|position| *position <= history), "the region has a history");
    assert!(expected.iter().any(|position| *position > history), "the region goes on");
    let mut delivered = Vec::new();
    while delivered.len() < expected.len() {
        delivered.extend(seen.next());
    }
    joined_after_stop(worker).unwrap();
    delivered.extend(seen.rest().concat());
    assert_eq!(delivered, expected, "{region}");
    store.close().unwrap();
}

/// A worker delivers every event of its region, in position order, none twice within one life, none skipped, history and live in one stream.
#[test]
fn a_worker_delivers_every_event_of_its_region_in_position_order_none_twice_none_skipped_history_and_live() {
    let pines_in_the_north = Region::entity("pine").and(Region::scope("north"));
    for region in [
        Region::all(),
        Region::entity("pine"),
        Region::entity_prefix("oak-"),
        Region::scope("south"),
        Region::kind(Echo::KIND),
        pines_in_the_north.or(Region::entity("oak-2").and(Region::kind(Step::KIND))),
    ] {
        check(&region, CursorWorkerConfig::default().batch_size(7));
    }
    check(&Region::all(), one_by_one());
    check(&Region::all(), CursorWorkerConfig::default().batch_size(CursorWorkerConfig::BATCH_EVENTS_MAX));
    check(&Region::all(), CursorWorkerConfig::default().batch_size(7).checkpoint(id("all")));
    check(&Region::scope("south"), CursorWorkerConfig::default().checkpoint(id("south")));
}

/// A durable worker (with a `CheckpointId`) sees only durable events.
#[test]
fn a_durable_worker_sees_only_durable_events_and_the_flush_wakes_it() {
    let dir = tempfile::tempdir().unwrap();
    let never = std::time::Duration::from_secs(3_600);
    let store = Store::open(Config::new(dir.path()).flush_interval(never)).unwrap();
    let (tell, seen) = seen();
    let (tell_volatile, seen_volatile) = super::support::seen();
    let durable =
        store.cursor_worker(&steps(), one_by_one().checkpoint(id("durable")), telling(tell)).unwrap();
    let volatile = store.cursor_worker(&steps(), one_by_one(), telling(tell_volatile)).unwrap();

    store.append_event(step(1).durability(Durability::Buffered)).unwrap();
    assert_eq!(seen_volatile.next(), [1], "a worker without a checkpoint sees what is written");
    assert_eq!(store.durable(), Position::START);
    assert_eq!(seen.rest(), Vec::<Vec<u64>>::new(), "what could still vanish was handed out");

    store.flush().unwrap();
    assert_eq!(seen.next(), [1]);
    joined_after_stop(durable).unwrap();
    joined_after_stop(volatile).unwrap();
}

/// A handler that hangs stalls its own cursor and nobody else.
#[test]
fn a_stuck_handler_stalls_only_its_own_cursor() {
    let (_dir, store) = store_with(1);
    let (release, held) = seen::<()>();
    let (tell_stuck, stuck_seen) = seen();
    let stuck = store
        .cursor_worker(&steps(), one_by_one(), move |batch, _| {
            tell_stuck.send(numbers(batch)).unwrap();
            held.next();
            Stop
        })
        .unwrap();
    assert_eq!(stuck_seen.next(), [1]);

    append(&store, 2..=20);
    let expected: Vec<u64> = (1..=20).collect();
    assert_eq!(first_steps(&store, one_by_one().checkpoint(id("other")), 20), expected);
    assert_eq!(stuck_seen.rest(), Vec::<Vec<u64>>::new());
    release.send(()).unwrap();
    joined(stuck).unwrap();
}
