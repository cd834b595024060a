//! A place for actors under test: hears their starts and exits, and starts them again when told to, or by itself.
//!
//! It stands in for a supervisor where a test or a model wants to decide each restart itself, or wants the smallest
//! actor that restarts.

use crate::control::{Child, ChildSnapshot, Event, Household, Notice, Parent, Phase, Place};
use crate::driver::Hand;
use crate::driver::threads::Threads;
use crate::rt::Mutex;
use crate::rt::thread::{self, Thread};
use crate::slot::Slot;
use crate::spec::Settings;
use crate::{Actor, Address, ChildSpec, Context, ExitReason, Flow, Runtime, driver};
use std::collections::VecDeque;
use std::sync::Arc;

/// Hears of its children.
#[derive(Debug)]
pub struct Nursery {
    runtime: Runtime,
    threads: Arc<Threads>,
    heard: Arc<Heard>,
}

#[derive(Debug)]
struct Heard {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    notices: VecDeque<Notice>,
    waiting: Option<Thread>,
}

impl Parent for Heard {
    fn notify(self: Arc<Self>, notice: Notice) {
        let waiting = {
            let mut state = self.state.lock();
            state.notices.push_back(notice);
            state.waiting.take()
        };
        if let Some(thread) = waiting {
            thread.unpark();
        }
    }
}

impl Heard {
    fn pop(&self) -> Option<Notice> {
        self.state.lock().notices.pop_front()
    }

    fn register(&self) {
        let mut state = self.state.lock();
        if state.notices.is_empty() {
            state.waiting = Some(thread::current());
        }
    }
}

/// A child of a nursery.
pub struct Nursling {
    child: Arc<dyn Child>,
}

impl Nursery {
    /// On that runtime.
    #[must_use]
    pub fn new(runtime: &Runtime) -> Nursery {
        let heard = Arc::new(Heard { state: Mutex::new(State::default()) });
        Nursery { runtime: runtime.clone(), threads: Threads::new("nursery"), heard }
    }

    fn place(&self, parent: Arc<impl Parent + 'static>, key: u64) -> Place {
        let (runtime, threads) = (self.runtime.clone(), self.threads.clone());
        let parent: Arc<dyn Parent> = parent;
        let parent = Arc::downgrade(&parent);
        Place::new(Arc::new(Household { runtime, threads, parent, path: "nursery".into() }), key)
    }

    /// Takes a child in without starting it.
    #[must_use]
    pub fn adopt(&self, spec: ChildSpec) -> Nursling {
        let (child, settings) = spec.into_parts();
        child.clone().adopt(self.place(self.heard.clone(), 0), &settings);
        Nursling { child }
    }

    /// Takes a child in and starts it; its notice is still to be heard.
    #[must_use]
    pub fn start(&self, spec: ChildSpec) -> Nursling {
        let child = self.adopt(spec);
        child.start(1);
        child
    }

    /// Takes a child in under an actor that starts it, and starts it again after every exit.
    #[must_use]
    pub fn keep(&self, spec: ChildSpec) -> Kept {
        self.keep_within(spec, 64)
    }

    /// The same, with room for so many commands in the keeper's mailbox.
    #[must_use]
    pub fn keep_within(&self, spec: ChildSpec, commands: usize) -> Kept {
        let (child, settings) = spec.into_parts();
        let kept = child.clone();
        let make = move || -> Result<Keeper, std::convert::Infallible> {
            Ok(Keeper { child: kept.clone(), running: None, stopping: false })
        };
        let keeper = Slot::for_actor("keeper".into(), make, Some(Keep::Notice));
        keeper
            .clone()
            .adopt(self.place(self.heard.clone(), 0), &Settings { mailbox: commands, ..Settings::default() });
        child.clone().adopt(self.place(keeper.clone(), 1), &settings);
        let address = Address::new(keeper.clone());
        keeper.start(1);
        Kept { keeper: Nursling { child: address.slot.clone() }, child: Nursling { child }, address }
    }

    /// Does something that starts actors, and runs their turns on this thread.
    pub fn here<T>(&self, work: impl FnOnce() -> T) -> T {
        let _scope = driver::enter();
        let done = work();
        driver::run_until(|| false);
        done
    }

