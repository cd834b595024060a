//! What the three answers of a handler do to the cursor.

use super::support::*;
use timberline::{CursorWorkerAction, CursorWorkerError, Position};

/// Runs a worker over steps 1 to 3 that answers step 2 with `action`; then a second one with the same checkpoint.
/// `ended` is how the first ends, `again` what the second is handed first.
#[track_caller]
fn check(action: CursorWorkerAction, ended: Result<(), u64>, handed: &[u64], again: u64) {
    let (_dir, store) = store_with(3);
    let (tell, seen) = seen();
    let worker = store
        .cursor_worker(&steps(), one_by_one().checkpoint(id("walker")), move |batch, _| {
            let number = numbers(batch)[0];
            tell.send(number).unwrap();
            match number {
                2 => action,
                3 => Stop,
                _ => Continue,
            }
        })
        .unwrap();
    match (joined(worker), ended) {
        (Ok(()), Ok(())) => {}
        (Err(CursorWorkerError::RolledBack { position }), Err(after)) => {
            assert_eq!(position, Position::new(after))
        }
        (found, wanted) => panic!("{action:?}: {found:?}, wanted {wanted:?}"),
    }
    assert_eq!(seen.rest(), handed, "{action:?}");
    append(&store, [4]);
    assert_eq!(next_of(&store, "walker"), again, "{action:?}");
}

/// `Continue` commits the position. `Stop` commits and ends. `StopWithRollback` commits nothing and ends; the next worker gets the same batch.
#[test]
fn continue_commits_stop_commits_and_ends_stop_with_rollback_commits_nothing_and_the_next_worker_gets_the_same_batch()
 {
    check(Continue, Ok(()), &[1, 2, 3], 4);
    check(Stop, Ok(()), &[1, 2], 3);
    check(StopWithRollback, Err(1), &[1, 2], 2);
}

#[test]
fn a_rolled_back_batch_is_delivered_again_whole_and_as_a_first_attempt_of_the_next_worker() {
    let (_dir, store) = store_with(5);
    let config = || one_by_one().batch_size(3).checkpoint(id("walker"));
    for _ in 0..3 {
        let (tell, seen) = seen();
        let worker = store
            .cursor_worker(&steps(), config(), move |batch, context| {
                tell.send((numbers(batch), context.attempt(), context.committed())).unwrap();
                StopWithRollback
            })
            .unwrap();
        assert!(matches!(joined(worker), Err(CursorWorkerError::RolledBack { position: Position::START })));
        assert_eq!(seen.rest(), [(vec![1, 2, 3], 1, Position::START)]);
    }
    assert_eq!(first_steps(&store, config(), 5), [1, 2, 3, 4, 5]);
}

#[test]
fn the_position_is_committed_before_the_next_batch_is_handed_out() {
    let (_dir, store) = store_with(5);
    for config in [one_by_one(), one_by_one().checkpoint(id("walker"))] {
        let (tell, seen) = seen();
        let worker = store
            .cursor_worker(&steps(), config, move |batch, context| {
                tell.send((batch.first_position().unwrap(), context.committed())).unwrap();
                if batch.last_position() == Some(Position::new(5)) { Stop } else { Continue }
            })
            .unwrap();
        joined(worker).unwrap();
        let expected: Vec<_> = (1..=5).map(|n| (Position::new(n), Position::new(n - 1))).collect();
        assert_eq!(seen.rest(), expected);
    }
}

#[test]
fn a_handler_is_told_which_checkpoint_its_worker_has() {
    let (_dir, store) = store_with(1);
    let named = || one_by_one().checkpoint(id("walker"));
    for (config, expected) in [(one_by_one(), None), (named(), Some(id("walker")))] {
        let (tell, seen) = seen();
        let worker = store
            .cursor_worker(&steps(), config, move |_, context| {
                tell.send(context.checkpoint().cloned()).unwrap();
                Stop
            })
            .unwrap();
        joined(worker).unwrap();
        assert_eq!(seen.rest(), [expected]);
    }
}
