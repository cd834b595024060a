//! What a slot does for its callers, on real threads.

mod endings;
mod expecting;
mod mending;
mod pooled;

use crate::nursery::{Nursery, Nursling};
use crate::rt::{self, channel};
use crate::*;
use std::time::Duration;

const LONG: Duration = Duration::from_secs(20);

/// An actor that does what it is told, and logs the numbers that it was given.
struct Puppet {
    log: channel::Sender<(u64, u32)>,
    held: Vec<Reply<u32>>,
    on_drop: bool,
}

enum Do {
    Log(u32),
    Answer(u32, Reply<u32>),
    Drop(Reply<u32>),
    Hold(Reply<u32>),
    Panic(Option<Reply<u32>>),
    PanicWith(Box<dyn Fn() + Send>, Reply<u32>),
    Fail(Reply<u32>),
    Stop,
    PanicInDrop,
    /// Says that it is there, then waits to be let go.
    Gate(channel::Sender<()>, channel::Receiver<()>),
    CallMyself(Address<Do>, Reply<CallError>),
    /// Sends to an address, or to itself.
    Send(Vec<u32>, Address<Do>),
    SendAfter(Duration, u32),
    WakeMe(u32),
}

#[derive(Debug, thiserror::Error)]
#[error("it broke")]
struct Broke;
impl Failure for Broke {
    fn remedy(&self) -> Remedy {
        Remedy::Escalate
    }
}

impl Puppet {
    fn log(&self, context: &Context<'_, Do>, number: u32) {
        let _ = self.log.send((context.incarnation(), number));
    }
}

impl Actor for Puppet {
    type Message = Do;
    type Error = Broke;

    fn handle(&mut self, message: Do, context: &mut Context<'_, Do>) -> Result<Flow, Broke> {
        match message {
            Do::Log(number) => self.log(context, number),
            Do::Answer(number, reply) => reply.send(number),
            Do::Drop(reply) => drop(reply),
            Do::Hold(reply) => self.held.push(reply),
            Do::Panic(_reply) => panic!("told to panic"),
            Do::PanicWith(raise, _reply) => raise(),
            Do::Fail(_reply) => return Err(Broke),
            Do::Stop => return Ok(Flow::Stop),
            Do::PanicInDrop => self.on_drop = true,
            Do::Gate(here, go) => {
                let _ = here.send(());
                let _ = go.recv();
            }
            Do::CallMyself(address, reply) => {
                reply.send(address.call(|r| Do::Answer(0, r)).expect_err("its own turn"));
            }
            Do::Send(numbers, to) => numbers.into_iter().for_each(|n| context.send(&to, Do::Log(n))),
            Do::SendAfter(delay, number) => {
                context.send_after(delay, Do::Log(number));
            }
            Do::WakeMe(number) => {
                self.log(context, number);
                context.wake_me();
            }
        }
        Ok(Flow::Continue)
    }

    fn woken(&mut self, context: &mut Context<'_, Do>) -> Result<Flow, Broke> {
        self.log(context, 1000);
        Ok(Flow::Continue)
    }

    fn stopping(&mut self, context: &mut Context<'_, Do>, _: &ExitReason) {
        self.log(context, 2000);
    }
}

impl Drop for Puppet {
    fn drop(&mut self) {
        assert!(!self.on_drop, "panics in its drop");
    }
}

struct Stage {
    nursery: Nursery,
    child: Nursling,
    address: Address<Do>,
    log: channel::Receiver<(u64, u32)>,
}

fn puppet(id: &str) -> (ChildSpec, Address<Do>, channel::Receiver<(u64, u32)>) {
    let (sender, log) = channel::bounded(10_000);
    let (spec, address) =
        ChildSpec::actor(id, move || Puppet { log: sender.clone(), held: Vec::new(), on_drop: false });
    (spec, address, log)
}

fn stage(change: impl FnOnce(ChildSpec) -> ChildSpec) -> Stage {
    let nursery = Nursery::new(&Runtime::threads());
    let (spec, address, log) = puppet("puppet");
    let child = nursery.start(change(spec));
    assert!(matches!(nursery.hear(), (1, None)));
    Stage { nursery, child, address, log }
}

impl Stage {
    /// A gate that the actor stands in when this returns, and goes on from when the sender is used or dropped.
    fn gate(&self) -> channel::Sender<()> {
        let (here, arrived) = channel::bounded(1);
        let (go, wait) = channel::bounded(1);
        self.address.send(Do::Gate(here, wait)).expect("it runs");
        arrived.recv_timeout(LONG).expect("it comes to the gate");
        go
    }

