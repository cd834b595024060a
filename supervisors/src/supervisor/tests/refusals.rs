//! What cannot be waited for is refused: each way in which a start, an addition and a removal end with an error.

use super::puppet::{Do, LONG, puppet, strings};
use crate::rt::{channel, thread};
use crate::simulation::{Seeded, Simulation};
use crate::*;
use std::sync::Arc;

/// Removes itself, and tells what it was answered.
struct Suicidal {
    handle: Arc<std::sync::OnceLock<SupervisorHandle>>,
}

impl Actor for Suicidal {
    type Message = Reply<Result<ExitReason, RemoveError>>;
    type Error = std::convert::Infallible;

    fn handle(
        &mut self,
        reply: Self::Message,
        context: &mut Context<'_, Self::Message>,
    ) -> Result<Flow, Self::Error> {
        let answer = self.handle.get().expect("it is there").remove(context.child());
        reply.send(answer);
        Ok(Flow::Continue)
    }
}

#[test]
fn a_child_that_would_wait_for_its_own_end_is_refused() {
    let handle = Arc::default();
    let inner = Arc::clone(&handle);
    let (spec, address) = ChildSpec::actor("own", move || Suicidal { handle: Arc::clone(&inner) });
    let running = Supervisor::one_for_one("top").child(spec).start().expect("it starts");
    assert!(handle.set(running.handle()).is_ok());
    let answer = address.call(|reply| reply).expect("it answers");
    assert_eq!(answer.unwrap_err(), RemoveError::OwnTurn);
    assert!(running.shutdown().is_clean());
}

#[test]
fn a_child_that_is_removed_before_it_has_started_is_not_added() {
    let running = Supervisor::one_for_one("top").start().expect("it starts");
    let ((there, was_there), (go, gone)) = (channel::bounded(1), channel::bounded(1));
    let strings = strings();
    let name = ChildId::from("late");
    let (spec, address) = puppet("late", &strings[0]);
    // Its factory takes its time, on a thread that nobody else needs.
    let (slow, _) = ChildSpec::actor("late", move || {
        let _ = there.send(());
        let _: Result<(), _> = gone.recv();
        Quiet
    });
    let (adder, remover) = (running.handle(), running.handle());
    let ((add, added), (remove, removed)) = (channel::bounded(1), channel::bounded(1));
    let slow = slow.driver(Driver::OwnThread);
    thread::spawn("adds".to_owned(), move || drop(add.send(adder.add(slow)))).expect("it starts");
    was_there.recv_timeout(LONG).expect("it is being started");
    thread::spawn("removes".to_owned(), move || drop(remove.send(remover.remove(&"late".into()))))
        .expect("it starts");
    while running.handle().child(&name).is_some_and(|child| child.state == ChildState::Starting) {
        thread::yield_now();
    }
    go.send(()).expect("it waits");
    assert!(matches!(added.recv_timeout(LONG), Ok(Err(AddError::Removed))));
    assert!(removed.recv_timeout(LONG).expect("it is told").is_ok());
    running.handle().add(spec).expect("its name is free");
    assert_eq!(address.call(Do::Which), Ok(1));
    assert!(running.shutdown().is_clean());
}

struct Quiet;

impl Actor for Quiet {
    type Message = ();
    type Error = std::convert::Infallible;

    fn handle(&mut self, _: (), _: &mut Context<'_, ()>) -> Result<Flow, Self::Error> {
        Ok(Flow::Continue)
    }
}

#[test]
fn what_a_world_that_stands_still_cannot_answer_is_refused_and_does_not_hang() {
    let simulation = Simulation::new(Seeded::new(1));
    let strings = strings();
    let (spec, _address) = puppet("a", &strings[0]);
    let running =
        Supervisor::one_for_one("top").child(spec).start_on(&simulation.runtime()).expect("it starts");
    simulation.halt();
    let added = running.handle().add(puppet("b", &strings[1]).0);
    assert!(matches!(added, Err(AddError::Call(CallError::Deadlock))), "{added:?}");
    let removed = running.handle().remove(&"a".into());
    assert_eq!(removed.unwrap_err(), RemoveError::Call(CallError::Deadlock));
    let other = Supervisor::one_for_one("other").start_on(&simulation.runtime());
    assert!(matches!(other, Err(StartError::Deadlock)));
}

#[test]
fn who_sends_to_an_actor_that_has_ended_has_the_message_back() {
    let strings = strings();
    let (spec, address) = puppet("a", &strings[0]);
    let running = Supervisor::one_for_one("top").child(spec).start().expect("it starts");
    assert!(running.shutdown().is_clean());
    let sent = address.send_timeout(Do::Note(7), LONG);
    assert!(matches!(sent, Err(SendTimeoutError::Stopped(Do::Note(7)))));
    assert!(matches!(address.try_send(Do::Note(7)), Err(TrySendError::Stopped(Do::Note(7)))));
}
