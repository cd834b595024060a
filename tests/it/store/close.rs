//! Closing: every thread is waited for, what was wrong is said, and afterwards every call is `Closed`.

use super::child::{Child, say};
use super::*;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};
use timberline::storage::OperationKind;
use timberline::storage::simulated::Fault;
use timberline::{
    AppendError, CheckpointId, CloseError, CursorWorkerAction, CursorWorkerConfig, CursorWorkerError,
    EventId, ReadError, Retry,
};

/// `close` returns after every thread is joined, and says what was still wrong.
#[test]
fn close_returns_after_every_thread_is_joined() {
    let dir = tempdir();
    // In a process of its own, where no other test has threads.
    let mut child = Child::new("count-threads", dir.path());
    assert_eq!(child.line_after("threads that were left:"), "0");
    assert!(child.wait().success());
}

/// What the child does: opens, works, closes, and counts its threads.
pub(super) fn count_threads(dir: &Path) {
    let threads = || fs::read_dir("/proc/self/task").map_or(1, Iterator::count);
    let before = threads();
    let store = Store::open(small(dir)).unwrap();
    let workers: Vec<_> = (0..5).map(|n| worker(&store, &format!("worker-{n}"))).collect();
    (0..200).for_each(|n| drop(store.submit(&at("tree"), &note(n)).unwrap()));
    store.flush().unwrap();
    assert!(threads() > before || !Path::new("/proc/self/task").exists());
    assert!(store.close().unwrap().is_clean());
    // The kernel may still list a thread that was joined just now.
    let begin = Instant::now();
    while threads() > before && begin.elapsed() < Duration::from_secs(10) {
        thread::yield_now();
    }
    say(format_args!("threads that were left: {}", threads() - before));
    drop(workers);
}

fn worker(store: &Store, id: &str) -> timberline::CursorWorkerHandle {
    let config = CursorWorkerConfig::default().checkpoint(CheckpointId::new(id).unwrap());
    store.cursor_worker(&Region::all(), config, |_, _| CursorWorkerAction::Continue).unwrap()
}

/// A worker whose handler says that it was entered and then waits to be let go.
fn held(
    store: &Store,
    config: CursorWorkerConfig,
) -> (timberline::CursorWorkerHandle, mpsc::Sender<()>, Arc<AtomicBool>) {
    let (enter, entered) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let returned = Arc::new(AtomicBool::new(false));
    let worker = store
        .cursor_worker(&Region::all(), config, {
            let returned = Arc::clone(&returned);
            move |_, _| {
                enter.send(()).unwrap();
                released.recv().ok();
                returned.store(true, Ordering::Release);
                CursorWorkerAction::Continue
            }
        })
        .unwrap();
    entered.recv().unwrap();
    (worker, release, returned)
}

/// `close` returns after every thread is joined, and says what was still wrong.
#[test]
fn close_waits_for_the_batch_in_hand() {
    let dir = tempdir();
    let store = Store::open(small(dir.path())).unwrap();
    store.append(&at("tree"), &note(1)).unwrap();
    let (worker, release, returned) = held(&store, CursorWorkerConfig::default());
    thread::scope(|scope| {
        let closing = scope.spawn(|| {
            let report = store.close().unwrap();
            (report.is_clean(), returned.load(Ordering::Acquire))
        });
        release.send(()).unwrap();
        assert_eq!(closing.join().unwrap(), (true, true));
    });
    worker.join().unwrap();
}

/// `close` returns after every thread is joined, and says what was still wrong.
#[test]
fn close_names_the_handler_that_did_not_return_by_its_deadline() {
    let dir = tempdir();
    let store = Store::open(small(dir.path())).unwrap();
    store.append(&at("tree"), &note(1)).unwrap();
    let config = CursorWorkerConfig::default().name("sleeper").shutdown_deadline(Duration::from_millis(20));
    let config = config.restart(timberline::RestartPolicy::Once);
    let (worker, release, returned) = held(&store, config);
    let healthy = self::worker(&store, "healthy");
    let report = store.close().unwrap();
    assert!(!report.is_clean() && report.to_string().contains("sleeper"), "{report}");
    assert!(!returned.load(Ordering::Acquire));
    assert!(matches!(worker.join(), Err(CursorWorkerError::Abandoned)));
    healthy.join().unwrap();
    drop(release);
    // The rest was brought to the disk all the same, and the directory is free again.
    assert_eq!(check_whole(&Store::open(small(dir.path())).unwrap()).len(), 1);
}