    fn next_log(&self) -> (u64, u32) {
        self.log.recv_timeout(LONG).expect("it logs")
    }

    /// Ends the child in good order, whether it is down or not.
    fn end(self) {
        self.nursery.finish(&self.child);
        assert_eq!(self.nursery.join(), Vec::<String>::new(), "every thread is joined");
    }
}

fn under_each_driver(check: impl Fn(Driver)) {
    [Driver::Inline, Driver::OwnThread, Driver::Pooled].into_iter().for_each(check);
}

#[test]
fn a_call_is_answered() {
    under_each_driver(|driver| {
        let stage = stage(|spec| spec.driver(driver));
        for n in 0..100 {
            assert_eq!(stage.address.call(|r| Do::Answer(n, r)), Ok(n));
            assert_eq!(stage.address.call_timeout(LONG, |r| Do::Answer(n, r)), Ok(n));
            assert_eq!(stage.address.submit(|r| Do::Answer(n, r)).expect("it runs").wait(), Ok(n));
        }
        stage.end();
    });
}

#[test]
fn a_call_on_an_idle_actor_needs_no_thread_of_its_own() {
    let nursery = Nursery::new(&Runtime::threads());
    let (spec, address, _log) = puppet("puppet");
    let child = nursery.adopt(spec);
    {
        let _scope = crate::driver::enter();
        child.start(1);
        crate::driver::run_until(|| false);
    }
    assert!(matches!(nursery.hear(), (1, None)));
    assert_eq!(address.call(|r| Do::Answer(1, r)), Ok(1));
    assert_eq!(format!("{nursery:?}").matches("nursery/puppet").count(), 0);
    nursery.finish(&child);
}

#[test]
fn messages_queued_at_a_restart_are_handled_in_order_by_the_next_incarnation() {
    under_each_driver(|driver| {
        let stage = stage(|spec| spec.driver(driver));
        let gate = stage.gate();
        let failing = stage.address.submit(|r| Do::Panic(Some(r))).expect("it runs");
        (0..5).for_each(|n| stage.address.send(Do::Log(n)).expect("there is room"));
        drop(gate);
        let (incarnation, reason) = stage.nursery.hear();
        assert_eq!(incarnation, 1);
        assert!(matches!(reason, Some(ExitReason::Panicked { .. })));
        let failed = CallError::ActorFailed { child: "puppet".into(), incarnation: 1 };
        assert_eq!(failing.wait(), Err(failed));
        stage.address.send(Do::Log(5)).expect("a slot that is down takes messages");
        stage.child.start(2);
        assert!(matches!(stage.nursery.hear(), (2, None)));
        (0..6).for_each(|n| assert_eq!(stage.next_log(), (2, n)));
        stage.end();
    });
}

fn check_answer(told: impl Fn(Reply<u32>) -> Do, expected: CallError) {
    under_each_driver(|driver| {
        let stage = stage(|spec| spec.driver(driver));
        assert_eq!(stage.address.call(&told), Err(expected.clone()));
        stage.end();
    });
}

#[test]
fn the_message_in_hand_is_answered_actor_failed() {
    let failed = CallError::ActorFailed { child: "puppet".into(), incarnation: 1 };
    check_answer(|r| Do::Panic(Some(r)), failed.clone());
    check_answer(Do::Fail, failed);
}

#[test]
fn a_reply_that_a_healthy_actor_drops_is_answered_no_reply() {
    check_answer(Do::Drop, CallError::NoReply);
}

#[test]
fn replies_that_a_failed_actor_held_are_answered_actor_failed_and_those_of_a_stopped_one_stopped() {
    let failed = CallError::ActorFailed { child: "puppet".into(), incarnation: 1 };
    for (last, expected) in [(Do::Panic(None), failed), (Do::Stop, CallError::Stopped)] {
        let stage = stage(|spec| spec);
        let held = stage.address.submit(Do::Hold).expect("it runs");
        stage.address.send(last).expect("it runs");
        assert_eq!(held.wait(), Err(expected));
        stage.end();
    }
}

#[test]
fn a_refusal_is_told_apart_from_a_failure() {
    let Stage { nursery, child, address, .. } = stage(|spec| spec);
    nursery.finish(&child);
    assert_eq!(address.call(|r| Do::Answer(1, r)), Err(CallError::Stopped));
    assert!(matches!(address.try_send(Do::Log(1)), Err(TrySendError::Stopped(Do::Log(1)))));
    assert!(matches!(address.send(Do::Log(1)), Err(SendError(Do::Log(1)))));
    assert!(nursery.join().is_empty());
}

