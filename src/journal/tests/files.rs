//! Directories that are not as the journal left them: each says which file and where, and stays as it is.

use super::*;
use crate::storage::simulated::Fault;
use crate::storage::{Access, OperationKind, StorageErrorKind};

fn closed() -> Image {
    let disk = SimulatedDisk::new();
    Workload::default().run(&disk, true).unwrap();
    disk.image()
}

/// Opening the changed directory for writing and for reading fails in the expected way and changes nothing.
#[track_caller]
fn check(change: impl FnOnce(&mut Image), expected: impl Fn(&JournalError) -> bool) {
    let mut image = closed();
    change(&mut image);
    let disk = SimulatedDisk::from_image(image.clone());
    let error = open(&disk).unwrap_err();
    assert!(expected(&error), "{error:?}");
    let error = JournalFollower::open(Arc::new(disk.clone()), options()).unwrap_err();
    assert!(expected(&error), "{error:?}");
    let after = disk.image();
    assert!(image.names().eq(after.names()));
    image.names().for_each(|name| assert_eq!(image.bytes(name), after.bytes(name)));
}

/// Puts a change into a segment's header and mends its checksum.
fn edit_header(image: &mut Image, number: u32, edit: impl FnOnce(&mut [u8])) {
    let mut bytes = image.bytes(&segment_name(number)).unwrap();
    edit(&mut bytes);
    let crc = crc32c::crc32c(&bytes[..508]).to_le_bytes();
    bytes[508..512].copy_from_slice(&crc);
    image.put(&segment_name(number), &bytes);
}

#[test]
fn a_missing_segment_is_named() {
    let is_missing = |number: u32| {
        move |error: &JournalError| match error {
            JournalError::Missing { segment, path } => {
                *segment == number && path.ends_with(segment_name(number))
            }
            _ => false,
        }
    };
    check(|image| image.delete(&segment_name(1)), is_missing(1));
    check(|image| image.delete(&segment_name(2)), is_missing(2));
    let last = closed().names().count() as u32;
    check(|image| image.delete(&segment_name(last)), is_missing(last));
}

#[test]
fn a_roll_that_broke_off_before_the_new_segment_had_its_name_is_ended_by_the_next_opening() {
    let disk = SimulatedDisk::new();
    disk.set_hook(|operation| {
        let is_it = operation.kind == OperationKind::Rename && *operation.name == *segment::temporary_name(3);
        is_it.then_some(Fault::Io)
    });
    let mut workload = Workload::default();
    assert!(matches!(workload.run(&disk, false), Err(JournalError::Poisoned { .. })));
    let half_made = disk.image();
    assert!(
        half_made.bytes(&segment::temporary_name(3)).is_some() && half_made.bytes(&segment_name(3)).is_none()
    );

    // Whatever of the new segment's content a crash has left, and also for a reader beside it.
    for content in [b"".as_slice(), b"half a header", &[7; 2000]] {
        let mut image = half_made.clone();
        image.put(&segment::temporary_name(3), content);
        let disk = SimulatedDisk::from_image(image.clone());
        let follower = JournalFollower::open(Arc::new(disk.clone()), options()).unwrap();
        let (_, recovery) = check_reopens(&image, workload.durable, &workload.issued);
        assert_eq!((recovery.segments, recovery.last), (3, follower.last()));
    }
    let mut image = half_made.clone();
    image.delete(&segment::temporary_name(3));
    let missing = open(&SimulatedDisk::from_image(image));
    assert!(matches!(missing, Err(JournalError::Missing { segment: 3, .. })), "{missing:?}");
}

#[test]
fn a_segment_of_another_store_is_named() {
    let change = |image: &mut Image| edit_header(image, 2, |bytes| bytes[16..32].fill(9));
    check(change, |error| match error {
        JournalError::Foreign { path, expected, found } => {
            path.ends_with(segment_name(2)) && *expected == STORE && *found == StoreId::new([9; 16])
        }
        _ => false,
    });
}

#[test]
fn a_copy_of_a_segment_under_another_number_is_named() {
    let change = |image: &mut Image| {
        let copy = image.bytes(&segment_name(2)).unwrap();
        let next = image.names().count() as u32 + 1;
        image.put(&segment_name(next), &copy);
    };
    check(change, |error| matches!(error, JournalError::Duplicate { found: 2, segment: 4.., .. }));
}

