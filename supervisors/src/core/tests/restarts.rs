//! Who restarts: the whole tables of restart kind x exit and strategy x place x failing sibling.

use super::house::{FAILED, House, Start, plan};
use crate::core::policy::{Exhausted, Remedy, Restart, Strategy};
use crate::core::tests::house::key;
use crate::core::{Event, How, Plan};

/// Permanent restarts on every exit, transient on abnormal ones, temporary never. 3 kinds x {normal, shutdown, failed, panicked}.
#[test]
fn restart_kind_by_exit() {
    use Restart::{Permanent, Temporary, Transient};
    let (stop, escalate) = (How::Abnormal(Remedy::Stop), How::Abnormal(Remedy::Escalate));
    let table = [
        (Permanent, How::Normal, "start a2"),
        (Permanent, How::Shutdown, "start a2"),
        (Permanent, FAILED, "start a2"),
        (Permanent, stop, "end a"),
        (Permanent, escalate, "exit: a escalated"),
        (Transient, How::Normal, "end a"),
        (Transient, How::Shutdown, "end a"),
        (Transient, FAILED, "start a2"),
        (Transient, stop, "end a"),
        (Transient, escalate, "exit: a escalated"),
        (Temporary, How::Normal, "end a forget a"),
        (Temporary, How::Shutdown, "end a forget a"),
        (Temporary, FAILED, "end a forget a"),
        (Temporary, stop, "end a forget a"),
        (Temporary, escalate, "exit: a escalated"),
    ];
    for (kind, how, expected) in table {
        let mut house = House::running(Strategy::OneForOne, &[Plan { kind, ..plan() }]);
        house.exit('a', how);
        assert_eq!(house.take_trace(), expected, "{kind:?} after {how:?}");
    }
}

/// `OneForOne`, `OneForAll`, `RestForOne` x the failed child's place: group restarts stop in reverse and start in order.
#[test]
fn strategy_by_place() {
    use Strategy::{OneForAll, OneForOne, RestForOne};
    let table = [
        (OneForOne, 'a', "start a2", "a2 b1 c1"),
        (OneForOne, 'b', "start b2", "a1 b2 c1"),
        (OneForOne, 'c', "start c2", "a1 b1 c2"),
        (OneForAll, 'a', "stop c stop b start a2 start b2 start c2", "a2 b2 c2"),
        (OneForAll, 'b', "stop c stop a start a2 start b2 start c2", "a2 b2 c2"),
        (OneForAll, 'c', "stop b stop a start a2 start b2 start c2", "a2 b2 c2"),
        (RestForOne, 'a', "stop c stop b start a2 start b2 start c2", "a2 b2 c2"),
        (RestForOne, 'b', "stop c start b2 start c2", "a1 b2 c2"),
        (RestForOne, 'c', "start c2", "a1 b1 c2"),
    ];
    for (strategy, failed, expected, up) in table {
        let mut house = House::running(strategy, &[plan(); 3]);
        house.exit(failed, FAILED);
        assert_eq!(house.take_trace(), expected, "{strategy:?}, {failed}");
        assert_eq!(house.up(), up, "{strategy:?}, {failed}");
    }
}

