//! Verification: the whole store is read and checked, hash chain included.

use super::*;
use timberline::OpenError;

/// Batches of events of one length, so that two stores that say different things have their frames at the same places.
fn fill(store: &Store, say: &str, segments: u64) {
    while store.stats().segments < segments {
        let event = || NewEvent::raw(at("tree"), "Said", 1, say.as_bytes().repeat(40));
        store.append_batch((0..16).map(|_| event()).collect()).unwrap();
    }
}

#[test]
fn verify_tells_what_it_checked_and_the_head_of_the_chain() {
    let dir = tempdir();
    let store = Store::open(small(dir.path())).unwrap();
    let empty = store.verify().unwrap();
    assert!(empty.is_intact() && empty.events == 0 && empty.last == Position::START);
    let mut heads = vec![empty.chain_head];
    for n in 0..300 {
        store.append_with(&at("tree"), &note(n), buffered()).unwrap();
        if n % 50 == 0 {
            heads.push(store.verify().unwrap().chain_head);
        }
    }
    let report = store.verify().unwrap();
    assert!(report.is_intact(), "{:?}", report.problems);
    assert_eq!((report.events, report.last, report.gap_positions), (300, Position::new(300), 0));
    assert_eq!((u64::from(report.segments), report.frames >= 300), (store.stats().segments, true));
    assert_eq!(store.verify().unwrap(), report, "to verify changes nothing");
    assert!(heads.iter().all(|head| head.len() == 32 && *head != report.chain_head));
    heads.sort();
    heads.dedup();
    assert_eq!(heads.len(), 7, "every commit moves the head");
}

#[test]
fn appends_go_on_while_the_store_is_verified() {
    let dir = tempdir();
    let store = Store::open(small(dir.path())).unwrap();
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            (0..1_000).for_each(|n| {
                store.append_with(&at("tree"), &note(n), buffered()).unwrap();
            });
        });
        while !writer.is_finished() {
            let report = store.verify().unwrap();
            assert!(report.is_intact(), "{:?}", report.problems);
            assert_eq!(report.events, report.last.get());
        }
    });
    assert_eq!(store.verify().unwrap().events, 1_000);
}

#[test]
fn history_that_was_rewritten_with_valid_checksums_breaks_the_chain() {
    let (dir, fork) = (tempdir(), tempdir());
    let store = Store::open(small(dir.path())).unwrap();
    fill(&store, "true ", 1);
    store.close().unwrap();
    // A copy of the store goes another way: its files are sound, and they are of the same store.
    for (name, bytes) in snapshot(dir.path()) {
        fs::write(fork.path().join(name), bytes).unwrap();
    }
    for (path, say) in [(dir.path(), "true "), (fork.path(), "false")] {
        let store = Store::open(small(path)).unwrap();
        fill(&store, say, 4);
        check_whole(&store);
        store.close().unwrap();
    }
    for number in 1..=3 {
        let mixed = tempdir();
        for (name, bytes) in snapshot(dir.path()) {
            fs::write(mixed.path().join(name), bytes).unwrap();
        }
        fs::copy(fork.path().join(segment(number)), mixed.path().join(segment(number))).unwrap();
        match Store::open(small(mixed.path())) {
            Err(refused) => assert!(matches!(refused, OpenError::Corrupt { .. }), "{refused:?}"),
            Ok(store) => {
                let report = store.verify().unwrap();
                assert!(!report.is_intact(), "segment {number} was exchanged unnoticed");
                assert!(report.problems.iter().all(|problem| problem.segment.abs_diff(number) <= 1));
            }
        }
    }
}
