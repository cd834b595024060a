//! A turn that has reason to expect more messages waits for them, and not for ever.

use super::{LONG, Nursery};
use crate::rt::channel;
use crate::*;
use std::convert::Infallible;
use std::time::Duration;

/// Tells everyone at the end of a turn how many messages the turn covered.
struct Sharer {
    expected: (usize, Duration),
    waiting: Vec<Reply<usize>>,
    here: channel::Sender<()>,
}

impl Actor for Sharer {
    type Message = Reply<usize>;
    type Error = Infallible;

    fn handle(
        &mut self,
        reply: Reply<usize>,
        context: &mut Context<'_, Reply<usize>>,
    ) -> Result<Flow, Infallible> {
        self.waiting.push(reply);
        context.expect_messages(self.expected.0, self.expected.1);
        let _ = self.here.send(());
        Ok(Flow::Continue)
    }

    fn turn_ended(&mut self, _: &mut Context<'_, Reply<usize>>) -> Result<Flow, Infallible> {
        let covered = self.waiting.len();
        self.waiting.drain(..).for_each(|reply| reply.send(covered));
        Ok(Flow::Continue)
    }
}

/// Runs a check on a sharer that expects so many messages in a turn, and waits so long for them.
fn check(
    messages: usize,
    within: Duration,
    run: impl FnOnce(&Address<Reply<usize>>, &channel::Receiver<()>),
) {
    let (here, handled) = channel::bounded(100);
    let make = move || {
        Ok::<_, Infallible>(Sharer { expected: (messages, within), waiting: vec![], here: here.clone() })
    };
    let (spec, address) = ChildSpec::actor("sharer", make);
    let nursery = Nursery::new(&Runtime::threads());
    let child = nursery.start(spec);
    assert!(matches!(nursery.hear(), (1, None)));
    // The start counts as handled in its turn, which a first message could still come into.
    while address.slot.counted() > 0 {
        crate::rt::thread::yield_now();
    }
    run(&address, &handled);
    nursery.finish(&child);
    assert_eq!(nursery.join(), Vec::<String>::new(), "every thread is joined");
}

#[test]
fn a_turn_that_expects_messages_covers_them_all() {
    check(5, LONG, |address, handled| {
        let mut answers = Vec::new();
        for _ in 0..5 {
            answers.push(address.submit(|reply| reply).expect("it runs"));
            handled.recv_timeout(LONG).expect("it handles the message before the next one is sent");
        }
        answers.into_iter().for_each(|answer| assert_eq!(answer.wait(), Ok(5)));
    });
}

#[test]
fn a_turn_waits_no_longer_for_what_it_expects_than_it_said() {
    for within in [Duration::ZERO, Duration::from_millis(2)] {
        check(3, within, |address, _| assert_eq!(address.call(|reply| reply), Ok(1)));
    }
}
