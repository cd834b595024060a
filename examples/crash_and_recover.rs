//! Kills a process in the middle of its work. Afterwards everything that it was acknowledged is there, and every event
//! has exactly one reaction.
//!
//! ```text
//! cargo run --example crash_and_recover
//! ```

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use timberline::{
    CheckpointId, Config, Coordinate, CursorWorkerAction, CursorWorkerConfig, CursorWorkerHandle, NewEvent,
    Payload, Region, Store,
};

#[derive(Serialize, Deserialize)]
struct Ordered {
    number: u64,
}

impl Payload for Ordered {
    const KIND: &'static str = "Ordered";
}

#[derive(Serialize, Deserialize)]
struct Invoiced {
    number: u64,
}

impl Payload for Invoiced {
    const KIND: &'static str = "Invoiced";
}

fn main() -> Result<(), Box<dyn Error>> {
    if let Some(dir) = std::env::args().nth(1) {
        return child(Path::new(&dir));
    }
    let dir = tempfile::tempdir()?;
    let acknowledged = run_and_kill(dir.path(), 500)?;
    println!("the child said that {acknowledged} orders were stored, and was killed");

    let store = Store::open(Config::new(dir.path()))?;
    let found = store.recovery().expect("a store that is open was recovered");
    println!(
        "opened again: closed in good order: {}, cut: {:?}, gap: {:?}",
        found.closed, found.cut, found.gap
    );
    let orders = store.read(&Region::kind(Ordered::KIND)).count() as u64;
    println!("{orders} orders are there");
    assert!(!found.closed && orders >= acknowledged, "an acknowledged order is lost");

    let invoices = finish(&store, orders)?;
    println!("{} invoices, each order has exactly one", invoices.len());
    assert_eq!(invoices.len() as u64, orders);
    assert!(invoices.values().all(|count| *count == 1));

    let report = store.verify()?;
    assert!(report.is_intact(), "{:?}", report.problems);
    println!("verified: {} events in {} frames, intact", report.events, report.frames);
    store.close()?;
    Ok(())
}

/// Starts this program again as the child, listens to its receipts, and kills it in the middle of a sentence.
fn run_and_kill(dir: &Path, after: usize) -> Result<u64, Box<dyn Error>> {
    let mut child = Command::new(std::env::current_exe()?).arg(dir).stdout(Stdio::piped()).spawn()?;
    let mut receipts = BufReader::new(child.stdout.take().ok_or("the child has no output")?).lines();
    let mut acknowledged = receipts.by_ref().take(after).map_while(Result::ok).count();
    child.kill()?; // SIGKILL: nothing is flushed, nothing is closed, no destructor runs
    child.wait()?;
    // What it had said before it died counts too; a line that was cut in the middle does not.
    acknowledged += receipts.map_while(Result::ok).filter(|line| line.ends_with('.')).count();
    Ok(acknowledged as u64)
}

/// The child: takes orders for ever, and a worker writes an invoice for each.
fn child(dir: &Path) -> Result<(), Box<dyn Error>> {
    let store = Store::open(Config::new(dir))?;
    let _invoicing = invoicing(&store)?;
    let mut out = std::io::stdout();
    for number in 1.. {
        let receipt =
            store.append(&Coordinate::new(format!("order-{number}"), "shop")?, &Ordered { number })?;
        writeln!(out, "{}.", receipt.id)?;
        out.flush()?;
    }
    Ok(())
}

/// The invoice is committed in the same frame as the checkpoint that says that the order was handled.
fn invoicing(store: &Store) -> Result<CursorWorkerHandle, Box<dyn Error>> {
    let config = CursorWorkerConfig::default().checkpoint(CheckpointId::new("invoicing")?);
    let ledger = Coordinate::new("ledger", "shop")?;
    let worker = store.cursor_worker(&Region::kind(Ordered::KIND), config, move |batch, context| {
        for event in batch {
            let order: Ordered = event.payload_as().expect("this program wrote it");
            let invoice = NewEvent::new(&ledger, &Invoiced { number: order.number });
            context.react_to(&event, invoice.expect("a number can be encoded"));
        }
        CursorWorkerAction::Continue
    })?;
    Ok(worker)
}

/// Lets the worker go on where the killed one was; gives how many invoices each order has.
fn finish(store: &Store, orders: u64) -> Result<BTreeMap<u64, u64>, Box<dyn Error>> {
    let (sender, numbers) = mpsc::channel();
    let worker = invoicing(store)?;
    let counting = store.cursor_worker(
        &Region::kind(Invoiced::KIND),
        CursorWorkerConfig::default(),
        move |batch, _| {
            for event in batch {
                let invoice: Invoiced = event.payload_as().expect("this program wrote it");
                sender.send(invoice.number).expect("the receiver lives as long as the worker");
            }
            CursorWorkerAction::Continue
        },
    )?;
    let mut invoices = BTreeMap::new();
    for number in numbers.iter().take(orders as usize) {
        *invoices.entry(number).or_default() += 1;
    }
    worker.stop_and_join()?;
    counting.stop_and_join()?;
    // Whatever came after the last one that was waited for is counted as well.
    for number in numbers {
        *invoices.entry(number).or_default() += 1;
    }
    Ok(invoices)
}
