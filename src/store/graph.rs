//! Walks over the causal graph: what led to an event, and what it led to.

use crate::error::ReadError;
use crate::event::{EventId, StoredEvent};
use crate::position::Position;
use crate::view::View;
use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write;

/// How far a walk goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct GraphOptions {
    events: usize,
    depth: usize,
    within_correlation: bool,
}

impl Default for GraphOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl GraphOptions {
    /// At most 1,000 events, any depth, across correlations.
    pub fn new() -> Self {
        Self { events: 1_000, depth: usize::MAX, within_correlation: false }
    }

    /// The most events of the graph, with the one it starts from.
    pub fn events(mut self, most: usize) -> Self {
        self.events = most;
        self
    }

    /// The most steps from the event it starts from.
    pub fn depth(mut self, most: usize) -> Self {
        self.depth = most;
        self
    }

    /// Whether only events of the same correlation are followed.
    pub fn within_correlation(mut self, within: bool) -> Self {
        self.within_correlation = within;
        self
    }
}

/// An event in a causal graph.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct CausalNode {
    /// The event.
    pub id: EventId,
    /// The name of its payload's type.
    pub kind: String,
    /// What it tells of.
    pub entity: String,
    /// The correlation it belongs to.
    pub correlation: EventId,
    /// Steps from the event the walk started from.
    pub depth: usize,
}

/// One event led to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[non_exhaustive]
pub struct CausalEdge {
    /// The event that led to the other.
    pub cause: EventId,
    /// The event it led to.
    pub effect: EventId,
}

/// What a walk found. Empty if there is no event to start from.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
#[non_exhaustive]
pub struct CausalGraph {
    /// The events, breadth first; the first is the one the walk started from.
    pub nodes: Vec<CausalNode>,
    /// The steps between them, in order.
    pub edges: Vec<CausalEdge>,
    /// Whether a limit kept the walk from going on.
    pub truncated: bool,
}

impl CausalGraph {
    /// The graph as a Mermaid flowchart.
    #[must_use]
    pub fn to_mermaid(&self) -> String {
        let mut text = String::from("flowchart TD\n");
        for node in &self.nodes {
            let (kind, entity) = (mermaid_text(&node.kind), mermaid_text(&node.entity));
            let _ = writeln!(text, "    e{}[\"{kind}<br/>{entity}\"]", node.id.position());
        }
        for edge in &self.edges {
            let _ = writeln!(text, "    e{} --> e{}", edge.cause.position(), edge.effect.position());
        }
        text
    }

    /// The graph in Graphviz's language.
    #[must_use]
    pub fn to_dot(&self) -> String {
        let mut text = String::from("digraph causes {\n");
        for node in &self.nodes {
            let (kind, entity) = (dot_text(&node.kind), dot_text(&node.entity));
            let _ = writeln!(text, "    e{} [label=\"{kind}\\n{entity}\"];", node.id.position());
        }
        for edge in &self.edges {
            let _ = writeln!(text, "    e{} -> e{};", edge.cause.position(), edge.effect.position());
        }
        text.push_str("}\n");
        text
    }
}

/// Whatever could end a quoted label or begin markup becomes a numbered character.
fn mermaid_text(text: &str) -> String {
    let escape = |c: char| match c {
        '"' | '<' | '>' | '&' | '#' | '`' | '\\' => format!("#{};", c as u32),
        c => c.to_string(),
    };
    text.chars().map(escape).collect()
}

fn dot_text(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

pub(super) fn causes(view: &View, id: EventId, options: GraphOptions) -> Result<CausalGraph, ReadError> {
    let next = |event: &StoredEvent, _| Ok(event.causes().into_iter().map(EventId::position).collect());
    walk(view, id, options, next, |from, to| CausalEdge { cause: to, effect: from })
}

pub(super) fn effects(view: &View, id: EventId, options: GraphOptions) -> Result<CausalGraph, ReadError> {
    let next = |event: &StoredEvent, limit| view.effects_of(event.position(), limit);
    walk(view, id, options, next, |from, to| CausalEdge { cause: from, effect: to })
}

/// Breadth first from `id`. `next` gives the neighbours of an event, `edge` the step to one of them.
fn walk(
    view: &View,
    id: EventId,
    options: GraphOptions,
    next: impl Fn(&StoredEvent, usize) -> Result<Vec<Position>, ReadError>,
    edge: impl Fn(EventId, EventId) -> CausalEdge,
) -> Result<CausalGraph, ReadError> {
    let mut graph = CausalGraph::default();
    let Some(start) = view.get(id)? else { return Ok(graph) };
    if options.events == 0 {
        graph.truncated = true;
        return Ok(graph);
    }
    let correlation = start.correlation();
    let mut known = BTreeMap::from([(start.position(), start.id())]);
    graph.nodes.push(node(&start, 0));
    let mut queue = VecDeque::from([(start, 0)]);
    while let Some((event, depth)) = queue.pop_front() {
        for position in next(&event, options.events.saturating_add(1))? {
            if let Some(neighbour) = known.get(&position) {
                graph.edges.push(edge(event.id(), *neighbour));
                continue;
            }
            let Some(neighbour) = view.at(position)? else { continue };
            if options.within_correlation && neighbour.correlation() != correlation {
                continue;
            }
            if depth == options.depth || graph.nodes.len() == options.events {
                graph.truncated = true;
                continue;
            }
            known.insert(position, neighbour.id());
            graph.edges.push(edge(event.id(), neighbour.id()));
            graph.nodes.push(node(&neighbour, depth + 1));
            queue.push_back((neighbour, depth + 1));
        }
    }
    graph.edges.sort_unstable();
    graph.edges.dedup();
    Ok(graph)
}

fn node(event: &StoredEvent, depth: usize) -> CausalNode {
    CausalNode {
        id: event.id(),
        kind: event.kind().to_owned(),
        entity: event.entity().to_owned(),
        correlation: event.correlation(),
        depth,
    }
}