#[test]
fn a_call_to_an_actor_whose_turn_the_thread_holds_is_refused() {
    under_each_driver(|driver| {
        let stage = stage(|spec| spec.driver(driver));
        let own = stage.address.clone();
        assert_eq!(stage.address.call(|r| Do::CallMyself(own, r)), Ok(CallError::OwnTurn));
        stage.end();
    });
}

#[test]
fn a_full_mailbox_makes_send_wait_and_gives_try_send_its_message_back() {
    under_each_driver(|driver| {
        let stage = stage(|spec| spec.driver(driver).mailbox(2));
        let gate = stage.gate();
        (0..2).for_each(|n| stage.address.try_send(Do::Log(n)).expect("there is room"));
        assert!(matches!(stage.address.try_send(Do::Log(9)), Err(TrySendError::Full(Do::Log(9)))));
        let soon = Duration::from_millis(1);
        let late = stage.address.send_timeout(Do::Log(9), soon);
        assert!(matches!(late, Err(SendTimeoutError::Timeout(Do::Log(9)))));
        assert_eq!(stage.address.call_timeout(soon, |r| Do::Answer(9, r)), Err(CallError::DeadlineExceeded));
        let (address, (done, sent)) = (stage.address.clone(), channel::bounded(1));
        let waiting = rt::thread::spawn("sender".into(), move || {
            address.send(Do::Log(2)).expect("room comes");
            done.send(()).expect("the test waits");
        });
        assert!(sent.try_recv().is_err(), "the send waits while the mailbox is full");
        drop(gate);
        sent.recv_timeout(LONG).expect("the send goes on");
        (0..3).for_each(|n| assert_eq!(stage.next_log(), (1, n)));
        waiting.expect("a thread").join().expect("no panic");
        stage.end();
    });
}

#[test]
fn a_full_mailbox_never_stops_an_exit_notice() {
    let stage = stage(|spec| spec.mailbox(1));
    let gate = stage.gate();
    stage.address.try_send(Do::Panic(None)).expect("there is room");
    drop(gate);
    let filler = stage.address.clone();
    let filling = rt::thread::spawn("filler".into(), move || while filler.send(Do::Log(1)).is_ok() {});
    assert!(matches!(stage.nursery.hear(), (1, Some(ExitReason::Panicked { .. }))));
    stage.child.end();
    filling.expect("a thread").join().expect("the blocked sender is told");
    stage.end();
}

#[test]
fn what_is_queued_when_a_child_ends_is_answered_stopped() {
    let stage = stage(|spec| spec);
    stage.address.send(Do::Panic(None)).expect("it runs");
    assert!(stage.nursery.hear().1.is_some());
    let queued = stage.address.submit(|r| Do::Answer(1, r)).expect("there is room");
    stage.child.end();
    assert_eq!(queued.wait(), Err(CallError::Stopped));
    stage.end();
}

fn check_panic(raise: impl Fn() + Send + 'static, text: &str, located: bool) {
    let stage = stage(|spec| spec);
    let raise: Box<dyn Fn() + Send> = Box::new(raise);
    assert!(stage.address.call(|r| Do::PanicWith(raise, r)).is_err());
    let (_, Some(ExitReason::Panicked { message, location })) = stage.nursery.hear() else {
        panic!("it panicked");
    };
    assert_eq!(message, text);
    assert_eq!(location.map(|at| at.file.ends_with("tests/mod.rs")), located.then_some(true));
    stage.end();
}

struct Explosive;
impl Drop for Explosive {
    fn drop(&mut self) {
        std::panic::panic_any(Explosive)
    }
}

#[test]
fn panics_keep_their_text_and_any_other_payload_is_an_unknown_panic() {
    check_panic(|| panic!("plain"), "plain", true);
    check_panic(|| panic!("with {}", 7), "with 7", true);
    check_panic(|| std::panic::panic_any(7_u8), "unknown panic", true);
    check_panic(|| std::panic::resume_unwind(Box::new("resumed")), "resumed", false);
    check_panic(|| std::panic::panic_any(Explosive), "unknown panic", true);
}

#[test]
fn a_panic_in_a_drop_is_an_exit_like_any_other() {
    let stage = stage(|spec| spec);
    stage.address.send(Do::PanicInDrop).expect("it runs");
    assert_eq!(stage.address.call(|r| Do::Answer(1, r)), Ok(1));
    stage.child.stop(1);
    assert!(matches!(stage.nursery.hear(), (1, Some(ExitReason::Panicked { .. }))));
    stage.child.start(2);
    assert!(matches!(stage.nursery.hear(), (2, None)));
    stage.end();
}

