//! Children that come and go, and supervisors below supervisors.

use super::super::family::Family;
use super::puppet::{Do, Mishap, bounded, build, everywhere, hear, puppet, strings};
use crate::*;

/// A child is added and removed while the supervisor runs; one that fails to start leaves nothing behind.
#[test]
fn children_are_added_and_removed_while_the_supervisor_runs() {
    everywhere(|runtime| {
        let strings = strings();
        let running = Supervisor::one_for_one("top").start_on(runtime).expect("it starts");
        let handle = running.handle();
        let (spec, address) = puppet("a", &strings[0]);
        handle.add(spec).expect("it starts");
        assert_eq!(address.call(Do::Which), Ok(1));
        assert!(matches!(handle.add(puppet("a", &strings[0]).0), Err(AddError::AlreadyThere)));
        strings[1].in_factory([Some(Mishap::Fail)]);
        let (spec, refused) = puppet("b", &strings[1]);
        assert!(matches!(handle.add(spec), Err(AddError::DidNotStart(_))));
        assert_eq!(refused.call(Do::Which), Err(CallError::Stopped));
        assert!(matches!(handle.add(puppet("c", &strings[2]).0.mailbox(0)), Err(AddError::Refused(_))));
        assert_eq!(handle.children(), ["a".into()]);
        let names = |tree: Tree| tree.root.children.iter().map(|child| child.id.clone()).collect::<Vec<_>>();
        assert_eq!(names(handle.tree()), ["a".into()], "a handle sees what the root sees");
        assert_eq!(names(handle.tree()), names(running.tree()));
        assert!(handle.remove(&"a".into()).is_ok_and(|reason| !reason.is_abnormal()));
        assert_eq!(handle.remove(&"a".into()).unwrap_err(), RemoveError::Unknown);
        assert_eq!(address.call(Do::Which), Err(CallError::Stopped));
        handle.add(puppet("a", &strings[0]).0).expect("its name is free again");
        assert!(running.shutdown().is_clean());
        assert!(matches!(handle.add(puppet("d", &strings[0]).0), Err(AddError::Stopped)));
        assert_eq!(handle.remove(&"a".into()).unwrap_err(), RemoveError::Stopped);
    });
}

/// A child that has ended for good makes room for another of its name.
#[test]
fn a_child_that_has_ended_for_good_makes_room_for_another_of_its_name() {
    everywhere(|runtime| {
        let strings = strings();
        let running = Supervisor::one_for_one("top").start_on(runtime).expect("it starts");
        for _ in 0..3 {
            let (spec, address) = puppet("a", &strings[0]);
            let spec = spec.kind(Restart::Transient);
            let completion = spec.completion();
            running.handle().add(spec).expect("it starts");
            assert!(address.send(Do::Stop).is_ok());
            assert!(matches!(completion.wait(), ExitReason::Normal));
        }
        assert_eq!(running.handle().children().len(), 1);
    });
}

/// A nested supervisor that gives up is restarted by its parent with all its children, and their addresses stay valid.
#[test]
fn a_nested_supervisor_that_gives_up_is_restarted_with_its_children() {
    everywhere(|runtime| {
        let trio = strings();
        let never = |_: &str, spec: ChildSpec| spec.restart(RestartPolicy::Never);
        let (inner, addresses) = build(Strategy::OneForOne, &trio, never);
        let (spec, handle) = ChildSpec::supervisor(inner);
        let running = Supervisor::one_for_one("outer").child(spec.restart(bounded(1, 60))).start_on(runtime);
        let running = running.expect("it starts");
        let reports = running.reports(1000);
        let (extra, gone) = puppet("extra", &trio[0]);
        handle.add(extra).expect("it starts");
        trio[0].log();
        assert!(addresses[1].send(Do::Panic).is_ok());
        hear(&reports, "top", "restarted");
        assert_eq!(trio[0].log(), "-extra1 -c1 -a1 +a2 +b2 +c2");
        let up = addresses.iter().map(|address| address.call(Do::Which).expect("it answers"));
        assert_eq!(up.collect::<Vec<_>>(), [2, 2, 2]);
        assert_eq!(gone.call(Do::Which), Err(CallError::Stopped), "what was added is gone");
        assert_eq!(
            running.tree().find(["top"]).map(|node| (node.incarnation, node.restarts_total)),
            Some((2, 1))
        );
        assert!(addresses[1].send(Do::Panic).is_ok());
        let reason = running.wait();
        assert!(
            matches!(&reason, ExitReason::BudgetExhausted { child, .. } if child.as_str() == "top"),
            "{reason}"
        );
        assert!(matches!(reason.root_cause(), ExitReason::Panicked { .. }));
        assert_eq!(addresses[0].call(Do::Which), Err(CallError::Stopped));
    });
}

