//! Arguments of what appends and prints events.

use super::Dir;
use std::str::FromStr;
use timberline::{EventId, Expected, Position, Region};

const APPEND: &str = "\
Prints the event's position, its version within its entity, and its id, after the event is on the disk.

Examples:
  timberline append --dir shop order-7 --kind Opened '{\"total\": 12}'
  timberline append --dir shop order-7 --kind Paid --expect 1 --cause 1     only if nothing happened since version 1
  timberline append --dir shop order-7 --kind Paid --key payment-17         safe to repeat: stored once
  generate | timberline append --dir shop report --kind Made -              the payload from standard input";

/// `timberline append`.
#[derive(Debug, clap::Args)]
#[command(after_help = APPEND)]
pub(crate) struct AppendArguments {
    /// What the event tells of
    #[arg(value_name = "ENTITY")]
    pub(crate) entity: String,
    /// The payload, as JSON; - reads it from standard input
    #[arg(value_name = "JSON", default_value = "null")]
    pub(crate) payload: String,
    #[command(flatten)]
    pub(crate) store: Dir,
    /// The name of the payload's type
    #[arg(long, value_name = "NAME")]
    pub(crate) kind: String,
    /// What the entity stands in
    #[arg(long, value_name = "NAME", default_value = "default")]
    pub(crate) scope: String,
    /// Refuse unless the entity is: any, empty, exists, or at this version
    #[arg(long, value_name = "WHAT", default_value = "any", value_parser = expected)]
    pub(crate) expect: Expected,
    /// Append only if no event has this idempotency key; else print the receipt of that event
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Option<String>,
    /// An event that led to this one, by id or position; may be given several times
    #[arg(long = "cause", value_name = "EVENT")]
    pub(crate) causes: Vec<Which>,
    /// Do not wait for the disk
    #[arg(long)]
    pub(crate) buffered: bool,
    /// Print the receipt as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

const TAIL: &str = "\
A line tells position, time (UTC), kind, entity@version and payload. With --json it is one object with all there is:
position, id, time_micros, entity, version, scope, kind, payload_version, correlation, causes, payload. A payload that
is no JSON and none of this program's own kinds is given as {\"bytes\": hexadecimal}.

Examples:
  timberline tail --dir shop --follow --kind Paid
  timberline tail --dir shop --after 0 --json | jq .payload.total
  timberline tail --dir demo --prefix file:src/ -n 20";

/// `timberline tail`.
#[derive(Debug, clap::Args)]
#[command(after_help = TAIL)]
pub(crate) struct TailArguments {
    #[command(flatten)]
    pub(crate) store: Dir,
    /// Go on printing events as they come, until interrupted
    #[arg(long, short)]
    pub(crate) follow: bool,
    /// One JSON object per event and line
    #[arg(long)]
    pub(crate) json: bool,
    /// How many of the newest events to print first
    #[arg(long, short = 'n', value_name = "N", default_value_t = 10)]
    pub(crate) lines: usize,
    /// Print all events after this position instead of the newest
    #[arg(long, value_name = "POSITION", conflicts_with = "lines")]
    pub(crate) after: Option<u64>,
    #[command(flatten)]
    pub(crate) region: RegionArguments,
}

/// Which events are meant; every flag narrows it.
#[derive(Debug, clap::Args)]
pub(crate) struct RegionArguments {
    /// Only events of this entity
    #[arg(long, value_name = "NAME", conflicts_with = "prefix")]
    entity: Option<String>,
    /// Only events of entities whose name begins so
    #[arg(long, value_name = "TEXT")]
    prefix: Option<String>,
    /// Only events of this scope
    #[arg(long, value_name = "NAME")]
    scope: Option<String>,
    /// Only events of this kind
    #[arg(long, value_name = "NAME")]
    kind: Option<String>,
}

impl RegionArguments {
    /// The flags as a region.
    pub(crate) fn region(&self) -> Region {
        let named = [
            self.entity.as_ref().map(Region::entity),
            self.prefix.as_ref().map(Region::entity_prefix),
            self.scope.as_ref().map(Region::scope),
            self.kind.as_ref().map(Region::kind),
        ];
        named.into_iter().flatten().fold(Region::all(), Region::and)
    }
}

const GRAPH: &str = "\
The walk goes from event to event, nearest first, across correlations, until nothing is left or --limit is reached.
After the arrow stand the positions of the events that led to the one on the line.

Examples:
  timberline causes --dir shop 7
  timberline effects --dir shop 0190b3c2a1f4-00000000000004d2-7f3a --mermaid
  timberline causes --dir demo 1000 --dot | dot -Tsvg > causes.svg";

/// `timberline causes` and `timberline effects`.
#[derive(Debug, clap::Args)]
#[command(after_help = GRAPH)]
pub(crate) struct GraphArguments {
    /// The event, by id or position
    #[arg(value_name = "EVENT")]
    pub(crate) event: Which,
    #[command(flatten)]
    pub(crate) store: Dir,
    /// The most events to print
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub(crate) limit: usize,
    /// Print the graph for Mermaid
    #[arg(long, conflicts_with = "dot")]
    pub(crate) mermaid: bool,
    /// Print the graph for Graphviz
    #[arg(long)]
    pub(crate) dot: bool,
}

/// `timberline stats` and `timberline verify`.
#[derive(Debug, clap::Args)]
pub(crate) struct StoreArguments {
    #[command(flatten)]
    pub(crate) store: Dir,
}

/// `timberline tree`.
#[derive(Debug, clap::Args)]
pub(crate) struct TreeArguments {
    #[command(flatten)]
    pub(crate) store: Dir,
    /// Print it as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// An event, named by its id or by its position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    Id(EventId),
    At(Position),
}

impl FromStr for Which {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(number) = text.parse() {
            return Ok(Self::At(Position::new(number)));
        }
        text.parse()
            .map(Self::Id)
            .map_err(|_| "expected a position, or an event id as tail prints it".to_owned())
    }
}

fn expected(text: &str) -> Result<Expected, String> {
    match text {
        "any" => Ok(Expected::Any),
        "empty" => Ok(Expected::Empty),
        "exists" => Ok(Expected::Exists),
        version => version
            .parse()
            .map(Expected::Version)
            .map_err(|_| "expected any, empty, exists or a version number".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_named_by_position_or_id() {
        let id = "0190b3c2a1f4-00000000000004d2-7f3a";
        assert_eq!("17".parse(), Ok(Which::At(Position::new(17))));
        assert_eq!(id.parse(), Ok(Which::Id(id.parse().unwrap())));
        assert!("first".parse::<Which>().is_err());
        assert_eq!((expected("empty"), expected("3")), (Ok(Expected::Empty), Ok(Expected::Version(3))));
        assert!(expected("-1").is_err());
    }
}