struct Fragile(&'static str);
impl Actor for Fragile {
    type Message = ();
    type Error = Broke;
    fn started(&mut self, _: &mut Context<'_, ()>) -> Result<(), Broke> {
        match self.0 {
            "panic in started" => panic!("in started"),
            "error in started" => Err(Broke),
            _ => Ok(()),
        }
    }
    fn handle(&mut self, (): (), _: &mut Context<'_, ()>) -> Result<Flow, Broke> {
        Ok(Flow::Stop)
    }
    fn stopping(&mut self, _: &mut Context<'_, ()>, _: &ExitReason) {
        assert!(self.0 != "panic in stopping", "in stopping");
    }
}

fn check_fragile(fault: &'static str) -> ExitReason {
    let nursery = Nursery::new(&Runtime::threads());
    let (spec, address) = ChildSpec::actor("fragile", move || match fault {
        "panic in the factory" => panic!("in the factory"),
        "error of the factory" => Err(Broke),
        _ => Ok(Fragile(fault)),
    });
    let child = nursery.start(spec);
    address.send(()).expect("there is room");
    let mut heard = nursery.hear();
    if heard.1.is_none() {
        heard = nursery.hear();
    }
    nursery.finish(&child);
    assert!(nursery.join().is_empty());
    heard.1.expect("it ends")
}

#[test]
fn panics_and_errors_in_factory_started_and_stopping_reach_the_supervisor() {
    let start_failed = |fault| match check_fragile(fault) {
        ExitReason::StartFailed(inner) => *inner,
        other => panic!("{fault}: {other}"),
    };
    assert!(matches!(start_failed("panic in the factory"), ExitReason::Panicked { .. }));
    assert!(matches!(start_failed("panic in started"), ExitReason::Panicked { .. }));
    let error = start_failed("error of the factory");
    assert_eq!((error.remedy(), error.downcast_ref::<Broke>().is_some()), (Remedy::Escalate, true));
    assert!(matches!(start_failed("error in started"), ExitReason::Failed { .. }));
    assert!(matches!(check_fragile("panic in stopping"), ExitReason::Panicked { .. }));
    assert!(matches!(check_fragile("none"), ExitReason::Normal));
}

#[test]
fn a_stop_of_an_older_incarnation_changes_nothing() {
    let stage = stage(|spec| spec);
    stage.address.send(Do::Panic(None)).expect("it runs");
    assert!(stage.nursery.hear().1.is_some());
    stage.child.stop(1);
    stage.child.start(2);
    assert!(matches!(stage.nursery.hear(), (2, None)));
    assert_eq!(stage.address.call(|r| Do::Answer(3, r)), Ok(3));
    stage.child.stop(2);
    assert!(matches!(stage.nursery.hear(), (2, Some(ExitReason::Shutdown))));
    assert_eq!(stage.next_log(), (2, 2000), "`stopping` was called");
    stage.end();
}

#[test]
fn an_actor_can_fill_its_own_mailbox_over_the_brim() {
    under_each_driver(|driver| {
        let stage = stage(|spec| spec.driver(driver).mailbox(2));
        let own = stage.address.clone();
        stage.address.send(Do::Send((0..50).collect(), own)).expect("it runs");
        (0..50).for_each(|n| assert_eq!(stage.next_log(), (1, n)));
        stage.end();
    });
}

#[test]
fn an_outbox_waits_for_room_and_keeps_its_order() {
    const ALL: [Driver; 3] = [Driver::Inline, Driver::OwnThread, Driver::Pooled];
    for (from, to) in ALL.into_iter().flat_map(|from| ALL.map(|to| (from, to))) {
        let nursery = Nursery::new(&Runtime::threads());
        let (first, first_address, _) = puppet("first");
        let (second, second_address, log) = puppet("second");
        let first = nursery.start(first.driver(from));
        let second = nursery.start(second.driver(to).mailbox(1));
        (0..2).for_each(|_| assert!(nursery.hear().1.is_none()));
        first_address.send(Do::Send((0..100).collect(), second_address.clone())).expect("it runs");
        assert_eq!(first_address.call(|r| Do::Answer(1, r)), Ok(1));
        (0..100).for_each(|n| assert_eq!(log.recv_timeout(LONG), Ok((1, n))));
        nursery.finish(&first);
        nursery.finish(&second);
        assert!(nursery.join().is_empty());
    }
}

#[test]
fn a_failed_turn_sends_nothing() {
    let stage = stage(|spec| spec);
    let gate = stage.gate();
    let own = stage.address.clone();
    stage.address.send(Do::Send(vec![1], own)).expect("there is room");
    stage.address.send(Do::Panic(None)).expect("there is room");
    drop(gate);
    assert!(stage.nursery.hear().1.is_some());
    stage.child.start(2);
    assert!(stage.nursery.hear().1.is_none());
    stage.address.send(Do::Log(7)).expect("it runs");
    assert_eq!(stage.next_log(), (2, 7));
    stage.end();
}

#[test]
fn a_timer_fires_while_nobody_calls() {
    under_each_driver(|driver| {
        let stage = stage(|spec| spec.driver(driver));
        stage.address.send(Do::SendAfter(Duration::from_millis(2), 2)).expect("it runs");
        stage.address.send(Do::SendAfter(Duration::from_millis(1), 1)).expect("it runs");
        stage.address.send(Do::SendAfter(Duration::ZERO, 0)).expect("it runs");
        let mut fired: Vec<_> = (0..3).map(|_| stage.next_log().1).collect();
        fired.sort_unstable(); // they were set in turns of different times
        assert_eq!(fired, [0, 1, 2]);
        stage.end();
    });
}

#[test]
fn wake_ups_that_meet_are_one() {
    under_each_driver(|driver| {
        let stage = stage(|spec| spec.driver(driver));
        let gate = stage.gate();
        (0..10).for_each(|_| stage.address.wake());
        drop(gate);
        assert_eq!(stage.next_log(), (1, 1000));
        stage.address.send(Do::WakeMe(5)).expect("it runs");
        assert_eq!((stage.next_log(), stage.next_log()), ((1, 5), (1, 1000)));
        assert_eq!(stage.address.call(|r| Do::Answer(1, r)), Ok(1));
        assert!(stage.log.try_recv().is_err());
        stage.end();
    });
}

#[test]
fn no_message_is_stranded_and_senders_order_is_kept() {
    under_each_driver(|driver| {
        let stage = stage(|spec| spec.driver(driver).mailbox(8).turn_limit(3));
        const EACH: u32 = 5_000;
        let threads: Vec<_> = (0..4_u32)
            .map(|sender| {
                let address = stage.address.clone();
                let work = move || {
                    (0..EACH).for_each(|n| {
                        if n % 3 == 0 {
                            assert_eq!(address.call(|r| Do::Answer(n, r)), Ok(n));
                        }
                        address.send(Do::Log(sender * EACH + n)).expect("it runs");
                    });
                };
                rt::thread::spawn(format!("sender {sender}"), work).expect("a thread")
            })
            .collect();
        let mut next = [0; 4];
        (0..4 * EACH).for_each(|_| {
            let (_, number) = stage.next_log();
            let (sender, n) = (number / EACH, number % EACH);
            assert_eq!(n, next[sender as usize], "the order of sender {sender}");
            next[sender as usize] += 1;
        });
        threads.into_iter().for_each(|it| it.join().expect("no panic"));
        stage.end();
    });
}

#[test]
fn no_caller_hangs_while_the_actor_panics_and_is_restarted_by_the_thread_that_met_it() {
    under_each_driver(|driver| {
        let nursery = Nursery::new(&Runtime::threads());
        let (spec, address, _log) = puppet("puppet");
        let kept = nursery.keep(spec.driver(driver));
        assert!(nursery.hear().1.is_none());
        let threads: Vec<_> = (0..3)
            .map(|_| {
                let address = address.clone();
                let work = move || {
                    (0..500).for_each(|n| match n % 5 {
                        0 => assert!(address.call(|r| Do::Panic(Some(r))).is_err()),
                        _ => assert_eq!(address.call(|r| Do::Answer(n, r)), Ok(n)),
                    });
                };
                rt::thread::spawn("caller".into(), work).expect("a thread")
            })
            .collect();
        threads.into_iter().for_each(|it| it.join().expect("no panic"));
        nursery.stop(kept);
        assert!(nursery.join().is_empty());
    });
}

#[test]
fn a_child_that_hangs_is_named_and_left_and_its_callers_are_told() {
    let stage = stage(|spec| spec.mailbox(2));
    let gate = stage.gate();
    assert_eq!(stage.child.snapshot().thread.as_deref(), Some("nursery/puppet"));
    let queued = stage.address.submit(|r| Do::Answer(1, r)).expect("there is room");
    stage.child.end();
    assert_eq!(queued.wait(), Err(CallError::Stopped));
    assert!(matches!(stage.address.call(|r| Do::Answer(1, r)), Err(CallError::Stopped)));
    assert_eq!(stage.nursery.join(), ["nursery/puppet"]);
    drop(gate);
}
