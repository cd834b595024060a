//! Starts, stops, additions and removals, with children that answer late, badly or never.

use std::time::Duration;

use super::house::{FAILED, House, Start, plan};
use crate::core::policy::{Exhausted, Restart, Strategy};
use crate::core::tests::house::key;
use crate::core::{Event, How, Plan};

/// Children start in order, each started before the next; the second of three failing to start stops the first, in reverse.
#[test]
fn children_start_in_order_and_a_failed_start_tears_down_in_reverse() {
    let mut house = House::new(Strategy::OneForOne, &[plan(); 3]);
    house.will('a', &[Start::Hangs]);
    house.send(Event::Start);
    assert_eq!(house.take_trace(), "start a1", "each is started before the next");
    house.send(Event::Started { child: key('a'), incarnation: 1 });
    assert_eq!(house.take_trace(), "start b1 start c1 ready");

    let mut house = House::new(Strategy::OneForOne, &[plan(); 4]);
    house.will('c', &[Start::Fails(FAILED)]);
    house.send(Event::Start);
    assert_eq!(house.take_trace(), "start a1 start b1 start c1 stop b stop a exit: c did not start");
}

#[test]
fn a_child_that_ends_while_others_start_is_restarted_when_all_have_started() {
    let mut house = House::new(Strategy::OneForOne, &[plan(); 2]);
    house.will('a', &[Start::RunsAndEnds(FAILED)]);
    house.send(Event::Start);
    assert_eq!(house.take_trace(), "start a1 start b1 ready start a2");
}

#[test]
fn a_child_that_does_not_start_in_time_is_abandoned() {
    let slow = Plan { start: Some(Duration::from_secs(3)), ..plan() };
    let mut house = House::new(Strategy::OneForOne, &[plan(), slow]);
    house.will('b', &[Start::Hangs]);
    house.send(Event::Start);
    house.wait_until(3.0);
    assert_eq!(house.take_trace(), "start a1 start b1 abandon b stop a exit: b did not start");

    let mut house = House::running(Strategy::OneForOne, &[plan(), slow]);
    house.will('b', &[Start::Hangs]);
    house.exit('b', FAILED);
    house.wait_until(3.0);
    assert_eq!(
        house.take_trace(),
        "start b2 abandon b stop a exit: b escalated",
        "it can never be restarted"
    );
}

/// Exits that arrive during a shutdown are not charged.
#[test]
fn exits_that_arrive_during_a_shutdown_are_not_charged() {
    let mut house = House::running(Strategy::OneForAll, &[plan(); 3]);
    house.deaf.insert(key('c'));
    let crossing = house.exit_of('a', FAILED);
    house.send(Event::Shutdown);
    house.send(crossing);
    house.exit('c', FAILED);
    assert_eq!(house.take_trace(), "stop c stop b exit: shutdown");
    assert!(house.core.children().iter().all(|child| child.budget.total() == 0));
}

/// A child that does not stop by its deadline is named ..; the rest still stop.
#[test]
fn a_child_that_does_not_stop_by_its_deadline_is_abandoned_and_the_rest_still_stop() {
    let mut house = House::running(Strategy::OneForOne, &[plan(); 3]);
    house.deaf.insert(key('b'));
    house.send(Event::Shutdown);
    assert_eq!(house.take_trace(), "stop c stop b", "in reverse, one after the other");
    house.wait_until(0.999);
    assert_eq!(house.take_trace(), "");
    house.wait_until(1.0);
    assert_eq!(house.take_trace(), "abandon b stop a exit: shutdown");
    house.exit('b', How::Shutdown);
    assert_eq!(house.take_trace(), "", "its late exit changes nothing");
    assert!(house.armed.is_empty());
}

#[test]
fn a_group_with_an_abandoned_child_cannot_be_restarted() {
    let mut house = House::running(Strategy::OneForAll, &[plan(); 3]);
    house.deaf.insert(key('b'));
    house.exit('c', FAILED);
    house.wait_until(1.0);
    assert_eq!(house.take_trace(), "stop b abandon b stop a exit: b escalated");

    let alone = Plan { exhausted: Exhausted::EndChild, ..plan() };
    let mut house = House::running(Strategy::OneForAll, &[plan(), alone, plan()]);
    house.deaf.insert(key('b'));
    house.exit('c', FAILED);
    house.wait_until(1.0);
    assert_eq!(house.take_trace(), "stop b abandon b end b stop a start a2 start c2");
}

/// Exhaustion stops all children in reverse, escalates ..
#[test]
fn exhaustion_stops_all_children_in_reverse() {
    let mut house = House::running(Strategy::OneForOne, &[plan(); 4]);
    house.exit('c', FAILED);
    house.exit('c', FAILED);
    house.take_trace();
    house.exit('c', FAILED);
    assert_eq!(house.take_trace(), "stop d stop b stop a exit: c exhausted 2");
}

#[test]
fn a_shutdown_during_exhaustion_keeps_the_first_cause() {
    let mut house = House::running(Strategy::OneForOne, &[Plan { policy: never(), ..plan() }, plan()]);
    house.deaf.insert(key('b'));
    house.exit('a', FAILED);
    house.send(Event::Shutdown);
    house.exit('b', How::Shutdown);
    assert_eq!(house.take_trace(), "stop b exit: a exhausted 0");
}

