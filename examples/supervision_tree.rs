//! A tree of actors that survives panics, shows itself, and ends with an honest report.
//!
//! ```text
//! shop            one_for_one
//! |- pipeline     rest_for_one    till, door      a till that fails takes the door with it, not the other way round
//! `- clerks       one_for_one     added and removed while it runs
//! ```

use std::error::Error;
use std::time::Duration;
use supervisors::{
    Actor, Address, CallError, ChildSpec, Context, Exhausted, ExitReason, Flow, Lifecycle, Received, Reply,
    Reports, Restart, RestartPolicy, Supervisor,
};

/// Counts the money; a bad coin makes it panic.
struct Till {
    total: u64,
}

enum Sale {
    Coin(u64),
    Total(Reply<u64>),
}

impl Actor for Till {
    type Message = Sale;
    type Error = std::convert::Infallible;

    fn handle(&mut self, sale: Sale, _: &mut Context<'_, Sale>) -> Result<Flow, Self::Error> {
        match sale {
            Sale::Coin(0) => panic!("a coin worth nothing"),
            Sale::Coin(worth) => self.total += worth,
            Sale::Total(reply) => reply.send(self.total),
        }
        Ok(Flow::Continue)
    }
}

/// Passes customers' coins on to the till.
struct Door {
    till: Address<Sale>,
}

struct Customer {
    coins: Vec<u64>,
}

impl Actor for Door {
    type Message = Customer;
    type Error = std::convert::Infallible;

    fn handle(
        &mut self,
        customer: Customer,
        context: &mut Context<'_, Customer>,
    ) -> Result<Flow, Self::Error> {
        for worth in customer.coins {
            context.send(&self.till, Sale::Coin(worth)); // delivered after this turn, in order
        }
        Ok(Flow::Continue)
    }
}

/// Works until it is told to go home, or panics when it is shouted at.
struct Clerk;

enum Word {
    Home,
    Shout,
}

impl Actor for Clerk {
    type Message = Word;
    type Error = std::convert::Infallible;

    fn handle(&mut self, word: Word, _: &mut Context<'_, Word>) -> Result<Flow, Self::Error> {
        match word {
            Word::Home => Ok(Flow::Stop),
            Word::Shout => panic!("shouted at"),
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let (till_spec, till) = ChildSpec::actor("till", || Till { total: 0 });
    let doors_till = till.clone();
    let (door_spec, door) = ChildSpec::actor("door", move || Door { till: doors_till.clone() });
    let (pipeline, _) =
        ChildSpec::supervisor(Supervisor::rest_for_one("pipeline").child(till_spec).child(door_spec));
    let (clerks, clerks_handle) = ChildSpec::supervisor(Supervisor::one_for_one("clerks"));
    let running = Supervisor::one_for_one("shop").child(pipeline).child(clerks).start()?;
    let reports = running.reports(100);

    // Coins travel through two bounded mailboxes.
    door.send(Customer { coins: vec![1, 2, 5] })?;
    wait_for_total(&till, 8)?;

    // The till panics; the door, started after it, restarts with it. What was queued behind the bad coin is kept.
    door.send(Customer { coins: vec![0, 10] })?;
    let failed = wait_for(&reports, "till", |what| matches!(what, Lifecycle::Failed { .. }));
    println!("the till {failed}");
    wait_for(&reports, "door", |what| matches!(what, Lifecycle::Restarted));
    wait_for_total(&till, 10)?;
    let tree = running.tree();
    print!("{tree}");
    assert_eq!(
        tree.find(["pipeline", "till"]).map(|node| (node.incarnation, node.restarts_total)),
        Some((2, 1))
    );
    assert_eq!(
        tree.find(["pipeline", "door"]).map(|node| (node.incarnation, node.restarts_total)),
        Some((2, 0))
    );

    // A clerk comes, and goes home.
    let (spec, ann) = ChildSpec::actor("ann", || Clerk);
    let spec = spec.kind(Restart::Transient);
    let went = spec.completion();
    clerks_handle.add(spec)?;
    ann.send(Word::Home)?;
    assert!(matches!(went.wait(), ExitReason::Normal));

    // Another is shouted at more often than its budget allows; it ends alone, and its completion says why.
    let budget = RestartPolicy::Bounded { max_restarts: 2, within: Duration::from_secs(60) };
    let (spec, bob) = ChildSpec::actor("bob", || Clerk);
    let spec = spec.restart(budget).when_exhausted(Exhausted::EndChild);
    let gone = spec.completion();
    clerks_handle.add(spec)?;
    for _ in 0..3 {
        bob.send(Word::Shout)?;
    }
    let reason = gone.wait();
    println!("bob: {reason}");
    assert!(matches!(&reason, ExitReason::BudgetExhausted { restarts: 2, .. }));
    assert!(matches!(reason.root_cause(), ExitReason::Panicked { message, .. } if message == "shouted at"));
    assert!(bob.send(Word::Home).is_err(), "its address says so, too");

    // The report is honest: everything stopped as it should, except for bob.
    let report = running.shutdown();
    println!("{report}");
    let unclean: Vec<&str> = report
        .children
        .iter()
        .filter(|child| !matches!(child.ending, supervisors::Ending::Clean))
        .map(|child| child.child.as_str())
        .collect();
    assert_eq!(unclean, ["clerks/bob"]);
    assert!(report.threads_left.is_empty());
    assert_eq!(till.call(Sale::Total), Err(CallError::Stopped));
    Ok(())
}

/// Asks until the till has that total; what the door sends arrives when the door had its turn.
fn wait_for_total(till: &Address<Sale>, expected: u64) -> Result<(), CallError> {
    while till.call(Sale::Total)? != expected {}
    Ok(())
}

fn wait_for(reports: &Reports, child: &str, wanted: impl Fn(&Lifecycle) -> bool) -> Lifecycle {
    while let Some(received) = reports.recv() {
        match received {
            Received::Report(report) if report.child.as_str() == child && wanted(&report.what) => {
                return report.what;
            }
            _ => {}
        }
    }
    unreachable!("the tree runs");
}
