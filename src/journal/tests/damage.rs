//! Bytes that are not what was written: torn tails of every length, flipped bits, hostile lengths.

use super::*;
use crate::storage::simulated::Seeded;

/// What stands behind a cut.
#[derive(Debug, Clone, Copy)]
enum Fill {
    Short,
    Zeros,
    OldBytes,
    Random,
}

/// The last segment of `image` cut at `at`.
fn cut(image: &Image, at: usize, fill: Fill) -> Image {
    let name = image.names().last().unwrap().to_owned();
    let mut bytes = image.bytes(&name).unwrap();
    let mut seeded = Seeded::new(at as u64);
    let length = bytes.len();
    match fill {
        Fill::Short => bytes.truncate(at),
        Fill::Zeros => bytes[at..].fill(0),
        Fill::OldBytes => {
            // What another frame of this segment looks like from within.
            let old: Vec<u8> = bytes[512..].iter().copied().cycle().skip(at % 97).take(length - at).collect();
            bytes[at..].copy_from_slice(&old);
        }
        Fill::Random => bytes[at..].fill_with(|| seeded.next_u64() as u8),
    }
    let mut image = image.clone();
    image.put(&name, &bytes);
    image
}

/// The frames of the last segment: where each ends, and the last position then.
fn frames(disk: &SimulatedDisk) -> Vec<(u64, u64)> {
    let storage: Arc<dyn Storage> = Arc::new(disk.clone());
    let survey = recovery::survey(&*storage).unwrap().unwrap();
    let mut walk = recovery::walk_last(&*storage, &survey, crate::storage::Access::Read).unwrap();
    let mut ends = vec![(walk.tail.offset, walk.tail.next - 1)];
    while walk.step().unwrap().is_some() {
        ends.push((walk.tail.offset, walk.tail.next - 1));
    }
    ends
}

#[test]
fn a_tail_torn_at_any_byte_leaves_exactly_the_frames_before_it() {
    let disk = SimulatedDisk::new();
    let mut workload = Workload::default();
    workload.run(&disk, false).unwrap();
    let image = disk.image().crash(&mut |_| 0);
    let frames = frames(&disk);
    assert!(frames.len() > 3);
    let end = frames.last().unwrap().0 as usize;
    let mut cases = 0;
    // The short form cuts the last frames, the long one the whole segment.
    let begin = if effort() > 1 { 512 } else { frames[frames.len() - 4].0 as usize };
    for at in begin..=end {
        for fill in [Fill::Short, Fill::Zeros, Fill::OldBytes, Fill::Random] {
            let torn = cut(&image, at, fill);
            let (_, whole) = *frames.iter().rfind(|(end, _)| *end <= at as u64).unwrap();
            let (contents, _) = check_reopens(&torn, whole, &workload.issued);
            assert_eq!(contents.events.len() as u64, whole, "cut at {at} with {fill:?}");
            cases += 1;
        }
    }
    println!("torn tails: {cases} cases, 0 failed");
}

#[test]
fn damage_to_what_a_later_frame_proves_durable_is_corrupt_and_nothing_is_changed() {
    let disk = SimulatedDisk::new();
    let (mut journal, _) = open(&disk).unwrap();
    let damaged = append(&mut journal, 2).unwrap().frame;
    journal.sync().unwrap();
    append(&mut journal, 1).unwrap();
    for at in damaged.offset() as usize..damaged.offset() as usize + damaged.bytes().len() {
        for byte in [0, 0xff] {
            let mut image = disk.image();
            let mut bytes = image.bytes(&segment_name(1)).unwrap();
            if std::mem::replace(&mut bytes[at], byte) == byte {
                continue;
            }
            image.put(&segment_name(1), &bytes);
            let disk = SimulatedDisk::from_image(image);
            let Err(JournalError::Corrupt { segment: 1, offset: 512, position, .. }) = open(&disk) else {
                panic!("byte {at} set to {byte}");
            };
            assert_eq!(position, Position::new(1));
            assert_eq!(disk.image().bytes(&segment_name(1)).unwrap(), bytes);
        }
    }
}

#[test]
fn durable_frames_wiped_with_zeros_are_corrupt_if_a_later_frame_proves_them() {
    let disk = SimulatedDisk::new();
    let (mut journal, _) = open(&disk).unwrap();
    let frame = append(&mut journal, 2).unwrap().frame;
    journal.sync().unwrap();
    append_checkpoint(&mut journal, Position::new(2)).unwrap();
    let mut image = disk.image();
    let mut bytes = image.bytes(&segment_name(1)).unwrap();
    bytes[512..512 + frame.bytes().len()].fill(0);
    image.put(&segment_name(1), &bytes);
    assert!(matches!(
        open(&SimulatedDisk::from_image(image)),
        Err(JournalError::Corrupt { offset: 512, .. })
    ));
}

