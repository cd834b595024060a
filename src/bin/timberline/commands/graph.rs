//! `timberline causes` and `timberline effects`: what led to an event, and what it led to.

use super::find;
use crate::args::GraphArguments;
use crate::failure::CommandError;
use crate::{show, stores, text};
use std::io::Write;
use timberline::{CausalGraph, EventId, GraphOptions, ReadError, ReadOnlyStore, StoredEvent};

/// Characters of a line.
const LINE_CHARS: usize = 140;

/// `timberline causes`.
pub(crate) fn causes(arguments: &GraphArguments, out: &mut dyn Write) -> Result<(), CommandError> {
    graph(arguments, out, ReadOnlyStore::causes)
}

/// `timberline effects`.
pub(crate) fn effects(arguments: &GraphArguments, out: &mut dyn Write) -> Result<(), CommandError> {
    graph(arguments, out, ReadOnlyStore::effects)
}

fn graph(
    arguments: &GraphArguments,
    out: &mut dyn Write,
    walk: fn(&ReadOnlyStore, EventId, GraphOptions) -> Result<CausalGraph, ReadError>,
) -> Result<(), CommandError> {
    let store = stores::open_to_read(&arguments.store)?;
    let id = find(arguments.event, |id| store.get(id), |region| store.read(region))?;
    let graph = walk(&store, id, GraphOptions::new().events(arguments.limit))?;
    match (arguments.mermaid, arguments.dot) {
        (true, _) => write!(out, "{}", graph.to_mermaid())?,
        (_, true) => write!(out, "{}", graph.to_dot())?,
        _ => {
            for line in ancestry_lines(&graph, |id| store.get(id))? {
                writeln!(out, "{line}")?;
            }
        }
    }
    Ok(())
}

/// The graph as lines for people: each event once, nearest first, with the events of the graph that led to it.
pub(crate) fn ancestry_lines(
    graph: &CausalGraph,
    get: impl Fn(EventId) -> Result<Option<StoredEvent>, ReadError>,
) -> Result<Vec<String>, CommandError> {
    let mut lines = Vec::new();
    for node in &graph.nodes {
        let event = get(node.id)?;
        let payload = event.map(|event| show::summary(&event)).unwrap_or_default();
        let (position, causes) = (node.id.position(), causes_in(graph, node.id));
        let line = format!("{position:>8} {causes:<16} {}  {}  {payload}", node.kind, node.entity);
        lines.push(text::cut(line.trim_end(), LINE_CHARS));
    }
    lines.extend(graph.truncated.then(|| "          and more, which the limit left out".to_owned()));
    Ok(lines)
}

fn causes_in(graph: &CausalGraph, effect: EventId) -> String {
    let causes =
        graph.edges.iter().filter(|edge| edge.effect == effect).map(|edge| edge.cause.position().to_string());
    let causes: Vec<_> = causes.collect();
    if causes.is_empty() { String::new() } else { format!("← {}", causes.join(", ")) }
}