#[test]
fn a_newer_format_version_is_told() {
    check(
        |image| edit_header(image, 1, |bytes| bytes[8] = 2),
        |error| matches!(error, JournalError::Format { found: 2, known: 1, .. }),
    );
}

#[test]
fn a_damaged_or_shortened_segment_is_corrupt() {
    let damage_header = |image: &mut Image| {
        let mut bytes = image.bytes(&segment_name(3)).unwrap();
        bytes[100] ^= 1;
        image.put(&segment_name(3), &bytes);
    };
    check(damage_header, |error| matches!(error, JournalError::Corrupt { segment: 3, offset: 0, .. }));
    let empty = |image: &mut Image| image.put(&segment_name(2), b"");
    check(empty, |error| matches!(error, JournalError::Corrupt { segment: 2, offset: 0, .. }));
    let shorten = |image: &mut Image| {
        let bytes = image.bytes(&segment_name(1)).unwrap();
        image.put(&segment_name(1), &bytes[..bytes.len() - 1]);
    };
    check(shorten, |error| matches!(error, JournalError::Corrupt { segment: 1, offset: 600.., .. }));
}

#[test]
fn opening_costs_the_same_for_many_segments_and_a_foreign_one_among_them_is_named_when_it_is_used() {
    let disk = SimulatedDisk::new();
    let (mut journal, _) = open(&disk).unwrap();
    let operations_of_open = |disk: &SimulatedDisk| {
        let reopened = SimulatedDisk::from_image(disk.image());
        open(&reopened).unwrap();
        reopened.operations().len()
    };
    let mut costs = Vec::new();
    for segments in [20, 60] {
        while journal.reader().segments() < segments {
            append(&mut journal, 3).unwrap();
        }
        journal.sync().unwrap();
        costs.push(operations_of_open(&disk));
    }
    assert!(costs[0].abs_diff(costs[1]) <= 8, "{costs:?}");

    let mut image = disk.image();
    edit_header(&mut image, 30, |bytes| bytes[16..32].fill(9));
    let (journal, _) = open(&SimulatedDisk::from_image(image)).unwrap();
    let error = read_all(&journal.reader()).unwrap_err();
    assert!(
        matches!(&error, JournalError::Foreign { path, .. } if path.ends_with(segment_name(30))),
        "{error:?}"
    );
    let report = journal.reader().verify(&mut |_| {}).unwrap();
    assert!(report.problems.iter().any(|problem| problem.segment == 30));
}

#[test]
fn files_that_are_not_segments_are_left_alone_but_half_made_segments_are_removed() {
    let mut image = closed();
    let ours = segment::temporary_name(9);
    let others = ["1.segment", "0000000000.segment", "notes.segment.new", "x", "0000000001.segment.bak"];
    image.put(&ours, b"half a header");
    others.iter().for_each(|name| image.put(name, b"?"));
    let (_, recovery) = check_reopens(&image, 26, &[]);
    assert!(!recovery.created);
    let disk = SimulatedDisk::from_image(image);
    open(&disk).unwrap();
    assert!(disk.image().bytes(&ours).is_none());
    others.iter().for_each(|name| assert!(disk.image().bytes(name).is_some(), "{name}"));
}

#[test]
fn a_second_writer_is_refused_at_once_and_takes_over_when_the_first_is_gone() {
    let disk = SimulatedDisk::new();
    let (journal, _) = open(&disk).unwrap();
    let Err(JournalError::Storage(error)) = open(&disk) else { panic!() };
    assert_eq!(error.kind(), StorageErrorKind::Locked);
    drop(journal);
    open(&disk).unwrap();
}

#[test]
fn a_directory_without_a_journal_is_not_made_one_by_a_reader() {
    let disk = SimulatedDisk::new();
    let error = JournalFollower::open(Arc::new(disk.clone()), options()).unwrap_err();
    assert!(matches!(error, JournalError::Empty { .. }));
    assert_eq!(disk.image().names().count(), 0);
    assert_eq!(disk.open("x", Access::Read).unwrap_err().kind(), StorageErrorKind::NotFound);
}
