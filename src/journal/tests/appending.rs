//! Staging, committing, rolling and closing when nothing goes wrong.

use super::*;
use crate::event::AppendOptions;

#[test]
fn what_was_committed_is_read_back_after_a_close_and_after_a_kill() {
    for close in [true, false] {
        let disk = SimulatedDisk::new();
        let mut workload = Workload::default();
        workload.run(&disk, close).unwrap();
        // Nothing is lost without a power cut, synced or not.
        let (contents, recovery) = check_reopens(&disk.image(), 26, &workload.issued);
        assert_eq!((contents.events.len(), contents.checkpoints.len()), (26, 2));
        assert_eq!((recovery.closed, recovery.epoch, recovery.cut), (close, 2, None));
        assert!(recovery.segments >= 3, "{recovery:?}");
    }
}

#[test]
fn an_event_with_every_part_reads_back_the_same() {
    let disk = SimulatedDisk::new();
    let (mut journal, _) = open(&disk).unwrap();
    append(&mut journal, 3).unwrap();
    let options = AppendOptions::new().caused_by([id(1), id(2)]).idempotency_key("key").correlated(id(3));
    let coordinate = Coordinate::new("entität", "scope").unwrap();
    let proposed = NewEvent::raw(coordinate, "Kind", 300, b"payload".to_vec()).with(options);
    let time = journal.begin(NOW + 1_500);
    let numbers = Numbers { version: Version::new(1 << 40), batch_causes: &[id(9)], ..Numbers::default() };
    let staged = journal.stage_event(&proposed, &numbers).unwrap();
    let frame = journal.commit().unwrap().unwrap().frame;
    assert_eq!((frame.first(), frame.last(), frame.count()), (Position::new(4), Position::new(4), 1));
    assert_eq!((frame.segment(), frame.time_micros()), (1, time));

    let (location, _) = frame.records().next_event().unwrap().unwrap();
    let mut buffer = Vec::new();
    let span = journal.reader().read_event(staged.position, location, Keep::AtOnce, &mut buffer).unwrap();
    let event = span.view(&buffer);
    assert_eq!((event.id, event.time_micros, event.version.get()), (staged.id, time, 1 << 40));
    assert_eq!((event.entity, event.scope, event.kind), ("entität", "scope", "Kind"));
    assert_eq!((event.payload_version, event.payload), (300, &b"payload"[..]));
    assert_eq!(event.causes.iter().collect::<Vec<_>>(), [id(9), id(1), id(2)]);
    assert_eq!((event.correlation, span.key(&buffer)), (id(3), &b"key"[..]));
}

#[test]
fn an_event_without_a_correlation_begins_its_own() {
    let (mut journal, _) = open(&SimulatedDisk::new()).unwrap();
    let frame = append(&mut journal, 1).unwrap().frame;
    let (_, span) = frame.records().next_event().unwrap().unwrap();
    assert_eq!(span.correlation(frame.bytes()), span.id());
    assert_eq!(span.id(), EventId::new(NOW / 1000, Position::new(1), STORE.tag()));
}

#[test]
fn times_never_go_back_whatever_the_clock_does() {
    let disk = SimulatedDisk::new();
    let (mut journal, _) = open(&disk).unwrap();
    assert_eq!(journal.begin(NOW + 50), NOW + 50);
    journal.stage_event(&event(vec![1]), &Numbers::default()).unwrap();
    assert_eq!(journal.begin(NOW + 99), NOW + 50, "the time of a commit is set once");
    journal.commit().unwrap();
    assert_eq!(journal.begin(NOW - 7), NOW + 50);
    drop(journal);
    let (mut journal, _) = open(&disk).unwrap();
    assert_eq!(journal.begin(1), NOW + 50);
}

#[test]
fn a_batch_that_is_abandoned_leaves_no_trace() {
    let (mut journal, _) = open(&SimulatedDisk::new()).unwrap();
    journal.begin(NOW);
    journal.stage_event(&event(payload(1, 1)), &Numbers::default()).unwrap();
    let mark = journal.mark();
    journal.stage_event(&event(payload(2, 2)), &Numbers::default()).unwrap();
    journal.abandon_to(mark);
    assert_eq!((journal.staged_count(), journal.next_position()), (1, Position::new(2)));
    journal.abandon_staged();
    assert_eq!((journal.staged_bytes(), journal.commit().unwrap().is_none()), (0, true));
    append(&mut journal, 1).unwrap();
    check_contents(&read_all(&journal.reader()).unwrap(), Position::new(1), 1);
}