/// `close` returns after every thread is joined, and says what was still wrong.
#[test]
fn close_says_that_the_last_sync_failed() {
    let disk = SimulatedDisk::new();
    let store = on_disk(&disk).open().unwrap();
    store.append_with(&at("tree"), &note(1), buffered()).unwrap();
    disk.set_hook(|operation| (operation.kind == OperationKind::Sync).then_some(Fault::Io));
    let Err(CloseError::Failed { reason, .. }) = store.close() else { panic!("a failed sync was not told") };
    assert!(reason.contains("sync"), "{reason}");
    assert!(matches!(store.close(), Err(CloseError::Closed)));
}

/// `close` returns after every thread is joined, and says what was still wrong.
#[test]
fn after_a_failed_sync_callers_are_told_the_truth_and_close_gives_the_reason() {
    let disk = SimulatedDisk::new();
    let store = on_disk(&disk).open().unwrap();
    let safe = store.append(&at("tree"), &note(1)).unwrap();
    let worker = worker(&store, "worker");
    // Its checkpoint is on the disk, so that the append is the first to meet the failed sync.
    while worker.status().position < safe.position {
        thread::yield_now();
    }
    disk.set_hook(|operation| (operation.kind == OperationKind::Sync).then_some(Fault::Io));
    let unknown = store.append(&at("tree"), &note(2)).unwrap_err();
    assert!(matches!(unknown, AppendError::Indeterminate { .. }), "{unknown:?}");
    assert_eq!(unknown.retry(), Retry::Unknown);
    disk.heal();
    for _ in 0..3 {
        let refused = store.append(&at("tree"), &note(3)).unwrap_err();
        assert!(matches!(refused, AppendError::Poisoned { .. }), "{refused:?}");
        assert_eq!(refused.retry(), Retry::Reopen);
    }
    assert_eq!(number(&check_receipt(&store, &safe)), 1, "reads of what is durable go on");
    match worker.join() {
        // Which of the two depends on whether it had its checkpoint under way.
        Err(
            CursorWorkerError::Failed { reason } | CursorWorkerError::CheckpointFailed { cause: reason, .. },
        ) => {
            assert!(reason.contains("sync"), "{reason}");
        }
        other => panic!("a worker of a failed store ended with {other:?}"),
    }
    let Err(CloseError::Failed { reason, .. }) = store.close() else { panic!("a failed store closed well") };
    assert!(reason.contains("sync"), "{reason}");
    // What was written and not proven is written again before it counts.
    let reopened = on_disk(&disk).open().unwrap();
    assert!(numbers(&reopened).starts_with(&[1]));
    check_whole(&reopened);
    reopened.append(&at("tree"), &note(4)).unwrap();
}

