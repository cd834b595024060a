//! A shop embeds the store: a gate judges orders, a supervised reactor bills them, and its crashes cost nothing.
//!
//! Run it with `cargo run --example supervised_reactor`. Everything it claims is asserted.

use serde::{Deserialize, Serialize};
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;
use timberline::{
    AppendError, AtLeastOnce, CheckpointId, Config, Coordinate, CursorWorkerAction, CursorWorkerConfig,
    CursorWorkerError, CursorWorkerHandle, Denial, NewEvent, Payload, Region, RestartPolicy, Store, gate,
};

#[derive(Debug, Serialize, Deserialize)]
struct OrderPlaced {
    customer: String,
    cents: u64,
}

impl Payload for OrderPlaced {
    const KIND: &'static str = "OrderPlaced";
}

#[derive(Debug, Serialize, Deserialize)]
struct InvoiceIssued {
    cents: u64,
}

impl Payload for InvoiceIssued {
    const KIND: &'static str = "InvoiceIssued";
}

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let dir = tempfile::tempdir()?;
    let store = Arc::new(open(&dir)?);
    place_orders(&store)?;

    let billing = start_billing(&store)?;
    let mailing = start_mailing(&store)?;
    place(&store, "order-4", "Noor", 4_999)?; // while they run: history and live are one stream
    let broken = start_broken(&store)?;

    // A handler that always fails ends with a reason, and takes nobody with it.
    match broken.join() {
        Err(CursorWorkerError::RestartBudgetExhausted { restarts, message, location, .. }) => {
            println!(
                "the broken worker gave up after {restarts} restarts: {message} ({})",
                location.unwrap_or_default()
            );
            assert_eq!((restarts, message.as_str()), (2, "no printer found"));
        }
        other => panic!("it cannot end otherwise: {other:?}"),
    }

    place(&store, "order-5", "closing time", 1)?;
    let status = billing.status();
    println!("\nbilling: {:?} at {}, restarted {} times", status.state, status.position, status.restarts);
    println!("\n{}", store.tree());
    billing.join()?;
    mailing.join()?;

    check_invoices(&store)?;
    let report = store.close()?;
    println!("\nclosed: {}", if report.is_clean() { "every thread joined" } else { "see the report" });
    assert!(report.is_clean());
    Ok(())
}

/// A store that takes orders over money only.
fn open(dir: &tempfile::TempDir) -> Outcome<Store> {
    let costs_something = gate("costs-something", |proposal| {
        match proposal.kind() == OrderPlaced::KIND
            && proposal.payload_as::<OrderPlaced>().is_ok_and(|order| order.cents == 0)
        {
            true => Err(Denial::new("free", "an order over nothing is no order")),
            false => Ok(()),
        }
    });
    Ok(Store::builder(Config::new(dir.path())).gate(costs_something).open()?)
}

fn place(store: &Store, order: &str, customer: &str, cents: u64) -> Result<(), AppendError> {
    let order = Coordinate::new(order, "shop").expect("a plain name");
    store.append(&order, &OrderPlaced { customer: customer.to_owned(), cents }).map(drop)
}

fn place_orders(store: &Store) -> Outcome<()> {
    place(store, "order-1", "Ida", 1_250)?;
    place(store, "order-2", "Mio", 980)?;
    match place(store, "order-0", "Nobody", 0) {
        Err(AppendError::Denied { denials, .. }) => println!("denied: {}", denials[0]),
        other => panic!("the gate should have said no: {other:?}"),
    }
    place(store, "order-3", "Ida", 300)?;
    assert_eq!(store.written().get(), 3, "a denial costs no position");
    Ok(())
}

/// Issues an invoice for each order, exactly once: it is committed together with the reactor's place. The second order
/// makes it panic, once.
fn start_billing(store: &Store) -> Result<CursorWorkerHandle, CursorWorkerError> {
    let config = CursorWorkerConfig::default().batch_size(1).checkpoint(checkpoint("billing"));
    store.cursor_worker(&Region::kind(OrderPlaced::KIND), config, |batch, context| {
        for event in batch {
            let Ok(order) = event.payload_as::<OrderPlaced>() else {
                return CursorWorkerAction::StopWithRollback;
            };
            let invoice = NewEvent::new(&coordinate(event.entity), &InvoiceIssued { cents: order.cents });
            context.react_to(&event, invoice.expect("numbers can be encoded"));
            assert!(order.customer != "Mio" || context.attempt() > 1, "the printer is out of paper");
            if order.customer == "closing time" {
                return CursorWorkerAction::Stop;
            }
        }
        CursorWorkerAction::Continue
    })
}

/// Mails each invoice. That is outside of the store, so it may happen again; the mail's key tells the receiver.
fn start_mailing(store: &Store) -> Result<CursorWorkerHandle, CursorWorkerError> {
    let config = CursorWorkerConfig::default().checkpoint(checkpoint("mailing"));
    let mut mailed = 0;
    store.cursor_worker(&Region::kind(InvoiceIssued::KIND), config, move |batch, context| {
        for event in batch {
            send_mail(context.at_least_once(), event.entity, &event.id.to_string());
            mailed += 1;
        }
        if mailed >= 5 { CursorWorkerAction::Stop } else { CursorWorkerAction::Continue }
    })
}

fn send_mail(_knows: AtLeastOnce, order: &str, key: &str) {
    println!("mail for {order}, key {key}");
}

/// A worker whose handler never works.
fn start_broken(store: &Store) -> Result<CursorWorkerHandle, CursorWorkerError> {
    let policy = RestartPolicy::Bounded { max_restarts: 2, within: Duration::from_secs(60) };
    let config = CursorWorkerConfig::default().name("labels").restart(policy);
    store.cursor_worker(&Region::all(), config, |_, _| panic!("no printer found"))
}

/// Every order has one invoice, and each invoice knows which order it answers.
fn check_invoices(store: &Store) -> Outcome<()> {
    let mut invoices = 0;
    for invoice in store.read(&Region::kind(InvoiceIssued::KIND)) {
        let invoice = invoice?;
        let order = store.get(invoice.causes()[0])?.expect("a cause is an event of the store");
        assert_eq!(order.payload_as::<OrderPlaced>()?.cents, invoice.payload_as::<InvoiceIssued>()?.cents);
        assert_eq!((order.entity(), order.id()), (invoice.entity(), invoice.correlation()));
        invoices += 1;
    }
    assert_eq!(invoices, 5, "one for each order, although the handler crashed in the middle");
    println!("\n5 orders, {invoices} invoices");
    Ok(())
}

fn checkpoint(name: &str) -> CheckpointId {
    CheckpointId::new(name).expect("a plain name")
}

fn coordinate(entity: &str) -> Coordinate {
    Coordinate::new(entity, "shop").expect("the entity of a stored event")
}
