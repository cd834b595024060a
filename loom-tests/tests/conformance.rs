//! The seam's channel, lock and parking keep one contract: `cargo test` runs this on the shipped side, `cargo loom` on
//! the doubles, in every order.

use std::time::Duration;
use supervisors::rt::channel::{
    Receiver, RecvError, RecvTimeoutError, SendError, SendTimeoutError, Sender, TryRecvError, TrySendError,
    bounded,
};
use supervisors::rt::{Mutex, RwLock, thread};

/// Long enough on the shipped side; the doubles' clock stands still, so there nothing that it guards may need it.
const LONG: Duration = Duration::from_secs(20);

/// Once on the shipped side; in that many orders on the doubles.
fn check(orders: usize, contract: impl Fn() + Send + Sync + 'static) {
    #[cfg(not(loom))]
    {
        let _ = orders;
        contract();
    }
    #[cfg(loom)]
    loom_tests::explore::explore(std::thread::current().name().unwrap_or("a contract"), 3, orders, contract);
}

fn other(work: impl FnOnce() + Send + 'static) -> thread::JoinHandle<()> {
    thread::spawn("other".into(), work).expect("a thread")
}

/// Nothing of this waits: the whole table of what a channel says at once.
#[test]
fn a_channel_says_at_once_what_it_cannot_do_and_gives_the_message_back() {
    check(1, || {
        let (sender, receiver) = bounded(2);
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
        assert_eq!((sender.try_send(1), sender.try_send(2)), (Ok(()), Ok(())));
        assert_eq!(sender.try_send(3), Err(TrySendError::Full(3)));
        assert_eq!((sender.len(), receiver.len(), sender.is_empty()), (2, 2, false));
        assert_eq!((receiver.try_recv(), receiver.recv()), (Ok(1), Ok(2)));
        assert!(receiver.is_empty());
        assert_eq!(sender.send_timeout(4, Duration::ZERO), Ok(()));
        assert_eq!(sender.send_timeout(5, LONG), Ok(()));
        assert_eq!(sender.send_timeout(6, Duration::ZERO), Err(SendTimeoutError::Timeout(6)));
        assert_eq!((receiver.recv_timeout(LONG), receiver.recv_timeout(LONG)), (Ok(4), Ok(5)));
        assert_eq!(receiver.recv_timeout(Duration::ZERO), Err(RecvTimeoutError::Timeout));
    });
}

#[test]
fn what_was_sent_before_the_last_sender_went_can_still_be_received() {
    check(1, || {
        let (sender, receiver) = bounded(2);
        let second = sender.clone();
        drop(sender);
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
        assert_eq!(second.send(1), Ok(()));
        drop(second);
        assert_eq!(receiver.recv(), Ok(1));
        assert_eq!(receiver.recv(), Err(RecvError));
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Disconnected));
        assert_eq!(receiver.recv_timeout(LONG), Err(RecvTimeoutError::Disconnected));
    });
}

#[test]
fn a_message_for_no_receiver_is_given_back_also_when_the_channel_is_full() {
    check(1, || {
        let (sender, receiver) = bounded(1);
        let second = receiver.clone();
        drop(receiver);
        assert_eq!(sender.send(1), Ok(()));
        drop(second);
        assert_eq!(sender.send(2), Err(SendError(2)));
        assert_eq!(sender.try_send(3), Err(TrySendError::Disconnected(3)));
        assert_eq!(sender.send_timeout(4, LONG), Err(SendTimeoutError::Disconnected(4)));
    });
}

fn all(receiver: &Receiver<u32>) -> Vec<u32> {
    std::iter::from_fn(|| receiver.recv().ok()).collect()
}

fn send_all(sender: &Sender<u32>, numbers: std::ops::Range<u32>) {
    numbers.for_each(|number| sender.send(number).expect("it is received"));
}

#[test]
fn a_full_channel_makes_its_sender_wait_and_keeps_the_order() {
    check(891, || {
        let (sender, receiver) = bounded(1);
        let sending = other(move || send_all(&sender, 0..3));
        assert_eq!(all(&receiver), [0, 1, 2]);
        sending.join().expect("no panic");
    });
}

#[test]
fn two_senders_lose_nothing_and_each_keeps_its_order() {
    check(41499, || {
        let (sender, receiver) = bounded(1);
        let second = sender.clone();
        let sending = other(move || send_all(&second, 10..12));
        let both = other(move || send_all(&sender, 0..1));
        let received = all(&receiver);
        let of_the_first: Vec<_> = received.iter().copied().filter(|&number| number >= 10).collect();
        assert_eq!((received.len(), of_the_first), (3, vec![10, 11]));
        sending.join().expect("no panic");
        both.join().expect("no panic");
    });
}

#[test]
fn the_last_receiver_ends_the_wait_of_a_sender() {
    check(14, || {
        let (sender, receiver) = bounded(1);
        assert_eq!(sender.send(1), Ok(()));
        let going = other(move || drop(receiver));
        assert_eq!(sender.send(2), Err(SendError(2)));
        going.join().expect("no panic");
    });
}

#[test]
fn the_last_sender_ends_the_wait_of_a_receiver() {
    check(14, || {
        let (sender, receiver) = bounded::<u32>(1);
        let going = other(move || drop(sender));
        assert_eq!(receiver.recv(), Err(RecvError));
        going.join().expect("no panic");
    });
}

#[test]
fn an_unpark_before_the_park_is_not_lost_and_locks_exclude() {
    check(19, || {
        let shared = std::sync::Arc::new((Mutex::new(0), RwLock::new(0)));
        let (theirs, waiter) = (shared.clone(), thread::current());
        let waking = other(move || {
            *theirs.0.lock() += 1;
            *theirs.1.write() += 1;
            waiter.unpark();
        });
        while *shared.0.lock() == 0 || *shared.1.read() == 0 {
            thread::park_until(None);
        }
        waking.join().expect("no panic");
        assert_eq!((*shared.0.lock(), *shared.1.read()), (1, 1));
        let held = shared.0.lock();
        assert!(shared.0.try_lock().is_none());
        drop(held);
        assert!(shared.0.try_lock().is_some());
    });
}