#[test]
fn a_frame_missing_at_the_end_of_a_sealed_segment_is_found_by_its_readers() {
    let disk = SimulatedDisk::new();
    Workload::default().run(&disk, true).unwrap();
    let mut image = disk.image();
    let mut bytes = image.bytes(&segment_name(1)).unwrap();
    let seal = bytes.windows(4).rposition(|window| window == frame::MAGIC).unwrap();
    let last = bytes[..seal].windows(4).rposition(|window| window == frame::MAGIC).unwrap();
    bytes[last..].fill(0);
    image.put(&segment_name(1), &bytes);
    let (journal, _) = open(&SimulatedDisk::from_image(image)).unwrap();
    let error = read_all(&journal.reader()).unwrap_err();
    assert!(matches!(error, JournalError::Corrupt { segment: 1, offset, .. } if offset == last as u64));
    let report = journal.reader().verify(&mut |_| {}).unwrap();
    assert_eq!((report.problems.len(), report.problems[0].segment), (1, 2), "{report:?}");
}

/// Panics if the flip changes what is read without anything saying so.
fn check_flip(image: &Image, name: &str, bit: usize, expected: &Contents) {
    let mut flipped = image.clone();
    let mut bytes = flipped.bytes(name).unwrap();
    bytes[bit / 8] ^= 1 << (bit % 8);
    flipped.put(name, &bytes);
    let disk = SimulatedDisk::from_image(flipped);
    let Ok((journal, recovery)) = open(&disk) else { return };
    let report = journal.reader().verify(&mut |_| {}).unwrap();
    match read_all(&journal.reader()) {
        Err(_) => assert!(!report.is_intact(), "bit {bit} of {name} is not found by verify"),
        Ok(contents) => {
            assert_eq!(contents, *expected, "bit {bit} of {name}");
            let is_told = !report.is_intact() || recovery.cut.is_some();
            assert!(is_told, "bit {bit} of {name} is not found at all");
        }
    }
}

#[test]
fn no_flipped_bit_of_a_closed_journal_goes_unnoticed() {
    let disk = SimulatedDisk::new();
    Workload::default().run(&disk, true).unwrap();
    let image = disk.image();
    let (journal, _) = open(&disk).unwrap();
    let expected = read_all(&journal.reader()).unwrap();
    let names: Vec<String> = image.names().map(String::from).collect();
    assert!(names.len() >= 3);
    let mut cases = 0;
    for name in names {
        // Every bit takes seconds in a debug build; a stride of 7 meets every bit of some byte of every field.
        let stride = if effort() > 1 { 1 } else { 7 };
        for bit in (0..image.bytes(&name).unwrap().len() * 8).step_by(stride) {
            check_flip(&image, &name, bit, &expected);
            cases += 1;
        }
    }
    println!("bit flips: {cases} cases, 0 silent");
}

#[test]
fn verify_names_the_place_of_damage_and_goes_on_behind_it() {
    let disk = SimulatedDisk::new();
    Workload::default().run(&disk, true).unwrap();
    let mut image = disk.image();
    let mut bytes = image.bytes(&segment_name(1)).unwrap();
    bytes[600] ^= 1;
    image.put(&segment_name(1), &bytes);
    let (journal, _) = open(&SimulatedDisk::from_image(image)).unwrap();
    let mut progress = Vec::new();
    let report = journal.reader().verify(&mut |at| progress.push(at.segment)).unwrap();
    assert_eq!(report.problems.len(), 1, "{report:?}");
    assert_eq!((report.problems[0].segment, report.problems[0].offset), (1, 512));
    assert_eq!((report.last, report.segments as usize), (Position::new(26), progress.len()));
    assert!(report.events < 26 && report.events > 20, "{report:?}");
}

