//! Limits: what is over one is refused with the limit in the error; what is exactly at it is taken.

use super::*;
use timberline::{AppendError, ConfigError, Retry, gate};

fn sized(entity: &str, payload_bytes: usize) -> NewEvent {
    NewEvent::raw(at(entity), "Bytes", 1, vec![0xa5; payload_bytes])
}

/// Refused as too large, with these numbers, and without a byte written.
#[track_caller]
fn check_too_large(
    store: &Store,
    events: Vec<NewEvent>,
    at_item: usize,
    what: &str,
    over: Option<u64>,
    limit: u64,
) -> u64 {
    let before = (store.stats(), snapshot(store.dir()));
    let refused = store.append_batch(events).unwrap_err();
    assert_eq!(refused.retry(), Retry::Never);
    let text = refused.to_string();
    let AppendError::TooLarge { item, what: named, bytes, limit: told } = refused else { panic!("{text}") };
    assert_eq!((item, named, told), (at_item, what, limit));
    assert!(over.is_none_or(|over| over == bytes), "{text}");
    assert!(text.contains(&limit.to_string()) && text.contains(what), "{text}");
    assert!((store.stats(), snapshot(store.dir())) == before, "a byte was written");
    bytes
}

/// A payload or batch over its limit is refused before a byte is written, with the limit in the error.
#[test]
fn a_payload_or_batch_over_its_limit_is_refused_before_a_byte_is_written_with_the_limit_in_the_error() {
    let dir = tempdir();
    let store = Store::open(small(dir.path())).unwrap();
    store.append(&at("tree"), &note(1)).unwrap();
    check_too_large(&store, vec![sized("a", 4_097)], 0, "payload", Some(4_097), 4_096);
    check_too_large(
        &store,
        vec![sized("a", 9), sized("b", 100_000), sized("c", 200_000)],
        1,
        "payload",
        Some(100_000),
        4_096,
    );
    check_too_large(&store, (0..5).map(|_| sized("a", 4_096)).collect(), 0, "batch", None, 16_384);
    let before = snapshot(dir.path());
    let refused = store.append_batch((0..65).map(|_| sized("a", 1)).collect()).unwrap_err();
    assert!(matches!(refused, AppendError::Count { what: "events", count: 65, limit: 64, .. }), "{refused}");
    let refused = store.append_batch(Vec::new()).unwrap_err();
    assert!(matches!(refused, AppendError::Count { what: "events", count: 0, limit: 64, .. }), "{refused}");
    assert!(snapshot(dir.path()) == before);
    assert_eq!(check_whole(&store).len(), 1);
}

#[test]
fn who_hands_in_what_is_over_its_limit_is_told_at_once_and_no_gate_is_asked() {
    let dir = tempdir();
    let asked = gate("none", |_| panic!("nothing that is over its limit comes before a gate"));
    let store = Store::builder(small(dir.path())).gate(asked).open().unwrap();
    let is_too_large = |refused| matches!(refused, AppendError::TooLarge { limit: 4_096, .. });
    assert!(is_too_large(store.submit_event(sized("a", 4_097)).unwrap_err()));
    assert!(is_too_large(store.submit_batch(vec![sized("a", 1), sized("b", 4_097)]).unwrap_err()));
    assert!(is_too_large(store.append_event(sized("a", 4_097)).unwrap_err()));
    store.close().unwrap();
    let refused = store.append_event(sized("a", 4_097)).unwrap_err();
    assert!(matches!(refused, AppendError::Closed), "of a closed store nothing else is said: {refused}");
}

/// Exactly at the limit it is accepted.
#[test]
fn exactly_at_the_limit_it_is_accepted() {
    let dir = tempdir();
    let store = Store::open(small(dir.path())).unwrap();
    let receipt = store.append_event(sized("a", 4_096)).unwrap();
    assert_eq!(check_receipt(&store, &receipt).payload().len(), 4_096);
    assert_eq!(store.append_batch((0..64).map(|_| sized("a", 1)).collect()).unwrap().len(), 64);
    // The error tells by how much a batch is over; without so many bytes it is exactly at the limit.
    let batch = |last: usize| [4_096, 4_096, 4_096, last].map(|bytes| sized("b", bytes)).into();
    let over = check_too_large(&store, batch(4_096), 0, "batch", None, 16_384) - 16_384;
    assert!(over > 0 && over < 4_000);
    check_too_large(&store, batch(4_096 - over as usize + 1), 0, "batch", Some(16_385), 16_384);
    assert_eq!(store.append_batch(batch(4_096 - over as usize)).unwrap().len(), 4);
    store.close().unwrap();
    let store = Store::open(small(dir.path())).unwrap();
    assert_eq!(check_whole(&store).len(), 69);
}

