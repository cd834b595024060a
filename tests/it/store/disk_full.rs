//! A full disk: simulated at every byte, and a real file-size limit on a child process.

use super::child::Child;
use super::*;
use timberline::storage::OperationKind;
use timberline::storage::simulated::{Fault, Image};
use timberline::{AppendError, OpenError, Retry};

fn sized(n: u64) -> NewEvent {
    NewEvent::new(&at("tree"), &Note { n, text: "x".repeat(1_000) }).unwrap()
}

/// Disk full: the append fails with `NoSpace`, nothing half written is ever read, and when there is room again appends work without a restart of the process.
#[test]
fn disk_full_the_append_fails_with_no_space_nothing_half_written_is_ever_read_and_when_there_is_room_again_appends_work()
 {
    let disk = SimulatedDisk::new();
    let store = on_disk(&disk).open().unwrap();
    let mut stored = Vec::new();
    let mut refusals = 0;
    // From a disk with hardly any room to one where several segments fit: the end is met at many different bytes.
    for space in (2_000..200_000).step_by(6_007) {
        disk.set_space_bytes(Some(space));
        loop {
            let n = stored.len() as u64;
            match store.append_batch(vec![sized(n), sized(n), sized(n)]) {
                Ok(_) => stored.push(n),
                Err(full) => {
                    assert!(matches!(full, AppendError::NoSpace { .. }), "at {space}: {full}");
                    assert_eq!(full.retry(), Retry::Again);
                    refusals += 1;
                    break;
                }
            }
        }
        assert_eq!(numbers(&store), tripled(&stored), "at {space}");
    }
    assert!(refusals > 30 && stored.len() > 30, "{refusals} refusals, {} batches", stored.len());
    disk.set_space_bytes(None);
    let next = stored.len() as u64;
    store.append_batch(vec![sized(next), sized(next), sized(next)]).unwrap();
    stored.push(next);
    check_whole(&store);
    // What a power cut leaves is whole as well: everything was acknowledged as durable.
    let crashed = disk.crash(&mut |count| count - 1);
    assert!(store.close().unwrap().is_clean());
    let reopened = on_disk(&crashed).open().unwrap();
    check_whole(&reopened);
    assert_eq!(numbers(&reopened), tripled(&stored));
}

/// Where a disk without room refuses: before a write, or in the middle of it.
#[derive(Debug, Clone, Copy)]
enum Refused {
    Whole,
    After(usize),
}

/// Disk full: the append fails with `NoSpace`, nothing half written is ever read, and when there is room again appends work without a restart of the process.
#[test]
fn disk_full_at_any_write_of_an_append_is_no_space_and_the_next_append_works() {
    // A store whose first segment has room for a few batches more.
    let disk = SimulatedDisk::new();
    let store = on_disk(&disk).open().unwrap();
    (0..BEFORE).for_each(|n| drop(store.append_batch(vec![sized(n), sized(n), sized(n)]).unwrap()));
    store.close().unwrap();
    let begin = disk.image();
    for refused in [Refused::Whole, Refused::After(64), Refused::After(1_500)] {
        let mut operations = 0;
        while check_full_at(&begin, operations, refused) {
            operations += 1;
        }
        assert!(operations > 12, "only {operations} writes");
    }
}

/// Batches that are there before, and batches that are appended then.
const BEFORE: u64 = 22;
const APPENDED: u64 = 10;

