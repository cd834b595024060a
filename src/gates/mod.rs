//! Gates: rules of the caller's that admit or deny what is proposed, before it is numbered.

use crate::error::Denial;
use crate::event::{AppendOptions, Coordinate, NewEvent, Payload, PayloadError};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A caller's rule. It decides what does not depend on the order of events: shape, size, rights, rate. What depends
/// on order is an [`Expected`](crate::Expected) or a condition, checked inside the commit.
///
/// ```
/// use timberline::{Denial, Gate, Proposal};
///
/// struct SmallOnly;
/// impl Gate for SmallOnly {
///     fn name(&self) -> &str { "small-only" }
///     fn evaluate(&mut self, proposal: &Proposal<'_>) -> Result<(), Denial> {
///         match proposal.payload().len() {
///             0..=100 => Ok(()),
///             bytes => Err(Denial::new("too-large", format!("{bytes} bytes are over 100"))),
///         }
///     }
/// }
/// ```
pub trait Gate: Send + 'static {
    /// The gate's name, given in each of its denials.
    fn name(&self) -> &str;

    /// Admits or denies. A panic denies. Must not block: appends wait for it.
    ///
    /// # Errors
    /// The [`Denial`] is the gate's no.
    fn evaluate(&mut self, proposal: &Proposal<'_>) -> Result<(), Denial>;
}

/// A gate made of a name and a function.
///
/// ```
/// use timberline::{Denial, gate};
/// let gate = gate("no-empty-payload", |proposal| match proposal.payload() {
///     [] => Err(Denial::new("empty", "an event must say something")),
///     _ => Ok(()),
/// });
/// # let _ = gate;
/// ```
pub fn gate<F>(name: impl Into<String>, rule: F) -> impl Gate
where
    F: FnMut(&Proposal<'_>) -> Result<(), Denial> + Send + 'static,
{
    RuleGate { name: name.into(), rule }
}

struct RuleGate<F> {
    name: String,
    rule: F,
}

impl<F> Gate for RuleGate<F>
where
    F: FnMut(&Proposal<'_>) -> Result<(), Denial> + Send + 'static,
{
    fn name(&self) -> &str {
        &self.name
    }

    fn evaluate(&mut self, proposal: &Proposal<'_>) -> Result<(), Denial> {
        (self.rule)(proposal)
    }
}

/// What a gate judges: one event that is not stored yet.
#[derive(Debug, Clone, Copy)]
pub struct Proposal<'a> {
    event: &'a NewEvent,
    item: usize,
    batch_events: usize,
}

impl<'a> Proposal<'a> {
    pub(crate) fn new(event: &'a NewEvent, item: usize, batch_events: usize) -> Self {
        Self { event, item, batch_events }
    }

    /// Where the event would belong.
    #[must_use]
    pub fn coordinate(&self) -> &'a Coordinate {
        self.event.coordinate()
    }

    /// The name of the payload's type.
    #[must_use]
    pub fn kind(&self) -> &'a str {
        self.event.kind()
    }

    /// The version of the payload's type.
    #[must_use]
    pub fn payload_version(&self) -> u16 {
        self.event.payload_version()
    }

    /// The encoded payload.
    #[must_use]
    pub fn payload(&self) -> &'a [u8] {
        self.event.payload()
    }

    /// The payload as a value of `P`.
    ///
    /// # Errors
    /// [`PayloadError`] when the event is of another kind or version, or its bytes are no `P`.
    pub fn payload_as<P: Payload>(&self) -> Result<P, PayloadError> {
        if self.kind() != P::KIND {
            return Err(PayloadError::Kind { stored: self.kind().to_owned(), wanted: P::KIND });
        }
        P::decode(self.payload_version(), self.payload())
    }

    /// What the caller asks of the append.
    pub fn options(&self) -> &'a AppendOptions {
        self.event.options()
    }

    /// The event's place in its batch, from 0.
    #[must_use]
    pub fn item(&self) -> usize {
        self.item
    }

    /// How many events are proposed together.
    #[must_use]
    pub fn batch_events(&self) -> usize {
        self.batch_events
    }
}

