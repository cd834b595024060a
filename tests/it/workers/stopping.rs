//! Stop, drop, join and close; and what an idle worker costs.

use super::support::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use timberline::{Config, CursorWorkerAction, CursorWorkerError, Store};

/// `stop` on an idle worker returns in well under 10 ms; on a busy one after the batch in hand, which is committed if the handler says `Continue`.
#[test]
fn stop_on_an_idle_worker_returns_in_well_under_10_ms() {
    let (_dir, store) = store_with(1);
    let mut took: Vec<Duration> = (0..31)
        .map(|round| {
            let (tell, seen) = seen();
            let config =
                if round % 2 == 0 { one_by_one() } else { one_by_one().checkpoint(id(&format!("w{round}"))) };
            let worker = store.cursor_worker(&steps(), config, telling(tell)).unwrap();
            seen.next();
            let began = Instant::now();
            worker.stop_and_join().unwrap();
            began.elapsed()
        })
        .collect();
    took.sort();
    assert!(took[took.len() / 2] < Duration::from_millis(10), "half of them took longer: {took:?}");
}

/// Stops a worker that has the first of two batches in hand, for which its handler then says `answer`.
#[track_caller]
fn check_busy(answer: CursorWorkerAction, rolls_back: bool, next: u64) {
    let (_dir, store) = store_with(4);
    let (tell, seen) = seen();
    let (release, held) = super::support::seen::<()>();
    let worker = store
        .cursor_worker(&steps(), one_by_one().batch_size(2).checkpoint(id("walker")), move |batch, _| {
            tell.send(numbers(batch)).unwrap();
            held.next();
            answer
        })
        .unwrap();
    assert_eq!(seen.next(), [1, 2]);
    worker.stop();
    release.send(()).unwrap();
    match joined(worker) {
        Ok(()) => assert!(!rolls_back, "{answer:?}"),
        Err(CursorWorkerError::RolledBack { .. }) => assert!(rolls_back, "{answer:?}"),
        Err(other) => panic!("{answer:?}: {other:?}"),
    }
    assert_eq!(seen.rest(), Vec::<Vec<u64>>::new(), "{answer:?}: no batch after the one in hand");
    assert_eq!(next_of(&store, "walker"), next, "{answer:?}");
}

/// `stop` on an idle worker returns in well under 10 ms; on a busy one after the batch in hand, which is committed if the handler says `Continue`.
#[test]
fn stop_on_a_busy_worker_returns_after_the_batch_in_hand_which_is_committed_if_the_handler_says_continue() {
    check_busy(Continue, false, 3);
    check_busy(Stop, false, 3);
    check_busy(StopWithRollback, true, 1);
}

/// Dropping the handle stops the worker; `store.close()` still joins it. `join` waits without stopping; `stop_and_join` does both.
#[test]
fn dropping_the_handle_stops_the_worker_and_close_still_joins_it() {
    let (_dir, store) = store_with(3);
    let (tell, seen) = seen();
    let (release, held) = super::support::seen::<()>();
    let done = Arc::new(AtomicBool::new(false));
    let is_done = Arc::clone(&done);
    let worker = store
        .cursor_worker(&steps(), one_by_one().name("dropped"), move |batch, _| {
            tell.send(numbers(batch)[0]).unwrap();
            held.next();
            is_done.store(true, Ordering::SeqCst);
            Continue
        })
        .unwrap();
    assert_eq!(seen.next(), 1);
    drop(worker);
    assert!(!done.load(Ordering::SeqCst), "the drop does not wait for the batch");

    let closing = Arc::clone(&store);
    let closer = std::thread::spawn(move || closing.close());
    release.send(()).unwrap();
    let report = within("close", || closer.join().unwrap()).unwrap();
    assert!(done.load(Ordering::SeqCst), "close did not wait for the handler");
    assert!(report.is_clean(), "{report}");
    assert_eq!(seen.rest(), Vec::<u64>::new(), "nothing is handed out after the drop");
}

#[test]
fn dropping_the_handle_of_an_idle_worker_ends_it_while_the_store_goes_on() {
    let (_dir, store) = store_with(1);
    let (tell, seen) = seen();
    let worker = store.cursor_worker(&steps(), one_by_one().name("dropped"), telling(tell)).unwrap();
    seen.next();
    drop(worker);
    // The handler, and with it the sender, is dropped when the worker has ended.
    until("the worker ends", || !store.tree().to_string().contains("dropped") || is_ended(&store));
    append(&store, [2]);
    assert_eq!(first_steps(&store, one_by_one(), 2), [1, 2]);
    assert_eq!(seen.rest(), Vec::<Vec<u64>>::new());
}

fn is_ended(store: &Store) -> bool {
    let tree = store.tree().to_string();
    tree.lines().any(|line| line.contains("dropped") && line.to_lowercase().contains("stopped"))
}

/// Dropping the handle stops the worker; `store.close()` still joins it. `join` waits without stopping; `stop_and_join` does both.
#[test]
fn join_waits_without_stopping_and_stop_and_join_does_both() {
    let (_dir, store) = store_with(1);
    let (tell, seen) = seen();
    let worker = store
        .cursor_worker(&steps(), one_by_one(), move |batch, _| {
            tell.send(numbers(batch)[0]).unwrap();
            if numbers(batch) == [50] { Stop } else { Continue }
        })
        .unwrap();
    let joiner = std::thread::spawn(move || worker.join());
    append(&store, 2..=49);
    assert_eq!(seen.take(49), (1..=49).collect::<Vec<_>>());
    assert!(!joiner.is_finished(), "join waits");
    append(&store, [50]);
    within("join", || joiner.join().unwrap()).unwrap();

    let (tell, seen) = super::support::seen();
    let worker = store.cursor_worker(&steps(), one_by_one(), telling(tell)).unwrap();
    seen.next();
    joined_after_stop(worker).unwrap();
}