    /// Waits for the next notice: the incarnation, and `None` for a start or the reason of an exit.
    #[must_use]
    pub fn hear(&self) -> (u64, Option<ExitReason>) {
        let heard = driver::wait(Some(&self.runtime), None, || self.heard.pop(), || self.heard.register());
        match heard.expect("a notice comes") {
            Notice { incarnation, event: Event::Started, .. } => (incarnation, None),
            Notice { incarnation, event: Event::StartFailed(reason) | Event::Exited(reason), .. } => {
                (incarnation, Some(reason))
            }
        }
    }

    /// Stops a kept child and its keeper.
    pub fn stop(&self, kept: Kept) {
        assert!(kept.address.send(Keep::Stop).is_ok(), "the keeper is there");
        let mut heard = self.hear();
        if heard.1.is_none() {
            heard = self.hear(); // its start had not been heard
        }
        assert!(matches!(heard.1, Some(ExitReason::Normal)), "the keeper ends: {heard:?}");
        kept.child.end();
        kept.keeper.end();
    }

    /// Ends a child in good order, whether it is down or not.
    pub fn finish(&self, child: &Nursling) {
        let now = child.snapshot();
        if !matches!(now.phase, Phase::Down | Phase::Ended) {
            child.stop(now.incarnation);
            assert!(self.hear().1.is_some(), "it stops");
        }
        child.end();
    }

    /// Joins the own threads, and names those that it could not.
    #[must_use]
    pub fn join(&self) -> Vec<String> {
        self.threads.join_all()
    }
}

impl Nursling {
    /// Starts that incarnation.
    pub fn start(&self, incarnation: u64) {
        self.child.clone().start(incarnation);
    }

    /// Stops that incarnation.
    pub fn stop(&self, incarnation: u64) {
        self.child.clone().stop(incarnation, Hand::Here);
    }

    /// Ends the child for good.
    pub fn end(&self) {
        self.child.clone().end(&ExitReason::Shutdown);
    }

    /// What it is doing.
    pub(crate) fn snapshot(&self) -> ChildSnapshot {
        self.child.snapshot()
    }
}

impl std::fmt::Debug for Nursling {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Nursling").field(self.child.id()).finish()
    }
}

/// A child and the actor that keeps it running.
#[derive(Debug)]
pub struct Kept {
    keeper: Nursling,
    child: Nursling,
    address: Address<Keep>,
}

impl Kept {
    /// For commands that change nothing.
    #[must_use]
    pub fn commands(&self) -> Address<Keep> {
        self.address.clone()
    }
}

/// What the keeper is told.
#[derive(Debug)]
#[expect(private_interfaces, reason = "a notice is made by the runtime only")]
pub enum Keep {
    /// Of its child.
    Notice(Notice),
    /// Nothing.
    Nothing,
    /// Stop the child, and end when it has ended.
    Stop,
}

/// Starts its child again after every exit, until it is told to stop.
struct Keeper {
    child: Arc<dyn Child>,
    /// The child's incarnation, while it has one.
    running: Option<u64>,
    stopping: bool,
}

impl Keeper {
    fn down(&mut self, incarnation: u64) -> Flow {
        if self.stopping {
            return Flow::Stop;
        }
        self.running = Some(incarnation + 1);
        self.child.clone().start(incarnation + 1);
        Flow::Continue
    }
}

impl Actor for Keeper {
    type Message = Keep;
    type Error = std::convert::Infallible;

    fn started(&mut self, _: &mut Context<'_, Keep>) -> Result<(), Self::Error> {
        let _ = self.down(0);
        Ok(())
    }

    fn handle(&mut self, message: Keep, _: &mut Context<'_, Keep>) -> Result<Flow, Self::Error> {
        Ok(match message {
            Keep::Notice(Notice { event: Event::Started, .. }) => Flow::Continue,
            Keep::Notice(Notice { incarnation, .. }) => self.down(incarnation),
            Keep::Nothing => Flow::Continue,
            Keep::Stop => {
                self.stopping = true;
                if let Some(incarnation) = self.running {
                    self.child.clone().stop(incarnation, Hand::Here);
                }
                Flow::Continue
            }
        })
    }
}
