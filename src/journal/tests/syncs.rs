//! Syncs that run beside further commits: what they prove, and what they must not.

use super::*;
use crate::storage::OperationKind;
use crate::storage::simulated::Fault;

#[test]
fn a_sync_beside_commits_proves_what_was_committed_when_it_was_begun() {
    let disk = SimulatedDisk::new();
    let (mut journal, _) = open(&disk).unwrap();
    assert!(journal.background_sync().is_none(), "nothing is to be made durable");
    append(&mut journal, 2).unwrap();
    let sync = journal.background_sync().unwrap();
    append(&mut journal, 3).unwrap();
    let synced = sync.run();
    append(&mut journal, 1).unwrap();
    assert_eq!(journal.durable(), Position::START, "the journal has not been told");
    assert_eq!(journal.note_synced(synced).unwrap(), Position::new(2));
    assert!(journal.needs_sync());
    check_reopens(&disk.crash(&mut |count| count - 1).image(), 2, &[(1, 2), (3, 3), (6, 1)]);
}

#[test]
fn a_sync_beside_commits_that_comes_late_takes_nothing_back() {
    let disk = SimulatedDisk::new();
    let (mut journal, _) = open(&disk).unwrap();
    append(&mut journal, 2).unwrap();
    let late = journal.background_sync().unwrap().run();
    append(&mut journal, 1).unwrap();
    assert_eq!(journal.sync().unwrap(), Position::new(3));
    assert_eq!(journal.note_synced(late).unwrap(), Position::new(3));
    append(&mut journal, 1).unwrap();
    let of_the_first_segment = journal.background_sync().unwrap().run();
    while journal.reader().segments() < 2 {
        append(&mut journal, 3).unwrap();
    }
    let durable = journal.durable();
    assert_eq!(journal.note_synced(of_the_first_segment).unwrap(), durable);
}

#[test]
fn of_two_syncs_at_a_time_none_takes_for_stored_what_the_other_was_told_is_lost() {
    let disk = SimulatedDisk::new();
    let (mut journal, _) = open(&disk).unwrap();
    append(&mut journal, 2).unwrap();
    let sync = journal.background_sync().unwrap();
    let mut is_due = true;
    disk.set_hook(move |operation| {
        (operation.kind == OperationKind::Sync && std::mem::take(&mut is_due)).then_some(Fault::Io)
    });
    let failed = sync.run();
    // The disk would say yes to the next one, though the pages are lost.
    assert!(matches!(journal.sync(), Err(JournalError::Poisoned { .. })));
    assert!(matches!(journal.note_synced(failed), Err(JournalError::Poisoned { .. })));
    assert_eq!(journal.durable(), Position::START);
    assert!(append(&mut journal, 1).is_err());
}

#[test]
fn the_failure_of_an_earlier_owners_sync_does_not_poison_the_next_owner_who_has_written_it_again() {
    let disk = SimulatedDisk::new();
    let (mut journal, _) = open(&disk).unwrap();
    append(&mut journal, 5).unwrap();
    let stale = journal.background_sync().unwrap();
    drop(journal);
    let (mut journal, recovery) = open(&disk).unwrap();
    assert!(recovery.rewritten_bytes > 0);
    append(&mut journal, 1).unwrap();
    disk.set_hook(|operation| (operation.kind == OperationKind::Sync).then_some(Fault::Io));
    let failed = stale.run();
    disk.heal();
    assert_eq!(journal.note_synced(failed).unwrap(), Position::new(5));
    append(&mut journal, 1).unwrap();
    assert_eq!(journal.sync().unwrap(), Position::new(7));
}
