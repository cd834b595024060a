//! ractor: actors on tokio, mailboxes without a limit.

use super::{Library, on_tokio, outside_tokio, reached};
use crate::machine;
use crate::options::Options;
use crate::store::Res;
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort, SupervisionEvent};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

pub const LIBRARY: Library = Library {
    name: "ractor",
    version: || machine::version("ractor").to_owned(),
    modes: "on a tokio runtime of two threads. A supervisor spawns the child anew when told that it failed.",
    call: Ok(|options| on_tokio(call(options.box_time))),
    call_outside: Ok(|options| outside_tokio(call(options.box_time))),
    send_bounded: Err("its mailboxes have no limit"),
    send_unbounded: Ok(send),
    spawn: Ok(spawn),
    restart: Ok(restart),
    many: |count| super::timed(|| many(count)),
};

enum Message {
    Add(u64),
    Get(RpcReplyPort<u64>),
    Panic,
}

/// Counts; the started are counted in what it holds.
struct Counter(Arc<AtomicU64>);

impl Actor for Counter {
    type Msg = Message;
    type State = u64;
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<Message>, (): ()) -> Result<u64, ActorProcessingErr> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(0)
    }

    async fn handle(
        &self,
        _: ActorRef<Message>,
        message: Message,
        sum: &mut u64,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            Message::Add(number) => *sum += number,
            Message::Get(reply) => reply.send(*sum)?,
            Message::Panic => panic!("on purpose"),
        }
        Ok(())
    }
}

/// Spawns a counter, and another whenever one fails; each goes to whoever waits for it.
struct Supervisor(UnboundedSender<ActorRef<Message>>);

impl Supervisor {
    async fn start_child<M>(&self, myself: &ActorRef<M>) -> Result<(), ActorProcessingErr> {
        let (child, _) = Actor::spawn_linked(None, Counter(Arc::default()), (), myself.get_cell()).await?;
        Ok(self.0.send(child)?)
    }
}

impl Actor for Supervisor {
    type Msg = ();
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, myself: ActorRef<()>, (): ()) -> Result<(), ActorProcessingErr> {
        self.start_child(&myself).await
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<()>,
        event: SupervisionEvent,
        (): &mut (),
    ) -> Result<(), ActorProcessingErr> {
        match event {
            SupervisionEvent::ActorFailed(..) => self.start_child(&myself).await,
            _ => Ok(()),
        }
    }
}

async fn call(box_time: Duration) -> Res<f64> {
    let (actor, _) = Actor::spawn(None, Counter(Arc::default()), ()).await?;
    let (start, mut done) = (Instant::now(), 0);
    while start.elapsed() < box_time {
        ractor::call!(actor, Message::Get)?;
        done += 1;
    }
    let rate = f64::from(done) / start.elapsed().as_secs_f64();
    actor.stop(None);
    Ok(rate)
}

fn send(options: &Options) -> Res<f64> {
    let count = options.events;
    on_tokio(async move {
        let (actor, _) = Actor::spawn(None, Counter(Arc::default()), ()).await?;
        let start = Instant::now();
        for _ in 0..count {
            actor.cast(Message::Add(1))?;
        }
        let sum = ractor::call!(actor, Message::Get)?;
        let rate = sum as f64 / start.elapsed().as_secs_f64();
        actor.stop(None);
        Ok(rate)
    })
}

fn spawn(count: u64, all_stand: &mut dyn FnMut()) -> Res<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let actors = runtime.block_on(async move {
        tokio::spawn(async move {
            let started = Arc::new(AtomicU64::new(0));
            let mut actors = Vec::new();
            for _ in 0..count {
                actors.push(Actor::spawn(None, Counter(started.clone()), ()).await?.0);
            }
            reached(&started, count).await;
            Res::Ok(actors)
        })
        .await
    })??;
    all_stand();
    actors.iter().for_each(|actor| actor.stop(None));
    Ok(())
}

fn many(count: u64) -> Res<()> {
    on_tokio(async move {
        let mut counters = Vec::new();
        for _ in 0..count {
            counters.push(Actor::spawn(None, Counter(Arc::default()), ()).await?);
        }
        for (counter, _) in &counters {
            ractor::call!(counter, Message::Get)?;
        }
        counters.iter().for_each(|(counter, _)| counter.stop(None));
        for (_, ended) in counters {
            ended.await?;
        }
        Ok(())
    })
}

fn restart(count: u64) -> Res<Vec<f64>> {
    on_tokio(async move {
        let (born, mut births) = unbounded_channel();
        let (supervisor, _) = Actor::spawn(None, Supervisor(born), ()).await?;
        let mut samples = Vec::new();
        let mut child = births.recv().await.ok_or("no child")?;
        for _ in 0..count {
            let start = Instant::now();
            child.cast(Message::Panic)?;
            child = births.recv().await.ok_or("no child")?;
            ractor::call!(child, Message::Get)?;
            samples.push(start.elapsed().as_secs_f64() * 1e6);
        }
        supervisor.stop(None);
        Ok(samples)
    })
}
