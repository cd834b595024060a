//! Directories that are not as a store left them: every one is refused with a typed error that says which file and
//! where, and nothing on the disk is changed.

use super::*;
use timberline::{OpenError, ReadError};

/// Damages a filled store; both ways to open it must say what is expected, and change nothing.
#[track_caller]
fn check(damage: impl Fn(&Path), expected: impl Fn(&OpenError) -> bool) {
    let dir = tempdir();
    filled(dir.path());
    damage(dir.path());
    let before = snapshot(dir.path());
    match Store::open(small(dir.path())) {
        Err(refused) => assert!(expected(&refused), "{refused:?}"),
        Ok(store) => panic!("opened with {} events", everything(&store).len()),
    }
    assert!(snapshot(dir.path()) == before, "opening changed something");
    match Store::open_read_only(dir.path()) {
        Err(refused) => assert!(expected(&refused), "read-only: {refused:?}"),
        Ok(store) => panic!("opened read-only with {} events", store.stats().events),
    }
    assert!(snapshot(dir.path()) == before, "opening read-only changed something");
}

/// Damages what stands inside a segment, behind its header. Opening costs the same at any size, so it need not look there:
/// it refuses as expected, or whoever reads is told, and `verify` names the segment. No segment is changed.
#[track_caller]
fn check_inside(number: u32, damage: impl Fn(&Path), expected: impl Fn(&OpenError) -> bool) {
    let dir = tempdir();
    filled(dir.path());
    let whole = everything(&Store::open(small(dir.path())).unwrap());
    damage(dir.path());
    let segments =
        |dir: &Path| (1..=3).map(|number| fs::read(dir.join(segment(number))).unwrap()).collect::<Vec<_>>();
    let before = segments(dir.path());
    match Store::open_read_only(dir.path()) {
        Err(refused) => assert!(expected(&refused), "read-only: {refused:?}"),
        Ok(store) => check_told(number, store.read(&Region::all()), store.verify().unwrap(), &whole),
    }
    match Store::open(small(dir.path())) {
        Err(refused) => assert!(expected(&refused), "{refused:?}"),
        Ok(store) => check_told(number, store.read(&Region::all()), store.verify().unwrap(), &whole),
    }
    assert!(segments(dir.path()) == before, "a segment was changed");
}

/// Every event that is read is as it was, or the read says what is damaged; `verify` finds it in any case.
#[track_caller]
fn check_told(
    number: u32,
    reader: timberline::Reader,
    report: timberline::VerifyReport,
    whole: &[StoredEvent],
) {
    let problems = &report.problems;
    assert!(problems.iter().any(|problem| problem.segment == number), "verify finds {problems:?}");
    for (event, expected) in reader.zip(whole) {
        match event {
            Ok(event) => assert_eq!(&event, expected),
            Err(ReadError::Corrupt { source, .. }) => {
                return assert!(source.to_string().contains(&segment(number)), "{source}");
            }
            Err(other) => panic!("{other:?}"),
        }
    }
}

fn is(path: &Path, number: u32) -> bool {
    path.file_name().unwrap().to_str().unwrap() == segment(number)
}

/// Changes one byte of a segment.
fn flip(dir: &Path, number: u32, offset: usize) {
    let path = dir.join(segment(number));
    let mut bytes = fs::read(&path).unwrap();
    bytes[offset] ^= 0x10;
    fs::write(path, bytes).unwrap();
}

fn bytes_of(dir: &Path, number: u32) -> usize {
    fs::metadata(dir.join(segment(number))).unwrap().len() as usize
}

/// The directory of another format version, of another store, with a foreign, missing, duplicated or damaged segment: a typed error that says which file and where; nothing changed on disk.
#[test]
fn the_directory_of_another_format_version_a_typed_error_that_says_which_file_nothing_changed_on_disk() {
    for number in 1..=3 {
        let version = |dir: &Path| {
            let path = dir.join(segment(number));
            let mut bytes = fs::read(&path).unwrap();
            bytes[8..12].copy_from_slice(&99u32.to_le_bytes());
            fs::write(path, bytes).unwrap();
        };
        check(
            version,
            |refused| matches!(refused, OpenError::Format { path, found: 99, known } if is(path, number) && *known != 99),
        );
    }
}

/// The directory of another format version, of another store, with a foreign, missing, duplicated or damaged segment: a typed error that says which file and where; nothing changed on disk.
#[test]
fn a_directory_with_a_segment_of_another_store_a_typed_error_that_says_which_file_nothing_changed_on_disk() {
    let other = tempdir();
    fill(other.path());
    for number in 1..=3 {
        let swap = |dir: &Path| {
            fs::copy(other.path().join(segment(number)), dir.join(segment(number))).unwrap();
        };
        // Of two stores the first segment's decides which one it is.
        let named = number.max(2);
        check(swap, |refused| matches!(refused, OpenError::Foreign { path, .. } if is(path, named)));
    }
    let added = |dir: &Path| {
        let next = (1..).find(|number| !dir.join(segment(*number)).exists()).unwrap();
        fs::copy(other.path().join(segment(1)), dir.join(segment(next))).unwrap();
    };
    check(added, |refused| matches!(refused, OpenError::Foreign { .. }));
}