/// After it every call is `Closed`.
#[test]
fn after_close_every_call_is_closed() {
    let dir = tempdir();
    let store = Store::open(small(dir.path())).unwrap();
    let id = store.append(&at("tree"), &note(1)).unwrap().id;
    assert!(store.close().unwrap().is_clean());
    type Append<'a> = Box<dyn Fn() -> Result<(), AppendError> + 'a>;
    let appends: Vec<Append<'_>> = vec![
        Box::new(|| store.append(&at("tree"), &note(2)).map(drop)),
        Box::new(|| store.append_with(&at("tree"), &note(2), buffered()).map(drop)),
        Box::new(|| store.append_event(new_note("tree", 2)).map(drop)),
        Box::new(|| store.append_batch(vec![new_note("tree", 2)]).map(drop)),
        Box::new(|| store.submit(&at("tree"), &note(2)).and_then(|ticket| ticket.wait()).map(drop)),
        Box::new(|| store.try_submit(&at("tree"), &note(2)).and_then(|ticket| ticket.wait()).map(drop)),
        Box::new(|| store.submit_event(new_note("tree", 2)).and_then(|ticket| ticket.wait()).map(drop)),
        Box::new(|| store.submit_batch(vec![new_note("tree", 2)]).and_then(|ticket| ticket.wait()).map(drop)),
        Box::new(|| store.flush().map(drop)),
    ];
    for (call, append) in appends.iter().enumerate() {
        let answer = append();
        assert!(matches!(answer, Err(AppendError::Closed)), "append {call}: {answer:?}");
    }
    type Read<'a> = Box<dyn Fn() -> Result<(), ReadError> + 'a>;
    let first = |reader: timberline::Reader| reader.map(|event| event.map(drop)).next().unwrap();
    let reads: Vec<Read<'_>> = vec![
        Box::new(|| store.get(id).map(drop)),
        Box::new(|| store.get(EventId::from_u128(0)).map(drop)),
        Box::new(|| first(store.read(&Region::all()))),
        Box::new(|| first(store.entity("tree"))),
        Box::new(|| store.causes(id, 1).map(drop)),
        Box::new(|| store.effects(id, 1).map(drop)),
        Box::new(|| store.verify().map(drop)),
    ];
    for (call, read) in reads.iter().enumerate() {
        let answer = read();
        assert!(matches!(answer, Err(ReadError::Closed)), "read {call}: {answer:?}");
    }
    let config = || CursorWorkerConfig::default();
    let stop = |_: &timberline::Batch, _: &mut timberline::HandlerContext| CursorWorkerAction::Stop;
    assert!(matches!(store.cursor_worker(&Region::all(), config(), stop), Err(CursorWorkerError::Closed)));
    let named = config().checkpoint(CheckpointId::new("a").unwrap());
    assert!(matches!(store.cursor_worker(&Region::all(), named, stop), Err(CursorWorkerError::Closed)));
    assert!(matches!(store.close(), Err(CloseError::Closed)));
}

#[test]
fn a_call_that_is_under_way_when_the_store_is_closed_is_answered() {
    let dir = tempdir();
    for _ in 0..20 {
        let store = Store::open(small(dir.path())).unwrap();
        let before = store.written().get();
        let stored = thread::scope(|scope| {
            let append = || {
                let mut stored = 0;
                loop {
                    match store.append_with(&at("tree"), &note(0), buffered()) {
                        Ok(_) => stored += 1,
                        Err(AppendError::Closed | AppendError::Indeterminate { .. }) => return stored,
                        Err(other) => panic!("{other:?}"),
                    }
                }
            };
            let threads = [scope.spawn(append), scope.spawn(append)];
            store.close().unwrap();
            threads.map(|thread| thread.join().unwrap()).iter().sum::<u64>()
        });
        let store = Store::open(small(dir.path())).unwrap();
        assert!(check_whole(&store).len() as u64 >= before + stored, "an acknowledged event is lost");
    }
}

#[test]
fn a_handler_that_closes_its_own_store_is_refused() {
    let dir = tempdir();
    let store = Arc::new(Store::open(small(dir.path())).unwrap());
    let (sender, answer) = mpsc::channel();
    let worker = store
        .cursor_worker(&Region::all(), CursorWorkerConfig::default(), {
            let store = Arc::clone(&store);
            move |_, _| {
                sender.send(store.close().map(drop)).unwrap();
                CursorWorkerAction::Stop
            }
        })
        .unwrap();
    store.append(&at("tree"), &note(1)).unwrap();
    assert!(matches!(answer.recv().unwrap(), Err(CloseError::WouldDeadlock)));
    worker.join().unwrap();
    assert!(store.close().unwrap().is_clean());
}

#[test]
fn a_store_that_is_dropped_is_closed() {
    let dir = tempdir();
    for n in 0..3 {
        let store = Store::open(small(dir.path())).unwrap();
        store.append_with(&at("tree"), &note(n), buffered()).unwrap();
        assert!(n == 0 || store.recovery().unwrap().closed, "the one before was closed in good order");
        drop(store);
    }
    assert_eq!(check_whole(&Store::open(small(dir.path())).unwrap()).len(), 3);
}
