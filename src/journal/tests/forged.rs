//! Frames and headers that someone has made again, with every checksum right: what verification and opening tell of
//! them.

use super::*;
use crate::journal::frame::{FRAME_HEADER_BYTES, FrameHeader, FrameKind, chain_after};
use crate::journal::segment::{HEADER_BYTES, SegmentHeader, segment_number, temporary_name};
use crate::storage::Access;

/// A journal of four frames, closed, and where the third begins and the chain before it.
fn closed() -> (Image, u64, [u8; 16]) {
    let disk = SimulatedDisk::new();
    let (mut journal, _) = open(&disk).unwrap();
    append(&mut journal, 1).unwrap();
    journal.sync().unwrap();
    let before = append(&mut journal, 2).unwrap().frame.mark();
    journal.sync().unwrap();
    append(&mut journal, 3).unwrap();
    append(&mut journal, 1).unwrap();
    journal.close().unwrap();
    (disk.image(), before.end.into(), before.chain)
}

/// What verification says of the third frame when its header was changed so and the frame sealed anew.
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
    check(|header| header.synced_through = HEADER_BYTES, TOLD);
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

/// A closed journal of several segments, the name of the last one, and what it holds.
fn closed_in_segments() -> (Image, String, Contents) {
    let disk = SimulatedDisk::new();
    Workload::default().run(&disk, true).unwrap();
    let (journal, _) = open(&SimulatedDisk::from_image(disk.image())).unwrap();
    let reader = journal.reader();
    assert!(reader.segments() > 2);
    (disk.image(), segment_name(reader.segments()), read_all(&reader).unwrap())
}

#[test]
fn a_segment_that_cannot_follow_the_one_before_it_is_told_by_the_opening() {
    let opened = |change: fn(&mut SegmentHeader)| {
        let (mut image, name, _) = closed_in_segments();
        let mut bytes = image.bytes(&name).unwrap();
        let mut header = SegmentHeader::decode(&bytes[..HEADER_BYTES as usize]).unwrap();
        change(&mut header);
        bytes[..HEADER_BYTES as usize].copy_from_slice(&header.encode());
        image.put(&name, &bytes);
        open(&SimulatedDisk::from_image(image)).map(drop)
    };
    assert!(opened(|_| {}).is_ok());
    let changes: [fn(&mut SegmentHeader); 3] =
        [|header| header.first = 1, |header| header.epoch = 0, |header| header.time = 0];
    for change in changes {
        assert!(matches!(opened(change), Err(JournalError::Corrupt { .. })));
    }
}

/// Believed, each of these would number the next event as if others had never been.
#[test]
fn a_closing_frame_that_cannot_be_true_is_not_believed() {
    let changes: [fn(&mut FrameHeader); 4] = [
        |header| header.first = 1,
        |header| header.epoch = 0,
        |header| header.time = 0,
        |header| header.synced_through = HEADER_BYTES,
    ];
    for change in changes {
        let (mut image, name, expected) = closed_in_segments();
        let (mut bytes, segment) = (image.bytes(&name).unwrap(), segment_number(&name).unwrap());
        let offset = bytes.len() - FRAME_HEADER_BYTES;
        let seed = STORE.seeds().frame(segment, offset as u64);
        let mut header = FrameHeader::decode(&bytes[offset..], seed).unwrap();
        let epoch = header.epoch;
        change(&mut header);
        header.seal(&mut bytes[offset..], seed);
        image.put(&name, &bytes);
        match open(&SimulatedDisk::from_image(image)) {
            Ok((mut journal, _)) => {
                assert_eq!(read_all(&journal.reader()).unwrap(), expected);
                assert!(journal.epoch > epoch && journal.begin(1) >= NOW);
            }
            Err(error) => assert!(matches!(error, JournalError::Corrupt { .. }), "{error:?}"),
        }
    }
}

