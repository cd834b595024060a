//! Gates: the caller's rules, asked before anything is numbered.

use super::*;
use std::sync::Mutex;
use timberline::{AppendError, CursorWorkerAction, CursorWorkerConfig, Denial, DeniedProposal, Retry, gate};

/// A store with gates that note their names as they are asked; `x` denies an even number, `y` one that 3 divides, `z` admits.
fn gated(dir: &Path, collects: bool, records: bool) -> (Store, Arc<Mutex<Vec<&'static str>>>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let rule = |name: &'static str, divisor: u64| {
        let asked = Arc::clone(&asked);
        gate(name, move |proposal| {
            asked.lock().unwrap().push(name);
            match proposal.payload_as::<Note>() {
                Ok(note) if note.n % divisor == 0 => {
                    Err(Denial::new(format!("div-{divisor}"), format!("{} is divisible", note.n)))
                }
                _ => Ok(()),
            }
        })
    };
    let builder = Store::builder(small(dir)).gate(rule("x", 2)).gate(rule("y", 3)).gate(rule("z", u64::MAX));
    (builder.collect_denials(collects).record_denials(records).open().unwrap(), asked)
}

#[track_caller]
fn check_denied(store: &Store, n: u64, by: &[(&str, &str)]) {
    let last = store.written();
    let refused = store.append(&at("tree"), &note(n)).unwrap_err();
    assert_eq!(refused.retry(), Retry::Never);
    let AppendError::Denied { item: 0, denials } = &refused else { panic!("{refused}") };
    let reason = format!("{n} is divisible");
    let named: Vec<_> = denials.iter().map(|no| (no.gate.as_str(), no.code.as_str())).collect();
    assert_eq!(named, by);
    assert!(denials.iter().all(|no| no.reason == reason));
    assert!(refused.to_string().contains(&reason) && refused.to_string().contains(by[0].1), "{refused}");
    assert_eq!(store.written(), last);
}

/// A gate's denial names the gate, the code and the reason, and costs no position.
#[test]
fn a_gates_denial_names_the_gate_the_code_and_the_reason_and_costs_no_position() {
    let dir = tempdir();
    let (store, _) = gated(dir.path(), false, false);
    check_denied(&store, 2, &[("x", "div-2")]);
    check_denied(&store, 3, &[("y", "div-3")]);
    check_denied(&store, 6, &[("x", "div-2")]);
    assert_eq!(store.append(&at("tree"), &note(5)).unwrap().position, Position::new(1));
    check_denied(&store, 4, &[("x", "div-2")]);
    let next = store.append(&at("tree"), &note(7)).unwrap();
    assert_eq!((next.position, next.version), (Position::new(2), Version::new(2)));
    check_whole(&store);
}

#[test]
fn a_store_that_collects_denials_names_every_gate_that_says_no() {
    let dir = tempdir();
    let (store, _) = gated(dir.path(), true, false);
    check_denied(&store, 6, &[("x", "div-2"), ("y", "div-3")]);
    check_denied(&store, 3, &[("y", "div-3")]);
}

/// Gates are run in order.
#[test]
fn gates_are_run_in_order() {
    for (collects, n, order) in
        [(false, 5, "xyz"), (false, 2, "x"), (false, 3, "xy"), (true, 2, "xyz"), (true, 6, "xyz")]
    {
        let dir = tempdir();
        let (store, asked) = gated(dir.path(), collects, false);
        let _ = store.append(&at("tree"), &note(n));
        assert_eq!(asked.lock().unwrap().concat(), order, "{n}, collecting: {collects}");
    }
}

/// A gate that panics denies.
#[test]
fn a_gate_that_panics_denies() {
    let dir = tempdir();
    let store = Store::builder(small(dir.path()))
        .gate(gate("wild", |proposal| match proposal.payload_as::<Note>().unwrap().n {
            1 => panic!("number one"),
            2 => panic!("number {}", 2),
            3 => std::panic::panic_any(3u8),
            _ => Ok(()),
        }))
        .open()
        .unwrap();
    for (n, said) in [(1, "number one"), (2, "number 2"), (3, "unknown panic")] {
        let refused = store.append_batch(vec![new_note("tree", 9), new_note("tree", n)]).unwrap_err();
        let AppendError::GatePanicked { item: 1, gate, message } = &refused else { panic!("{refused}") };
        assert_eq!((gate.as_str(), message.as_str()), ("wild", said));
        assert_eq!((refused.retry(), store.written()), (Retry::Never, Position::START));
    }
    // The gate goes on, and so does the store.
    assert_eq!(store.append(&at("tree"), &note(4)).unwrap().position, Position::new(1));
    assert!(store.close().unwrap().is_clean());
}

#[test]
fn a_gate_is_told_everything_the_caller_proposes() {
    let dir = tempdir();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let store = Store::builder(small(dir.path()))
        .gate({
            let seen = Arc::clone(&seen);
            gate("witness", move |proposal| {
                seen.lock().unwrap().push(format!(
                    "{} {} v{} {}/{} {:?}",
                    proposal.coordinate(),
                    proposal.kind(),
                    proposal.payload_version(),
                    proposal.item(),
                    proposal.batch_events(),
                    proposal.payload()
                ));
                Ok(())
            })
        })
        .open()
        .unwrap();
    let raw = |entity, version, byte| NewEvent::raw(at(entity), "Bytes", version, vec![byte]);
    store.append_batch(vec![raw("a", 1, 7), raw("b", 9, 8)]).unwrap();
    assert_eq!(*seen.lock().unwrap(), ["wood/a Bytes v1 0/2 [7]", "wood/b Bytes v9 1/2 [8]"]);
}

#[test]
fn a_denial_is_recorded_as_an_event_when_the_store_is_asked_to() {
    let dir = tempdir();
    let (store, _) = gated(dir.path(), true, true);
    store.append(&at("tree"), &note(6)).unwrap_err();
    // Nobody waits for the record: a worker that does is the one to ask.
    let worker = store
        .cursor_worker(&Region::entity(DeniedProposal::ENTITY), CursorWorkerConfig::default(), |_, _| {
            CursorWorkerAction::Stop
        })
        .unwrap();
    worker.join().unwrap();
    let events = check_whole(&store);
    let denied: DeniedProposal = events[0].payload_as().unwrap();
    assert_eq!((events.len(), events[0].scope()), (1, "wood"));
    assert_eq!((denied.entity.as_str(), denied.kind.as_str(), denied.denials.len()), ("tree", Note::KIND, 2));
}