/// Who waits for a child was told that it has ended for good: it does not come back with its supervisor.
#[test]
fn a_child_that_has_ended_for_good_does_not_come_back_with_its_supervisor() {
    everywhere(|runtime| {
        let trio = strings();
        let once = |_: &str, spec: ChildSpec| spec.kind(Restart::Transient).restart(RestartPolicy::Never);
        let (inner, addresses) = build(Strategy::OneForOne, &trio, once);
        let (spec, _) = ChildSpec::supervisor(inner);
        let running = Supervisor::one_for_one("outer").child(spec.restart(bounded(1, 60))).start_on(runtime);
        let running = running.expect("it starts");
        let reports = running.reports(1000);
        assert!(addresses[0].send(Do::Stop).is_ok());
        assert_eq!(addresses[0].call(Do::Which), Err(CallError::Stopped), "told when it has ended for good");
        assert_eq!(trio[0].log(), "+a1 +b1 +c1 -a1");
        assert!(addresses[1].send(Do::Panic).is_ok());
        hear(&reports, "top", "restarted");
        assert_eq!(trio[0].log(), "-c1 +b2 +c2");
        assert_eq!(addresses[0].call(Do::Which), Err(CallError::Stopped));
        assert_eq!(addresses[2].call(Do::Which), Ok(2));
        assert!(running.shutdown().is_clean());
    });
}

/// A failed start deep in the tree is named by its path.
#[test]
fn a_failed_start_deep_in_the_tree_is_named_by_its_path() {
    everywhere(|runtime| {
        let trio = strings();
        trio[2].in_factory([Some(Mishap::Panic)]);
        let (inner, _) = build(Strategy::RestForOne, &trio, |_, spec| spec);
        let middle = Supervisor::one_for_one("middle").child(ChildSpec::supervisor(inner).0);
        let outer = Supervisor::one_for_one("outer").child(ChildSpec::supervisor(middle).0);
        match outer.start_on(runtime) {
            Err(StartError::Child { child, .. }) => assert_eq!(child.as_str(), "middle/top/c"),
            other => panic!("{other:?}"),
        }
        assert_eq!(trio[0].log(), "+a1 +b1 -b1 -a1");
    });
}

/// A nested tree stops in reverse, inner children before outer siblings that started earlier.
#[test]
fn a_nested_tree_stops_in_reverse_and_its_report_names_each_child_by_its_path() {
    everywhere(|runtime| {
        let trio = strings();
        let (inner, _) = build(Strategy::RestForOne, &trio, |_, spec| spec);
        let first = puppet("first", &trio[0]).0;
        let outer = Supervisor::one_for_one("outer").child(first).child(ChildSpec::supervisor(inner).0);
        let running = outer.start_on(runtime).expect("it starts");
        trio[0].log();
        let report = running.shutdown();
        assert_eq!(trio[0].log(), "-c1 -b1 -a1 -first1");
        let names: Vec<&str> = report.children.iter().map(|child| child.child.as_str()).collect();
        assert_eq!(names, ["first", "top", "top/a", "top/b", "top/c"]);
        assert!(report.is_clean(), "{report}");
    });
}

/// A tree that has ended says how, to who started it; to who has a handle of its supervisor it is stopped.
#[test]
fn a_tree_that_has_ended_says_how() {
    everywhere(|runtime| {
        let begun = || {
            let (spec, address) = puppet("a", &strings()[0]);
            let top = Supervisor::one_for_one("top").child(spec.restart(RestartPolicy::Never));
            (top.start_on(runtime).expect("it starts"), address)
        };
        let states = |running: &Running| (running.tree().root.state, running.handle().tree().root.state);
        let (running, address) = begun();
        assert_eq!(states(&running), (ChildState::Running, ChildState::Running));
        assert!(address.send(Do::Panic).is_ok());
        assert!(running.wait().is_abnormal());
        assert_eq!(states(&running), (ChildState::Failed, ChildState::Stopped));
        let (running, _) = begun();
        assert!(running.shutdown().is_clean());
        assert_eq!(states(&running), (ChildState::Stopped, ChildState::Stopped));
    });
}

