//! A snapshot of a supervision tree: who is there, in which state, and what it is doing.

use crate::{ChildId, Driver, ExitReason, Strategy, Time};
use std::fmt;

/// A snapshot of a supervision tree. It is taken without waiting for any child, so its parts may be of slightly
/// different moments. It prints as a tree and serializes.
#[derive(Clone, Debug, serde::Serialize)]
#[non_exhaustive]
pub struct Tree {
    /// When it was taken.
    pub at: Time,
    /// The outermost supervisor.
    pub root: TreeNode,
}

/// One child of a [`Tree`], or its root.
#[derive(Clone, Debug, serde::Serialize)]
#[non_exhaustive]
pub struct TreeNode {
    /// Its name.
    pub id: ChildId,
    /// What it is.
    pub kind: Kind,
    /// Where it stands.
    pub state: State,
    /// The newest incarnation, from 1; 0 before the first start.
    pub incarnation: u64,
    /// Restarts that count in the budget's window now.
    pub restarts_within: u32,
    /// Restarts charged since its supervisor started.
    pub restarts_total: u64,
    /// How the last incarnation that ended did so.
    pub last_exit: Option<ExitReason>,
    /// Turns run so far.
    pub turns: u64,
    /// Messages waiting.
    pub mailbox_depth: usize,
    /// The most messages that a turn found waiting.
    pub mailbox_high_water: usize,
    /// Messages that its mailbox holds.
    pub mailbox_capacity: usize,
    /// When the turn in hand began, if one is in hand; for an inline actor, when it was first looked at.
    pub busy_since: Option<Time>,
    /// What the turn in hand said it is doing; empty if it said nothing.
    pub doing: &'static str,
    /// A supervisor's children, in start order.
    pub children: Vec<TreeNode>,
}

/// What a child is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Kind {
    /// An actor, and what runs its turns.
    Actor(Driver),
    /// A supervisor, and who restarts with whom.
    Supervisor(Strategy),
}

/// Where a child stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum State {
    /// Never started.
    New,
    /// In its factory or its `started`.
    Starting,
    /// Takes messages.
    Running,
    /// Its restart is under way: a pause, or the stop of siblings.
    Restarting,
    /// Was asked to stop.
    Stopping,
    /// Ended as it should.
    Stopped,
    /// Ended abnormally.
    Failed,
    /// Did not answer by its deadline and was left to itself.
    Abandoned,
}

impl State {
    fn word(self) -> &'static str {
        match self {
            State::New => "new",
            State::Starting => "starting",
            State::Running => "running",
            State::Restarting => "restarting",
            State::Stopping => "stopping",
            State::Stopped => "stopped",
            State::Failed => "failed",
            State::Abandoned => "abandoned",
        }
    }
}

impl Tree {
    /// The node of that path below the root: `["pipeline", "writer"]`.
    #[must_use]
    pub fn find<'a>(&self, path: impl IntoIterator<Item = &'a str>) -> Option<&TreeNode> {
        path.into_iter().try_fold(&self.root, |node, name| node.child(name))
    }
}

impl TreeNode {
    /// The child of that name.
    #[must_use]
    pub fn child(&self, name: &str) -> Option<&TreeNode> {
        self.children.iter().find(|child| child.id.as_str() == name)
    }

    fn print(&self, f: &mut fmt::Formatter<'_>, at: Time, indent: &str) -> fmt::Result {
        writeln!(f, "{}", Line { node: self, at })?;
        for (n, child) in self.children.iter().enumerate() {
            let last = n + 1 == self.children.len();
            write!(f, "{indent}{}", if last { "└─ " } else { "├─ " })?;
            child.print(f, at, &format!("{indent}{}", if last { "   " } else { "│  " }))?;
        }
        Ok(())
    }
}

impl fmt::Display for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.root.print(f, self.at, "")
    }
}