#[test]
fn a_commit_exactly_at_its_limit_is_taken_and_one_byte_more_is_refused() {
    let overhead = {
        let (mut journal, _) = open(&SimulatedDisk::new()).unwrap();
        journal.stage_event(&event(vec![1; 1000]), &Numbers::default()).unwrap();
        journal.staged_bytes() - 1000
    };
    let (mut journal, _) = open(&SimulatedDisk::new()).unwrap();
    let fits = event(vec![1; 1400 - overhead]);
    let exceeds = event(vec![1; 1401 - overhead]);
    let refused = journal.stage_event(&exceeds, &Numbers::default()).unwrap_err();
    assert!(matches!(refused, JournalError::TooLarge { what: Limited::Commit, actual: 1401, limit: 1400 }));
    assert_eq!(journal.staged_bytes(), 0);
    journal.stage_event(&fits, &Numbers::default()).unwrap();
    journal.commit().unwrap();
    assert_eq!(journal.last(), Position::new(1));
}

#[test]
fn what_an_event_takes_is_reckoned_before_it_has_its_numbers() {
    let (mut journal, _) = open(&SimulatedDisk::new()).unwrap();
    journal.stage_event(&event(vec![1]), &Numbers::default()).unwrap();
    let staged = |journal: &mut Journal, options: AppendOptions, batch_causes: &[EventId]| {
        let before = journal.staged_bytes() as u64;
        let event = event(vec![1; 100]).with(options);
        let numbers = Numbers { batch_causes, ..Numbers::default() };
        journal.stage_event(&event, &numbers).unwrap();
        (proposed_bytes(&event), journal.staged_bytes() as u64 - before)
    };
    let (bare, of_bare) = staged(&mut journal, AppendOptions::new(), &[]);
    let three = AppendOptions::new().caused_by_item(0).caused_by_item(1).caused_by_item(2);
    let (caused, of_caused) = staged(&mut journal, three, &[id(1), id(2), id(3)]);
    // What the numbers themselves take is all that differs: here how many causes there are.
    assert_eq!((caused - bare, of_caused - of_bare), (48, 48 + 1));
}

#[test]
fn a_stores_id_is_written_as_its_bytes() {
    assert_eq!(STORE.to_string(), "07".repeat(16));
    assert_eq!(format!("{STORE:?}"), format!("StoreId({STORE})"));
}

#[test]
fn what_is_over_its_limit_is_refused_before_it_is_staged() {
    let new = |kind: String, options| {
        let coordinate = Coordinate::new("e", "s").unwrap();
        check_event(&NewEvent::raw(coordinate, kind, 1, vec![0; 9]).with(options), 9)
    };
    let any = AppendOptions::new;
    assert!(new("k".repeat(256), any().idempotency_key([1; 256]).caused_by(vec![id(1); 1024])).is_ok());
    for (over, expected) in [
        (new("k".repeat(257), any()), Limited::Kind),
        (new("k".into(), any().idempotency_key([1; 257])), Limited::Key),
        (new("k".into(), any().caused_by(vec![id(1); 1025])), Limited::Causes),
    ] {
        assert!(matches!(over, Err(JournalError::TooLarge { what, .. }) if what == expected));
    }
}

#[test]
fn a_small_event_in_a_batch_takes_under_190_bytes() {
    let options = JournalOptions::default();
    let (mut journal, _) = open_with(&SimulatedDisk::new(), options).unwrap();
    let named = NewEvent::raw(Coordinate::new("entity-0123", "bench").unwrap(), "Happened", 1, vec![7; 128]);
    for version in 1..=100 {
        let numbers = Numbers { version: Version::new(version * 1000), ..Numbers::default() };
        journal.stage_event(&named, &numbers).unwrap();
    }
    assert!(journal.staged_bytes() / 100 < 190, "{} bytes each", journal.staged_bytes() / 100);
}

#[test]
fn closing_trims_the_preallocated_zeros_and_a_journal_that_was_only_opened_stays_as_it_was() {
    let disk = SimulatedDisk::new();
    let (mut journal, _) = open(&disk).unwrap();
    append(&mut journal, 1).unwrap();
    let ahead = disk.image().bytes(&segment_name(1)).unwrap().len();
    journal.close().unwrap();
    let closed = disk.image().bytes(&segment_name(1)).unwrap();
    assert!(closed.len() < ahead);
    let (journal, recovery) = open(&disk).unwrap();
    assert_eq!((recovery.closed, recovery.proven), (true, Position::new(1)));
    journal.close().unwrap();
    assert_eq!(disk.image().bytes(&segment_name(1)).unwrap(), closed);
}
