//! Configs that cannot work, refused before anything runs.

use super::support::*;
use std::time::Duration;
use timberline::{
    Backoff, CursorWorkerConfig, CursorWorkerConfigError, CursorWorkerError, Region, RestartPolicy, Store,
};

#[track_caller]
fn check_refused(store: &Store, region: &Region, config: CursorWorkerConfig) -> CursorWorkerConfigError {
    match store.cursor_worker(region, config.clone(), |_, _| panic!("it must not run")) {
        Err(CursorWorkerError::Config(why)) => why,
        other => panic!("{config:?}: {other:?}"),
    }
}

/// `batch_size(0)`, zero capacities and windows that cannot work are refused at construction.
#[test]
fn batch_size_0_zero_capacities_and_windows_that_cannot_work_are_refused_at_construction() {
    let (_dir, store) = store_with(1);
    let most = CursorWorkerConfig::BATCH_EVENTS_MAX;
    for events in [0, most + 1, usize::MAX] {
        let why = check_refused(&store, &steps(), CursorWorkerConfig::default().batch_size(events));
        assert_eq!(why, CursorWorkerConfigError::BatchSize { events, most });
    }
    let bounded =
        |max_restarts, within| one_by_one().restart(RestartPolicy::Bounded { max_restarts, within });
    // Ten restarts with ten seconds each to stop do not fit into a window of a second: the budget would never be spent.
    let cannot_fill = bounded(10, Duration::from_secs(1)).shutdown_deadline(Duration::from_secs(10));
    let backs_off_too_long =
        Backoff { initial: Duration::from_secs(100), max: Duration::from_secs(10), factor: 0.5, jitter: 7.0 };
    for config in [bounded(3, Duration::ZERO), cannot_fill, one_by_one().backoff(backs_off_too_long)] {
        let why = check_refused(&store, &steps(), config);
        assert!(matches!(why, CursorWorkerConfigError::Restart { .. }), "{why:?}");
    }
    for (field, config) in zero_capacities(&store) {
        let Err(timberline::OpenError::Config(error)) = Store::open(config) else {
            panic!("{field} of 0 was taken")
        };
        assert_eq!((error.field, error.value), (field, 0));
    }
    assert_eq!(first_steps(&store, one_by_one(), 1), [1], "the store took no harm");
}

fn zero_capacities(store: &Store) -> Vec<(&'static str, timberline::Config)> {
    let config = || timberline::Config::new(store.dir().join("other"));
    vec![
        ("mailbox_messages", config().mailbox_messages(0)),
        ("batch_events_max", config().batch_events_max(0)),
        ("open_files_max", config().open_files_max(0)),
        ("shutdown_deadline", config().shutdown_deadline(Duration::ZERO)),
    ]
}

#[test]
fn a_region_with_more_terms_than_the_limit_is_refused_and_one_at_the_limit_works() {
    let (_dir, store) = store_with(1);
    let names =
        |count: usize| (0..count).fold(steps(), |region, name| region.or(Region::entity(format!("e{name}"))));
    let limit = Region::TERMS_MAX;
    let why = check_refused(&store, &names(limit), CursorWorkerConfig::default());
    assert_eq!(why, CursorWorkerConfigError::Region { terms: limit + 1, limit });
    let (tell, seen) = seen();
    let worker =
        store.cursor_worker(&names(limit - 1), one_by_one().checkpoint(id("wide")), telling(tell)).unwrap();
    assert_eq!(seen.next(), [1]);
    joined_after_stop(worker).unwrap();
}

/// A region so long that no commit could hold its checkpoint would be the writer's death, not the worker's.
#[test]
fn a_region_too_long_for_a_checkpoint_is_refused_and_one_at_the_limit_can_be_committed() {
    let dir = tempfile::tempdir().unwrap();
    let config = timberline::Config::new(dir.path()).commit_bytes_max(16 << 10).segment_bytes(256 << 10);
    let config = config.preallocate_bytes(4 << 10).record_bytes_max(8 << 10).batch_events_max(16);
    let store = Store::open(config).unwrap();
    append(&store, [1]);
    let region = |length: usize| {
        let long = |name: usize| Region::entity(format!("{name:0>length$}"));
        (0..16).fold(steps(), |region, name| region.or(long(name)))
    };
    let limit = Region::CHECKPOINT_BYTES_MAX;
    let overhead = region(1_000).to_bytes().len() - 16 * 1_000;
    let fits = (limit - overhead) / 16;
    let config = || one_by_one().checkpoint(id("long"));
    let bytes = region(fits + 1).to_bytes().len();
    let why = check_refused(&store, &region(fits + 1), config());
    assert_eq!(why, CursorWorkerConfigError::RegionBytes { bytes, limit });
    // The longest checkpoint together with the largest reaction.
    let large = timberline::NewEvent::raw(at("large"), "Large", 1, vec![0; 8 << 10]);
    let worker = store.cursor_worker(&region(fits), config(), move |_, context| {
        context.react(large.clone());
        Stop
    });
    joined(worker.unwrap()).unwrap();
    assert_eq!(store.last_version("large").unwrap().get(), 1);
    assert!(store.close().unwrap().is_clean());
}

#[test]
fn workers_of_one_name_are_told_apart_in_the_tree() {
    let (_dir, store) = store_with(1);
    let named = |name: &str| store.cursor_worker(&steps(), one_by_one().name(name), |_, _| Continue).unwrap();
    let (one, two, other) = (named("walker"), named("walker"), named("other"));
    assert_eq!((one.name(), other.name()), ("walker", "other"));
    assert_ne!(one.name(), two.name());
    let tree = store.tree().to_string();
    for worker in [&one, &two, &other] {
        assert!(tree.contains(worker.name()), "{tree}");
    }
}

#[test]
fn a_worker_of_a_closed_store_is_refused() {
    let (_dir, store) = store_with(1);
    store.close().unwrap();
    let refused = store.cursor_worker(&steps(), one_by_one(), |_, _| Continue);
    assert!(matches!(refused, Err(CursorWorkerError::Closed)), "{refused:?}");
}

#[test]
fn a_long_shutdown_deadline_of_the_store_leaves_the_default_worker_config_working() {
    let dir = tempfile::tempdir().unwrap();
    let config = timberline::Config::new(dir.path()).shutdown_deadline(Duration::from_secs(3_600));
    let store = Store::open(config).unwrap();
    let worker = store
        .cursor_worker(&Region::all(), CursorWorkerConfig::default(), |_, _| {
            timberline::CursorWorkerAction::Continue
        })
        .unwrap();
    worker.stop_and_join().unwrap();
    assert!(store.close().unwrap().is_clean());
}
