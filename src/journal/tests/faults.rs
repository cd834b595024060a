//! Disks that fail: the n-th operation for every n, a full disk, a sync that fails.

use super::*;
use crate::storage::simulated::{Exhaustive, Fault};
use crate::storage::{OperationKind, StorageErrorKind};

const FAULTS: [Fault; 6] = [
    Fault::Io,
    Fault::NoSpace,
    Fault::ShortWrite(13),
    Fault::Interrupted,
    Fault::TooManyFiles,
    Fault::PowerOff,
];

/// The next operation of this kind fails; the ones after it work.
fn fail_next(disk: &SimulatedDisk, kind: OperationKind, fault: Fault) {
    let mut is_due = true;
    disk.set_hook(move |operation| (operation.kind == kind && std::mem::take(&mut is_due)).then_some(fault));
}

/// Runs the workload with a fault at operation `number` and what follows `for_ever`, then reopens the disk as the
/// dead process left it, and as a power cut would.
fn check_fault(number: u64, fault: Fault, for_ever: bool) {
    let disk = SimulatedDisk::new();
    disk.set_hook(move |operation| {
        let hit = operation.number == number || (for_ever && operation.number > number);
        hit.then_some(fault)
    });
    let mut workload = Workload::default();
    let result = workload.run(&disk, true);
    let is_passed_over = matches!(fault, Fault::ShortWrite(_) | Fault::Interrupted) && !for_ever;
    assert!(result.is_ok() || !is_passed_over, "{fault:?} at {number}: {result:?}");
    disk.heal();
    check_reopens(&disk.image(), workload.durable, &workload.issued);
    let all_lost = disk.crash(&mut |count| count - 1);
    check_reopens(&all_lost.image(), workload.durable, &workload.issued);
}

#[test]
fn whichever_operation_fails_nothing_durable_is_lost() {
    let operations = {
        let disk = SimulatedDisk::new();
        Workload::default().run(&disk, true).unwrap();
        disk.operations().len() as u64
    };
    for number in 1..=operations {
        for fault in FAULTS {
            check_fault(number, fault, false);
        }
        check_fault(number, Fault::Io, true);
        check_fault(number, Fault::NoSpace, true);
    }
    println!("n-th operation fails: {} cases, 0 failed", operations * (FAULTS.len() as u64 + 2));
}

/// Recovery's n-th operation fails; the next try succeeds as if there had been no first.
#[test]
fn whichever_operation_of_a_recovery_fails_the_next_one_recovers_the_same() {
    let disk = SimulatedDisk::new();
    let mut workload = Workload::default();
    workload.run(&disk, false).unwrap();
    // Half of every unsynced sector's versions, so that there is something to cut and something to rewrite.
    let mut turn = 0;
    let crashed = disk.image().crash(&mut |count| {
        turn += 1;
        if turn % 3 == 0 { count - 1 } else { 0 }
    });
    let (expected, recovery) = check_reopens(&crashed, workload.durable, &workload.issued);
    assert!(recovery.cut.is_some() || recovery.rewritten_bytes > 0, "{recovery:?}");
    for fault in FAULTS {
        for number in 1.. {
            let disk = SimulatedDisk::from_image(crashed.clone());
            disk.set_hook(move |operation| (operation.number == number).then_some(fault));
            let _ = open(&disk);
            let is_over = (disk.operations().len() as u64) < number;
            disk.heal();
            for image in [disk.image(), disk.image().crash(&mut |count| count - 1)] {
                let (contents, _) = check_reopens(&image, workload.durable, &workload.issued);
                assert_eq!(contents.events, expected.events, "{fault:?} at {number}");
            }
            if is_over {
                break;
            }
        }
    }
}

#[test]
fn after_a_full_disk_commits_work_again_when_there_is_room() {
    let disk = SimulatedDisk::new();
    let (mut journal, _) = open(&disk).unwrap();
    let mut refused = 0;
    let mut room = 600;
    disk.set_space_bytes(Some(room));
    while journal.last().get() < 60 {
        let before = (journal.last(), read_all(&journal.reader()).unwrap());
        match append(&mut journal, 3) {
            Ok(_) => {}
            Err(JournalError::NoSpace(error)) => {
                assert_eq!(error.kind(), StorageErrorKind::NoSpace);
                assert_eq!(before, (journal.last(), read_all(&journal.reader()).unwrap()));
                assert_eq!(journal.staged_bytes(), 0);
                // What the full disk left is what a crash now would find.
                check_reopens(&disk.image(), journal.durable().get(), &[]);
                refused += 1;
                room += 97;
                disk.set_space_bytes(Some(room));
            }
            Err(other) => panic!("{other:?}"),
        }
    }
    assert!(refused > 20 && journal.poison().is_none(), "{refused}");
    journal.sync().unwrap();
    disk.set_space_bytes(None);
    check_reopens(&disk.crash(&mut |count| count - 1).image(), 60, &[]);
}

#[test]
fn a_frame_that_only_partly_fitted_is_overwritten_by_the_next() {
    let disk = SimulatedDisk::new();
    let (mut journal, _) = open_with(&disk, JournalOptions { preallocate_bytes: 0, ..options() }).unwrap();
    disk.set_space_bytes(Some(512 + 200));
    assert!(matches!(append(&mut journal, 5), Err(JournalError::NoSpace(_))));
    // Its header fitted, but nobody was ever given the positions it tells of.
    disk.set_space_bytes(None);
    assert_eq!(check_reopens(&disk.image(), 0, &[]).1.gap, None);
    append(&mut journal, 1).unwrap();
    assert_eq!(journal.last(), Position::new(1));
    let (contents, recovery) = check_reopens(&disk.image(), 1, &[]);
    assert_eq!((contents.events.len(), recovery.gap), (1, None));
}