/// A supervisor is removed like any other child: with all below it, and its own children may be removed first.
#[test]
fn a_nested_supervisor_is_removed_with_all_below_it() {
    everywhere(|runtime| {
        let strings = strings();
        let (spec, address) = puppet("a", &strings[0]);
        let (inner, below) = ChildSpec::supervisor(Supervisor::one_for_one("inner").child(spec));
        let running = Supervisor::one_for_one("top").child(inner).start_on(runtime).expect("it starts");
        let ended = running.handle().remove(&"inner".into()).expect("it is there");
        assert!(!ended.is_abnormal(), "{ended}");
        assert_eq!(strings[0].log(), "+a1 -a1");
        assert_eq!(address.call(Do::Which), Err(CallError::Stopped));
        assert!(matches!(below.add(puppet("b", &strings[1]).0), Err(AddError::Stopped)));
        assert_eq!(running.handle().children(), []);
    });
}

/// A handle is there before its supervisor is, and after it.
#[test]
fn a_handle_tells_whether_its_supervisor_has_begun_and_ended() {
    everywhere(|runtime| {
        let (inner, handle) = ChildSpec::supervisor(Supervisor::one_for_one("inner"));
        let state = || handle.tree().root.state;
        assert_eq!(state(), ChildState::New);
        let running = Supervisor::one_for_one("top").child(inner).start_on(runtime).expect("it starts");
        assert_eq!(state(), ChildState::Running);
        assert!(running.shutdown().is_clean());
        assert_eq!(state(), ChildState::Stopped);
    });
}

/// What a user holds prints its name and what it is; a lock of the tree is not needed for that.
#[test]
fn supervisors_handles_and_trees_print_their_name() {
    let top = Supervisor::one_for_all("top");
    assert!(format!("{top:?}").contains("name: ChildId(\"top\"), strategy: OneForAll"), "{top:?}");
    let running = top.start().expect("it starts");
    assert_eq!(format!("{:?}", running.handle()), "SupervisorHandle(ChildId(\"top\"))");
    assert_eq!(format!("{running:?}"), "Running { root: ChildId(\"top\"), ended: None }");
    assert!(running.shutdown().is_clean());
    assert_eq!(format!("{running:?}"), "Running { root: ChildId(\"top\"), ended: Some(Shutdown) }");
}

/// Children may come and go for years, each under a name of its own: nothing of them is kept.
#[test]
fn of_a_removed_child_not_even_its_name_is_kept() {
    everywhere(|runtime| {
        let running = Supervisor::one_for_one("top").start_on(runtime).expect("it starts");
        let handle = running.handle();
        for name in ["a", "b", "c"] {
            handle.add(puppet(name, &strings()[0]).0).expect("it starts");
            handle.remove(&name.into()).expect("it is there");
        }
        assert!(handle.family.names.lock().is_empty());
    });
}

/// A handle looks at one child and stops it without waiting; the clock it tells is the tree's.
#[test]
fn a_handle_looks_at_one_child_and_stops_it_without_waiting() {
    everywhere(|runtime| {
        let (spec, _address) = puppet("a", &strings()[0]);
        let completion = spec.completion();
        let running = Supervisor::one_for_one("top").child(spec).start_on(runtime).expect("it starts");
        let handle = running.handle();
        assert!(handle.child(&"a".into()).is_some_and(|node| node.state == ChildState::Running));
        assert!(handle.child(&"b".into()).is_none());
        handle.stop(&"a".into());
        assert!(matches!(completion.wait(), ExitReason::Shutdown));
        let (before, at, after) = (running.tree().at, handle.tree().at, running.tree().at);
        assert!(before <= at && at <= after, "{before} {at} {after}");
        assert!(runtime.now() == Time::ZERO || at > Time::ZERO);
    });
}

/// A name that has gone over to another child stays when the first is forgotten.
#[test]
fn a_name_that_has_gone_over_to_another_child_stays_when_the_first_is_forgotten() {
    let family = Family::new("top".into(), Strategy::OneForOne);
    let keys = [(); 2].map(|()| {
        let (child, settings) = puppet("a", &strings()[0]).0.into_parts();
        let key = family.next_key();
        family.take_in(key, child, settings, false);
        key
    });
    let found = || family.find(&"a".into()).map(|(key, ..)| key);
    assert!(family.forget(keys[0]).is_some_and(|gone| gone.key == keys[0]));
    assert_eq!(found(), Some(keys[1]));
    assert!(family.forget(keys[1]).is_some());
    assert_eq!(found(), None);
}
