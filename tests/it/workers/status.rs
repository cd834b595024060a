//! What a handle tells of its worker.

use super::support::*;
use std::time::Duration;
use timberline::{CursorWorkerState, Position, RestartPolicy, Store};

fn append_echoes(store: &Store, count: u64) {
    (0..count).for_each(|number| assert!(store.append_event(echo(number)).is_ok()));
}

#[test]
fn the_handle_tells_status_position_lag_delivered_restarts_and_the_last_failure() {
    let (_dir, store) = store_with(5);
    let (tell, seen) = seen();
    let (release, held) = super::support::seen::<bool>();
    let policy = RestartPolicy::Bounded { max_restarts: 3, within: Duration::from_secs(600) };
    let worker = store
        .cursor_worker(
            &steps(),
            one_by_one().batch_size(2).checkpoint(id("walker")).restart(policy),
            move |batch, _| {
                tell.send(numbers(batch)).unwrap();
                assert!(held.next(), "it was told to fail");
                Continue
            },
        )
        .unwrap();

    assert_eq!(seen.next(), [1, 2]);
    let status = worker.status();
    assert_eq!(status.state, CursorWorkerState::Handling);
    assert_eq!((status.position, status.lag_events, status.delivered), (Position::START, 5, 0));
    assert!(status.lag_age.is_some() && status.last_failure.is_none());

    release.send(true).unwrap();
    assert_eq!(seen.next(), [3, 4]);
    let status = worker.status();
    assert_eq!((status.position, status.lag_events, status.delivered), (Position::new(2), 3, 2));

    release.send(false).unwrap();
    assert_eq!(seen.next(), [3, 4]);
    let status = worker.status();
    assert_eq!((status.position, status.restarts, status.delivered), (Position::new(2), 1, 2));
    assert!(status.last_failure.is_some_and(|failure| failure.contains("it was told to fail")));

    release.send(true).unwrap();
    assert_eq!(seen.next(), [5]);
    release.send(true).unwrap();
    until("it is idle", || worker.status().state == CursorWorkerState::Idle);
    until("all is done", || worker.status().position == Position::new(5));
    let status = worker.status();
    assert_eq!((status.lag_events, status.lag_age, status.delivered), (0, None, 5));

    worker.stop();
    until("it has ended", || worker.status().state == CursorWorkerState::Ended);
    assert_eq!(worker.status().position, Position::new(5));
    joined(worker).unwrap();
}

#[test]
fn a_worker_that_has_ended_still_tells_how_often_it_was_restarted_and_why_it_ended() {
    let (_dir, store) = store_with(1);
    let worker = store
        .cursor_worker(&steps(), one_by_one().restart(RestartPolicy::Once), |_, _| panic!("no luck today"))
        .unwrap();
    until("it has ended", || worker.status().state == CursorWorkerState::Ended);
    let status = worker.status();
    assert_eq!((status.restarts, status.position), (1, Position::START));
    assert!(status.last_failure.is_some_and(|failure| failure.contains("no luck today")));
    assert!(joined(worker).is_err());
}

#[test]
fn events_outside_of_the_region_are_no_lag_once_they_were_looked_at() {
    let (_dir, store) = store_with(1);
    let (tell, seen) = seen();
    let worker = store.cursor_worker(&steps(), one_by_one(), telling(tell)).unwrap();
    seen.next();
    store.append_event(echo(1)).unwrap();
    append(&store, [3]);
    assert_eq!(seen.next(), [3]);
    until("all is done", || worker.status().position == Position::new(3));
    assert_eq!(worker.status().lag_events, 0);
    joined_after_stop(worker).unwrap();
}

#[test]
fn an_idle_worker_has_no_lag_however_much_is_appended_that_is_not_for_it() {
    let (_dir, store) = store_with(1);
    let (tell, seen) = seen();
    let worker = store.cursor_worker(&steps(), one_by_one(), telling(tell)).unwrap();
    seen.next();
    until("all is done", || worker.status().position == Position::new(1));
    append_echoes(&store, 100);
    let status = worker.status();
    assert_eq!((status.lag_events, status.lag_age), (0, None));
    assert_eq!(status.position, Position::new(1), "there was nothing to commit");
    joined_after_stop(worker).unwrap();
}

#[test]
fn the_lag_of_a_worker_begins_at_the_first_event_that_waits_for_it() {
    let (_dir, store) = store_with(1);
    let (tell, seen) = seen();
    let (release, held) = super::support::seen::<()>();
    let worker = store
        .cursor_worker(&steps(), one_by_one(), move |batch, _| {
            tell.send(numbers(batch)).unwrap();
            held.next();
            Continue
        })
        .unwrap();
    assert_eq!(seen.next(), [1]);
    release.send(()).unwrap();
    until("all is done", || worker.status().position == Position::new(1));
    append_echoes(&store, 5);
    append(&store, [7]);
    assert_eq!(seen.next(), [7]);
    assert_eq!(worker.status().lag_events, 1, "the echoes are not for it");
    release.send(()).unwrap();
    joined_after_stop(worker).unwrap();
}

#[test]
fn status_answers_while_the_handler_hangs_and_while_it_is_asked_from_many_threads() {
    let (_dir, store) = store_with(3);
    let (release, held) = seen::<()>();
    let (tell, seen) = super::support::seen();
    let worker = store
        .cursor_worker(&steps(), one_by_one(), move |batch, _| {
            tell.send(numbers(batch)).unwrap();
            held.next();
            Stop
        })
        .unwrap();
    seen.next();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                (0..200).for_each(|_| assert_eq!(worker.status().state, CursorWorkerState::Handling))
            });
        }
    });
    release.send(()).unwrap();
    joined(worker).unwrap();
}

#[test]
fn a_worker_prints_its_name_its_region_and_how_far_it_is() {
    let (_dir, store) = store_with(1);
    let config = one_by_one().checkpoint(id("walker"));
    let worker = store.cursor_worker(&steps(), config, |_, _| Continue).unwrap();
    until("all is done", || worker.status().position == Position::new(1));
    let printed = format!("{worker:?}");
    for part in ["walker", "Step", "committed: Position(1)"] {
        assert!(printed.contains(part), "{printed}");
    }
    joined_after_stop(worker).unwrap();
}