#[test]
fn a_follower_tells_a_next_segment_that_does_not_go_on_where_the_last_one_ends() {
    let changes: [fn(&mut SegmentHeader); 2] = [|header| header.first += 1, |header| header.chain[0] ^= 1];
    for change in changes {
        let disk = SimulatedDisk::new();
        let (mut journal, _) = open(&disk).unwrap();
        append(&mut journal, 1).unwrap();
        let mut follower = JournalFollower::open(Arc::new(disk.clone()), options()).unwrap();
        while journal.reader().segments() < 2 {
            append(&mut journal, 2).unwrap();
        }
        let file = disk.open(&segment_name(2), Access::Write).unwrap();
        let mut bytes = [0; HEADER_BYTES as usize];
        file.read_at(&mut bytes, 0).unwrap();
        let mut header = SegmentHeader::decode(&bytes).unwrap();
        change(&mut header);
        file.write_at(&header.encode(), 0).unwrap();
        assert!(matches!(follower.refresh(), Err(JournalError::Corrupt { segment: 1, .. })));
    }
}

#[test]
fn a_reader_tells_a_frame_of_other_positions_than_its_place_says() {
    let (mut image, name, _) = closed_in_segments();
    let mut bytes = image.bytes(&segment_name(1)).unwrap();
    let seed = STORE.seeds().frame(1, HEADER_BYTES);
    let frame = &mut bytes[HEADER_BYTES as usize..];
    let header = FrameHeader::decode(frame, seed).unwrap();
    let length = header.length as usize;
    FrameHeader { first: header.first + 1, ..header }.seal(&mut frame[..length], seed);
    image.put(&segment_name(1), &bytes);
    assert_ne!(name, segment_name(1), "an opening does not look into the first segment");
    let (journal, _) = open(&SimulatedDisk::from_image(image)).unwrap();
    let told = read_all(&journal.reader());
    assert!(matches!(told, Err(JournalError::Corrupt { segment: 1, .. })), "{told:?}");
}

#[test]
fn an_opening_goes_no_further_than_a_seal() {
    let (mut image, name, expected) = closed_in_segments();
    let segment = segment_number(&name).unwrap();
    // The seal proves what stands before it; the frame behind it is one that would go on from there.
    let mut bytes = image.bytes(&name).unwrap();
    let at = bytes.len() - FRAME_HEADER_BYTES;
    let header = FrameHeader::decode(&bytes[at..], STORE.seeds().frame(segment, at as u64)).unwrap();
    assert_eq!(header.kind, FrameKind::Close);
    let seal = FrameHeader { kind: FrameKind::Seal, ..header };
    let chain = seal.seal(&mut bytes[at..], STORE.seeds().frame(segment, at as u64));
    let behind = bytes.len();
    bytes.resize(behind + FRAME_HEADER_BYTES, 0);
    let more = FrameHeader { kind: FrameKind::Gap, count: 3, chain, ..header };
    more.seal(&mut bytes[behind..], STORE.seeds().frame(segment, behind as u64));
    image.put(&name, &bytes);
    // What the seal promises is being made.
    image.put(&temporary_name(segment + 1), b"");
    let (journal, recovery) = open(&SimulatedDisk::from_image(image)).unwrap();
    assert_eq!(journal.last().get(), expected.events.last().unwrap().0, "{recovery:?}");
    assert_eq!(read_all(&journal.reader()).unwrap(), expected);
}

#[test]
fn what_stands_behind_a_seal_is_told() {
    let (mut image, ..) = closed_in_segments();
    let mut bytes = image.bytes(&segment_name(1)).unwrap();
    let (seal, offset) = (bytes.len() - FRAME_HEADER_BYTES, bytes.len() as u64);
    let header = FrameHeader::decode(&bytes[seal..], STORE.seeds().frame(1, seal as u64)).unwrap();
    assert_eq!(header.kind, FrameKind::Seal);
    bytes.resize(bytes.len() + FRAME_HEADER_BYTES, 0);
    let frame = &mut bytes[offset as usize..];
    FrameHeader { kind: FrameKind::Gap, ..header }.seal(frame, STORE.seeds().frame(1, offset));
    image.put(&segment_name(1), &bytes);
    let (journal, _) = open(&SimulatedDisk::from_image(image)).unwrap();
    let report = journal.reader().verify(&mut |_| {}).unwrap();
    let told = (report.problems[0].segment, report.problems[0].offset);
    assert_eq!(told, (2, 0), "the next segment cannot go on where this one ends now");
}
