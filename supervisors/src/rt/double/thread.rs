//! Threads of a model, and parking that keeps its token.

use super::clock::{self, Instant};
use loom::sync::{Condvar, Mutex};
use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub use loom::thread::yield_now;

/// Never done: looking again for a moment shows loom nothing that parking does not.
pub fn spin_until(_done: impl FnMut() -> bool) -> bool {
    false
}

/// One: loom has only a few threads for a whole model.
#[must_use]
pub fn cores() -> usize {
    1
}

/// A thread that can be unparked.
#[derive(Clone)]
pub struct Thread {
    parker: Arc<Parker>,
}

struct Parker {
    token: Mutex<bool>,
    unparked: Condvar,
}

loom::thread_local! {
    static CURRENT: RefCell<Option<Thread>> = RefCell::new(None);
}

impl Thread {
    fn new() -> Thread {
        Thread { parker: Arc::new(Parker { token: Mutex::new(false), unparked: Condvar::new() }) }
    }

    /// Lets its next or its present parking end.
    pub fn unpark(&self) {
        *self.parker.token.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = true;
        self.parker.unparked.notify_one();
    }
}

impl fmt::Debug for Thread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Thread")
    }
}

/// The calling thread.
#[must_use]
pub fn current() -> Thread {
    CURRENT.with(|current| current.borrow_mut().get_or_insert_with(Thread::new).clone())
}

/// Waits until unparked.
pub fn park() {
    let parker = current().parker;
    let mut token = parker.token.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    while !*token {
        token = parker.unparked.wait(token).unwrap_or_else(std::sync::PoisonError::into_inner);
    }
    *token = false;
}

/// Waits until unparked, or until the model has moved the clock that far.
pub fn park_until(deadline: Option<Instant>) {
    if deadline.is_none_or(|at| clock::register(at, current())) {
        park();
    }
}

/// A thread to be joined.
pub struct JoinHandle<T> {
    inner: loom::thread::JoinHandle<T>,
    thread: Thread,
    /// Plain std: it is only a hint whether a join would wait.
    finished: Arc<AtomicBool>,
}

/// Starts a thread. Loom threads have no use for the name.
///
/// # Errors
/// Never, unless a model planted that there is no thread to be had.
pub fn spawn<F: FnOnce() + Send + 'static>(name: String, work: F) -> std::io::Result<JoinHandle<()>> {
    drop(name);
    let (thread, finished) = (Thread::new(), Arc::new(AtomicBool::new(false)));
    let (own, ended) = (thread.clone(), finished.clone());
    let inner = loom::thread::spawn(move || {
        CURRENT.with(|current| *current.borrow_mut() = Some(own));
        work();
        ended.store(true, Ordering::Relaxed);
    });
    Ok(JoinHandle { inner, thread, finished })
}

impl<T> JoinHandle<T> {
    /// Waits for its end.
    ///
    /// # Errors
    /// What it panicked with.
    pub fn join(self) -> std::thread::Result<T> {
        self.inner.join()
    }

    /// Whether a join would not wait.
    pub fn is_finished(&self) -> bool {
        self.finished.load(Ordering::Relaxed)
    }

    /// The thread, to unpark it.
    pub fn thread(&self) -> &Thread {
        &self.thread
    }
}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JoinHandle")
    }
}
