//! Timberline and its peers, side by side in one run: one table, one chart.

mod bench;
mod machine;
mod options;
mod payload;
mod report;
mod stats;
mod store;
mod stores;
mod workloads;

use options::{HELP, Options};
use report::Line;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use store::{Peer, Res};
use stores::{FLOOR, PEERS};

fn main() -> Res<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == "--child") {
        return child(&arguments[1..]);
    }
    let Some(options) = Options::parse(arguments.into_iter())? else {
        println!("{HELP}");
        return Ok(());
    };
    fs::create_dir_all(&options.dir)?;
    let file_system = machine::file_system(&options.dir)?;
    if machine::in_memory(&file_system) && !options.force {
        return Err(format!(
            "{} is in memory ({file_system}): give --dir a real disk",
            options.dir.display()
        )
        .into());
    }
    let wanted = |peer: &&Peer| peer.name == FLOOR || options.wants_peer(peer.name);
    let peers: Vec<Peer> = PEERS.iter().filter(wanted).copied().collect();
    let lines = bench::measure(&options, &peers)?;
    publish(&options, &peers, &lines, &file_system)
}

/// A child's task: to be killed, or to be weighed.
fn child(arguments: &[String]) -> Res<()> {
    let [task, name, dir, rest @ ..] = arguments else { return Err("a child without a task".into()) };
    let peer = PEERS.iter().find(|peer| peer.name == name).ok_or("no such peer")?;
    match (task.as_str(), rest) {
        ("crash", [events]) => workloads::crash(peer, Path::new(dir), events.parse()?),
        ("memory", []) => workloads::memory_child(peer, Path::new(dir)),
        _ => Err("a child without a task".into()),
    }
}

fn publish(options: &Options, peers: &[Peer], lines: &[Line], file_system: &str) -> Res<()> {
    let names: Vec<&str> = peers.iter().map(|peer| peer.name).collect();
    let machine = format!("{}, {file_system}, {}", machine::describe(), machine::today());
    let mut text = format!(
        "{machine}. {} events of {} bytes, {} entities; {} rounds, interleaved; **median** least..most.\n\n",
        options.events,
        payload::BYTES,
        payload::ENTITIES,
        options.rounds
    );
    text.push_str(&report::markdown(&names, lines));
    text.push('\n');
    text.push_str(&syncs(&names, lines));
    for peer in peers {
        let version = peer.package.map_or(String::new(), |package| format!(" {}", machine::version(package)));
        writeln!(text, "- {}{version}: {}", peer.name, peer.modes)?;
    }
    println!("{text}");
    if let Some(path) = &options.markdown {
        fs::write(path, &text)?;
    }
    if let Some(path) = &options.svg {
        fs::write(path, report::chart(&names, lines, &machine))?;
    }
    Ok(())
}

/// The measured sync, and who acknowledges faster than it: a durable mode that is faster does not sync.
fn syncs(names: &[&str], lines: &[Line]) -> String {
    let Some(line) = lines.iter().find(|line| line.row.title == "append, durable, one caller") else {
        return String::new();
    };
    let medians = || names.iter().zip(&line.cells).filter_map(|(name, cell)| Some((*name, cell.median()?)));
    let Some((_, floor)) = medians().find(|(name, _)| *name == FLOOR) else { return String::new() };
    let mut text = format!("One write into written space and its `fdatasync`: {:.0} µs.", 1e6 / floor);
    let too_fast: Vec<_> = medians().filter(|(_, rate)| *rate > floor * 1.25).map(|(name, _)| name).collect();
    match too_fast.as_slice() {
        [] => text.push_str(" No durable mode acknowledges faster than that.\n\n"),
        names => text.push_str(&format!(" **Faster than that, so not durable: {}.**\n\n", names.join(", "))),
    }
    text
}
