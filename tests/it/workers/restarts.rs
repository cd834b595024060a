//! What becomes of a worker whose handler panics.

use super::support::*;
use std::collections::BTreeMap;
use std::time::Duration;
use timberline::{CursorWorkerAction, CursorWorkerConfig, CursorWorkerError, RestartPolicy};

fn bounded(max_restarts: u32) -> RestartPolicy {
    RestartPolicy::Bounded { max_restarts, within: Duration::from_secs(600) }
}

/// A handler that panics once under `Once` is run again from the last committed position: counts per event {1: 1, 2: 2, 3: 1}.
#[test]
fn a_handler_that_panics_once_under_once_is_run_again_from_the_last_committed_position() {
    for config in [one_by_one(), one_by_one().checkpoint(id("walker"))] {
        let (_dir, store) = store_with(3);
        let counts = Counts::default();
        let handler_counts = counts.clone();
        let worker = store
            .cursor_worker(&steps(), config.restart(RestartPolicy::Once), move |batch, _| {
                let number = numbers(batch)[0];
                let times = handler_counts.count(number);
                assert!(!(number == 2 && times == 1), "the first time is too much");
                if number == 3 { Stop } else { Continue }
            })
            .unwrap();
        joined(worker).unwrap();
        assert_eq!(counts.all(), BTreeMap::from([(1, 1), (2, 2), (3, 1)]));
    }
}

/// Runs a handler that always panics; it must run `runs` times and the error must tell all there is.
#[track_caller]
fn check_always_panics(policy: RestartPolicy, runs: u32) {
    for config in [one_by_one(), one_by_one().checkpoint(id("walker"))] {
        let (_dir, store) = store_with(3);
        let counts = Counts::default();
        let handler_counts = counts.clone();
        let line = line!() + 4;
        let worker = store
            .cursor_worker(&steps(), config.name("sisyphus").restart(policy), move |batch, _| {
                let times = handler_counts.count(numbers(batch)[0]);
                panic!("the stone rolls down, time {times}");
            })
            .unwrap();
        let error = joined(worker).expect_err("it gives up");
        let text = error.to_string();
        match error {
            CursorWorkerError::RestartBudgetExhausted { worker, restarts, message, location, .. } => {
                assert_eq!(worker, "sisyphus");
                assert_eq!(restarts, runs - 1, "{policy:?}");
                assert_eq!(message, format!("the stone rolls down, time {runs}"));
                let location = location.expect("a panic has a place");
                assert!(
                    location.contains("restarts.rs") && location.contains(&format!(":{line}:")),
                    "{location}"
                );
                assert!(text.ends_with(&format!("last panic: {message} at {location}")), "{text}");
            }
            other => panic!("{policy:?}: {other:?}"),
        }
        assert_eq!(counts.all(), BTreeMap::from([(1, runs)]), "{policy:?}");
        // Nothing was committed: the next one begins where this one began.
        assert_eq!(next_of(&store, "walker"), 1);
        append(&store, [4]);
    }
}

/// A handler that always panics runs exactly twice under `Once`, n + 1 times under `Bounded { max_restarts: n }`, once under `Never`; then `join` is
/// `Err(RestartBudgetExhausted)` with the child's name, the number of restarts, the last panic's message and its source location. Never `Ok`.
#[test]
fn a_handler_that_always_panics_runs_twice_under_once_n_plus_1_times_under_bounded_once_under_never() {
    check_always_panics(RestartPolicy::Once, 2);
    check_always_panics(RestartPolicy::Never, 1);
    for most in [1, 2, 5] {
        check_always_panics(bounded(most), most + 1);
    }
}

#[test]
fn a_handler_that_panics_at_the_second_step_always_keeps_the_first_one_done() {
    let (_dir, store) = store_with(2);
    let config = one_by_one().checkpoint(id("walker")).restart(bounded(2));
    let worker = store
        .cursor_worker(&steps(), config, |batch, _| {
            assert_eq!(numbers(batch), [1]);
            Continue
        })
        .unwrap();
    assert!(matches!(joined(worker), Err(CursorWorkerError::RestartBudgetExhausted { restarts: 2, .. })));
    assert_eq!(next_of(&store, "walker"), 2);
}

/// The message that `join` tells of a handler that panics so.
#[track_caller]
fn message_of(panics: impl Fn() + Send + 'static) -> (String, Option<String>) {
    let (_dir, store) = store_with(1);
    let worker = store
        .cursor_worker(&steps(), one_by_one().restart(RestartPolicy::Never), move |_, _| {
            panics();
            Continue
        })
        .unwrap();
    let Err(CursorWorkerError::RestartBudgetExhausted { message, location, .. }) = joined(worker) else {
        panic!("the budget should be exhausted");
    };
    // Nothing broke: the store takes events and hands them out.
    append(&store, [2]);
    assert_eq!(first_steps(&store, one_by_one(), 2), [1, 2]);
    assert!(store.close().unwrap().is_clean());
    (message, location)
}

/// A payload that panics again when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("the payload goes off");
    }
}