#[test]
fn the_handle_of_a_worker_that_has_ended_is_no_danger_to_the_next_one_of_its_name() {
    let (_dir, store) = store_with(1);
    let config = || one_by_one().name("heir").checkpoint(id("heir"));
    for stops_itself in [true, false] {
        let (tell, seen) = seen();
        let first = store.cursor_worker(&steps(), config(), |_, _| Stop).unwrap();
        if !stops_itself {
            first.stop();
        }
        until("it has ended", || first.status().state == timberline::CursorWorkerState::Ended);
        let second = store.cursor_worker(&steps(), config(), telling(tell)).unwrap();
        first.stop();
        drop(first);
        append(&store, [7]);
        while seen.next() != [7] {}
        joined_after_stop(second).unwrap();
    }
}

#[test]
fn a_worker_that_is_stopped_before_its_first_batch_ends_well() {
    let (_dir, store) = store_with(0);
    for _ in 0..20 {
        let worker = store.cursor_worker(&steps(), one_by_one(), |_, _| Continue).unwrap();
        worker.stop();
        worker.stop();
        joined(worker).unwrap();
    }
}

#[test]
fn close_stops_workers_after_the_batch_in_hand_and_they_resume_after_it() {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(Store::open(Config::new(dir.path())).unwrap());
    append(&store, 1..=200);
    let (tell, seen) = seen();
    let worker = store
        .cursor_worker(&steps(), one_by_one().checkpoint(id("walker")), move |batch, _| {
            tell.send(numbers(batch)[0]).unwrap();
            Continue
        })
        .unwrap();
    seen.take(3);
    let closing = Arc::clone(&store);
    assert!(within("close", move || closing.close()).unwrap().is_clean());
    joined(worker).unwrap();
    drop(store);
    let last = seen.rest().pop().unwrap_or(3);
    let store = Store::open(Config::new(dir.path())).unwrap();
    append(&store, [201]);
    assert_eq!(
        next_of(&store, "walker"),
        last + 1,
        "the batch in hand was committed, and none begun after it"
    );
}

/// A handler that does not return by the deadline is left to itself, and everyone is told.
#[test]
fn a_worker_that_does_not_stop_by_its_deadline_is_abandoned_and_named_with_what_it_was_doing() {
    let (_dir, store) = store_with(1);
    let (tell, seen) = seen();
    let (release, held) = super::support::seen::<()>();
    let config = one_by_one().name("hanger").shutdown_deadline(Duration::from_millis(50));
    let worker = store
        .cursor_worker(&steps(), config, move |_, _| {
            tell.send(()).unwrap();
            held.next();
            Continue
        })
        .unwrap();
    seen.next();
    let closing = Arc::clone(&store);
    let report = within("close", move || closing.close()).unwrap();
    assert!(!report.is_clean());
    let text = report.to_string();
    assert!(text.contains("hanger") && text.contains("handling a batch"), "{text}");
    assert!(matches!(joined(worker), Err(CursorWorkerError::Abandoned)));
    release.send(()).unwrap();
}

/// The processor time that this process has used.
fn cpu() -> Duration {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let nanos = tasks.filter_map(|task| {
        let text = std::fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(nanos.sum())
}

/// The child: 200 idle workers for 5 s; tells the microseconds of processor time that took.
#[test]
#[ignore = "the child process of another test"]
fn child_with_200_idle_workers() {
    let Some(dir) = child_input() else { return };
    let store = Store::open(Config::new(dir)).unwrap();
    append(&store, 1..=10);
    let (tell, seen) = seen();
    let workers: Vec<_> = (0..200)
        .map(|number| {
            let config = CursorWorkerAction::Continue;
            let settings = if number % 2 == 0 {
                one_by_one()
            } else {
                one_by_one().checkpoint(id(&format!("w{number}")))
            };
            let tell = tell.clone();
            let handler = move |_: &timberline::Batch, _: &mut timberline::HandlerContext| {
                tell.send(()).unwrap();
                config
            };
            store.cursor_worker(&steps(), settings.batch_size(10), handler).unwrap()
        })
        .collect();
    seen.take(200);
    until("all are idle", || workers.iter().all(|worker| worker.status().position.get() == 10));

    let (_never, nothing) = std::sync::mpsc::channel::<()>();
    let before = cpu();
    assert!(nothing.recv_timeout(Duration::from_secs(5)).is_err(), "nothing happens for 5 s");
    tell_parent((cpu() - before).as_micros());
    drop(workers);
    assert!(store.close().unwrap().is_clean());
}

/// An idle worker costs no CPU: 200 idle workers for 5 s use under 50 ms of CPU together.
#[test]
fn an_idle_worker_costs_no_cpu_200_idle_workers_for_5_s_use_under_50_ms_of_cpu_together() {
    let dir = tempfile::tempdir().unwrap();
    let name = "workers::stopping::child_with_200_idle_workers";
    let mut child = Process::start(name, dir.path().to_str().unwrap());
    let micros: u64 = child.told().parse().unwrap();
    child.wait();
    assert!(micros < 50_000, "200 idle workers used {micros} µs of CPU in 5 s");
}