/// The directory of another format version, of another store, with a foreign, missing, duplicated or damaged segment: a typed error that says which file and where; nothing changed on disk.
#[test]
fn a_directory_with_a_foreign_segment_a_typed_error_that_says_which_file_nothing_changed_on_disk() {
    type Content = fn(usize) -> Vec<u8>;
    let contents: [(&str, Content); 5] = [
        ("nothing", |_| Vec::new()),
        ("zeros", |length| vec![0; length]),
        ("text", |_| b"shopping list: milk, bread".to_vec()),
        ("noise", |length| (0..length as u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect()),
        ("half a header", |_| b"TIMBRSEG\x01\0\0\0".to_vec()),
    ];
    for (what, content) in contents {
        for number in 1..=3 {
            let replace =
                |dir: &Path| fs::write(dir.join(segment(number)), content(bytes_of(dir, number))).unwrap();
            check(replace, |refused| match refused {
                OpenError::Corrupt { path, offset: 0, .. } | OpenError::Foreign { path, .. } => {
                    is(path, number)
                }
                other => panic!("{what} in segment {number}: {other:?}"),
            });
        }
    }
}

/// The directory of another format version, of another store, with a foreign, missing, duplicated or damaged segment: a typed error that says which file and where; nothing changed on disk.
#[test]
fn a_directory_with_a_missing_segment_a_typed_error_that_says_which_file_nothing_changed_on_disk() {
    for number in 1..=2 {
        let remove = |dir: &Path| fs::remove_file(dir.join(segment(number))).unwrap();
        check(remove, |refused| matches!(refused, OpenError::Missing { path } if is(path, number)));
    }
    let remove_last = |dir: &Path| {
        let last = (1..).take_while(|number| dir.join(segment(*number)).exists()).last().unwrap();
        fs::remove_file(dir.join(segment(last))).unwrap();
    };
    check(remove_last, |refused| matches!(refused, OpenError::Missing { .. }));
}

/// The directory of another format version, of another store, with a foreign, missing, duplicated or damaged segment: a typed error that says which file and where; nothing changed on disk.
#[test]
fn a_directory_with_a_duplicated_segment_a_typed_error_that_says_which_file_nothing_changed_on_disk() {
    let copies: [(u32, u32); 4] = [(1, 2), (2, 1), (3, 2), (1, 3)];
    for (from, to) in copies {
        let copy = |dir: &Path| {
            fs::copy(dir.join(segment(from)), dir.join(segment(to))).unwrap();
        };
        check(copy, |refused| matches!(refused, OpenError::Foreign { path, .. } if is(path, to)));
    }
    let behind = |dir: &Path| {
        let next = (1..).find(|number| !dir.join(segment(*number)).exists()).unwrap();
        fs::copy(dir.join(segment(next - 1)), dir.join(segment(next))).unwrap();
    };
    check(behind, |refused| matches!(refused, OpenError::Foreign { .. }));
}

/// The directory of another format version, of another store, with a foreign, missing, duplicated or damaged segment: a typed error that says which file and where; nothing changed on disk.
#[test]
fn a_directory_with_a_damaged_segment_a_typed_error_that_says_which_file_and_where_nothing_changed_on_disk() {
    for number in 1..=3 {
        // In the header, in the first frame, in the middle, near the end.
        for place in [9.0 / 1e6, 0.0, 0.5, 0.8] {
            let offset_in = |dir: &Path| match place {
                0.0 => 600,
                place => (place * bytes_of(dir, number) as f64) as usize + 20,
            };
            let mut at_most = 0;
            let dir = tempdir();
            filled(dir.path());
            at_most += offset_in(dir.path());
            let damage = |dir: &Path| flip(dir, number, offset_in(dir));
            let expected = |refused: &OpenError| match refused {
                OpenError::Corrupt { path, offset, position } => {
                    assert!(*offset as usize <= at_most + 64, "at byte {at_most}, told of byte {offset}");
                    assert!(*offset < 512 || *position > Position::START);
                    is(path, number)
                }
                // A damaged header may tell of another store or another number.
                OpenError::Foreign { path, .. } => at_most < 512 && is(path, number),
                other => panic!("byte {at_most} of segment {number}: {other:?}"),
            };
            // What is wrong in a header is met by opening.
            if at_most < 512 { check(damage, expected) } else { check_inside(number, damage, expected) }
        }
    }
}

/// The directory of another format version, of another store, with a foreign, missing, duplicated or damaged segment: a typed error that says which file and where; nothing changed on disk.
#[test]
fn a_directory_with_a_segment_that_was_cut_short_a_typed_error_that_says_which_file_and_where_nothing_changed_on_disk()
 {
    for number in 1..=2 {
        for part in [0, 100, 512, 30_000] {
            let cut = |dir: &Path| {
                let file = fs::OpenOptions::new().write(true).open(dir.join(segment(number))).unwrap();
                file.set_len(part).unwrap();
            };
            check(cut, |refused| matches!(refused, OpenError::Corrupt { path, .. } if is(path, number)));
        }
    }
}

#[test]
fn no_single_byte_of_a_closed_store_can_be_changed_without_being_noticed() {
    let dir = tempdir();
    let store = Store::open(small(dir.path())).unwrap();
    for n in 0..6 {
        store.append_batch(vec![new_note("a", n), new_note("b", n)]).unwrap();
    }
    let events = everything(&store);
    store.close().unwrap();
    let whole = fs::read(dir.path().join(segment(1))).unwrap();
    let mut told = BTreeMap::new();
    for offset in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[offset] ^= 1 << (offset % 8);
        let mut image = timberline::storage::simulated::Image::default();
        image.put(&segment(1), &bytes);
        let answer = match on_disk(&SimulatedDisk::from_image(image)).open() {
            // What an event says is never changed: here it was a checksum, the chain, or the proof of the close.
            Ok(store) => {
                assert_eq!(everything(&store), events, "byte {offset}");
                match store.verify().unwrap().problems.first() {
                    Some(problem) => {
                        assert!(problem.offset as usize <= offset, "byte {offset}: {problem:?}");
                        "told by verify"
                    }
                    None => "the proof of the close was lost",
                }
            }
            Err(OpenError::Corrupt { offset: at, .. }) => {
                assert!(at as usize <= offset, "byte {offset}, told of {at}");
                "refused as corrupt"
            }
            Err(OpenError::Format { .. }) => "refused as another format",
            Err(other) => panic!("byte {offset}: {other:?}"),
        };
        *told.entry(answer).or_insert(0) += 1;
    }
    eprintln!("{} bytes: {told:?}", whole.len());
    assert_eq!(told["refused as another format"], 4);
    assert!(told["the proof of the close was lost"] <= 64);
    assert!(told["told by verify"] <= 6 * 64, "only frame headers may be told by verify alone");
}

