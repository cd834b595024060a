//! actix: actors on an arbiter's thread.

use super::{Library, MAILBOX};
use crate::machine;
use crate::options::Options;
use crate::store::Res;
use actix::{Actor, ActorContext, Addr, Arbiter, Context, Handler, Message, System};
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

pub const LIBRARY: Library = Library {
    name: "actix",
    version: || machine::version("actix").to_owned(),
    modes: "the actor on an arbiter, the caller on the system's thread.",
    call: Err(
        "on the caller's own thread it is no actor beside it, and from an arbiter the call crosses threads: next row",
    ),
    call_outside: Ok(call),
    send_bounded: Ok(send_bounded),
    send_unbounded: Ok(send_unbounded),
    spawn: Ok(spawn),
    many: |count| super::timed(|| many(count)),
    restart: Err("a panic ends the arbiter's thread; its supervisor restarts an actor only after a stop"),
};

/// Counts.
struct Counter(u64);

impl Actor for Counter {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        context.set_mailbox_capacity(MAILBOX);
    }
}

struct Add(u64);

impl Message for Add {
    type Result = ();
}

/// Answers when the counter will take no other message.
struct Stop;

impl Message for Stop {
    type Result = ();
}

impl Handler<Stop> for Counter {
    type Result = ();
    fn handle(&mut self, _: Stop, context: &mut Self::Context) {
        context.stop();
    }
}

struct Get;

impl Message for Get {
    type Result = u64;
}

impl Handler<Add> for Counter {
    type Result = ();
    fn handle(&mut self, Add(number): Add, _: &mut Self::Context) {
        self.0 += number;
    }
}

impl Handler<Get> for Counter {
    type Result = u64;
    fn handle(&mut self, _: Get, _: &mut Self::Context) -> u64 {
        self.0
    }
}

/// Runs a task of the system's thread against a counter on an arbiter of its own.
fn with_counter<F: Future<Output = Res<f64>>>(task: impl FnOnce(Addr<Counter>) -> F) -> Res<f64> {
    System::new().block_on(async {
        let arbiter = Arbiter::new();
        let result = task(Counter::start_in_arbiter(&arbiter.handle(), |_| Counter(0))).await;
        arbiter.stop();
        arbiter.join().map_err(|_| "the arbiter panicked")?;
        result
    })
}

fn call(options: &Options) -> Res<f64> {
    with_counter(|actor| async move {
        let (start, mut done) = (Instant::now(), 0);
        while start.elapsed() < options.box_time {
            actor.send(Get).await?;
            done += 1;
        }
        Ok(f64::from(done) / start.elapsed().as_secs_f64())
    })
}

/// Waits for a place in the mailbox: the answer of a message that is refused is waited for instead.
fn send_bounded(options: &Options) -> Res<f64> {
    with_counter(|actor| async move {
        let start = Instant::now();
        for _ in 0..options.events {
            if actor.try_send(Add(1)).is_err() {
                actor.send(Add(1)).await?;
            }
        }
        Ok(actor.send(Get).await? as f64 / start.elapsed().as_secs_f64())
    })
}

fn send_unbounded(options: &Options) -> Res<f64> {
    with_counter(|actor| async move {
        let start = Instant::now();
        (0..options.events).for_each(|_| actor.do_send(Add(1)));
        Ok(actor.send(Get).await? as f64 / start.elapsed().as_secs_f64())
    })
}

fn spawn(count: u64, all_stand: &mut dyn FnMut()) -> Res<()> {
    System::new().block_on(async {
        let arbiter = Arbiter::new();
        let started = Arc::new(AtomicU64::new(0));
        let spawn = |_| {
            let started = started.clone();
            Counter::start_in_arbiter(&arbiter.handle(), move |_| {
                started.fetch_add(1, Ordering::Relaxed);
                Counter(0)
            })
        };
        let actors: Vec<_> = (0..count).map(spawn).collect();
        super::reached(&started, count).await;
        all_stand();
        drop(actors);
        arbiter.stop();
        arbiter.join().map_err(|_| "the arbiter panicked".into())
    })
}

fn many(count: u64) -> Res<()> {
    System::new().block_on(async {
        let arbiter = Arbiter::new();
        let counters: Vec<_> =
            (0..count).map(|_| Counter::start_in_arbiter(&arbiter.handle(), |_| Counter(0))).collect();
        for counter in &counters {
            counter.send(Get).await?;
        }
        for counter in &counters {
            counter.send(Stop).await?;
        }
        arbiter.stop();
        arbiter.join().map_err(|_| "the arbiter panicked".into())
    })
}