fn never() -> crate::core::policy::RestartPolicy {
    crate::core::policy::RestartPolicy::Never
}

#[test]
fn a_shutdown_reaches_a_child_that_is_starting() {
    let mut house = House::new(Strategy::OneForOne, &[plan(); 3]);
    house.will('b', &[Start::Hangs]);
    house.send(Event::Start);
    house.send(Event::Shutdown);
    assert_eq!(house.take_trace(), "start a1 start b1 stop b stop a exit: shutdown");
}

#[test]
fn a_failed_start_that_crosses_a_shutdown_is_not_tried_again() {
    let mut house = House::running(Strategy::OneForOne, &[plan(); 2]);
    house.will('b', &[Start::Fails(FAILED)]);
    house.exit('b', FAILED);
    house.send(Event::Shutdown);
    assert!(!house.come_back());
    assert_eq!(house.take_trace(), "start b2 stop a exit: shutdown");
}

#[test]
fn an_added_child_starts_last_or_is_forgotten() {
    let mut house = House::running(Strategy::OneForAll, &[plan()]);
    house.send(Event::Add { child: key('b'), plan: plan().into() });
    assert_eq!(house.take_trace(), "start b1 added b");
    house.will('c', &[Start::Fails(FAILED)]);
    house.send(Event::Add { child: key('c'), plan: plan().into() });
    assert_eq!(house.take_trace(), "start c1 refused c: DidNotStart end c forget c");
    house.exit('a', FAILED);
    assert_eq!(house.take_trace(), "stop b start a2 start b2", "it belongs to the group");
    house.send(Event::Shutdown);
    house.take_trace();
    house.send(Event::Add { child: key('d'), plan: plan().into() });
    assert_eq!(house.take_trace(), "refused d: Stopping");
}

#[test]
fn a_child_added_during_a_group_restart_starts_at_its_end() {
    let mut house = House::running(Strategy::OneForAll, &[plan(), plan()]);
    house.will('a', &[Start::Hangs]);
    house.exit('b', FAILED);
    house.send(Event::Add { child: key('c'), plan: plan().into() });
    assert_eq!(house.take_trace(), "stop a start a2");
    house.send(Event::Started { child: key('a'), incarnation: 2 });
    assert_eq!(house.take_trace(), "start b2 start c1 added c");
}

#[test]
fn a_removed_child_is_stopped_and_forgotten_whatever_it_is_doing() {
    let mut house = House::running(Strategy::RestForOne, &[plan(); 3]);
    house.send(Event::Remove(key('b')));
    assert_eq!(house.take_trace(), "stop b end b removed b forget b", "its siblings go on");
    assert_eq!(house.up(), "a1 c1");
    house.exit('a', FAILED);
    assert_eq!(house.take_trace(), "stop c start a2 start c2");

    let mut house = House::running(Strategy::OneForOne, &[plan(); 2]);
    house.will('b', &[Start::Hangs]);
    house.exit('b', FAILED);
    house.send(Event::Remove(key('b')));
    assert_eq!(house.take_trace(), "start b2 stop b end b removed b forget b", "while it restarts");

    let mut house = House::running(Strategy::OneForOne, &[plan(); 2]);
    house.deaf.insert(key('b'));
    house.send(Event::Remove(key('b')));
    house.wait_until(1.0);
    assert_eq!(house.take_trace(), "stop b abandon b removed b forget b", "when it does not answer");
    assert_eq!(house.up(), "a1");
}

#[test]
fn a_restart_that_waits_goes_on_without_a_removed_child() {
    let mut house = House::running(Strategy::RestForOne, &[plan(); 3]);
    house.will('b', &[Start::Fails(FAILED)]);
    house.exit('b', FAILED);
    house.send(Event::Remove(key('b')));
    assert_eq!(house.take_trace(), "stop c start b2 end b removed b forget b");
    assert!(house.come_back());
    assert_eq!(house.take_trace(), "start c2");
}

#[test]
fn a_removed_child_that_fails_is_not_restarted() {
    let mut house = House::running(Strategy::OneForOne, &[plan(); 2]);
    house.last_words.insert(key('a'), FAILED);
    house.send(Event::Remove(key('a')));
    assert_eq!(house.take_trace(), "stop a end a removed a forget a");
}

#[test]
fn a_temporary_child_that_ends_is_forgotten() {
    let temporary = Plan { kind: Restart::Temporary, ..plan() };
    let mut house = House::running(Strategy::OneForOne, &[temporary]);
    house.exit('a', How::Normal);
    assert!(house.core.children().is_empty());
    house.send(Event::Shutdown);
    assert_eq!(house.take_trace(), "end a forget a exit: shutdown");
}

#[test]
fn a_start_that_fails_while_later_siblings_are_still_stopping_is_not_tried_again() {
    let mut house = House::running(Strategy::OneForOne, &[plan(); 2]);
    house.will('a', &[Start::Hangs]);
    house.exit('a', FAILED);
    house.deaf.insert(key('b'));
    house.send(Event::Shutdown);
    house.send(Event::StartFailed { child: key('a'), incarnation: 2, how: FAILED });
    house.exit('b', How::Shutdown);
    assert_eq!(house.take_trace(), "start a2 stop b exit: shutdown");
    assert!(!house.come_back());
}