/// What the gates said together, if not yes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// At least one no.
    Denied(Vec<Denial>),
    /// A gate panicked.
    Panicked { gate: String, message: String },
}

/// The gates of a store, in the order in which they judge.
#[derive(Default)]
pub(crate) struct GateSet {
    gates: Vec<Box<dyn Gate>>,
    /// Whether every gate is heard, even after a no.
    collects: bool,
}

impl GateSet {
    pub(crate) fn push(&mut self, gate: Box<dyn Gate>) {
        self.gates.push(gate);
    }

    pub(crate) fn collect_denials(&mut self, collects: bool) {
        self.collects = collects;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.gates.is_empty()
    }

    /// Asks the gates in order; the first no decides, or all are heard.
    pub(crate) fn evaluate(&mut self, proposal: &Proposal<'_>) -> Result<(), Refusal> {
        let mut denials = Vec::new();
        for gate in &mut self.gates {
            let verdict = catch_unwind(AssertUnwindSafe(|| {
                crate::point("gates.evaluate.before_rule");
                gate.evaluate(proposal)
            }));
            match verdict {
                Ok(Ok(())) => continue,
                Err(_) if crate::planted("gate_panic_admits") => continue,
                Ok(Err(denial)) => denials.push(Denial { gate: name_of(gate.as_ref()), ..denial }),
                Err(panic) => {
                    let message = message_of(panic.as_ref());
                    return Err(Refusal::Panicked { gate: name_of(gate.as_ref()), message });
                }
            }
            if !self.collects {
                break;
            }
        }
        if denials.is_empty() { Ok(()) } else { Err(Refusal::Denied(denials)) }
    }
}

impl fmt::Debug for GateSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.gates.iter().map(|gate| name_of(gate.as_ref()))).finish()
    }
}

/// The gate's name; a gate whose `name` panics has none, and its verdict still counts.
fn name_of(gate: &dyn Gate) -> String {
    catch_unwind(AssertUnwindSafe(|| gate.name().to_owned())).unwrap_or_else(|_| "unnamed".to_owned())
}

fn message_of(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "unknown panic".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn denying(name: &'static str) -> Box<dyn Gate> {
        Box::new(gate(name, |_| Err(Denial::new("no", "because"))))
    }

    fn admitting() -> Box<dyn Gate> {
        Box::new(gate("yes", |_| Ok(())))
    }

    fn panicking() -> Box<dyn Gate> {
        Box::new(gate("wild", |_| panic!("boom")))
    }

    fn evaluate(gates: Vec<Box<dyn Gate>>, collects: bool) -> Result<(), Refusal> {
        let mut set = GateSet { gates, collects };
        let event = NewEvent::raw(Coordinate::new("e", "s").expect("valid"), "K", 1, vec![]);
        set.evaluate(&Proposal::new(&event, 0, 1))
    }

    #[track_caller]
    fn check_denied(gates: Vec<Box<dyn Gate>>, collects: bool, by: &[&str]) {
        let Err(Refusal::Denied(denials)) = evaluate(gates, collects) else { panic!("not denied") };
        assert_eq!(denials.iter().map(|denial| denial.gate.as_str()).collect::<Vec<_>>(), by);
    }

    #[test]
    fn the_first_no_decides_unless_all_are_collected() {
        assert_eq!(evaluate(vec![admitting(), admitting()], false), Ok(()));
        check_denied(vec![admitting(), denying("a"), denying("b")], false, &["a"]);
        check_denied(vec![admitting(), denying("a"), denying("b")], true, &["a", "b"]);
    }

    #[test]
    fn a_gate_that_panics_denies() {
        let refusal = Refusal::Panicked { gate: "wild".into(), message: "boom".into() };
        assert_eq!(evaluate(vec![admitting(), panicking(), admitting()], true), Err(refusal));
    }
}
