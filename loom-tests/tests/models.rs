//! Every pair of things that may meet in the runtime, in every order, on the shipped code.
#![cfg(loom)]

use loom::thread;
use loom_tests::explore::{bites, explore};
use std::time::Duration;
use supervisors::nursery::{Keep, Kept, Nursery, Nursling};
use supervisors::planted::Bug;
use supervisors::rt::clock;
use supervisors::{
    Actor, Address, CallError, ChildSpec, Context, ExitReason, Failure, Flow, Reply, Runtime, Supervisor,
};

/// Counts what it was given.
struct Counter {
    count: usize,
}

enum Count {
    One,
    Total(Reply<usize>),
    /// A panic without the hook, which would print it for every execution.
    Panic(Option<Reply<usize>>),
    Fail(Reply<usize>),
}

#[derive(Debug)]
struct Broke;
impl std::fmt::Display for Broke {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("it broke")
    }
}
impl std::error::Error for Broke {}
impl Failure for Broke {}

impl Actor for Counter {
    type Message = Count;
    type Error = Broke;

    fn handle(&mut self, message: Count, _: &mut Context<'_, Count>) -> Result<Flow, Broke> {
        match message {
            Count::One => self.count += 1,
            Count::Total(reply) => {
                self.count += 1;
                reply.send(self.count);
            }
            Count::Panic(_reply) => std::panic::resume_unwind(Box::new("told to")),
            Count::Fail(_reply) => return Err(Broke),
        }
        Ok(Flow::Continue)
    }
}

struct Stage {
    nursery: Nursery,
    child: Nursling,
    address: Address<Count>,
}

/// A running counter whose turns so far ran on this thread.
fn stage(mailbox: usize) -> Stage {
    let nursery = Nursery::new(&Runtime::threads());
    let (spec, address) = ChildSpec::actor("counter", || Counter { count: 0 });
    let child = nursery.here(|| nursery.start(spec.mailbox(mailbox)));
    assert!(nursery.hear().1.is_none());
    Stage { nursery, child, address }
}

impl Stage {
    fn stop(&self, incarnation: u64) {
        self.nursery.here(|| self.child.stop(incarnation));
    }

    /// After it is down.
    fn end(self) {
        self.child.end();
        assert!(self.nursery.join().is_empty());
    }
}

fn failed(result: &Result<usize, CallError>) -> bool {
    matches!(result, Err(CallError::ActorFailed { incarnation: 1, .. }))
}

/// The same under an actor that restarts it.
fn kept(commands: usize) -> (Nursery, Kept, Address<Count>) {
    let nursery = Nursery::new(&Runtime::threads());
    let (spec, address) = ChildSpec::actor("counter", || Counter { count: 0 });
    let kept = nursery.here(|| nursery.keep_within(spec.mailbox(2), commands));
    assert!(nursery.hear().1.is_none());
    (nursery, kept, address)
}

fn end(nursery: &Nursery, kept: Kept) {
    nursery.here(|| nursery.stop(kept));
    assert!(nursery.join().is_empty());
}

#[test]
fn callers_turn_and_actors_thread() {
    explore("caller's turn | actor's thread", 4, 19_846, || {
        let stage = stage(2);
        let address = stage.address.clone();
        let other = thread::spawn(move || address.call(Count::Total));
        let mine = stage.address.call(Count::Total).expect("it runs");
        let other = other.join().expect("no panic").expect("it runs");
        assert_eq!(mine + other, 3, "each message is counted once");
        stage.stop(1);
        assert!(matches!(stage.nursery.hear(), (1, Some(ExitReason::Shutdown))));
        stage.end();
    });
}

#[test]
fn callers_turn_and_actors_thread_bites() {
    bites("callers_turn_and_actors_thread", Bug::CountBeforePush);
    bites("callers_turn_and_actors_thread", Bug::ResignTooEarly);
    bites("callers_turn_and_actors_thread", Bug::KeepsTheRest);
}

#[test]
fn panic_and_stop() {
    explore("panic | stop", 3, 2_984, || {
        let stage = stage(2);
        let address = stage.address.clone();
        let other = thread::spawn(move || address.send(Count::Panic(None)).is_ok());
        stage.stop(1);
        let first = stage.nursery.hear();
        assert!(other.join().expect("no panic"), "a slot that is down takes messages");
        stage.nursery.here(|| stage.child.start(2));
        assert!(matches!(stage.nursery.hear(), (2, None)), "there is one exit for one incarnation");
        match first {
            (1, Some(ExitReason::Panicked { .. })) => {
                assert_eq!(stage.address.call(Count::Total), Ok(1));
                stage.stop(2);
                assert!(matches!(stage.nursery.hear(), (2, Some(ExitReason::Shutdown))));
            }
            (1, Some(ExitReason::Shutdown)) => {
                assert!(matches!(stage.nursery.hear(), (2, Some(ExitReason::Panicked { .. }))));
            }
            other => panic!("{other:?}"),
        }
        stage.end();
    });
}

#[test]
fn panic_and_stop_bites() {
    bites("panic_and_stop", Bug::StopsTheDead);
}