/// Appends until a segment is full, with a disk that is full at that write; false if there are not so many writes.
fn check_full_at(begin: &Image, at_write: usize, refused: Refused) -> bool {
    let disk = SimulatedDisk::from_image(begin.clone());
    let store = on_disk(&disk).open().unwrap();
    let mut left = at_write;
    disk.set_hook(move |operation| {
        let writes =
            matches!(operation.kind, OperationKind::Write | OperationKind::SetLength | OperationKind::Create);
        left = if writes { left.wrapping_sub(1) } else { left };
        match (left, refused) {
            (usize::MAX, Refused::After(bytes)) if writes && operation.length > bytes as u64 => {
                Some(Fault::ShortWrite(bytes))
            }
            // The rest of a short write, the erasure of what it left, and whatever else is tried.
            (left, _) if writes && left > usize::MAX - 3 => Some(Fault::NoSpace),
            _ => None,
        }
    });
    let mut stored: Vec<_> = (0..BEFORE).collect();
    let mut refusals = 0;
    for n in BEFORE..BEFORE + APPENDED {
        match store.append_batch(vec![sized(n), sized(n), sized(n)]) {
            Ok(_) => stored.push(n),
            Err(AppendError::NoSpace { .. }) => refusals += 1,
            Err(other) => panic!("{refused:?} at write {at_write}, batch {n}: {other:?}"),
        }
        assert_eq!(store.written().get(), 3 * stored.len() as u64, "{refused:?} at write {at_write}");
    }
    assert_eq!(numbers(&store), tripled(&stored), "{refused:?} at write {at_write}");
    assert!(refusals <= 3, "appends work again: {refusals} were refused");
    assert_eq!(store.stats().segments, 2, "the segment was rolled");
    let left = disk.crash(&mut |count| count - 1);
    disk.heal();
    store.close().unwrap();
    for disk in [disk, left] {
        let reopened = on_disk(&disk).open().unwrap();
        assert_eq!(numbers(&reopened), tripled(&stored), "{refused:?} at write {at_write}");
        check_whole(&reopened);
    }
    refusals > 0
}

fn tripled(stored: &[u64]) -> Vec<u64> {
    stored.iter().flat_map(|n| [*n; 3]).collect()
}

#[test]
fn a_store_that_cannot_be_created_or_opened_for_lack_of_room_says_so_and_can_be_opened_when_there_is_room() {
    let disk = SimulatedDisk::new();
    disk.set_space_bytes(Some(100));
    let refused = on_disk(&disk).open().unwrap_err();
    assert!(matches!(refused, OpenError::NoSpace { .. }), "{refused}");
    disk.set_space_bytes(None);
    let store = on_disk(&disk).open().unwrap();
    store.append(&at("tree"), &note(1)).unwrap();
    store.close().unwrap();
    // A full disk is no reason not to read what is there.
    disk.set_space_bytes(Some(0));
    let store = on_disk(&disk).open().unwrap();
    assert_eq!(numbers(&store), [1]);
    assert!(matches!(store.append_event(sized(2)), Err(AppendError::NoSpace { .. })));
    disk.set_space_bytes(None);
    store.append_event(sized(2)).unwrap();
    assert_eq!(check_whole(&store).len(), 2);
}

/// Disk full: the append fails with `NoSpace`, nothing half written is ever read, and when there is room again appends work without a restart of the process.
#[test]
fn a_file_size_limit_is_a_full_disk_to_a_process_that_ignores_its_signal() {
    let dir = tempdir();
    let mut child = Child::of_shell("trap '' XFSZ; ulimit -S -f 30; exec \"$0\" \"$@\"", "fill", dir.path());
    let stored: u64 = child.line_after("full after").parse().unwrap();
    assert!(stored > 3, "only {stored} events fit");
    // From outside, so that the child need not be trusted to do it: there is room again.
    let pid = child.id().to_string();
    let raised = std::process::Command::new("prlimit").args(["--pid", &pid, "--fsize=unlimited"]).status();
    if !raised.is_ok_and(|status| status.success()) {
        eprintln!("not run: the limit of another process cannot be raised here (prlimit)");
        return;
    }
    child.tell("go on");
    let total: u64 = child.line_after("stored").parse().unwrap();
    assert!(total > stored);
    assert!(child.wait().success());
    let store = Store::open(small(dir.path())).unwrap();
    check_whole(&store);
    assert_eq!(numbers(&store), (0..total).collect::<Vec<_>>());
}

#[test]
fn a_file_size_limit_that_kills_the_process_is_a_crash_like_any_other() {
    let dir = tempdir();
    let mut child = Child::of_shell("ulimit -f 30; exec \"$0\" \"$@\"", "fill", dir.path());
    let acknowledged: Vec<u64> =
        child.lines().filter_map(|line| line.strip_prefix("stored ")?.parse().ok()).collect();
    assert!(!child.wait().success(), "the signal ended it");
    assert!(acknowledged.len() > 3);
    let store = Store::open(small(dir.path())).unwrap();
    check_whole(&store);
    assert!(numbers(&store).starts_with(&acknowledged), "what was acknowledged is there");
    store.append(&at("tree"), &note(1)).unwrap();
}
