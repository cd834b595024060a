//! The script of a test: which point strikes at which of its hits, and how often each was hit.

use crate::driver;
use crate::rt::Mutex;
use crate::rt::atomic::{AtomicUsize, Ordering};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How many scripts are installed anywhere: with none a point is one load.
static INSTALLED: AtomicUsize = AtomicUsize::new(0);

std::thread_local! {
    static SCRIPT: RefCell<Option<Arc<Script>>> = const { RefCell::new(None) };
}

/// Which point strikes, and at which of its hits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Strike {
    /// The point.
    pub point: &'static str,
    /// The hit that panics, from 1.
    pub hit: u64,
    /// How many hits panic, from that one on.
    pub times: u64,
}

/// What a test wants to happen at failpoints, and what did.
///
/// ```
/// use supervisors::failpoints::{Script, Strike};
/// let script = Script::new(Some(Strike { point: "slot.step.before", hit: 3, times: 1 }));
/// let installed = script.install();
/// // Start supervisors on this thread: the third handler that runs panics.
/// assert_eq!((script.struck(), script.hits().len()), (0, 0));
/// # drop(installed);
/// ```
#[derive(Debug)]
pub struct Script {
    strike: Option<Strike>,
    book: Mutex<Book>,
}

#[derive(Debug, Default)]
struct Book {
    hits: BTreeMap<&'static str, u64>,
    struck: u64,
    /// No point counts or strikes any more.
    disarmed: bool,
}

impl Script {
    /// A script that strikes there, or only counts.
    #[must_use]
    pub fn new(strike: Option<Strike>) -> Arc<Script> {
        Arc::new(Script { strike, book: Mutex::new(Book::default()) })
    }

    /// The script of this thread, and of those that the runtime starts from it, until the guard is dropped.
    pub fn install(self: &Arc<Self>) -> Installed {
        INSTALLED.fetch_add(1, Ordering::Relaxed);
        let before = SCRIPT.with(|script| script.borrow_mut().replace(Arc::clone(self)));
        Installed { before }
    }

    /// From here on no point counts or strikes.
    pub fn disarm(&self) {
        self.book.lock().disarmed = true;
    }

    /// How many hits panicked.
    #[must_use]
    pub fn struck(&self) -> u64 {
        self.book.lock().struck
    }

    /// How often each point was hit inside a turn, before it was disarmed.
    #[must_use]
    pub fn hits(&self) -> BTreeMap<&'static str, u64> {
        self.book.lock().hits.clone()
    }

    /// Counts a hit; whether it strikes.
    fn hit(&self, point: &'static str) -> bool {
        let mut book = self.book.lock();
        if book.disarmed {
            return false;
        }
        let hits = book.hits.entry(point).or_default();
        *hits += 1;
        let hit = *hits;
        let strikes =
            |strike: Strike| strike.point == point && hit >= strike.hit && hit - strike.hit < strike.times;
        let strikes = self.strike.is_some_and(strikes);
        book.struck += u64::from(strikes);
        strikes
    }
}

/// While it lives, its script is that of the thread that installed it.
#[derive(Debug)]
#[must_use = "without the guard the script is not installed"]
pub struct Installed {
    before: Option<Arc<Script>>,
}

impl Drop for Installed {
    fn drop(&mut self) {
        let before = self.before.take();
        SCRIPT.with(|script| *script.borrow_mut() = before);
        INSTALLED.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A place at which a test may make the code panic.
#[inline]
pub fn point(name: &'static str) {
    if INSTALLED.load(Ordering::Relaxed) > 0 {
        reached(name);
    }
}

/// From here on no point of this thread's script strikes.
pub fn disarm() {
    let script = SCRIPT.with(|script| script.borrow().clone());
    script.into_iter().for_each(|script| script.disarm());
}

#[cold]
fn reached(name: &'static str) {
    // A second panic while one unwinds would end the process.
    if std::thread::panicking() || !driver::holds_a_turn() {
        return;
    }
    let script = SCRIPT.with(|script| script.borrow().clone());
    if script.is_some_and(|script| script.hit(name)) {
        panic!("failpoint {name}");
    }
}

/// The work of a new thread, which has the script of this one.
pub(crate) fn inherited(work: impl FnOnce() + Send) -> impl FnOnce() + Send {
    let script = SCRIPT.with(|script| script.borrow().clone());
    move || {
        let _installed = script.map(|script| script.install());
        work();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Actor, CallError, ChildSpec, Context, Flow, Reply, RestartPolicy, Supervisor};
    use std::time::Duration;

    struct Echo;

    impl Actor for Echo {
        type Message = Reply<u64>;
        type Error = std::convert::Infallible;

        fn handle(
            &mut self,
            reply: Reply<u64>,
            _: &mut Context<'_, Reply<u64>>,
        ) -> Result<Flow, Self::Error> {
            point("test.echo");
            reply.send(7);
            Ok(Flow::Continue)
        }
    }

    #[test]
    fn the_hit_that_the_script_says_panics_and_no_other() {
        let script = Script::new(Some(Strike { point: "test.echo", hit: 2, times: 1 }));
        let installed = script.install();
        let (spec, echo) = ChildSpec::actor("echo", || Echo);
        let budget = RestartPolicy::Bounded { max_restarts: 3, within: Duration::from_secs(60) };
        let running = Supervisor::one_for_one("top").child(spec.restart(budget)).start().expect("it starts");
        let answers: Vec<_> = (0..3).map(|_| echo.call(|reply| reply)).collect();
        assert!(matches!(&answers[..], [Ok(7), Err(CallError::ActorFailed { .. }), Ok(7)]), "{answers:?}");
        assert!(running.shutdown().is_clean());
        assert_eq!((script.struck(), script.hits()["test.echo"]), (1, 3));
        drop(installed);
        point("test.echo");
        assert_eq!(script.hits()["test.echo"], 3, "a point outside of a turn and of a script is nothing");
    }
}
