//! Causes and effects: events with several causes, walked both ways and drawn.
//!
//! ```text
//! cargo run --example causal_graph
//! ```

use serde::{Deserialize, Serialize};
use std::error::Error;
use timberline::{Config, Coordinate, EventId, GraphOptions, NewEvent, Payload, Store};

#[derive(Serialize, Deserialize)]
struct Committed {
    message: String,
}

impl Payload for Committed {
    const KIND: &'static str = "Committed";
}

#[derive(Serialize, Deserialize)]
struct Deployed {
    host: String,
}

impl Payload for Deployed {
    const KIND: &'static str = "Deployed";
}

fn main() -> Result<(), Box<dyn Error>> {
    let dir = tempfile::tempdir()?;
    let store = Store::open(Config::new(dir.path()))?;
    let commit = |name: &str, message: &str, parents: &[EventId]| -> Result<EventId, Box<dyn Error>> {
        let event =
            NewEvent::new(&Coordinate::new(name, "repository")?, &Committed { message: message.into() })?;
        Ok(store.append_event(event.caused_by(parents.iter().copied()))?.id)
    };

    // A history as git has it: a merge has two parents.
    let root = commit("a1", "plant a tree", &[])?;
    let left = commit("b2", "water it", &[root])?;
    let right = commit("c3", "build a fence", &[root])?;
    let merge = commit("d4", "merge fence and water", &[left, right])?;

    // What a batch says of itself: the second event is caused by the first, whose id is not known yet.
    let deployed = |host: &str| -> Result<NewEvent, Box<dyn Error>> {
        Ok(NewEvent::new(&Coordinate::new(host, "fleet")?, &Deployed { host: host.into() })?)
    };
    let receipts = store.append_batch(vec![
        deployed("canary")?.caused_by([merge]).correlated(merge),
        deployed("everywhere")?.caused_by_item(0),
    ])?;
    let rollout = receipts[1].id;

    let causes = store.causes(rollout, 100)?;
    println!("what led to the rollout:");
    for node in &causes.nodes {
        println!("{:indent$}{} {}", "", node.kind, node.entity, indent = 2 + 2 * node.depth);
    }
    assert_eq!((causes.nodes.len(), causes.edges.len(), causes.truncated), (6, 6, false));
    assert_eq!(causes.nodes[0].id, rollout);

    let effects = store.effects(root, 100)?;
    assert_eq!(effects.nodes.len(), 6, "everything came from the first commit");
    assert_eq!(effects.edges, causes.edges, "the same steps, walked the other way");

    // A walk has limits, and says when it met one.
    let near = store.causes_with(rollout, GraphOptions::new().depth(2))?;
    assert!(near.truncated && near.nodes.len() == 3);
    // One correlation is one undertaking: here, the rollout, begun by the merge.
    let rollout_only = store.causes_with(rollout, GraphOptions::new().within_correlation(true))?;
    let hosts: Vec<_> = rollout_only.nodes.iter().map(|node| node.entity.as_str()).collect();
    assert_eq!(hosts, ["everywhere", "canary", "d4"]);

    println!("\nfor a README:\n\n{}", causes.to_mermaid());
    println!("for Graphviz:\n\n{}", causes.to_dot());
    assert!(causes.to_mermaid().contains(" --> ") && causes.to_dot().contains(" -> "));
    store.close()?;
    Ok(())
}