#[test]
fn a_refused_batch_does_not_come_back_in_the_place_of_one_that_begins_alike() {
    let disk = SimulatedDisk::new();
    let (mut journal, _) = open(&disk).unwrap();
    disk.set_space_bytes(Some(512 + 700));
    assert!(matches!(append(&mut journal, 7), Err(JournalError::NoSpace(_))));
    disk.set_space_bytes(None);
    append(&mut journal, 8).unwrap();
    let image = disk.image();
    let (mut choices, mut cases) = (Exhaustive::new(), 0);
    while choices.next_run() {
        check_reopens(&image.crash(&mut |count| choices.choose(count)), 0, &[(1, 8)]);
        cases += 1;
    }
    assert!(cases >= 8, "{cases}");
}

#[test]
fn the_first_failed_sync_poisons_the_journal_and_is_not_tried_again() {
    let disk = SimulatedDisk::new();
    let (mut journal, _) = open(&disk).unwrap();
    append(&mut journal, 2).unwrap();
    journal.sync().unwrap();
    append(&mut journal, 3).unwrap();
    fail_next(&disk, OperationKind::Sync, Fault::Io);
    assert!(matches!(journal.sync(), Err(JournalError::Poisoned { .. })));
    let operations = disk.operations().len();
    for _ in 0..2 {
        assert!(matches!(journal.sync(), Err(JournalError::Poisoned { .. })));
        let Err(JournalError::Poisoned { cause }) = append(&mut journal, 1) else { panic!() };
        assert_eq!((cause.operation(), cause.kind()), (OperationKind::Sync, StorageErrorKind::Other));
    }
    assert_eq!(disk.operations().len(), operations, "a poisoned journal does not touch the disk");
    assert_eq!((journal.durable(), journal.staged_bytes()), (Position::new(2), 0));
    assert_eq!(read_all(&journal.reader()).unwrap().events.len(), 5, "reads go on");
    assert!(journal.close().is_err());
}

#[test]
fn what_a_failed_sync_left_in_doubt_is_written_again_before_it_counts_as_durable() {
    let disk = SimulatedDisk::new();
    let (mut journal, _) = open(&disk).unwrap();
    append(&mut journal, 2).unwrap();
    fail_next(&disk, OperationKind::Sync, Fault::Io);
    journal.sync().unwrap_err();
    drop(journal);
    // The kernel holds the pages as clean: another sync alone would save nothing.
    let (journal, recovery) = open(&disk).unwrap();
    assert_eq!((recovery.last, recovery.proven), (Position::new(2), Position::START));
    assert!(recovery.rewritten_bytes > 0);
    assert_eq!(journal.durable(), Position::new(2));
    check_reopens(&disk.crash(&mut |count| count - 1).image(), 2, &[(1, 2)]);
}

#[test]
fn a_closing_frame_whose_sync_failed_is_written_again_wherever_it_stands_in_its_sector() {
    for length in 1..=512 {
        let disk = SimulatedDisk::new();
        let (mut journal, _) = open(&disk).unwrap();
        let mut bytes = b"1:1:".to_vec();
        bytes.resize(length + 4, b'x');
        journal.stage_event(&event(bytes), &Numbers::default()).unwrap();
        journal.commit().unwrap();
        journal.sync().unwrap();
        fail_next(&disk, OperationKind::Sync, Fault::Io);
        journal.close().unwrap_err();
        let (mut journal, recovery) = open(&disk).unwrap();
        assert!(recovery.closed);
        append(&mut journal, 1).unwrap();
        // Until the next sync it may be lost though what stands behind it is kept; that is no damage.
        let mut sector = 0;
        let lose_first = |count| {
            sector += 1;
            if sector == 2 { count - 1 } else { 0 }
        };
        open(&disk.crash(&mut { lose_first })).unwrap();
        journal.sync().unwrap();
        let (_, recovery) = open(&disk.crash(&mut |count| count - 1)).unwrap();
        assert_eq!((recovery.last, recovery.gap), (Position::new(2), None), "payload of {length} bytes");
    }
}

#[test]
fn a_write_that_fails_for_another_reason_than_space_poisons() {
    let disk = SimulatedDisk::new();
    let (mut journal, _) = open(&disk).unwrap();
    append(&mut journal, 1).unwrap();
    fail_next(&disk, OperationKind::Write, Fault::Io);
    assert!(matches!(append(&mut journal, 1), Err(JournalError::Poisoned { .. })));
    assert!(journal.poison().is_some());
    check_reopens(&disk.image(), 0, &[(1, 1), (2, 1)]);
}

#[test]
fn a_segment_that_cannot_be_made_for_want_of_handles_is_made_later() {
    let disk = SimulatedDisk::new();
    let (mut journal, _) = open(&disk).unwrap();
    fail_next(&disk, OperationKind::Create, Fault::TooManyFiles);
    let error = (0..20).find_map(|_| append(&mut journal, 3).err()).unwrap();
    assert!(matches!(error, JournalError::Storage(error) if error.kind() == StorageErrorKind::TooManyFiles));
    let last = journal.last().get();
    append(&mut journal, 3).unwrap();
    assert_eq!(journal.last().get(), last + 3);
    assert_eq!(journal.reader().segments(), 2);
}
