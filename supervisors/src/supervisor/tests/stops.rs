//! Shutdowns, deadlines, and looking inside meanwhile.

use super::puppet::{Do, LONG, Mishap, Trio, everywhere, puppet, strings};
use crate::rt::channel;
use crate::*;
use std::sync::Arc;
use std::time::Duration;

/// A child that does not stop by its deadline is named in the `ShutdownReport` with what it was doing; the rest still stop.
#[test]
fn a_child_that_does_not_stop_by_its_deadline_is_named_in_the_shutdown_report() {
    for (driver, hangs_in) in
        [(Driver::Inline, "top/b"), (Driver::OwnThread, "top/b"), (Driver::Pooled, "top/(pool 1)")]
    {
        let runtime = Runtime::threads().pool_of(2);
        let trio = Trio::new(&runtime, Strategy::OneForOne, |name, spec| {
            impatient(name == "b", spec.driver(driver))
        });
        let ((there, was_there), (_go, gone)) = (channel::bounded(1), channel::bounded(1));
        trio.tell(1, Do::Gate(there, gone));
        assert!(was_there.recv().is_ok());
        let (log, report) = (trio.strings[0].clone(), trio.running.shutdown());
        assert_eq!(log.log(), "-c1 -a1");
        match report.child("b") {
            Some(Ending::Abandoned { thread: Some(thread), doing }) => {
                assert_eq!((thread.as_str(), *doing), (hangs_in, "waiting at a gate"));
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(report.threads_left, [hangs_in]);
        assert!(!report.is_clean());
        assert!(
            report
                .to_string()
                .contains(&format!("b: abandoned on thread {hangs_in}, doing: waiting at a gate")),
            "{report}"
        );
    }
}

/// A deadline only for the child that misses it: the others may be slow on a busy machine.
fn impatient(is_it: bool, spec: ChildSpec) -> ChildSpec {
    if is_it { spec.shutdown(Duration::from_millis(20)) } else { spec }
}

/// The same for a child that hangs in `stopping`.
#[test]
fn a_child_that_hangs_in_stopping_is_abandoned_too() {
    let trio = Trio::new(&Runtime::threads(), Strategy::OneForOne, |name, spec| impatient(name == "c", spec));
    let (_there, _go) = trio.strings[2].hang_in_stopping();
    let report = trio.running.shutdown();
    assert!(
        matches!(report.child("c"), Some(Ending::Abandoned { doing: "hanging in stopping", .. })),
        "{report}"
    );
    assert!(matches!(report.child("a"), Some(Ending::Clean)), "{report}");
}

/// `tree()` answers while children are busy, restarting or hung.
#[test]
fn tree_answers_while_children_are_busy_restarting_or_hung() {
    let trio = Trio::new(&Runtime::threads(), Strategy::OneForOne, |name, spec| match name {
        "c" => {
            let hour = Duration::from_secs(3600);
            spec.backoff(Backoff { initial: hour, max: hour, factor: 1.0, jitter: 0.0 })
        }
        name => impatient(name == "b", spec),
    });
    let ((there, was_there), (_go, gone)) = (channel::bounded(1), channel::bounded(1));
    trio.tell(1, Do::Gate(there, gone));
    assert!(was_there.recv().is_ok());
    trio.tell(1, Do::Note(1));
    trio.tell(2, Do::Panic);
    trio.hear("c", "restart 1");
    assert_eq!(trio.states(), [ChildState::Running, ChildState::Running, ChildState::Restarting]);
    let tree = trio.running.tree();
    let busy = tree.find(["b"]).expect("it is there");
    assert!(busy.busy_since.is_some());
    assert_eq!((busy.doing, busy.mailbox_depth), ("waiting at a gate", 1));
    let back = tree.find(["c"]).expect("it is there");
    assert_eq!((back.restarts_within, back.restarts_total), (1, 1));
    assert!(matches!(back.last_exit, Some(ExitReason::Panicked { .. })));
    assert!(tree.to_string().contains("├─ b (inline) running #1"), "{tree}");
    assert!(serde_json::to_string(&tree).is_ok());
}

/// A full mailbox makes `send` wait, gives `try_send` its message back, and never stops an exit notice.
#[test]
fn a_full_mailbox_never_stops_an_exit_notice() {
    let trio = Trio::new(&Runtime::threads(), Strategy::OneForAll, |_, spec| spec.mailbox(1));
    let ((there, was_there), (go, gone)) = (channel::bounded(1), channel::bounded(1));
    trio.tell(0, Do::Gate(there, gone));
    assert!(was_there.recv().is_ok());
    trio.tell(0, Do::Panic);
    assert!(matches!(trio.addresses[0].try_send(Do::Note(1)), Err(TrySendError::Full(Do::Note(1)))));
    let waited = trio.addresses[0].send_timeout(Do::Note(1), Duration::from_millis(1));
    assert!(matches!(waited, Err(SendTimeoutError::Timeout(Do::Note(1)))));
    assert!(go.send(()).is_ok());
    trio.hear("c", "restarted");
    assert_eq!(trio.up(), [2, 2, 2]);
}

/// Every thread is joined or named in the report; a dropped tree is a stopped tree.
#[test]
fn a_dropped_tree_is_stopped_and_its_addresses_answer_stopped() {
    let trio = Trio::plain(&Runtime::threads(), Strategy::OneForOne);
    let (log, address) = (trio.strings[0].clone(), trio.addresses[0].clone());
    drop(trio.running);
    assert_eq!(log.log(), "-c1 -b1 -a1");
    assert_eq!(address.call(Do::Which), Err(CallError::Stopped));
}

/// The root's exhaustion is the user's error: `wait` says so, and nobody waits for its children any longer.
#[test]
fn the_roots_exhaustion_is_the_users_error() {
    let trio =
        Trio::new(&Runtime::threads(), Strategy::OneForAll, |_, spec| spec.restart(RestartPolicy::Never));
    trio.tell(1, Do::Panic);
    let reason = trio.running.wait_timeout(LONG).expect("it gives up");
    assert!(
        matches!(&reason, ExitReason::BudgetExhausted { child, .. } if child.as_str() == "b"),
        "{reason}"
    );
    assert_eq!(trio.log(), "-c1 -a1");
    assert_eq!(trio.addresses[0].call(Do::Which), Err(CallError::Stopped));
    let report = trio.running.shutdown();
    assert!(matches!(report.reason, ExitReason::BudgetExhausted { .. }));
    assert!(matches!(report.child("b"), Some(Ending::Panicked { .. })), "{report}");
    assert!(trio.reports.last().is_some(), "the reports end with the tree");
}

/// Specs that cannot work, and two children of one name, are refused before anything starts.
#[test]
fn what_cannot_work_is_refused_before_anything_starts() {
    let refused = |shape: fn(ChildSpec) -> ChildSpec| {
        let strings = strings();
        let started = Supervisor::one_for_one("top").child(shape(puppet("a", &strings[0]).0)).start();
        assert_eq!(strings[0].log(), "");
        match started {
            Err(StartError::Refused { error, .. }) => error,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(refused(|spec| spec.mailbox(0)), SpecError::ZeroMailbox);
    assert_eq!(refused(|spec| spec.turn_limit(0)), SpecError::ZeroTurnLimit);
    assert_eq!(
        refused(|spec| spec.shutdown(Duration::ZERO)),
        SpecError::ZeroDeadline { deadline: "shutdown" }
    );
    assert_eq!(refused(|spec| spec.restart(super::puppet::bounded(1, 0))), SpecError::ZeroWindow);
    let never = refused(|spec| spec.restart(super::puppet::bounded(11, 10)).shutdown(Duration::from_secs(1)));
    assert!(matches!(never, SpecError::BudgetNeverExhausts { .. }));
    let strings = strings();
    let twice =
        Supervisor::one_for_one("top").child(puppet("a", &strings[0]).0).child(puppet("a", &strings[1]).0);
    assert!(matches!(twice.start(), Err(StartError::DuplicateName { .. })));
}

/// A child that does not start in time is abandoned, and the start says so.
#[test]
fn a_child_that_hangs_in_its_start_is_abandoned() {
    let ((there, was_there), (go, gone)) = (channel::bounded::<()>(1), channel::bounded::<()>(1));
    let strings = strings();
    let (spec, _) = ChildSpec::actor("slow", move || {
        let _ = there.send(());
        let _ = gone.recv();
        Slow
    });
    let spec = spec.driver(Driver::OwnThread).start_deadline(Duration::from_millis(20));
    let first = puppet("a", &strings[0]).0;
    match Supervisor::one_for_one("top").child(first).child(spec).start() {
        Err(StartError::Child { child, reason }) => {
            assert_eq!((child.as_str(), reason.to_string().as_str()), ("slow", "start failed: abandoned"));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(strings[0].log(), "+a1 -a1");
    assert!(was_there.recv().is_ok());
    drop(go);
}

struct Slow;

impl Actor for Slow {
    type Message = ();
    type Error = std::convert::Infallible;

    fn handle(&mut self, (): (), _: &mut Context<'_, ()>) -> Result<Flow, Self::Error> {
        Ok(Flow::Stop)
    }
}

#[test]
fn a_failure_in_drop_is_how_the_child_ended() {
    let trio = Trio::plain(&Runtime::threads(), Strategy::OneForOne);
    trio.strings[0].in_drop(Mishap::Panic);
    let report = trio.running.shutdown();
    assert!(matches!(report.child("a"), Some(Ending::Panicked { .. })), "{report}");
    assert!(report.to_string().contains("a: panicked at "), "{report}");
}

/// Asks `b` for its incarnation after it has killed it.
struct Asker(Address<Do>, channel::Sender<Result<u64, CallError>>);

impl Actor for Asker {
    type Message = ();
    type Error = std::convert::Infallible;

    fn handle(&mut self, _: (), _: &mut Context<'_, ()>) -> Result<Flow, Self::Error> {
        let _ = self.0.send(Do::Panic);
        let _ = self.1.send(self.0.call(Do::Which));
        Ok(Flow::Continue)
    }
}

/// A child that waits for a sibling that will never come back is told so at once, and stops in time.
#[test]
fn who_waits_for_a_child_that_the_root_has_given_up_is_told_so_before_it_is_stopped_itself() {
    let (spec, address) = puppet("b", &strings()[0]);
    let (tell, told) = channel::bounded(1);
    let (asker, asking) = ChildSpec::actor("asker", move || Asker(address.clone(), tell.clone()));
    let running = Supervisor::one_for_one("top")
        .child(spec.restart(RestartPolicy::Never))
        .child(asker.driver(Driver::OwnThread).restart(RestartPolicy::Never).shutdown(LONG * 2))
        .start()
        .expect("it starts");
    asking.send(()).expect("it runs");
    assert_eq!(told.recv_timeout(LONG), Ok(Err(CallError::Stopped)));
    let reason = running.wait_timeout(LONG).expect("it gives up");
    assert!(
        matches!(&reason, ExitReason::BudgetExhausted { child, .. } if child.as_str() == "b"),
        "{reason}"
    );
    let report = running.shutdown();
    assert!(matches!(report.child("asker"), Some(Ending::Clean)), "{report}");
}

/// A tree that has ended and that nobody holds is gone: its children do not keep their supervisors, nor these them.
#[test]
fn a_tree_that_was_dropped_leaves_nothing_in_memory() {
    everywhere(|runtime| {
        let strings = strings();
        let (inner, handle) = {
            let (spec, address) = puppet("a", &strings[0]);
            let (inner, handle) = ChildSpec::supervisor(Supervisor::one_for_one("inner").child(spec));
            drop(address);
            (inner, handle)
        };
        let running = Supervisor::one_for_one("top").child(inner).start_on(runtime).expect("it starts");
        handle.add(puppet("b", &strings[1]).0).expect("it starts");
        let families = [&running.handle().family, &handle.family].map(Arc::downgrade);
        drop(running);
        drop(handle);
        assert_eq!(families.map(|family| family.strong_count()), [0, 0]);
    });
}

/// Who waits for a child of a supervisor that nobody will ever start is told so.
#[test]
fn a_supervisor_that_is_dropped_unstarted_leaves_nobody_waiting_for_its_children() {
    let (spec, address) = puppet("a", &strings()[0]);
    drop(Supervisor::one_for_one("top").child(spec));
    assert_eq!(address.call_timeout(LONG, Do::Which), Err(CallError::Stopped));
}

/// A child that was removed and hung is gone from the books, and its thread is not.
#[test]
fn a_child_that_hung_when_it_was_removed_is_named_in_the_last_report() {
    let trio = Trio::new(&Runtime::threads(), Strategy::OneForOne, |name, spec| impatient(name == "c", spec));
    let (_there, _go) = trio.strings[2].hang_in_stopping();
    let ended = trio.running.handle().remove(&"c".into());
    assert!(matches!(ended, Ok(ExitReason::Abandoned)), "{ended:?}");
    let report = trio.running.shutdown();
    assert!(
        matches!(report.child("c"), Some(Ending::Abandoned { doing: "hanging in stopping", .. })),
        "{report}"
    );
}

#[test]
fn who_subscribes_to_a_tree_that_has_ended_hears_that_nothing_comes() {
    let running = Supervisor::one_for_one("root").start().unwrap();
    assert!(running.shutdown().is_clean());
    assert!(running.reports(8).recv().is_none());
}
