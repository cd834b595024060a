//! Tests of the simulated disk: what it must forget, and what it must not.

use super::*;
use crate::storage::{Access, File, OperationKind, Storage, StorageErrorKind};
use std::collections::BTreeSet;
use std::sync::Arc;

fn durable_file(disk: &SimulatedDisk, bytes: &[u8]) -> Arc<dyn File> {
    let file = disk.open("a", Access::Create).unwrap();
    file.write_at(bytes, 0).unwrap();
    file.sync_data().unwrap();
    disk.sync_directory().unwrap();
    file
}

/// Every content of the file `a` that some crash now can leave.
fn outcomes(disk: &SimulatedDisk) -> BTreeSet<Option<Vec<u8>>> {
    let (mut choices, mut found) = (Exhaustive::new(), BTreeSet::new());
    while choices.next_run() {
        found.insert(disk.crash(&mut |count| choices.choose(count)).image().bytes("a"));
    }
    found
}

#[test]
fn what_was_synced_survives_every_crash() {
    let disk = SimulatedDisk::new();
    durable_file(&disk, &[1; 2000]);
    assert_eq!(outcomes(&disk), BTreeSet::from([Some(vec![1; 2000])]));
    assert!(disk.image().is_durable());
}

#[test]
fn unsynced_sectors_survive_in_every_combination_and_in_every_version() {
    let disk = SimulatedDisk::new();
    let file = durable_file(&disk, &[1; 1024]);
    file.write_at(&[2; 1024], 0).unwrap();
    file.write_at(&[3; 512], 0).unwrap();
    let sectors = outcomes(&disk).into_iter().flatten().map(|bytes| (bytes[0], bytes[512]));
    let expected = [(1, 1), (1, 2), (2, 1), (2, 2), (3, 1), (3, 2)];
    assert_eq!(sectors.collect::<Vec<_>>(), expected);
    // Inside a sector nothing is torn.
    assert!(outcomes(&disk).iter().flatten().all(|bytes| bytes[..512].iter().all(|byte| *byte == bytes[0])));
}

#[test]
fn lengths_and_names_that_were_not_synced_can_be_lost() {
    let disk = SimulatedDisk::new();
    let file = durable_file(&disk, b"12");
    file.write_at(b"34", 2).unwrap();
    let expected = [&b"12"[..], b"12\0\0", b"1234"].map(|bytes| Some(bytes.to_vec()));
    assert_eq!(outcomes(&disk), BTreeSet::from(expected));
    file.sync_data().unwrap();

    disk.rename("a", "b").unwrap();
    let names = |crashed: SimulatedDisk| crashed.list().unwrap();
    assert_eq!(names(disk.crash(&mut |count| count - 1)), ["a"]);
    assert_eq!(names(disk.crash(&mut |_| 0)), ["b"]);
    disk.remove("b").unwrap();
    disk.sync_directory().unwrap();
    assert!(names(disk.crash(&mut |count| count - 1)).is_empty());
}

#[test]
fn bytes_cut_off_and_extended_again_are_zeros() {
    let disk = SimulatedDisk::new();
    let file = durable_file(&disk, &[1; 1000]);
    file.set_length(100).unwrap();
    file.set_length(1000).unwrap();
    file.sync_data().unwrap();
    let bytes = disk.crash(&mut |count| count - 1).image().bytes("a").unwrap();
    assert!(bytes[..100].iter().all(|byte| *byte == 1) && bytes[100..].iter().all(|byte| *byte == 0));
}

#[test]
fn a_failed_sync_leaves_pages_clean_that_only_another_write_makes_durable() {
    let disk = SimulatedDisk::new();
    let file = durable_file(&disk, &[1; 512]);
    file.write_at(&[2; 512], 0).unwrap();
    disk.set_hook(|operation| (operation.kind == OperationKind::Sync).then_some(Fault::Io));
    file.sync_data().unwrap_err();
    disk.heal();
    file.sync_data().unwrap();
    let worst = |disk: &SimulatedDisk| disk.crash(&mut |count| count - 1).image().bytes("a").unwrap()[0];
    let mut cached = [0];
    file.read_at(&mut cached, 0).unwrap();
    assert_eq!((cached[0], worst(&disk)), (2, 1));
    file.write_at(&[2; 512], 0).unwrap();
    file.sync_data().unwrap();
    assert_eq!(worst(&disk), 2);
}

#[test]
fn a_full_disk_takes_what_fits_and_refuses_the_rest() {
    let disk = SimulatedDisk::new();
    let file = durable_file(&disk, b"1234");
    disk.set_space_bytes(Some(6));
    assert_eq!(file.write_at(b"abcd", 4).unwrap_err().kind(), StorageErrorKind::NoSpace);
    assert_eq!(disk.image().bytes("a").unwrap(), b"1234ab");
    file.write_at(b"xy", 0).unwrap();
    assert_eq!(file.set_length(7).unwrap_err().kind(), StorageErrorKind::NoSpace);
    disk.set_space_bytes(None);
    file.write_at(b"cd", 6).unwrap();
    assert_eq!(disk.image().bytes("a").unwrap(), b"xy34abcd");
}

#[test]
fn after_a_power_off_nothing_works_until_the_power_is_back() {
    let disk = SimulatedDisk::new();
    let file = durable_file(&disk, b"1");
    disk.set_hook(|operation| (operation.number == 6).then_some(Fault::PowerOff));
    file.write_at(b"2", 0).unwrap();
    file.write_at(b"3", 0).unwrap_err();
    file.sync_data().unwrap_err();
    disk.list().unwrap_err();
    let before = disk.operations().len();
    disk.heal();
    file.sync_data().unwrap();
    assert_eq!((before, disk.image().bytes("a").unwrap()), (6, b"2".to_vec()));
}

#[test]
fn a_copy_of_a_disk_goes_its_own_way() {
    let disk = SimulatedDisk::new();
    let file = durable_file(&disk, &[1; 5000]);
    let copy = SimulatedDisk::from_image(disk.image());
    file.write_at(&[2; 5000], 0).unwrap();
    assert_eq!(copy.image().bytes("a").unwrap(), [1; 5000]);
}
