//! Gates: rules of the program's own that admit or deny an event before it is numbered.
//!
//! ```text
//! cargo run --example gates
//! ```

use serde::{Deserialize, Serialize};
use std::error::Error;
use timberline::{
    AppendError, Config, Coordinate, CursorWorkerAction, CursorWorkerConfig, Denial, DeniedProposal, Gate,
    Payload, Proposal, Region, Store, gate,
};

#[derive(Debug, Serialize, Deserialize)]
struct Transfer {
    cents: u64,
    to: String,
}

impl Payload for Transfer {
    const KIND: &'static str = "Transfer";
}

/// A gate with state: at most so much from one entity for as long as the store is open.
struct Allowance {
    cents_max: u64,
    spent: std::collections::HashMap<String, u64>,
}

impl Gate for Allowance {
    fn name(&self) -> &str {
        "allowance"
    }

    fn evaluate(&mut self, proposal: &Proposal<'_>) -> Result<(), Denial> {
        let Ok(transfer) = proposal.payload_as::<Transfer>() else { return Ok(()) };
        let spent = self.spent.entry(proposal.coordinate().entity().to_owned()).or_default();
        if *spent + transfer.cents > self.cents_max {
            let left = self.cents_max - *spent;
            return Err(Denial::new("over-allowance", format!("{left} cents are left")));
        }
        *spent += transfer.cents;
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let dir = tempfile::tempdir()?;
    let store = Store::builder(Config::new(dir.path()))
        // A gate can be a function. The first no decides, so cheap rules come first.
        .gate(gate("known-scope", |proposal| match proposal.coordinate().scope() {
            "bank" => Ok(()),
            other => Err(Denial::new("scope", format!("there is no scope {other:?}"))),
        }))
        .gate(gate("named-receiver", |proposal| match proposal.payload_as::<Transfer>() {
            Ok(transfer) if transfer.to.is_empty() => Err(Denial::new("receiver", "to whom?")),
            Ok(transfer) if transfer.to == "bug" => panic!("this gate has a bug"),
            _ => Ok(()),
        }))
        .gate(Allowance { cents_max: 1_000, spent: Default::default() })
        .record_denials(true)
        .open()?;

    let transfer = |entity: &str, scope: &str, cents, to: &str| {
        let coordinate = Coordinate::new(entity, scope).expect("names without control characters");
        let answer = store.append(&coordinate, &Transfer { cents, to: to.into() });
        match &answer {
            Ok(receipt) => println!("{entity} -> {to:?}, {cents} cents: position {}", receipt.position),
            Err(refused) => println!("{entity} -> {to:?}, {cents} cents: {refused}"),
        }
        answer
    };

    let first = transfer("ada", "bank", 600, "ida")?;
    assert_eq!(first.position.get(), 1);
    check_denied(transfer("ada", "bank", 600, "ida"), "allowance", "over-allowance");
    check_denied(transfer("ada", "bakery", 1, "ida"), "known-scope", "scope");
    check_denied(transfer("ada", "bank", 1, ""), "named-receiver", "receiver");

    // A gate that panics denies; it never admits, and the store goes on.
    let panicked = transfer("ada", "bank", 1, "bug");
    assert!(matches!(panicked, Err(AppendError::GatePanicked { gate, .. }) if gate == "named-receiver"));
    transfer("ada", "bank", 400, "ida")?;

    // The store was asked to record denials: three were heard, each is an event of its own.
    let mut left = 3;
    let worker = store.cursor_worker(
        &Region::entity(DeniedProposal::ENTITY),
        CursorWorkerConfig::default(),
        move |batch, _context| {
            for event in batch {
                let denied: DeniedProposal = event.payload_as().expect("the store wrote it");
                println!("recorded: {} of {} was denied: {}", denied.kind, denied.entity, denied.denials[0]);
            }
            left -= batch.len();
            if left == 0 { CursorWorkerAction::Stop } else { CursorWorkerAction::Continue }
        },
    )?;
    worker.join()?;
    let transfers = store.read(&Region::kind(Transfer::KIND)).count();
    assert_eq!(transfers, 2, "a denied event is not stored");
    store.close()?;
    Ok(())
}

fn check_denied(answer: Result<timberline::Receipt, AppendError>, gate: &str, code: &str) {
    match answer {
        Err(AppendError::Denied { denials, .. }) => {
            assert_eq!((denials[0].gate.as_str(), denials[0].code.as_str()), (gate, code));
        }
        other => panic!("not denied by {gate}: {other:?}"),
    }
}
