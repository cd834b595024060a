//! Who brings back an actor that failed under a call.

use super::*;
use crate::driver;
use crate::rt::Mutex;
use std::sync::Arc;

/// The caller under whose call an actor failed has brought it back when the call returns, without a change of threads.
#[test]
fn the_caller_under_whose_call_an_actor_failed_has_brought_it_back_when_the_call_returns() {
    let nursery = Nursery::new(&Runtime::threads());
    let made_on = Arc::new(Mutex::new(Vec::new()));
    let noted = made_on.clone();
    let (log, _logged) = channel::bounded(100);
    let (spec, address) = ChildSpec::actor("puppet", move || {
        noted.lock().push(driver::thread_number());
        Puppet { log: log.clone(), held: Vec::new(), on_drop: false }
    });
    let kept = nursery.here(|| nursery.keep(spec));
    assert!(matches!(nursery.hear(), (1, None)));

    let answer = address.call(|reply| Do::Panic(Some(reply)));
    assert!(matches!(answer, Err(CallError::ActorFailed { incarnation: 1, .. })), "{answer:?}");
    let me = driver::thread_number();
    assert_eq!(*made_on.lock(), [me, me]);

    nursery.here(|| nursery.stop(kept));
    assert!(nursery.join().is_empty());
}