/// .. x a sibling that fails to restart: the whole table. As in OTP the next try is that of the sibling that failed; unlike
/// there its group is stopped before the pause, not after it, so that no half of a group runs meanwhile.
#[test]
fn strategy_by_place_by_sibling_that_fails_to_restart() {
    use Strategy::{OneForAll, RestForOne};
    let all = |failing: char| match failing {
        'a' => ("start a2", "start a3 start b2 start c2", "a3 b2 c2"),
        'b' => ("start a2 start b2 stop a", "start a3 start b3 start c2", "a3 b3 c2"),
        _ => ("start a2 start b2 start c2 stop b stop a", "start a3 start b3 start c3", "a3 b3 c3"),
    };
    let rest = |failing: char| match failing {
        'a' => ("start a2", "start a3 start b2 start c2", "a3 b2 c2"),
        'b' => ("start a2 start b2", "start b3 start c2", "a2 b3 c2"),
        _ => ("start a2 start b2 start c2", "start c3", "a2 b2 c3"),
    };
    let table = [
        (OneForAll, 'a', "stop c stop b "),
        (OneForAll, 'b', "stop c stop a "),
        (OneForAll, 'c', "stop b stop a "),
        (RestForOne, 'a', "stop c stop b "),
    ];
    for (strategy, failed, stops) in table {
        for failing in ['a', 'b', 'c'] {
            let (first, second, up) = if strategy == OneForAll { all(failing) } else { rest(failing) };
            check_failing_sibling(strategy, failed, failing, (&format!("{stops}{first}"), second, up));
        }
    }
    check_failing_sibling(RestForOne, 'b', 'b', ("stop c start b2", "start b3 start c2", "a1 b3 c2"));
    check_failing_sibling(RestForOne, 'b', 'c', ("stop c start b2 start c2", "start c3", "a1 b2 c3"));
    check_failing_sibling(RestForOne, 'c', 'c', ("start c2", "start c3", "a1 b1 c3"));
    for failed in ['a', 'b', 'c'] {
        let up =
            ["a1", "b1", "c1"].map(|up| up.replace(&format!("{failed}1"), &format!("{failed}3"))).join(" ");
        let tries = (&*format!("start {failed}2"), &*format!("start {failed}3"), &*up);
        check_failing_sibling(Strategy::OneForOne, failed, failed, tries);
    }
}

#[track_caller]
fn check_failing_sibling(strategy: Strategy, failed: char, failing: char, expected: (&str, &str, &str)) {
    let mut house = House::running(strategy, &[plan(); 3]);
    house.will(failing, &[Start::Fails(FAILED)]);
    house.exit(failed, FAILED);
    let first = house.take_trace();
    assert!(house.come_back(), "{strategy:?}: {failed} failed, {failing} fails to restart");
    let second = house.take_trace();
    assert_eq!(
        (&*first, &*second, &*house.up()),
        expected,
        "{strategy:?}: {failed} failed, {failing} fails to restart"
    );
    assert!(!house.come_back());
    let charged = |child: char| house.core.children()[key(child).0 as usize].restarts_within(house.now);
    let expected = |child| u32::from(child == failed) + u32::from(child == failing);
    assert_eq!(['a', 'b', 'c'].map(charged), ['a', 'b', 'c'].map(expected), "who is charged");
}

#[test]
fn a_sibling_that_never_restarts_exhausts_its_own_budget_and_takes_the_group_down() {
    for strategy in [Strategy::OneForAll, Strategy::RestForOne] {
        let mut house = House::running(strategy, &[plan(); 3]);
        house.will('b', &[Start::Fails(FAILED); 9]);
        house.exit('a', FAILED);
        while house.come_back() {}
        assert!(house.take_trace().ends_with("start b4 stop a exit: b exhausted 2"), "{strategy:?}");
    }
}

#[test]
fn temporary_children_are_never_revived() {
    let temporary = Plan { kind: Restart::Temporary, ..plan() };
    let mut house = House::running(Strategy::OneForAll, &[plan(), temporary, plan()]);
    house.exit('a', FAILED);
    assert_eq!(house.take_trace(), "stop c stop b end b forget b start a2 start c2");
}

#[test]
fn a_transient_child_that_ended_as_it_should_does_not_come_back_with_its_group() {
    let transient = Plan { kind: Restart::Transient, ..plan() };
    let mut house = House::running(Strategy::OneForAll, &[plan(), transient]);
    house.exit('b', How::Normal);
    house.exit('a', FAILED);
    assert_eq!(house.take_trace(), "end b start a2");
}

/// A late exit of an older incarnation changes nothing.
#[test]
fn a_late_exit_of_an_older_incarnation_changes_nothing() {
    let mut house = House::running(Strategy::OneForAll, &[plan(), plan()]);
    let late = house.exit_of('a', FAILED);
    house.exit('a', FAILED);
    house.take_trace();
    house.notices.clear();
    house.send(late.clone());
    house.send(Event::Started { child: key('a'), incarnation: 1 });
    house.send(Event::Exited { child: key('z'), incarnation: 1, how: FAILED });
    assert_eq!((house.take_trace().as_str(), house.notices.len()), ("", 0));
    assert_eq!(house.core.children()[0].restarts_within(house.now), 1);
    house.exit('a', FAILED);
    house.take_trace();
    let second = Event::Exited { child: key('a'), incarnation: 3, how: FAILED };
    house.step(second.clone());
    house.send(second);
    assert_eq!(house.take_trace(), "stop b exit: a exhausted 2", "the same exit twice is one exit");
}

