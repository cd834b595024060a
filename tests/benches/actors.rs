//! The runtime alone.

use crate::measure::percentile;
use std::convert::Infallible;
use std::time::{Duration, Instant};
use timberline::supervisors::{
    Actor, Address, CallError, ChildSpec, Context, Flow, Reply, RestartPolicy, Running, Supervisor,
};

enum Message {
    Add(u64),
    Total(Reply<u64>),
    Panic(Reply<u64>),
}

struct Counter(u64);

impl Actor for Counter {
    type Message = Message;
    type Error = Infallible;

    fn handle(&mut self, message: Message, _: &mut Context<'_, Message>) -> Result<Flow, Infallible> {
        match message {
            Message::Add(number) => self.0 += number,
            Message::Total(reply) => reply.send(self.0),
            Message::Panic(_reply) => panic!("on purpose"),
        }
        Ok(Flow::Continue)
    }
}

fn started() -> (Running, Address<Message>) {
    let (spec, address) = ChildSpec::actor("counter", || Counter(0));
    let policy = RestartPolicy::Bounded { max_restarts: 1_000_000, within: Duration::from_secs(60) };
    let spec = spec.mailbox(1_024).turn_limit(1_024).restart(policy).shutdown(Duration::from_micros(10));
    (Supervisor::one_for_one("bench").child(spec).start().unwrap(), address)
}

pub(crate) fn calls() -> f64 {
    let (_running, address) = started();
    let (count, began) = (500_000, Instant::now());
    for _ in 0..count {
        address.call(Message::Total).unwrap();
    }
    f64::from(count) / began.elapsed().as_secs_f64()
}

pub(crate) fn sends() -> f64 {
    let (_running, address) = started();
    let (count, began) = (1_000_000, Instant::now());
    for number in 0..count {
        address.send(Message::Add(number)).unwrap();
    }
    let total = address.call(Message::Total).unwrap();
    assert_eq!(total, count * (count - 1) / 2);
    count as f64 / began.elapsed().as_secs_f64()
}

/// From the message that makes the actor panic to an answer of its next incarnation.
pub(crate) fn panic_to_serving(share: f64) -> f64 {
    let (_running, address) = started();
    let micros = (0..2_000).map(|_| {
        let began = Instant::now();
        let answer = address.call(Message::Panic);
        assert!(matches!(answer, Err(CallError::ActorFailed { .. })));
        address.call(Message::Total).unwrap();
        began.elapsed().as_secs_f64() * 1e6
    });
    percentile(micros.collect(), share)
}
