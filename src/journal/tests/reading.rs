//! Readers: beside the writer, beside another process's writer, one record at a time and in blocks.

use super::*;
use crate::position::Location;

#[test]
fn blocks_of_any_size_yield_every_record_once() {
    let disk = SimulatedDisk::new();
    Workload::default().run(&disk, false).unwrap();
    let (journal, _) = open(&disk).unwrap();
    let reader = journal.reader();
    let expected = read_all(&reader).unwrap();
    // From every record on, so that blocks begin in the middle of frames.
    let (mut block, mut point, mut seen) = (reader.block(), reader.begin(), Vec::new());
    while reader.read_block(&mut block, point, 1).unwrap() {
        let mut records = block.records();
        if let Some(event) = records.next_event() {
            let (_, span) = event.unwrap();
            seen.push((span.position.get(), span.view(block.bytes()).payload.to_vec()));
        }
        assert_ne!(records.point(), point, "a block that is read moves on");
        point = records.point();
    }
    assert_eq!(seen, expected.events);
}

#[test]
fn an_event_larger_than_a_block_is_read_whole() {
    let options = JournalOptions { segment_bytes: 1 << 20, commit_bytes_max: 1 << 19, ..options() };
    let disk = SimulatedDisk::new();
    let (mut journal, _) = open_with(&disk, options).unwrap();
    append(&mut journal, 1).unwrap();
    let coordinate = Coordinate::new("e", "s").unwrap();
    let large = NewEvent::raw(coordinate, "Large", 1, vec![3; 100_000]);
    journal.stage_event(&large, &Numbers::default()).unwrap();
    journal.commit().unwrap();
    append(&mut journal, 1).unwrap();
    let contents = read_all(&journal.reader()).unwrap();
    assert_eq!(contents.events[1].1, vec![3; 100_000]);
    assert_eq!(contents.events.len(), 3);
}

#[test]
fn a_record_is_read_by_its_location_and_only_under_its_own_position() {
    let disk = SimulatedDisk::new();
    let (mut journal, _) = open(&disk).unwrap();
    let mut places = Vec::new();
    for _ in 0..20 {
        let frame = append(&mut journal, 2).unwrap().frame;
        let mut records = frame.records();
        while let Some(event) = records.next_event() {
            let (location, span) = event.unwrap();
            places.push((span.position, location));
        }
    }
    let (reader, mut buffer) = (journal.reader(), Vec::new());
    for (position, location) in &places {
        let span = reader.read_event(*position, *location, Keep::AtOnce, &mut buffer).unwrap();
        assert_eq!(span.view(&buffer).position(), *position);
        let wrong = reader.read_event(position.next(), *location, Keep::AtOnce, &mut buffer);
        assert!(matches!(wrong, Err(JournalError::Corrupt { .. })));
    }
    let beyond = Location { segment: 1, offset: 512, length: u32::MAX };
    let last = Location { segment: reader.segments(), ..beyond };
    for location in [last, Location { segment: 99, ..beyond }, Location { length: 0, ..beyond }] {
        let missing = reader.read_event(Position::new(1), location, Keep::AtOnce, &mut buffer);
        assert!(matches!(missing, Err(JournalError::Corrupt { .. })), "{location:?}");
    }
}

#[test]
fn a_frame_is_known_by_its_place_its_end_and_its_history() {
    let (mut journal, _) = open(&SimulatedDisk::new()).unwrap();
    let mark = append(&mut journal, 2).unwrap().frame.mark();
    append(&mut journal, 1).unwrap();
    let (reader, next) = (journal.reader(), Position::new(3));
    assert!(reader.has_frame(mark, next).unwrap());
    assert!(!reader.has_frame(mark, next.next()).unwrap());
    for other in [
        FrameMark { segment: 0, ..mark },
        FrameMark { segment: 9, ..mark },
        FrameMark { begin: mark.end, ..mark },
        FrameMark { begin: mark.begin + 8, ..mark },
        FrameMark { end: mark.end + 8, ..mark },
        FrameMark { chain: [0; 16], ..mark },
    ] {
        assert!(!reader.has_frame(other, next).unwrap(), "{other:?}");
    }
}

#[test]
fn behind_the_last_segment_there_is_nothing_to_read() {
    let (mut journal, _) = open(&SimulatedDisk::new()).unwrap();
    append(&mut journal, 1).unwrap();
    let reader = journal.reader();
    let beyond = ReadPoint { segment: 9, ..reader.begin() };
    assert!(!reader.read_block(&mut reader.block(), beyond, 4096).unwrap());
}

#[test]
fn the_segment_of_a_position_is_found_by_its_header() {
    let disk = SimulatedDisk::new();
    Workload::default().run(&disk, false).unwrap();
    let (journal, _) = open(&disk).unwrap();
    let reader = journal.reader();
    for segment in 1..=reader.segments() {
        let begin = reader.begin_of(segment).unwrap();
        assert_eq!(reader.begin_before(begin.position).unwrap(), begin);
        assert!(segment == 1 || reader.begin_before(begin.position.previous()).unwrap().segment < segment);
    }
    assert_eq!(reader.begin_before(Position::END).unwrap().segment, reader.segments());
    assert_eq!(reader.begin_before(Position::START).unwrap(), reader.begin());
}

#[test]
fn a_follower_sees_every_commit_of_another_process_across_segments_and_restarts() {
    let disk = SimulatedDisk::new();
    let (mut journal, _) = open(&disk).unwrap();
    let mut follower = JournalFollower::open(Arc::new(disk.clone()), options()).unwrap();
    assert_eq!(follower.last(), Position::START);
    for round in 0..30 {
        append(&mut journal, 2).unwrap();
        assert_eq!(follower.refresh().unwrap(), journal.last());
        if round % 7 == 0 {
            journal.close().unwrap();
            follower.refresh().unwrap();
            journal = open(&disk).unwrap().0;
        }
    }
    assert_eq!(read_all(&follower.reader()).unwrap(), read_all(&journal.reader()).unwrap());
    let late = JournalFollower::open(Arc::new(disk), options()).unwrap();
    assert_eq!(late.last(), Position::new(60));
}

#[test]
fn a_frame_that_is_still_being_written_is_not_there_yet() {
    let disk = SimulatedDisk::new();
    let (mut journal, _) = open(&disk).unwrap();
    append(&mut journal, 1).unwrap();
    let before = disk.image();
    let frame = append(&mut journal, 2).unwrap().frame;
    let whole = disk.image().bytes(&segment_name(1)).unwrap();
    for written in 0..frame.bytes().len() {
        let end = frame.offset() as usize + written;
        let mut bytes = before.bytes(&segment_name(1)).unwrap();
        bytes.resize(whole.len().max(end), 0);
        bytes[..end].copy_from_slice(&whole[..end]);
        let mut image = before.clone();
        image.put(&segment_name(1), &bytes);
        let follower = JournalFollower::open(Arc::new(SimulatedDisk::from_image(image)), options()).unwrap();
        assert_eq!(follower.last(), Position::new(1), "{written} bytes are written");
    }
}

#[test]
fn readers_can_be_shared_between_threads() {
    fn is_shared<T: Send + Sync + Clone>(_: &T) {}
    let (journal, _) = open(&SimulatedDisk::new()).unwrap();
    is_shared(&journal.reader());
}
