//! How an incarnation ends in order: what it handled is committed first, and only its own stop ends it.

use super::*;

/// Logs what it does; stops with its first message.
struct Diary(channel::Sender<&'static str>);

impl Actor for Diary {
    type Message = Reply<()>;
    type Error = std::convert::Infallible;

    fn handle(&mut self, reply: Reply<()>, _: &mut Context<'_, Reply<()>>) -> Result<Flow, Self::Error> {
        let _ = self.0.send("handled");
        reply.send(());
        Ok(Flow::Stop)
    }

    fn turn_ended(&mut self, _: &mut Context<'_, Reply<()>>) -> Result<Flow, Self::Error> {
        let _ = self.0.send("committed");
        Ok(Flow::Continue)
    }

    fn stopping(&mut self, _: &mut Context<'_, Reply<()>>, _: &ExitReason) {
        let _ = self.0.send("goodbye");
    }
}

#[test]
fn what_an_actor_handled_before_it_stops_is_committed_first() {
    let (log, diary) = channel::bounded(16);
    let (spec, address) = ChildSpec::actor("diary", move || Diary(log.clone()));
    let running =
        Supervisor::one_for_one("top").child(spec.kind(Restart::Temporary)).start().expect("it runs");
    address.call(|reply| reply).expect("it answers before it stops");
    assert!(running.shutdown().is_clean());
    let pages: Vec<&str> = std::iter::from_fn(|| diary.try_recv().ok()).collect();
    assert!(pages.ends_with(&["handled", "committed", "goodbye"]), "{pages:?}");
}

#[test]
fn a_stop_that_comes_too_late_for_its_incarnation_is_nobodys() {
    let stage = stage(|spec| spec);
    stage.address.send(Do::Panic(None)).expect("there is room");
    assert!(stage.nursery.hear().1.is_some());
    stage.child.start(2);
    assert!(stage.nursery.hear().1.is_none());
    stage.child.stop(1);
    assert_eq!(stage.address.call_within(LONG, |reply| Do::Answer(7, reply)), Ok(7));
    stage.end();
}

#[test]
fn no_slot_is_taken_for_one_that_is_gone() {
    // Each is dropped before the next is made, which the allocator then likes to put into the same place.
    let key = |_| ChildSpec::actor("brief", || Diary(channel::bounded(1).0)).1.slot.key();
    let keys: std::collections::BTreeSet<usize> = (0..100).map(key).collect();
    assert_eq!(keys.len(), 100);
}
