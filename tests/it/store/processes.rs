//! Two processes and one directory.

use super::child::Child;
use super::*;
use timberline::OpenError;

/// A second process that opens the directory for writing gets `Locked` at once; `open_read_only` works beside a writer and follows it.
#[test]
fn a_second_process_that_opens_the_directory_for_writing_gets_locked_at_once() {
    let dir = tempdir();
    let store = Store::open(small(dir.path())).unwrap();
    store.append(&at("tree"), &note(1)).unwrap();
    let before = snapshot(dir.path());
    let mut other = Child::new("open", dir.path());
    let refused = other.line_after("open:");
    assert!(refused.starts_with("Locked") && refused.contains(dir.path().to_str().unwrap()), "{refused}");
    assert!(other.wait().success());
    assert!(snapshot(dir.path()) == before, "the refused process changed something");
    store.append(&at("tree"), &note(2)).unwrap();
    store.close().unwrap();
    let mut other = Child::new("open", dir.path());
    assert_eq!(other.line_after("open:"), "yes");
    // The other way round, and within one process too.
    for _ in 0..2 {
        let refused = Store::open(small(dir.path())).unwrap_err();
        assert!(matches!(&refused, OpenError::Locked { path } if path == dir.path()), "{refused}");
    }
    // Who is killed holds nothing any more.
    other.kill();
    assert_eq!(check_whole(&Store::open(small(dir.path())).unwrap()).len(), 2);
}

#[test]
fn a_second_store_in_one_process_gets_locked_until_the_first_is_closed_or_dropped() {
    let dir = tempdir();
    let first = Store::open(small(dir.path())).unwrap();
    assert!(matches!(Store::open(small(dir.path())), Err(OpenError::Locked { .. })));
    first.close().unwrap();
    let second = Store::open(small(dir.path())).unwrap();
    assert!(matches!(Store::open(small(dir.path())), Err(OpenError::Locked { .. })));
    drop(second);
    drop(first);
    Store::open(small(dir.path())).unwrap();
}

/// A second process that opens the directory for writing gets `Locked` at once; `open_read_only` works beside a writer and follows it.
#[test]
fn open_read_only_works_beside_a_writer_and_follows_it() {
    let dir = tempdir();
    let mut writer = Child::new("write", dir.path());
    writer.line_after("opened");
    let reader = Store::open_read_only(dir.path()).unwrap();
    assert_eq!(reader.written(), Position::START);
    let mut total = 0;
    // Across segments, one event at a time and many.
    for more in [1, 1, 5, 400, 1, 3_000, 2] {
        writer.tell(&more.to_string());
        let written: u64 = writer.line_after("written").parse().unwrap();
        total += more;
        assert_eq!(written, total);
        assert_eq!(reader.written(), Position::new(total - more), "it stands still until it is refreshed");
        assert_eq!(reader.refresh().unwrap(), Position::new(total));
        let events: Vec<_> = reader.read(&Region::all()).collect::<Result<_, _>>().unwrap();
        assert_eq!(events.iter().map(number).collect::<Vec<_>>(), (0..total).collect::<Vec<_>>());
        assert_eq!(reader.get(events[0].id()).unwrap().as_ref(), Some(&events[0]));
        assert_eq!(reader.entity("tree-3").map(|event| number(&event.unwrap()) % 7).max().unwrap_or(3), 3);
        assert!(reader.verify().unwrap().is_intact());
        assert_eq!(reader.stats().events, total);
    }
    assert!(reader.stats().segments > 3, "segments were rolled under the reader");
    // A reader that comes later sees the same, and so does one that stays when the writer is killed.
    assert_eq!(Store::open_read_only(dir.path()).unwrap().written(), Position::new(total));
    writer.kill();
    assert_eq!(reader.refresh().unwrap(), Position::new(total));
    // The next writer cuts nothing that was acknowledged; the reader follows it too.
    let store = Store::open(small(dir.path())).unwrap();
    store.append(&at("tree-0"), &note(total)).unwrap();
    assert_eq!(reader.refresh().unwrap(), Position::new(total + 1));
    check_whole(&store);
}

#[test]
fn a_store_opened_read_only_writes_nothing() {
    let dir = tempdir();
    let store = Store::open(small(dir.path())).unwrap();
    (0..500).for_each(|n| {
        store.append_with(&at("tree"), &note(n), buffered()).unwrap();
    });
    store.close().unwrap();
    std::fs::remove_file(dir.path().join("store.lock")).ok();
    let before = snapshot(dir.path());
    let reader = Store::open_read_only(dir.path()).unwrap();
    assert_eq!(reader.read(&Region::all()).count(), 500);
    assert_eq!(reader.last_version("tree"), Version::new(500));
    assert!(reader.verify().unwrap().is_intact());
    drop(reader);
    assert!(snapshot(dir.path()) == before && !dir.path().join("store.lock").exists());
}

#[test]
fn a_closed_store_is_free_at_once_even_while_the_program_starts_other_processes() {
    let dir = tempdir();
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !done.load(std::sync::atomic::Ordering::Acquire) {
                    assert!(std::process::Command::new("true").status().unwrap().success());
                }
            });
        }
        // Between its fork and its exec a new process shares every open file of this one.
        let opened =
            (0..200).try_for_each(|_| Store::open(small(dir.path())).map(|store| drop(store.close())));
        done.store(true, std::sync::atomic::Ordering::Release);
        opened.unwrap();
    });
}
