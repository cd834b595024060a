//! How to put an actor of your own under loom: the runtime below it is the shipped one, and so is the actor.
//!
//! The account must not be overdrawn, whoever withdraws first and on whichever thread the turns run.
#![cfg(loom)]

use loom_tests::explore::explore;
use supervisors::nursery::Nursery;
use supervisors::{Actor, ChildSpec, Context, Flow, Reply, Runtime};

/// Your actor.
struct Account {
    balance: u32,
}

enum Transfer {
    Withdraw(u32, Reply<bool>),
}

impl Actor for Account {
    type Message = Transfer;
    type Error = std::convert::Infallible;

    fn handle(&mut self, message: Transfer, _: &mut Context<'_, Transfer>) -> Result<Flow, Self::Error> {
        match message {
            Transfer::Withdraw(amount, reply) => {
                let rest = self.balance.checked_sub(amount);
                self.balance = rest.unwrap_or(self.balance);
                reply.send(rest.is_some());
            }
        }
        Ok(Flow::Continue)
    }
}

#[test]
fn of_two_withdrawals_that_exceed_the_balance_together_one_is_refused() {
    explore("two withdrawals", 3, 2_237, || {
        let nursery = Nursery::new(&Runtime::threads());
        let (spec, address) = ChildSpec::actor("account", || Account { balance: 100 });
        let account = nursery.here(|| nursery.start(spec));
        assert!(nursery.hear().1.is_none(), "it is started");

        let theirs = address.clone();
        let other = loom::thread::spawn(move || theirs.call(|reply| Transfer::Withdraw(70, reply)));
        let mine = address.call(|reply| Transfer::Withdraw(70, reply)).expect("it runs");
        let other = other.join().expect("no panic").expect("it runs");
        assert!(mine != other, "exactly one of them gets the money");

        nursery.here(|| account.stop(1));
        assert!(nursery.hear().1.is_some(), "it is stopped");
        account.end();
        assert!(nursery.join().is_empty());
    });
}