/// A node in one line; what is as usual is left out.
struct Line<'a> {
    node: &'a TreeNode,
    at: Time,
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Line { node, at } = self;
        write!(f, "{} ", node.id)?;
        match node.kind {
            Kind::Supervisor(strategy) => write!(f, "[{}]", strategy_word(strategy))?,
            Kind::Actor(Driver::OwnThread) => write!(f, "(own thread)")?,
            Kind::Actor(Driver::Pooled) => write!(f, "(pooled)")?,
            Kind::Actor(Driver::Inline) => write!(f, "(inline)")?,
        }
        write!(f, " {} #{}", node.state.word(), node.incarnation)?;
        if node.restarts_total > 0 {
            write!(f, ", restarts {} ({} in the window)", node.restarts_total, node.restarts_within)?;
        }
        if let Kind::Actor(_) = node.kind {
            let (depth, high, capacity) =
                (node.mailbox_depth, node.mailbox_high_water, node.mailbox_capacity);
            write!(f, ", mailbox {depth}/{capacity} (high {high})")?;
        }
        if let Some(since) = node.busy_since {
            write!(f, ", busy for {:.1?}", *at - since)?;
        }
        if !node.doing.is_empty() {
            write!(f, ": {}", node.doing)?;
        }
        node.last_exit.as_ref().map_or(Ok(()), |last| write!(f, ", last exit: {last}"))
    }
}

fn strategy_word(strategy: Strategy) -> &'static str {
    match strategy {
        Strategy::OneForOne => "one for one",
        Strategy::OneForAll => "one for all",
        Strategy::RestForOne => "rest for one",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(id: &str, kind: Kind, children: Vec<TreeNode>) -> TreeNode {
        TreeNode {
            id: id.into(),
            kind,
            state: State::Running,
            incarnation: 1,
            restarts_within: 0,
            restarts_total: 0,
            last_exit: None,
            turns: 0,
            mailbox_depth: 0,
            mailbox_high_water: 2,
            mailbox_capacity: 64,
            busy_since: None,
            doing: "",
            children,
        }
    }

    fn sample() -> Tree {
        let inline = Kind::Actor(Driver::Inline);
        let busy = TreeNode {
            busy_since: Some(Time::ZERO),
            doing: "fsync",
            restarts_total: 3,
            restarts_within: 1,
            last_exit: Some(ExitReason::Abandoned),
            ..node("writer", Kind::Actor(Driver::OwnThread), vec![])
        };
        let pipeline = vec![node("indexer", inline, vec![]), busy];
        let pipeline = node("pipeline", Kind::Supervisor(Strategy::RestForOne), pipeline);
        let cursors = node("cursors", Kind::Supervisor(Strategy::OneForOne), vec![]);
        let root = node("store", Kind::Supervisor(Strategy::OneForOne), vec![pipeline, cursors]);
        Tree { at: Time::from_nanos(5_000_000), root }
    }

    #[test]
    fn a_tree_prints_as_a_tree() {
        let expected = "\
store [one for one] running #1
├─ pipeline [rest for one] running #1
│  ├─ indexer (inline) running #1, mailbox 0/64 (high 2)
│  └─ writer (own thread) running #1, restarts 3 (1 in the window), mailbox 0/64 (high 2), busy for 5.0ms: fsync, \
last exit: abandoned
└─ cursors [one for one] running #1
";
        assert_eq!(sample().to_string(), expected);
    }

    #[test]
    fn a_tree_serializes_and_is_found_by_path() {
        let tree = sample();
        let json = serde_json::to_value(&tree).expect("plain data");
        assert_eq!(json["root"]["children"][0]["children"][1]["doing"], "fsync");
        assert_eq!(json["root"]["children"][0]["kind"]["supervisor"], "rest_for_one");
        assert_eq!(tree.find(["pipeline", "writer"]).map(|node| node.restarts_total), Some(3));
        assert!(tree.find(["pipeline", "gate"]).is_none());
    }
}