#[test]
fn an_exit_that_crosses_the_stop_of_a_group_restart_is_not_charged() {
    let mut house = House::running(Strategy::OneForAll, &[plan(), plan(), plan()]);
    let crossing = house.exit_of('b', FAILED);
    house.deaf.insert(key('c'));
    house.exit('a', FAILED);
    assert_eq!(house.take_trace(), "stop c");
    house.send(crossing);
    house.exit('c', How::Shutdown);
    assert_eq!(house.take_trace(), "start a2 start b2 start c2");
    assert_eq!(house.core.children()[1].budget.total(), 0);
}

#[test]
fn a_failure_during_a_group_restart_waits_until_it_is_over() {
    let mut house = House::running(Strategy::OneForAll, &[plan(), plan(), plan()]);
    house.will('a', &[Start::RunsAndEnds(FAILED)]);
    house.exit('b', FAILED);
    let first = "stop c stop a start a2 start b2 start c2";
    assert_eq!(house.take_trace(), format!("{first} stop c stop b start a3 start b3 start c3"));
    let children = house.core.children();
    let charged = children.iter().map(|child| child.restarts_within(house.now));
    assert_eq!(charged.collect::<Vec<_>>(), [1, 1, 0]);
}

#[test]
fn two_children_failing_at_once_are_restarted_once_each() {
    let table = [
        (Strategy::OneForOne, "start a2 start b2"),
        (Strategy::OneForAll, "stop c start a2 start b2 start c2"),
        (Strategy::RestForOne, "stop c start a2 start b2 start c2"),
    ];
    for (strategy, expected) in table {
        let mut house = House::running(strategy, &[plan(); 3]);
        let (first, second) = (house.exit_of('a', FAILED), house.exit_of('b', FAILED));
        house.step(first);
        house.step(second);
        house.exit('z', FAILED);
        assert_eq!(house.take_trace(), expected, "{strategy:?}");
    }
}

#[test]
fn a_restart_that_waits_is_covered_by_that_of_a_larger_group() {
    let mut house = House::running(Strategy::RestForOne, &[plan(); 3]);
    house.will('b', &[Start::Fails(FAILED)]);
    house.exit('b', FAILED);
    house.exit('a', FAILED);
    assert_eq!(house.take_trace(), "stop c start b2 start a2 start b3 start c2");
    assert!(!house.come_back(), "no double restart");
}

#[test]
fn a_failure_that_escalates_does_so_even_when_a_stop_crosses_it() {
    let mut house = House::running(Strategy::OneForAll, &[plan(); 3]);
    house.last_words.insert(key('b'), How::Abnormal(Remedy::Escalate));
    house.exit('c', FAILED);
    assert_eq!(house.take_trace(), "stop b stop a exit: b escalated");
}

#[test]
fn a_child_that_wants_no_restart_ends_and_the_rest_of_its_group_goes_on() {
    let mut house = House::running(Strategy::OneForAll, &[plan(); 3]);
    house.will('b', &[Start::Fails(How::Abnormal(Remedy::Stop))]);
    house.exit('a', FAILED);
    assert_eq!(house.take_trace(), "stop c stop b start a2 start b2 end b start c2");
}

#[test]
fn a_child_that_ends_alone_does_not_stop_the_restart_of_its_group() {
    let fragile = Plan { exhausted: Exhausted::EndChild, ..plan() };
    let mut house = House::running(Strategy::RestForOne, &[plan(), fragile, plan()]);
    house.will('b', &[Start::Fails(FAILED); 3]);
    house.exit('a', FAILED);
    while house.come_back() {}
    assert!(house.take_trace().ends_with("start b4 exhausted b start c2"));
    assert_eq!(house.up(), "a2 c2");
}
