//! Where a worker begins: at the beginning, or after what was committed, whatever happened in between.

use super::support::*;
use std::sync::Arc;
use timberline::storage::simulated::{Seeded, SimulatedDisk};
use timberline::{Config, Store};

/// A worker without a checkpoint id starts at the beginning; with one it resumes after the last committed batch, after a clean close, a kill -9 or a power cut.
#[test]
fn a_worker_without_a_checkpoint_id_starts_at_the_beginning_with_one_it_resumes_after_a_clean_close() {
    let dir = tempfile::tempdir().unwrap();
    for (life, expected) in [(0, [1, 2]), (1, [3, 4]), (2, [5, 6])] {
        let store = Store::open(Config::new(dir.path())).unwrap();
        append(&store, life * 2 + 1..=life * 2 + 2);
        assert_eq!(first_steps(&store, one_by_one(), 2), [1, 2], "without an id");
        assert_eq!(first_steps(&store, one_by_one().checkpoint(id("walker")), 2), expected, "with an id");
        assert!(store.close().unwrap().is_clean());
    }
}

/// The child: hands out steps one by one, and stays in the handler of step 4.
#[test]
#[ignore = "the child process of another test"]
fn child_that_is_killed_in_a_handler() {
    let Some(dir) = child_input() else { return };
    let store = Store::open(Config::new(dir)).unwrap();
    append(&store, 1..=6);
    let worker = store
        .cursor_worker(&steps(), one_by_one().checkpoint(id("walker")), |batch, _| {
            tell_parent(numbers(batch)[0]);
            while numbers(batch) == [4] {
                std::thread::park();
            }
            Continue
        })
        .unwrap();
    worker.join().unwrap();
}

/// A worker without a checkpoint id starts at the beginning; with one it resumes after the last committed batch, after a clean close, a kill -9 or a power cut.
#[test]
fn a_worker_with_a_checkpoint_id_resumes_after_the_last_committed_batch_after_a_kill_9() {
    let dir = tempfile::tempdir().unwrap();
    let name = "workers::resume::child_that_is_killed_in_a_handler";
    let mut child = Process::start(name, dir.path().to_str().unwrap());
    while child.told() != "4" {}
    child.kill();

    let store = Store::open(Config::new(dir.path())).unwrap();
    assert_eq!(first_steps(&store, one_by_one(), 6), [1, 2, 3, 4, 5, 6], "without an id");
    assert_eq!(first_steps(&store, one_by_one().checkpoint(id("walker")), 3), [4, 5, 6], "with an id");
}

/// A worker without a checkpoint id starts at the beginning; with one it resumes after the last committed batch, after a clean close, a kill -9 or a power cut.
#[test]
fn a_worker_with_a_checkpoint_id_resumes_after_the_last_committed_batch_after_a_power_cut() {
    let disk = SimulatedDisk::new();
    let store = open_on(&disk);
    append(&store, 1..=6);
    let (tell, seen) = seen();
    let plugged = disk.clone();
    let worker = store
        .cursor_worker(&steps(), one_by_one().batch_size(2).checkpoint(id("walker")), move |batch, _| {
            // Between two commits: what a power cut in the middle of this batch would find.
            tell.send((numbers(batch)[0], plugged.image())).unwrap();
            Continue
        })
        .unwrap();
    let images = seen.take(3);
    joined_after_stop(worker).unwrap();

    for (next, image) in images {
        for seed in 0..12 {
            let mut seeded = Seeded::new(seed);
            let mut choose = |count: usize| match seed {
                0 => 0,
                1 => count - 1,
                _ => seeded.choose(count),
            };
            let store = open_on(&SimulatedDisk::from_image(image.crash(&mut choose)));
            assert_eq!(next_of(&store, "walker"), next, "seed {seed}");
            store.close().unwrap();
        }
    }
}

#[test]
fn a_checkpoint_survives_a_run_of_crashes_and_never_goes_back() {
    let mut disk = SimulatedDisk::new();
    for life in 0..8 {
        let store = open_on(&disk);
        append(&store, [life * 2 + 1, life * 2 + 2]);
        assert_eq!(
            first_steps(&store, one_by_one().batch_size(2).checkpoint(id("walker")), 2),
            [life * 2 + 1, life * 2 + 2]
        );
        let mut seeded = Seeded::new(life);
        disk = disk.crash(&mut |count| seeded.choose(count));
        drop(store);
    }
}

#[test]
fn two_checkpoints_over_one_region_stand_each_where_its_own_worker_left_it() {
    let (_dir, store) = store_with(5);
    assert_eq!(first_steps(&store, one_by_one().checkpoint(id("one")), 1)[0], 1);
    let store = Arc::clone(&store);
    let (tell, seen) = seen();
    let two = store
        .cursor_worker(&steps(), one_by_one().checkpoint(id("two")), move |batch, _| {
            tell.send(numbers(batch)[0]).unwrap();
            if numbers(batch) == [4] { Stop } else { Continue }
        })
        .unwrap();
    joined(two).unwrap();
    assert_eq!(seen.rest(), [1, 2, 3, 4]);
    assert_eq!(next_of(&store, "two"), 5);
}