#[test]
fn send_to_a_full_mailbox_and_stop() {
    explore("send to a full mailbox | stop", 3, 32_264, || {
        let stage = stage(1);
        let address = stage.address.clone();
        let other = thread::spawn(move || {
            let sent = address.send(Count::One).is_ok();
            (sent, address.call(Count::Total))
        });
        stage.stop(1);
        assert!(matches!(stage.nursery.hear(), (1, Some(ExitReason::Shutdown))));
        stage.end();
        let (_, answer) = other.join().expect("no panic");
        assert!(matches!(answer, Ok(2) | Err(CallError::Stopped)), "{answer:?}");
    });
}

#[test]
fn send_to_a_full_mailbox_and_stop_bites() {
    bites("send_to_a_full_mailbox_and_stop", Bug::LeftInTheMailbox);
}

#[test]
fn call_and_restart() {
    explore("call | restart", 3, 71_941, || {
        let (nursery, kept, address) = kept(2);
        let caller = address.clone();
        let other = thread::spawn(move || caller.call(Count::Fail));
        let mine = address.call(Count::Total);
        assert_eq!(mine, Ok(1), "it was the first call of its incarnation, whichever that was");
        assert!(failed(&other.join().expect("no panic")));
        end(&nursery, kept);
    });
}

#[test]
fn call_and_restart_bites() {
    bites("call_and_restart", Bug::DownElects);
    bites("call_and_restart", Bug::VerdictTooEarly);
}

#[test]
fn exit_notice_and_full_command_lane() {
    explore("exit notice | full command lane", 3, 945_655, || {
        let (nursery, kept, address) = kept(1);
        let commands = kept.commands();
        let other = thread::spawn(move || {
            (0..2).for_each(|_| assert!(commands.send(Keep::Nothing).is_ok()));
        });
        assert!(failed(&address.call(Count::Fail)));
        assert_eq!(address.call(Count::Total), Ok(1), "it was restarted");
        other.join().expect("no panic");
        end(&nursery, kept);
    });
}

#[test]
fn exit_notice_and_full_command_lane_bites() {
    bites("exit_notice_and_full_command_lane", Bug::NoticeNeedsRoom);
}

#[test]
fn drop_the_last_handle_and_restart() {
    explore("drop the last handle | restart", 2, 71_119, || {
        let (nursery, kept, address) = kept(2);
        let other = thread::spawn(move || {
            let submitted = address.submit(Count::Fail);
            drop(address);
            submitted.map_or(Err(CallError::Stopped), supervisors::Answer::wait)
        });
        nursery.here(|| nursery.stop(kept));
        let answer = other.join().expect("no panic");
        assert!(failed(&answer) || matches!(answer, Err(CallError::Stopped)), "{answer:?}");
        assert!(nursery.join().is_empty());
    });
}

#[test]
fn drop_the_last_handle_and_restart_bites() {
    bites("drop_the_last_handle_and_restart", Bug::VerdictTooEarly);
}

#[test]
fn deadline_and_answer() {
    explore("deadline | answer", 3, 32_501, || {
        let stage = stage(2);
        let clock = thread::spawn(|| clock::advance(Duration::from_secs(2)));
        let answer = stage.address.call_timeout(Duration::from_secs(1), Count::Total);
        assert!(matches!(answer, Ok(1) | Err(CallError::DeadlineExceeded)), "{answer:?}");
        clock.join().expect("no panic");
        stage.stop(1);
        assert!(matches!(stage.nursery.hear(), (1, Some(ExitReason::Shutdown))));
        stage.end();
    });
}

#[test]
fn deadline_and_answer_bites() {
    bites("deadline_and_answer", Bug::RegistersBlindly);
}

/// Two children under the shipped supervisor, which stops the one while it fails by itself.
#[test]
fn panic_and_panic_under_one_for_all() {
    explore("panic | panic under one_for_all", 1, 100_000, || {
        let (a, to_a) = ChildSpec::actor("a", || Counter { count: 0 });
        let (b, to_b) = ChildSpec::actor("b", || Counter { count: 0 });
        let running = Supervisor::one_for_all("top").child(a).child(b).start().expect("they start");
        let (first, second) = (to_a.clone(), to_b.clone());
        let other = thread::spawn(move || second.call(|reply| Count::Panic(Some(reply))));
        let mine = first.call(|reply| Count::Panic(Some(reply)));
        let other = other.join().expect("no panic");
        for answer in [mine, other] {
            assert!(matches!(answer, Err(CallError::ActorFailed { incarnation: 1..=2, .. })), "{answer:?}");
        }
        assert_eq!((to_a.call(Count::Total), to_b.call(Count::Total)), (Ok(1), Ok(1)), "both run again");
        let tree = running.tree();
        let [a, b] = ["a", "b"].map(|name| tree.find([name]).expect("it is there"));
        assert_eq!(a.incarnation, b.incarnation, "who restarts one restarts both");
        assert_eq!(a.incarnation - 1, a.restarts_total + b.restarts_total, "and charges one of them");
        assert!(running.shutdown().is_clean());
    });
}

#[test]
fn panic_and_panic_under_one_for_all_bites() {
    bites("panic_and_panic_under_one_for_all", Bug::ExitInAStopIsLost);
}