#[test]
fn an_empty_payload_is_a_payload() {
    let dir = tempdir();
    let store = Store::open(small(dir.path()).record_bytes_max(1)).unwrap();
    let receipt = store.append_event(sized("a", 0)).unwrap();
    assert!(check_receipt(&store, &receipt).payload().is_empty());
}

#[test]
fn kinds_and_causes_have_their_limits_too() {
    let dir = tempdir();
    let store = Store::open(small(dir.path())).unwrap();
    let kind = |bytes: usize| NewEvent::raw(at("tree"), "k".repeat(bytes), 1, Vec::new());
    assert!(matches!(store.append_event(kind(0)), Err(AppendError::Empty { what: "kind", .. })));
    check_too_large(&store, vec![kind(NewEvent::KIND_BYTES_MAX + 1)], 0, "kind", Some(257), 256);
    let root = store.append_event(kind(NewEvent::KIND_BYTES_MAX)).unwrap();
    let store = {
        store.close().unwrap();
        Store::open(small(dir.path()).commit_bytes_max(32 << 10)).unwrap()
    };
    let caused = |causes| store.append_event(sized("tree", 1).caused_by(vec![root.id; causes]));
    let refused = caused(AppendOptions::CAUSES_MAX + 1).unwrap_err();
    assert!(
        matches!(refused, AppendError::Count { what: "causes", count: 1_025, limit: 1_024, .. }),
        "{refused}"
    );
    let receipt = caused(AppendOptions::CAUSES_MAX).unwrap();
    assert_eq!(check_receipt(&store, &receipt).causes().len(), 1_024);
    check_whole(&store);
}

#[test]
fn a_region_with_too_many_terms_is_refused_wherever_it_is_used() {
    let dir = tempdir();
    let store = Store::open(small(dir.path())).unwrap();
    store.append(&at("e7"), &note(7)).unwrap();
    let region = |terms: usize| {
        (0..terms).map(|n| Region::entity(format!("e{n}"))).fold(Region::nothing(), Region::or)
    };
    let (most, over) = (region(Region::TERMS_MAX), region(Region::TERMS_MAX + 1));
    assert_eq!(store.read(&most).count(), 1);
    let answers: Vec<_> = store.read(&over).collect();
    assert!(
        matches!(answers[..], [Err(timberline::ReadError::Region { terms: 257, limit: 256 })]),
        "{answers:?}"
    );
    let unless = |region| store.append_event(new_note("tree", 1).unless(region, Position::new(1)));
    unless(most.clone()).unwrap();
    assert!(matches!(unless(over.clone()), Err(AppendError::Count { count: 257, limit: 256, .. })));
    let worker = |region| {
        let config = timberline::CursorWorkerConfig::default();
        store.cursor_worker(region, config, |_, _| timberline::CursorWorkerAction::Stop)
    };
    worker(&most).unwrap().join().unwrap();
    assert!(matches!(worker(&over), Err(timberline::CursorWorkerError::Config(_))));
}

