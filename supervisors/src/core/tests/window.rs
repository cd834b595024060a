//! Budgets: what counts, what does not, what is refused, and the pauses that grow with them.

use std::time::Duration;

use super::house::{FAILED, House, Start, plan};
use crate::core::budget::{Budget, pause};
use crate::core::policy::{Backoff, Exhausted, RestartPolicy, Strategy};
use crate::core::tests::house::{key, seconds};
use crate::core::{Effect, Event, Plan, SpecError};

/// Failures of a lone child at these seconds, and how often it is started, then whether its supervisor is still there.
#[track_caller]
fn check(policy: RestartPolicy, failures: &[f64], starts: u64, survives: bool) {
    let mut house = House::running(Strategy::OneForOne, &[Plan { policy, ..plan() }]);
    for at in failures {
        house.wait_until(*at);
        house.exit('a', FAILED);
    }
    assert_eq!(house.incarnation('a'), starts, "{policy:?} after failures at {failures:?}");
    assert_eq!(!house.take_trace().contains("exit:"), survives, "{policy:?} after failures at {failures:?}");
}

fn bounded(max_restarts: u32, within: u64) -> RestartPolicy {
    RestartPolicy::Bounded { max_restarts, within: Duration::from_secs(within) }
}

/// The window slides: with `max_restarts: 2, within: 10 s`, panics at 0, 9, 9.5 s exhaust it, and panics at 0, 9, 10.5 s do not.
/// No boundary lets through more than n.
#[test]
fn the_window_slides() {
    check(bounded(2, 10), &[0.0, 9.0, 9.5], 3, false);
    check(bounded(2, 10), &[0.0, 9.0, 10.5], 4, true);
    check(bounded(2, 10), &[0.0, 9.0, 10.0], 3, false);
    check(bounded(2, 10), &[0.0, 9.0, 10.5, 18.0], 4, false);
    check(bounded(2, 10), &[0.0, 9.0, 10.5, 19.1, 20.6], 6, true);
    check(bounded(0, 10), &[0.0], 1, false);
    check(bounded(1, 1), &[0.0, 1.5, 3.0, 4.5], 5, true);
}

/// Whatever the times of the failures, no span of the window's length holds more than n restarts.
#[test]
fn no_boundary_lets_through_more_than_n() {
    for phase in 0..100 {
        let mut budget = Budget::default();
        let times = (0..300).map(|n| f64::from(n) * 0.07 + f64::from(phase) * 0.001);
        let granted: Vec<f64> =
            times.filter(|at| budget.charge(bounded(3, 1), seconds(*at)).is_ok()).collect();
        for first in 0..granted.len() - 3 {
            assert!(granted[first + 3] - granted[first] > 1.0 - 1e-9, "{granted:?}");
        }
        assert_eq!(budget.total(), granted.len() as u64);
    }
}

#[test]
fn once_is_one_restart_in_a_life() {
    check(RestartPolicy::Once, &[0.0], 2, true);
    check(RestartPolicy::Once, &[0.0, 1e6], 2, false);
}

#[test]
fn never_is_no_restart() {
    check(RestartPolicy::Never, &[0.0], 1, false);
}

#[test]
fn a_failed_restart_charges_again_and_yields_between_tries() {
    let mut house = House::running(Strategy::OneForOne, &[plan(), plan()]);
    house.will('a', &[Start::Fails(FAILED), Start::Runs]);
    house.exit('a', FAILED);
    assert_eq!(house.take_trace(), "start a2");
    house.exit('b', FAILED);
    assert_eq!(house.take_trace(), "start b2", "between tries other messages are answered");
    assert!(house.come_back());
    assert_eq!(house.take_trace(), "start a3");
    house.exit('a', FAILED);
    assert_eq!(house.take_trace(), "stop b exit: a exhausted 2", "the failed restart was charged");
}

#[test]
fn an_exhausted_child_may_end_alone() {
    let end_child = Plan { exhausted: Exhausted::EndChild, policy: RestartPolicy::Once, ..plan() };
    let mut house = House::running(Strategy::OneForAll, &[plan(), end_child]);
    house.exit('b', FAILED);
    house.take_trace();
    house.exit('b', FAILED);
    assert_eq!(house.take_trace(), "exhausted b");
    assert_eq!(house.up(), "a2");
    house.exit('a', FAILED);
    assert_eq!(house.take_trace(), "start a3", "it ended for good");
}

#[test]
fn a_group_restart_charges_once() {
    let mut house = House::running(Strategy::OneForAll, &[plan(), plan(), plan()]);
    house.exit('b', FAILED);
    let children = house.core.children();
    let counts = children.iter().map(|child| child.restarts_within(house.now));
    assert_eq!(counts.collect::<Vec<_>>(), [0, 1, 0]);
}

