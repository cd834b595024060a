//! Frames that someone has made again, with every checksum right: what verification tells of them.

use super::*;
use crate::journal::frame::{FrameHeader, chain_after};

/// A journal of three frames, closed, and where the second begins and the chain before it.
fn closed() -> (Image, u64, [u8; 16]) {
    let disk = SimulatedDisk::new();
    let (mut journal, _) = open(&disk).unwrap();
    let before = append(&mut journal, 2).unwrap().frame.mark();
    journal.sync().unwrap();
    append(&mut journal, 3).unwrap();
    append(&mut journal, 1).unwrap();
    journal.close().unwrap();
    (disk.image(), before.end.into(), before.chain)
}

/// What verification says of the second frame when its header was changed so and the frame sealed anew.
#[track_caller]
fn check(change: impl FnOnce(&mut FrameHeader), told: &str) {
    let (mut image, offset, chain) = closed();
    let (name, seed) = (segment_name(1), STORE.seeds().frame(1, offset));
    let mut bytes = image.bytes(&name).unwrap();
    let frame = &mut bytes[offset as usize..];
    let header = FrameHeader::decode(frame, seed).unwrap();
    let length = header.length as usize;
    let mut forged = FrameHeader { chain, ..header };
    change(&mut forged);
    forged.seal(&mut frame[..length], seed);
    image.put(&name, &bytes);
    let (journal, _) = open(&SimulatedDisk::from_image(image)).unwrap();
    let report = journal.reader().verify(&mut |_| {}).unwrap();
    let told_there = report.problems.iter().filter(|problem| problem.offset == offset);
    assert!(told_there.clone().any(|problem| problem.what.contains(told)), "{:?}", report.problems);
}

#[test]
fn a_frame_that_was_sealed_anew_as_it_was_is_the_same_frame() {
    let (image, offset, chain) = closed();
    let bytes = image.bytes(&segment_name(1)).unwrap();
    let seed = STORE.seeds().frame(1, offset);
    let header = FrameHeader::decode(&bytes[offset as usize..], seed).unwrap();
    let mut frame = bytes[offset as usize..][..header.length as usize].to_vec();
    FrameHeader { chain, ..header }.seal(&mut frame, seed);
    assert_eq!(frame, bytes[offset as usize..][..frame.len()]);
}

#[test]
fn a_frame_that_does_not_go_on_where_the_one_before_it_ends_is_told() {
    const TOLD: &str = "does not go on where the one before it ends";
    check(|header| header.first += 1, TOLD);
    check(|header| header.epoch -= 1, TOLD);
    check(|header| header.time -= 1, TOLD);
    check(|header| header.synced_through = 0, TOLD);
}

#[test]
fn a_frame_whose_records_are_not_what_it_says_is_told() {
    const TOLD: &str = "records are not what it says";
    check(|header| header.count += 1, TOLD);
    check(|header| header.count -= 1, TOLD);
    check(|header| header.time += 1, TOLD);
}

#[test]
fn a_frame_that_follows_another_history_is_told() {
    check(|header| header.chain[0] ^= 1, "the hash chain is broken");
}

#[test]
fn a_frame_that_claims_to_prove_what_stands_behind_it_counts_as_damaged() {
    check(|header| header.synced_through = u64::MAX, "the frame is damaged");
}

#[test]
fn a_header_whose_numbers_cannot_be_is_no_header_however_right_its_checksums_are() {
    const TOLD: &str = "the frame is damaged";
    check(|header| header.first = 0, TOLD);
    check(|header| header.first = u64::MAX, TOLD);
    check(|header| header.length = 0, TOLD);
    check(|header| header.length = 63, TOLD);
}

/// So that no history of one store goes on where another store's begins.
#[test]
fn the_first_chain_value_goes_on_from_the_hash_of_the_stores_id() {
    let disk = SimulatedDisk::new();
    let (mut journal, _) = open(&disk).unwrap();
    let mark = append(&mut journal, 1).unwrap().frame.mark();
    let bytes = disk.image().bytes(&segment_name(1)).unwrap();
    let frame = &bytes[mark.begin as usize..mark.end as usize];
    let origin = blake3::hash(&STORE.bytes()).as_bytes()[..16].try_into().unwrap();
    assert_eq!(mark.chain, chain_after(origin, frame));
}

/// Journals of yesterday are read tomorrow: the header check is made as FORMAT.md says.
#[test]
fn the_header_check_is_the_two_halves_of_a_checksum_xored() {
    let (image, offset, _) = closed();
    let bytes = image.bytes(&segment_name(1)).unwrap();
    let mut header = bytes[offset as usize..][..64].to_vec();
    let check = u16::from_le_bytes([header[14], header[15]]);
    header[14..16].fill(0);
    let crc = crc32c::crc32c_append(STORE.seeds().frame(1, offset), &header[8..]);
    let [a, b, c, d] = crc.to_le_bytes();
    assert_eq!(check, u16::from_le_bytes([a, b]) ^ u16::from_le_bytes([c, d]));
}
