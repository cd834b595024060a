//! The gate: asks the caller's gates and passes on to the writer what they admit.
//!
//! What is proposed was [checked](check) against the limits before, on its caller's own thread.
//!
//! Receives: `Propose` from the door.
//! Sends: `Append` to the writer, with the caller's reply box.
//! Owns: the gates, shared by its incarnations.
//! Fails: never by itself; a gate that panics denies.

use crate::error::{AppendError, Denial, Receipts};
use crate::event::{Coordinate, Durability, NewEvent, Payload};
use crate::gates::{GateSet, Proposal, Refusal};
use crate::writer::{self, Append, Limits};
use serde::{Deserialize, Serialize};
use std::convert::Infallible;
use std::sync::Arc;
use supervisors::rt::Mutex;
use supervisors::{Actor, Address, Context, Flow, Reply};

/// What the gate is told.
#[derive(Debug)]
pub(crate) enum Message {
    /// These events are proposed, all or none.
    Propose { events: Vec<NewEvent>, reply: Reply<Receipts> },
}

/// Checks the limits: for the callers of the gate, each on his own thread.
pub(crate) fn check(events: &[NewEvent], limits: &Limits) -> Result<(), AppendError> {
    if events.is_empty() {
        let limit = limits.batch_events_max;
        return Err(AppendError::Count { item: 0, what: "events", count: 0, limit });
    }
    writer::check(events, limits)
}

/// What the incarnations of the gate share.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    /// The gates. Only the gate's turn locks them.
    pub(crate) gates: Arc<Mutex<GateSet>>,
    /// Whether a denial becomes an event of its own.
    pub(crate) records_denials: bool,
    pub(crate) limits: Limits,
    pub(crate) durability: Durability,
    pub(crate) writer: Address<writer::Message>,
}

impl Setup {
    pub(crate) fn new(
        limits: Limits,
        durability: Durability,
        gates: GateSet,
        records_denials: bool,
        writer: Address<writer::Message>,
    ) -> Self {
        Self { gates: Arc::new(Mutex::new(gates)), records_denials, limits, durability, writer }
    }
}

/// A denial, as it is recorded when the store was asked to: on the entity [`DeniedProposal::ENTITY`] of the scope
/// that the proposal named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DeniedProposal {
    /// The entity that the proposal named.
    pub entity: String,
    /// The kind of the proposal.
    pub kind: String,
    /// Every no that was heard.
    pub denials: Vec<Denial>,
}

impl DeniedProposal {
    /// The entity on which denials are recorded.
    pub const ENTITY: &'static str = "timberline.denials";
}

impl Payload for DeniedProposal {
    const KIND: &'static str = "timberline.DeniedProposal";
}

/// One incarnation of the gate.
#[derive(Debug)]
pub(crate) struct Gate {
    setup: Setup,
}

impl Actor for Gate {
    type Message = Message;
    type Error = Infallible;

    fn handle(&mut self, message: Message, context: &mut Context<'_, Message>) -> Result<Flow, Infallible> {
        match message {
            Message::Propose { events, reply } => self.propose(events, reply, context),
        }
        Ok(Flow::Continue)
    }
}

impl Gate {
    pub(crate) fn new(setup: Setup) -> Self {
        Self { setup }
    }

    fn propose(&mut self, events: Vec<NewEvent>, reply: Reply<Receipts>, context: &mut Context<'_, Message>) {
        crate::point("gate.propose.heard");
        match self.admit(&events) {
            Ok(()) => self.pass_on(events, Some(reply), context),
            Err(refusal) => {
                crate::point("gate.propose.refused");
                self.record(&events, &refusal, context);
                crate::point("gate.propose.before_no");
                reply.send(Err(refusal));
            }
        }
    }

    fn pass_on(
        &mut self,
        events: Vec<NewEvent>,
        reply: Option<Reply<Receipts>>,
        context: &mut Context<'_, Message>,
    ) {
        crate::point("gate.pass_on.before_send");
        let durability = self.durability(&events);
        context.send(&self.setup.writer, writer::Message::Append(Append { events, durability, reply }));
    }

    /// A batch is as durable as its strongest event asks.
    fn durability(&self, events: &[NewEvent]) -> Durability {
        let default = self.setup.durability;
        let asked = events.iter().map(|event| event.options.durability.unwrap_or(default));
        if crate::planted("weakest_durability") { asked.min() } else { asked.max() }.unwrap_or(default)
    }

    fn admit(&mut self, events: &[NewEvent]) -> Result<(), AppendError> {
        let mut gates = self.setup.gates.lock();
        crate::point("gate.admit.gates_locked");
        if gates.is_empty() {
            return Ok(());
        }
        let judged = if crate::planted("only_first_event_judged") { 1 } else { events.len() };
        for (item, event) in events.iter().enumerate().take(judged) {
            let proposal = Proposal::new(event, item, events.len());
            gates.evaluate(&proposal).map_err(|refusal| match refusal {
                Refusal::Denied(denials) => AppendError::Denied { item, denials },
                Refusal::Panicked { gate, message } => AppendError::GatePanicked { item, gate, message },
            })?;
        }
        Ok(())
    }

    /// Makes a denial an event of its own, if the store was asked to. Nobody waits for it.
    fn record(&mut self, events: &[NewEvent], refusal: &AppendError, context: &mut Context<'_, Message>) {
        let AppendError::Denied { item, denials } = refusal else { return };
        if !self.setup.records_denials {
            return;
        }
        let denied = &events[*item];
        let payload = DeniedProposal {
            entity: denied.coordinate.entity().to_owned(),
            kind: denied.kind.clone().into_owned(),
            denials: denials.clone(),
        };
        let coordinate = Coordinate::new(DeniedProposal::ENTITY, denied.coordinate.scope());
        if let Ok(coordinate) = coordinate
            && let Ok(event) = NewEvent::new(&coordinate, &payload)
            && check(std::slice::from_ref(&event), &self.setup.limits).is_ok()
        {
            crate::point("gate.record.before_pass_on");
            self.pass_on(vec![event], None, context);
        }
    }
}