/// Panic payloads that are `&str` or `String` keep their text; any other is reported as an unknown panic, and nothing breaks.
#[test]
fn panic_payloads_that_are_str_or_string_keep_their_text_any_other_is_an_unknown_panic_and_nothing_breaks() {
    assert_eq!(message_of(|| panic!("plain text")).0, "plain text");
    assert_eq!(message_of(|| panic!("{} text", "formatted")).0, "formatted text");
    assert_eq!(message_of(|| std::panic::panic_any(String::from("owned text"))).0, "owned text");
    for (message, location) in [
        message_of(|| std::panic::panic_any(42_u8)),
        message_of(|| std::panic::panic_any(vec!["not", "text"])),
        message_of(|| std::panic::panic_any(Bomb)),
    ] {
        assert_eq!(message, "unknown panic");
        assert!(location.is_some_and(|at| at.contains("restarts.rs")), "its place is known all the same");
    }
    // Resumed, not raised: the hook saw nothing of it.
    assert_eq!(message_of(|| std::panic::resume_unwind(Box::new("resumed"))).0, "resumed");
}

/// The restart message tells restart 2 of 3, the window, the incarnation, and from which position it goes on.
#[test]
fn the_restart_message_tells_restart_2_of_3_the_window_the_incarnation_and_from_which_position_it_goes_on() {
    let (_dir, store) = store_with(3);
    let reports = store.reports();
    let counts = Counts::default();
    let config = one_by_one().name("stumbler").restart(bounded(3)).checkpoint(id("stumbler"));
    let worker = store
        .cursor_worker(&steps(), config, move |batch, _| {
            let number = numbers(batch)[0];
            assert!(number != 2 || counts.count(2) > 2, "stumbles");
            if number == 3 { Stop } else { Continue }
        })
        .unwrap();
    joined(worker).unwrap();
    reported(&reports, &["cursors/stumbler", "incarnation 1", "started", "goes on after position 0"]);
    for (restart, incarnation) in [("restart 1 of 3", "incarnation 2"), ("restart 2 of 3", "incarnation 3")] {
        reported(&reports, &["cursors/stumbler", "failed", "stumbles", "restarts.rs"]);
        reported(&reports, &["cursors/stumbler", restart, "within 600s", incarnation]);
        reported(&reports, &["cursors/stumbler", "restarted", incarnation, "goes on after position 1"]);
    }
    reported(&reports, &["cursors/stumbler", "incarnation 3", "stopped: normal"]);
}

#[test]
fn giving_up_is_reported_with_the_last_panic() {
    let (_dir, store) = store_with(1);
    let reports = store.reports();
    let config = one_by_one().name("stumbler").restart(RestartPolicy::Once);
    let worker = store.cursor_worker(&steps(), config, |_, _| panic!("stumbles")).unwrap();
    joined(worker).unwrap_err();
    reported(&reports, &["cursors/stumbler", "incarnation 2", "gave up", "stumbles"]);
}

#[test]
fn the_handler_knows_its_incarnation_and_which_attempt_this_is() {
    let (_dir, store) = store_with(2);
    let (tell, seen) = seen();
    let worker = store
        .cursor_worker(&steps(), one_by_one().restart(bounded(5)), move |batch, context| {
            let number = numbers(batch)[0];
            tell.send((number, context.incarnation(), context.attempt(), context.at_least_once().attempt))
                .unwrap();
            assert!(number != 1 || context.attempt() == 3, "not yet");
            if number == 2 { Stop } else { Continue }
        })
        .unwrap();
    joined(worker).unwrap();
    assert_eq!(seen.rest(), [(1, 1, 1, 1), (1, 2, 2, 2), (1, 3, 3, 3), (2, 3, 1, 1)]);
}

#[test]
fn a_batch_that_has_grown_before_it_is_handed_out_again_is_still_another_attempt() {
    let (_dir, store) = store_with(1);
    let (tell, seen) = seen();
    let appender = std::sync::Arc::clone(&store);
    let config = CursorWorkerConfig::default().batch_size(10).restart(bounded(5));
    let worker = store
        .cursor_worker(&steps(), config, move |batch, context| {
            tell.send((numbers(batch), context.attempt())).unwrap();
            if context.attempt() < 3 {
                append(&appender, [u64::from(context.attempt()) + 1]);
                panic!("not yet");
            }
            Stop
        })
        .unwrap();
    joined(worker).unwrap();
    assert_eq!(seen.rest(), [(vec![1], 1), (vec![1, 2], 2), (vec![1, 2, 3], 3)]);
}

/// A worker whose handler panics in an unlucky moment, seen from its neighbours.
#[test]
fn a_handlers_crashes_reach_neither_the_writer_nor_the_other_workers() {
    let (_dir, store) = store_with(3);
    let (tell, seen) = seen();
    let steady = store.cursor_worker(&steps(), one_by_one(), telling(tell)).unwrap();
    assert_eq!(seen.take(3).concat(), [1, 2, 3]);
    for _ in 0..5 {
        let broken = store
            .cursor_worker(&steps(), one_by_one().restart(bounded(2)), |_, _| -> CursorWorkerAction {
                panic!("broken")
            })
            .unwrap();
        assert!(matches!(joined(broken), Err(CursorWorkerError::RestartBudgetExhausted { restarts: 2, .. })));
    }
    append(&store, 4..=6);
    assert_eq!(seen.take(3).concat(), [4, 5, 6], "in one life, so none of them twice");
    assert_eq!(steady.status().restarts, 0);
    joined_after_stop(steady).unwrap();
    assert!(store.close().unwrap().is_clean());
}
