//! Timberline and its peers, side by side in one run: one table, one chart.

mod actors;
mod bench;
mod machine;
mod options;
mod payload;
mod report;
mod stats;
mod store;
mod stores;
#[cfg(test)]
mod tests;
mod workloads;

use actors::{LIBRARIES, Library};
use options::{HELP, Options};
use report::Line;
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
    let machine = format!("{}, {file_system}, {}", machine::describe(), machine::today());
    if !options.growth.is_empty() {
        let (names, lines) = workloads::measure_growth(&options, &peers)?;
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        return publish(&options, format!("{machine}.\n\n{}", report::markdown(&names, &lines)), None);
    }
    let libraries: Vec<&Library> =
        LIBRARIES.iter().filter(|library| options.wants_peer(library.name)).collect();
    let stores = workloads::measure(&options, &peers)?;
    let actors = actors::measure(&options, &libraries);
    let text = [store_text(&options, &machine, &peers, &stores), actor_text(&libraries, &actors)].concat();
    let names: Vec<&str> = peers.iter().map(|peer| peer.name).collect();
    publish(&options, text, Some(report::chart(&names, &stores, &machine)))
}

/// Prints the text and writes the files that were asked for.
fn publish(options: &Options, text: String, chart: Option<String>) -> Res<()> {
    println!("{text}");
    if let Some(path) = &options.markdown {
        fs::write(path, &text)?;
    }
    match (&options.svg, chart) {
        (Some(path), Some(chart)) => Ok(fs::write(path, chart)?),
        _ => Ok(()),
    }
}

/// A child's task: to be killed, or to be weighed.
fn child(arguments: &[String]) -> Res<()> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let peer = |name| PEERS.iter().find(|peer| peer.name == name).ok_or("no such peer");
    match words.as_slice() {
        ["crash", name, dir, events] => workloads::crash(peer(*name)?, Path::new(dir), events.parse()?),
        ["memory", name, dir] => workloads::memory_child(peer(*name)?, Path::new(dir)),
        ["actors", name] => {
            let library = LIBRARIES.iter().find(|library| library.name == *name);
            actors::memory_child(library.ok_or("no such library")?)
        }
        _ => Err("a child without a task".into()),
    }
}

/// The stores' table and what their modes mean.
fn store_text(options: &Options, machine: &str, peers: &[Peer], lines: &[Line]) -> String {
    let mut text = format!(
        "{machine}. {} events of {} bytes, {} entities; {} rounds, interleaved; **median** least..most.\n\n",
        options.events,
        payload::BYTES,
        payload::ENTITIES,
        options.rounds
    );
    if lines.is_empty() {
        return text;
    }
    let names: Vec<&str> = peers.iter().map(|peer| peer.name).collect();
    text.push_str(&report::markdown(&names, lines));
    text.push('\n');
    text.push_str(&syncs(&names, lines));
    for peer in peers {
        let version = peer.package.map_or(String::new(), |package| format!(" {}", machine::version(package)));
        text.push_str(&format!("- {}{version}: {}\n", peer.name, peer.modes));
    }
    text.push('\n');
    text
}

/// The actors' table and what runs where.
fn actor_text(libraries: &[&Library], lines: &[Line]) -> String {
    if lines.is_empty() {
        return String::new();
    }
    let names: Vec<&str> = libraries.iter().map(|library| library.name).collect();
    let mut text = format!("{}\n", report::markdown(&names, lines));
    for library in libraries {
        text.push_str(&format!("- {} {}: {}\n", library.name, (library.version)(), library.modes));
    }
    text
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