#[test]
fn a_config_that_cannot_work_is_refused_by_the_name_of_its_setting_and_nothing_is_created() {
    use std::time::Duration;
    type Change = fn(Config) -> Config;
    let cases: [(&str, Change); 33] = [
        ("commit_bytes_max", |c| c.commit_bytes_max(0)),
        ("commit_bytes_max", |c| c.commit_bytes_max(16 * 1024 - 1)),
        ("commit_bytes_max", |c| c.commit_bytes_max((1 << 30) + 1)),
        ("commit_bytes_max", |c| c.commit_bytes_max(u64::MAX)),
        ("segment_bytes", |c| c.segment_bytes(0)),
        ("segment_bytes", |c| c.segment_bytes(u64::MAX)),
        ("segment_bytes", |c| c.segment_bytes(16 << 20).commit_bytes_max((8 << 20) + 1)),
        ("preallocate_bytes", |c| c.preallocate_bytes(0)),
        ("preallocate_bytes", |c| c.preallocate_bytes(u64::MAX)),
        ("preallocate_bytes", |c| c.segment_bytes(16 << 20).preallocate_bytes((16 << 20) + 1)),
        ("record_bytes_max", |c| c.record_bytes_max(0)),
        ("record_bytes_max", |c| c.record_bytes_max((4 << 20) + 1)),
        ("record_bytes_max", |c| c.record_bytes_max(u64::MAX)),
        ("batch_events_max", |c| c.batch_events_max(0)),
        ("batch_events_max", |c| c.batch_events_max(u64::MAX)),
        ("mailbox_messages", |c| c.mailbox_messages(0)),
        ("mailbox_messages", |c| c.mailbox_messages(u64::MAX)),
        ("open_files_max", |c| c.open_files_max(0)),
        ("open_files_max", |c| c.open_files_max(1)),
        ("open_files_max", |c| c.open_files_max(u64::MAX)),
        ("index_cache_bytes", |c| c.index_cache_bytes((64 << 10) - 1)),
        ("index_cache_bytes", |c| c.index_cache_bytes((64 << 30) + 1)),
        ("read_cache_bytes", |c| c.read_cache_bytes((64 << 10) - 1)),
        ("read_cache_bytes", |c| c.read_cache_bytes((64 << 30) + 1)),
        ("flush_interval", |c| c.flush_interval(Duration::ZERO)),
        ("flush_interval", |c| c.flush_interval(Duration::from_nanos(1))),
        ("flush_interval", |c| c.flush_interval(Duration::MAX)),
        ("flush_bytes", |c| c.flush_bytes((4 << 10) - 1)),
        ("flush_bytes", |c| c.flush_bytes((1 << 30) + 1)),
        ("call_deadline", |c| c.call_deadline(Duration::ZERO)),
        ("call_deadline", |c| c.call_deadline(Duration::MAX)),
        ("shutdown_deadline", |c| c.shutdown_deadline(Duration::ZERO)),
        ("shutdown_deadline", |c| c.shutdown_deadline(Duration::MAX)),
    ];
    let dir = tempdir();
    for (case, (field, change)) in cases.into_iter().enumerate() {
        let path = dir.path().join(format!("store-{case}"));
        match Store::open(change(Config::new(&path))) {
            Err(timberline::OpenError::Config(ConfigError { field: named, value, least, most, .. })) => {
                assert_eq!(named, field, "case {case}");
                assert!(!(least..=most).contains(&value), "case {case}");
            }
            other => panic!("case {case}, {field}: {other:?}"),
        }
        assert!(!path.exists(), "case {case}, {field}: something was created");
    }
}

#[test]
fn a_config_at_the_ends_of_its_ranges_works() {
    use std::time::Duration;
    let dir = tempdir();
    let least = Config::new(dir.path().join("least"))
        .commit_bytes_max(16 << 10)
        .segment_bytes(64 << 10)
        .preallocate_bytes(4 << 10)
        .record_bytes_max(1)
        .batch_events_max(1)
        .mailbox_messages(1)
        .open_files_max(2)
        .index_cache_bytes(64 << 10)
        .read_cache_bytes(64 << 10)
        .flush_interval(Duration::from_millis(1))
        .flush_bytes(4 << 10);
    let most = Config::new(dir.path().join("most"))
        .commit_bytes_max(512 << 20)
        .segment_bytes(1 << 30)
        .record_bytes_max(256 << 20)
        .batch_events_max(1_000_000)
        .mailbox_messages(65_536)
        .open_files_max(4_096)
        .index_cache_bytes(64 << 30)
        .read_cache_bytes(64 << 30)
        .flush_interval(Duration::from_secs(3_600))
        .flush_bytes(1 << 30)
        .call_deadline(Duration::from_secs(86_400))
        .shutdown_deadline(Duration::from_secs(3_600));
    for config in [least, most] {
        let store = Store::open(config.clone()).unwrap();
        for _ in 0..2_000 {
            store.append_event(sized("tree", 1).durability(Durability::Buffered)).unwrap();
        }
        check_whole(&store);
        store.close().unwrap();
        assert_eq!(check_whole(&Store::open(config).unwrap()).len(), 2_000);
    }
}