#[test]
fn an_edited_record_with_every_checksum_mended_still_breaks_the_chain() {
    let disk = SimulatedDisk::new();
    let (mut journal, _) = open(&disk).unwrap();
    let frame = append(&mut journal, 1).unwrap().frame;
    append(&mut journal, 1).unwrap();
    journal.sync().unwrap();
    let mut image = disk.image();
    let mut bytes = image.bytes(&segment_name(1)).unwrap();
    let mut edited = bytes[512..512 + frame.bytes().len()].to_vec();
    let header = frame::FrameHeader::decode(&edited, STORE.seeds().frame(1, 512)).unwrap();
    let mut forged = vec![0; 64];
    let numbers = Numbers { version: Version::new(1), ..Numbers::default() };
    let other = event(payload(1, 1).to_ascii_uppercase());
    record::EventRecord::new(&other, &numbers).put(&mut forged, 1, NOW, STORE.seeds());
    edited.copy_from_slice(&forged);
    frame::FrameHeader { chain: frame::chain_origin(STORE), ..header }
        .seal(&mut edited, STORE.seeds().frame(1, 512));
    bytes[512..512 + edited.len()].copy_from_slice(&edited);
    image.put(&segment_name(1), &bytes);
    let (journal, _) = open(&SimulatedDisk::from_image(image)).unwrap();
    let report = journal.reader().verify(&mut |_| {}).unwrap();
    assert!(report.problems.iter().any(|problem| problem.what.contains("chain")), "{report:?}");
}

#[test]
fn hostile_bytes_neither_panic_nor_allocate_nor_pass() {
    let disk = SimulatedDisk::new();
    Workload::default().run(&disk, true).unwrap();
    let image = disk.image();
    let mut seeded = Seeded::new(11);
    for _ in 0..1_000 * effort() {
        let name = segment_name(1 + seeded.choose(3) as u32);
        let mut bytes = image.bytes(&name).unwrap();
        // Lengths, counts and offsets of every size, where they hurt most.
        let at = 512 + seeded.choose(bytes.len() - 520);
        let value = [u64::MAX, u64::from(u32::MAX), 1 << 31, 0, 0x7fff_ffff_ffff_ff80][seeded.choose(5)];
        let width = [1, 4, 8][seeded.choose(3)];
        bytes[at..at + width].copy_from_slice(&value.to_le_bytes()[..width]);
        let mut hostile = image.clone();
        hostile.put(&name, &bytes);
        let Ok((journal, _)) = open(&SimulatedDisk::from_image(hostile)) else { continue };
        let _ = read_all(&journal.reader());
        let _ = journal.reader().verify(&mut |_| {}).unwrap();
    }
}

#[test]
fn records_of_hostile_lengths_are_refused_before_memory_is_taken() {
    for bytes in [&[0xff; 12][..], &[0xff, 0xff, 0xff, 0xff, 0x7f, 0, 0], &[0, 1, 2, 3]] {
        assert!(record::extent(bytes).is_err(), "{bytes:?}");
    }
    let huge = record::extent(&[0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0]).unwrap().unwrap();
    let place = record::Place { position: 1, seeds: STORE.seeds(), tag: STORE.tag(), checked: false };
    assert!(record::decode(&[0xff; 100], 0, huge, &place).is_err());
}

/// A journal of one durable batch and one that was never synced; where that begins, in the last segment.
fn with_an_unsynced_batch() -> (Image, usize) {
    let disk = SimulatedDisk::new();
    let (mut journal, _) = open(&disk).unwrap();
    append(&mut journal, 2).unwrap();
    journal.sync().unwrap();
    append(&mut journal, 3).unwrap();
    let ends = frames(&disk);
    (disk.image(), ends[ends.len() - 2].0 as usize)
}

#[test]
fn a_torn_frame_whose_header_is_damaged_too_tells_of_no_positions() {
    let (image, begin) = with_an_unsynced_batch();
    let name = image.names().last().unwrap().to_owned();
    let gap_of = |bit: Option<usize>| {
        let (mut torn, mut bytes) = (image.clone(), image.bytes(&name).unwrap());
        bytes[begin + frame::FRAME_HEADER_BYTES..].fill(0);
        bit.iter().for_each(|bit| bytes[begin + bit / 8] ^= 1 << (bit % 8));
        torn.put(&name, &bytes);
        open(&SimulatedDisk::from_image(torn)).unwrap().1.gap
    };
    assert_eq!(gap_of(None), Some(Position::new(3)..=Position::new(5)));
    (8 * 8..48 * 8).for_each(|bit| assert_eq!(gap_of(Some(bit)), None, "bit {bit}"));
}

#[test]
fn nothing_is_left_behind_a_tail_that_was_cut() {
    let (image, begin) = with_an_unsynced_batch();
    let disk = SimulatedDisk::from_image(cut(&image, begin, Fill::Random));
    let (journal, first) = open(&disk).unwrap();
    let (_, again) = open(&SimulatedDisk::from_image(disk.image())).unwrap();
    assert!(first.cut.is_some() && again.cut.is_none(), "{first:?} {again:?}");
    drop(journal);
}