fn backoff() -> Backoff {
    Backoff { initial: Duration::from_millis(100), max: Duration::from_secs(1), factor: 3.0, jitter: 0.5 }
}

#[test]
fn the_pause_grows_up_to_its_limit_and_chance_takes_a_part_of_it() {
    let pauses = |luck| [1, 2, 3, 4, 99].map(|n| pause(Some(backoff()), n, luck).as_millis());
    assert_eq!(pauses(0), [100, 300, 900, 1000, 1000]);
    assert_eq!(pauses(1 << 31), [75, 225, 675, 750, 750]);
    assert!(pause(Some(backoff()), 1, u32::MAX) >= Duration::from_millis(50));
    let all_luck = Backoff { jitter: 1.0, ..backoff() };
    assert!(pause(Some(all_luck), 1, u32::MAX) < Duration::from_millis(1), "luck may take nearly all");
    assert_eq!(pause(None, 7, 7), Duration::ZERO);
    let huge = Backoff { max: Duration::MAX, factor: 1e300, ..backoff() };
    assert_eq!(pause(Some(huge), 9, 0), Duration::MAX, "no overflow");
}

#[test]
fn a_pause_lies_between_failure_and_restart_and_ends_at_once_on_stop() {
    let patient = Plan { backoff: Some(backoff()), ..plan() };
    let mut house = House::running(Strategy::OneForAll, &[patient, plan()]);
    house.exit('a', FAILED);
    assert_eq!(house.take_trace(), "stop b", "the group is stopped at once");
    house.wait_until(0.099);
    assert_eq!(house.take_trace(), "");
    house.wait_until(0.1);
    assert_eq!(house.take_trace(), "start a2 start b2");
    house.exit('a', FAILED);
    house.take_trace();
    house.send(Event::Shutdown);
    assert_eq!(house.take_trace(), "exit: shutdown");
    assert!(house.armed.is_empty(), "nothing is waited for: {:?}", house.armed);
}

#[test]
fn luck_is_the_only_difference_between_two_pauses() {
    let jittery = Plan { backoff: Some(backoff()), ..plan() };
    let pause = |luck| {
        let mut house = House::running(Strategy::OneForOne, &[jittery]);
        house.luck = luck;
        house.exit('a', FAILED);
        house.armed.values().copied().collect::<Vec<_>>()
    };
    assert_eq!(pause(0), [seconds(0.1)]);
    assert_eq!(pause(1 << 31), [seconds(0.075)]);
}

#[test]
fn plans_that_cannot_work_are_refused() {
    let second = Duration::from_secs(1);
    let odd = |change: fn(&mut Backoff)| {
        let mut odd = backoff();
        change(&mut odd);
        Plan { backoff: Some(odd), ..plan() }
    };
    assert_eq!(plan().check(), Ok(()));
    assert_eq!(Plan { policy: bounded(10, 10), ..plan() }.check(), Ok(()), "exactly at the limit");
    let never_exhausts =
        SpecError::BudgetNeverExhausts { max_restarts: 11, shutdown: second, within: second * 10 };
    assert_eq!(Plan { policy: bounded(11, 10), ..plan() }.check(), Err(never_exhausts));
    assert_eq!(Plan { policy: bounded(1, 0), ..plan() }.check(), Err(SpecError::ZeroWindow));
    let zero = |deadline| Err(SpecError::ZeroDeadline { deadline });
    assert_eq!(Plan { shutdown: Some(Duration::ZERO), ..plan() }.check(), zero("shutdown"));
    assert_eq!(Plan { start: Some(Duration::ZERO), ..plan() }.check(), zero("start"));
    for refused in [
        odd(|backoff| backoff.factor = 0.5),
        odd(|backoff| backoff.factor = f64::NAN),
        odd(|backoff| backoff.jitter = 1.5),
        odd(|backoff| backoff.initial = backoff.max * 2),
    ] {
        assert!(matches!(refused.check(), Err(SpecError::Backoff { .. })), "{refused:?}");
    }
}

#[test]
fn a_removed_child_takes_its_pause_with_it() {
    let patient = Plan { backoff: Some(backoff()), ..plan() };
    for strategy in [Strategy::OneForOne, Strategy::RestForOne] {
        let mut house = House::running(strategy, &[plan(), patient]);
        house.exit('b', FAILED);
        let mut effects = Vec::new();
        let at = crate::core::Moment { now: house.now, luck: 0 };
        house.core.step(at, Event::Remove(key('b')), &mut effects);
        assert!(effects.contains(&Effect::Removed { child: key('b') }), "{effects:?}");
        assert!(effects.iter().any(|effect| matches!(effect, Effect::Disarm { .. })), "{effects:?}");
    }
}
