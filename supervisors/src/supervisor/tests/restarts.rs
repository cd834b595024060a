//! Who restarts, how often, and what becomes of the messages.

use super::puppet::{Do, LONG, Mishap, NAMES, Trio, bounded, build, everywhere, hear, simulated, strings};
use crate::*;

/// Children start in order, each started before the next; the second of three failing to start stops the first, in reverse, and `start` returns which and why.
#[test]
fn children_start_in_order_and_the_second_of_three_failing_to_start_stops_the_first() {
    everywhere(|runtime| {
        let trio = strings();
        let (supervisor, _) = build(Strategy::OneForOne, &trio, |_, spec| spec);
        let running = supervisor.start_on(runtime).expect("all start");
        assert_eq!(trio[0].log(), "+a1 +b1 +c1");
        assert!(running.shutdown().is_clean());
        assert_eq!(trio[0].log(), "-c1 -b1 -a1");

        let trio = strings();
        let (supervisor, addresses) = build(Strategy::OneForOne, &trio, |_, spec| spec);
        trio[1].in_started([Some(Mishap::Panic)]);
        match supervisor.start_on(runtime) {
            Err(StartError::Child { child, reason }) => {
                assert_eq!(child.as_str(), "b");
                assert!(matches!(reason, ExitReason::StartFailed(_)), "{reason}");
                assert!(reason.to_string().contains("as told"), "{reason}");
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(trio[0].log(), "+a1 +b1 -a1");
        assert!(addresses.iter().all(|address| matches!(address.call(Do::Which), Err(CallError::Stopped))));
    });
}

/// Permanent restarts on every exit, transient on abnormal ones, temporary never. 3 kinds x {normal, shutdown, failed, panicked}: the whole table.
#[test]
fn permanent_restarts_on_every_exit_transient_on_abnormal_ones_temporary_never() {
    type Exit = (&'static str, fn() -> Do);
    let exits: [Exit; 3] =
        [("normal", || Do::Stop), ("failed", || Do::Fail(Remedy::Restart)), ("panicked", || Do::Panic)];
    everywhere(|runtime| {
        for kind in [Restart::Permanent, Restart::Transient, Restart::Temporary] {
            for (name, exit) in exits {
                let trio = Trio::new(runtime, Strategy::OneForOne, |_, spec| spec.kind(kind));
                trio.tell(1, exit());
                let back = kind == Restart::Permanent || (kind == Restart::Transient && name != "normal");
                let expected = if back { Ok(2) } else { Err(CallError::Stopped) };
                assert_eq!(
                    trio.addresses[1].call_timeout(LONG, Do::Which),
                    expected,
                    "{kind:?} after {name}"
                );
                assert!(trio.running.handle().remove(&"nobody".into()).is_err(), "it has finished its turn");
                let listed = trio.running.handle().children().len();
                assert_eq!(listed, if kind == Restart::Temporary { 2 } else { 3 }, "{kind:?} after {name}");
            }
        }
    });
}

/// .. {shutdown}: a nested supervisor is the child that can end so without being asked by its parent; here the parent asks.
#[test]
fn a_child_that_is_shut_down_by_its_supervisor_is_not_restarted_whatever_its_kind() {
    everywhere(|runtime| {
        for kind in [Restart::Permanent, Restart::Transient, Restart::Temporary] {
            let trio = Trio::new(runtime, Strategy::OneForOne, |_, spec| spec.kind(kind));
            let reason = trio.running.handle().remove(&"b".into()).expect("it is there");
            assert!(matches!(reason, ExitReason::Shutdown), "{reason}");
            assert_eq!(trio.log(), "-b1", "{kind:?}");
            assert!(matches!(trio.addresses[1].call(Do::Which), Err(CallError::Stopped)));
        }
    });
}

/// `OneForOne`, `OneForAll`, `RestForOne` x the failed child's place x a sibling that fails to restart: the whole table; group restarts stop in reverse and start in order.
#[test]
fn strategy_by_the_failed_childs_place_by_a_sibling_that_fails_to_restart() {
    everywhere(|runtime| {
        for strategy in [Strategy::OneForOne, Strategy::OneForAll, Strategy::RestForOne] {
            for failed in 0..3 {
                check_restart(runtime, strategy, failed, None);
                let first = group(strategy, failed);
                for sibling in first..if strategy == Strategy::OneForOne { first + 1 } else { 3 } {
                    check_restart(runtime, strategy, failed, Some(sibling));
                }
            }
        }
    });
}

/// The first of the children that restart together.
fn group(strategy: Strategy, failed: usize) -> usize {
    if strategy == Strategy::OneForAll { 0 } else { failed }
}

/// Says by OTP's rules what is logged and which incarnations run afterwards.
fn predict(strategy: Strategy, failed: usize, failing: Option<usize>) -> (String, Vec<u64>) {
    let mut log = Vec::new();
    let mut incarnations = [1_u64; 3];
    let mut up = [true; 3];
    up[failed] = false;
    let (mut first, mut failing) = (group(strategy, failed), failing);
    loop {
        let last = if strategy == Strategy::OneForOne { first } else { 2 };
        for child in (first..=last).rev().filter(|child| std::mem::replace(&mut up[*child], false)) {
            log.push(format!("-{}{}", NAMES[child], incarnations[child]));
        }
        let mut again = None;
        for child in first..=last {
            incarnations[child] += 1;
            log.push(format!("+{}{}", NAMES[child], incarnations[child]));
            if failing == Some(child) {
                again = Some(child);
                break;
            }
            up[child] = true;
        }
        match again {
            None => return (log.join(" "), incarnations.to_vec()),
            Some(child) => (first, failing) = (group(strategy, child), None),
        }
    }
}

fn check_restart(runtime: &Runtime, strategy: Strategy, failed: usize, failing: Option<usize>) {
    let trio = Trio::plain(runtime, strategy);
    if let Some(failing) = failing {
        trio.strings[failing].in_started([Some(Mishap::Fail)]);
    }
    trio.tell(failed, Do::Panic);
    let (log, incarnations) = predict(strategy, failed, failing);
    let last = incarnations.iter().rposition(|incarnation| *incarnation > 1).expect("one restarts");
    trio.hear(NAMES[last], "restarted");
    assert_eq!(trio.up(), incarnations, "{strategy:?}, {failed}, {failing:?}");
    assert_eq!(trio.log(), log, "{strategy:?}, {failed}, {failing:?}");
}

/// A late exit of an older incarnation changes nothing. Exits that arrive during a shutdown are not charged.
#[test]
fn a_late_exit_of_an_older_incarnation_changes_nothing() {
    use crate::control::{Event, Notice, Parent};
    everywhere(|runtime| {
        let trio = Trio::plain(runtime, Strategy::OneForAll);
        trio.tell(0, Do::Panic);
        trio.hear("c", "restarted");
        let late = Notice { key: 1, incarnation: 1, event: Event::Exited(ExitReason::Normal) };
        trio.running.handle().address.slot.clone().notify(late);
        trio.running.handle().add(ChildSpec::supervisor(Supervisor::one_for_one("d")).0).expect("it starts");
        assert_eq!(trio.up(), [2, 2, 2]);
        assert_eq!(trio.running.tree().root.children[0].restarts_total, 1);
    });
}

/// Exits that arrive during a shutdown are not charged.
#[test]
fn exits_that_arrive_during_a_shutdown_are_not_charged() {
    everywhere(|runtime| {
        let trio = Trio::new(runtime, Strategy::OneForOne, |_, spec| spec.restart(RestartPolicy::Never));
        trio.strings[2].in_stopping(Mishap::Panic);
        trio.strings[1].in_stopping(Mishap::Panic);
        let report = trio.running.shutdown();
        assert!(matches!(report.reason, ExitReason::Shutdown), "{report}");
        assert!(matches!(report.child("b"), Some(Ending::Panicked { .. })), "{report}");
        assert!(matches!(report.child("a"), Some(Ending::Clean)), "{report}");
        assert!(!report.is_clean());
        let told = trio.reports.filter(|received| {
            matches!(
                received,
                Received::Report(Report {
                    what: Lifecycle::Restarting { .. } | Lifecycle::GaveUp { .. },
                    ..
                })
            )
        });
        assert_eq!(told.count(), 0);
    });
}

/// A restart that fails charges the budget again, and between tries the supervisor answers other messages.
#[test]
fn a_restart_that_fails_charges_the_budget_again_and_between_tries_the_supervisor_answers() {
    everywhere(|runtime| {
        let trio = Trio::new(runtime, Strategy::OneForOne, |_, spec| spec.restart(bounded(3, 60)));
        trio.strings[1].in_started([Some(Mishap::Fail), Some(Mishap::Panic)]);
        trio.tell(1, Do::Panic);
        for n in 1..=3 {
            let Lifecycle::Restarting { restart, of, .. } = trio.hear("b", "restart ") else { panic!() };
            assert_eq!((restart, of), (n, 3));
        }
        assert_eq!(trio.up(), [1, 4, 1]);
    });
    // A child that never comes up again by itself must not keep its supervisor from anything.
    let trio =
        Trio::new(&Runtime::threads(), Strategy::OneForOne, |_, spec| spec.restart(bounded(u32::MAX, 3600)));
    trio.strings[1].never_starts();
    trio.tell(1, Do::Panic);
    trio.hear("b", "restart ");
    let handle = trio.running.handle();
    handle.add(ChildSpec::supervisor(Supervisor::one_for_one("d")).0).expect("it is answered");
    assert!(handle.remove(&"b".into()).expect("it is there").is_abnormal());
    assert!(trio.running.shutdown().is_clean());
}

/// A caller brings a child that failed under its call back once; one that does not start is left to its supervisor.
#[test]
fn a_child_that_does_not_start_again_does_not_keep_the_caller_under_whose_call_it_failed() {
    let trio =
        Trio::new(&Runtime::threads(), Strategy::OneForOne, |_, spec| spec.restart(bounded(u32::MAX, 3600)));
    trio.strings[1].never_starts();
    let answer = trio.addresses[1].call(Do::PanicInHand);
    assert!(matches!(answer, Err(CallError::ActorFailed { incarnation: 1, .. })), "{answer:?}");
    assert!(trio.running.handle().remove(&"b".into()).expect("it is there").is_abnormal());
    assert!(trio.running.shutdown().is_clean());
}

/// Exhaustion stops all children in reverse, escalates, and is abnormal to the parent. The root's exhaustion is the user's error.
#[test]
fn exhaustion_stops_all_children_in_reverse_escalates_and_is_abnormal_to_the_parent() {
    everywhere(|runtime| {
        let trio = strings();
        let once = |_: &str, spec: ChildSpec| spec.restart(RestartPolicy::Once);
        let (inner, addresses) = build(Strategy::OneForOne, &trio, once);
        let (inner, _) = ChildSpec::supervisor(inner);
        let outer = Supervisor::one_for_one("outer")
            .child(inner.kind(Restart::Transient).restart(RestartPolicy::Once));
        let running = outer.start_on(runtime).expect("it starts");
        let reports = running.reports(1000);
        trio[0].log();
        for _ in 0..4 {
            assert!(addresses[1].send(Do::Panic).is_ok());
        }
        let reason = running.wait();
        assert_eq!(trio[0].log(), "+b2 -c1 -a1 +a2 +b3 +c2 +b4 -c2 -a2");
        match &reason {
            ExitReason::BudgetExhausted { child, restarts: 1, last, .. } if child.as_str() == "top" => {
                assert!(
                    matches!(&**last, ExitReason::BudgetExhausted { child, .. } if child.as_str() == "b")
                );
            }
            other => panic!("{other}"),
        }
        hear(&reports, "b", "gave up");
        let Lifecycle::Failed { reason } = hear(&reports, "top", "failed") else { panic!() };
        assert!(reason.is_abnormal());
        hear(&reports, "top", "gave up");
        assert_eq!(addresses[1].call(Do::Which), Err(CallError::Stopped));
    });
}

/// Messages queued at a restart are handled by the next incarnation, in order; the one in hand is answered `ActorFailed`; its sender can tell it apart from a refusal.
#[test]
fn messages_queued_at_a_restart_are_handled_by_the_next_incarnation_in_order() {
    everywhere(|runtime| {
        let trio = Trio::plain(runtime, Strategy::OneForAll);
        let in_hand = trio.addresses[1].submit(Do::PanicInHand).unwrap();
        for number in 0..20 {
            trio.tell(1, Do::Note(number));
        }
        let failed = CallError::ActorFailed { child: "b".into(), incarnation: 1 };
        assert_eq!(in_hand.wait(), Err(failed));
        trio.hear("c", "restarted");
        assert_eq!(trio.up(), [2, 2, 2]);
        let log = trio.log();
        let noted: Vec<&str> = log.split(' ').filter(|line| line.contains(':')).collect();
        assert_eq!(noted, (0..20).map(|number| format!("{number}:b2")).collect::<Vec<_>>());
    });
}

/// An error that escalates makes the supervisor give up at once; one that asks for a stop ends its child alone.
#[test]
fn an_error_says_what_a_restart_can_do_for_it() {
    everywhere(|runtime| {
        let trio = Trio::plain(runtime, Strategy::OneForAll);
        trio.tell(1, Do::Fail(Remedy::Stop));
        assert_eq!(trio.addresses[1].call(Do::Which), Err(CallError::Stopped));
        assert_eq!(trio.addresses[0].call(Do::Which), Ok(1));
        trio.tell(0, Do::Fail(Remedy::Escalate));
        let reason = trio.running.wait();
        assert!(matches!(&reason, ExitReason::Escalated { child, .. } if child.as_str() == "a"), "{reason}");
        assert!(reason.downcast_ref::<super::puppet::AsTold>().is_some());
        assert_eq!(trio.log(), "-c1");
    });
}

/// A child whose budget is used up may end alone; its completion says why.
#[test]
fn a_child_whose_budget_is_used_up_may_end_alone_and_its_completion_says_why() {
    everywhere(|runtime| {
        let trio = strings();
        let (spec, address) = super::puppet::puppet("alone", &trio[0]);
        let spec = spec.restart(bounded(2, 60)).when_exhausted(Exhausted::EndChild);
        let completion = spec.completion();
        let running = Supervisor::one_for_one("top").child(spec).start_on(runtime).expect("it starts");
        for _ in 0..3 {
            assert!(completion.try_wait().is_none(), "not between restarts");
            assert!(address.send(Do::Panic).is_ok());
        }
        match completion.wait() {
            ExitReason::BudgetExhausted { child, restarts, within, last } => {
                assert_eq!((child.as_str(), restarts, within.as_secs()), ("alone", 2, 60));
                assert!(matches!(*last, ExitReason::Panicked { location: Some(_), .. }), "{last}");
            }
            other => panic!("{other}"),
        }
        assert!(running.try_wait().is_none(), "its supervisor goes on");
    });
}

/// The pause before a restart passes in virtual time, and ends at once when the tree is stopped.
#[test]
fn a_pause_before_a_restart_ends_at_once_on_stop() {
    let patient = |_: &str, spec: ChildSpec| {
        let hour = std::time::Duration::from_secs(3600);
        spec.restart(bounded(3, 100_000)).backoff(Backoff {
            initial: hour,
            max: hour * 2,
            factor: 2.0,
            jitter: 0.0,
        })
    };
    simulated(|runtime| {
        let trio = Trio::new(runtime, Strategy::OneForAll, patient);
        trio.tell(0, Do::Panic);
        trio.hear("a", "restart 1 of 3 within 100000s after 3600s");
        assert_eq!(trio.addresses[0].call(Do::Which), Ok(2));
        assert!(runtime.now().as_nanos() >= 3_600_000_000_000);
    });
    let trio = Trio::new(&Runtime::threads(), Strategy::OneForAll, patient);
    trio.tell(0, Do::Panic);
    trio.hear("a", "restart 1");
    assert!(trio.running.shutdown().reason.to_string().contains("shutdown"));
}

/// Children that failed together do not come back together: with jitter each pause is another.
#[test]
fn with_jitter_children_that_fail_together_come_back_one_by_one() {
    let jittered = |_: &str, spec: ChildSpec| {
        let hour = std::time::Duration::from_secs(3600);
        spec.restart(bounded(8, 100_000_000)).backoff(Backoff {
            initial: hour,
            max: hour,
            factor: 1.0,
            jitter: 1.0,
        })
    };
    simulated(|runtime| {
        let trio = Trio::new(runtime, Strategy::OneForOne, jittered);
        let mut pauses = std::collections::BTreeSet::new();
        for _ in 0..8 {
            (0..NAMES.len()).for_each(|child| trio.tell(child, Do::Panic));
            let new = NAMES.map(|_| pause_heard(&trio.reports));
            assert!(new.into_iter().all(|after| pauses.insert(after)), "{new:?} among {pauses:?}");
            trio.addresses.iter().for_each(|address| assert!(address.call(Do::Which).is_ok()));
        }
        let spread = *pauses.last().expect("some") - *pauses.first().expect("some");
        assert!(spread.as_secs() > 1800, "24 pauses out of an hour are within {spread:?}");
    });
}

/// The pause that the next report of a restart tells.
fn pause_heard(reports: &Reports) -> std::time::Duration {
    loop {
        match reports.recv_timeout(LONG) {
            Some(Received::Report(Report { what: Lifecycle::Restarting { after, .. }, .. })) => return after,
            Some(_) => {}
            None => panic!("no restart is heard of"),
        }
    }
}

/// The tree tells what counts now: restarts of the window, of this incarnation of the supervisor; the total stays.
#[test]
fn the_tree_tells_the_restarts_that_still_count_and_all_there_ever_were() {
    let second = std::time::Duration::from_secs(1);
    simulated(|runtime| {
        let strings = strings();
        let counted = |_: &str, spec: ChildSpec| spec.restart(bounded(2, 10));
        let (inner, addresses) = build(Strategy::OneForOne, &strings, counted);
        let running =
            Supervisor::one_for_one("outer").child(ChildSpec::supervisor(inner).0).start_on(runtime);
        let running = running.expect("it starts");
        let panics = || {
            assert!(addresses[0].send(Do::Panic).is_ok());
            assert!(addresses[0].call(Do::Which).is_ok());
            let tree = running.tree();
            let node = tree.find(["top", "a"]).expect("it is there");
            (node.restarts_within, node.restarts_total)
        };
        let told = || {
            let tree = running.tree();
            tree.find(["top", "a"]).map(|node| (node.restarts_within, node.restarts_total))
        };
        assert_eq!(panics(), (1, 1));
        assert!(running.wait_timeout(9 * second).is_none());
        assert_eq!(panics(), (2, 2));
        assert!(running.wait_timeout(2 * second).is_none());
        assert_eq!(told(), Some((1, 2)), "the first is out of the window");
        assert_eq!(panics(), (2, 3));
        assert_eq!(panics(), (0, 3), "its supervisor gave up, and counts anew");
    });
}