/// The directory of another format version, of another store, with a foreign, missing, duplicated or damaged segment: a typed error that says which file and where; nothing changed on disk.
#[test]
fn what_a_crashed_store_proved_to_be_durable_is_never_cut_when_it_is_damaged() {
    let disk = SimulatedDisk::new();
    let store = on_disk(&disk).open().unwrap();
    let used = || disk.image().bytes(&segment(1)).unwrap().iter().rposition(|byte| *byte != 0).unwrap() + 1;
    for n in 0..5 {
        store.append(&at("tree"), &note(n)).unwrap();
    }
    // The next frame proves all before it, and nothing proves the next frame.
    let proven = used();
    store.append(&at("tree"), &note(5)).unwrap();
    let (crashed, end) = (disk.image(), used());
    drop(store);
    for offset in (512..end).step_by(3) {
        let mut bytes = crashed.bytes(&segment(1)).unwrap();
        bytes[offset] ^= 1 << (offset % 8);
        let mut image = crashed.clone();
        image.delete(&segment(1));
        image.put(&segment(1), &bytes);
        let disk = SimulatedDisk::from_image(image);
        match on_disk(&disk).open() {
            Ok(store) => {
                assert!(offset >= proven - 8, "durable events were cut at byte {offset} of {proven}");
                assert_eq!(numbers(&store), [0, 1, 2, 3, 4], "the frame in which byte {offset} is was cut");
                check_whole(&store);
            }
            Err(OpenError::Corrupt { offset: at, position, .. }) => {
                assert!(at as usize <= offset && offset < proven, "byte {offset}, told of {at}");
                assert!((1..=5).contains(&position.get()));
                assert!(disk.image().bytes(&segment(1)).unwrap() == bytes, "opening changed something");
            }
            Err(other) => panic!("byte {offset}: {other:?}"),
        }
    }
}

#[test]
fn damage_under_an_open_store_is_told_by_the_read_that_meets_it_and_by_verify_and_the_rest_is_read() {
    let dir = tempdir();
    let events = filled(dir.path());
    let store = Store::open(small(dir.path())).unwrap();
    let before = everything(&store);
    flip(dir.path(), 1, 20_000);
    let damaged: Vec<_> = before.iter().filter(|event| store.get(event.id()).is_err()).collect();
    assert!(!damaged.is_empty() && damaged.len() <= 2, "{} of {events} cannot be read", damaged.len());
    let position = damaged[0].position();
    let answer = store.get(damaged[0].id());
    assert!(matches!(answer, Err(ReadError::Corrupt { position: at, .. }) if at == position), "{answer:?}");
    let read: Vec<_> = store.read(&Region::all()).collect();
    assert!(matches!(read.last(), Some(Err(ReadError::Corrupt { .. }))), "a reader ends with the error");
    let report = store.verify().unwrap();
    assert!(!report.is_intact() && report.problems[0].segment == 1, "{:?}", report.problems);
    assert!(report.problems[0].offset <= 20_000 && report.problems[0].position <= position);
    let newest = store.append(&at("tree"), &note(1)).unwrap();
    check_receipt(&store, &newest);
    flip(dir.path(), 1, 20_000);
    check_whole(&store);
}
