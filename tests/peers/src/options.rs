//! The command line.

use crate::store::Res;
use std::path::PathBuf;
use std::time::Duration;

/// What the command line says of a run.
#[derive(Debug, Clone)]
pub struct Options {
    /// Events in the stores that are read, opened and weighed; the most that a run appends.
    pub events: u64,
    /// Runs of every workload with every peer, in turn.
    pub rounds: usize,
    /// How long one run of an append or a lookup goes on at most.
    pub box_time: Duration,
    /// Samples of a latency.
    pub latencies: u64,
    /// Only workloads whose name contains one of these; all when empty.
    pub only: Vec<String>,
    /// Only peers whose name contains one of these, and the floor; all when empty.
    pub peers: Vec<String>,
    /// Sizes, in events, at which what may grow with the store is measured instead of all.
    pub growth: Vec<u64>,
    /// Where the stores live while they are measured.
    pub dir: PathBuf,
    /// Measures in memory, too.
    pub force: bool,
    /// Where the table goes besides standard output.
    pub markdown: Option<PathBuf>,
    /// Where the chart goes.
    pub svg: Option<PathBuf>,
}

/// What `--help` says.
pub const HELP: &str = "\
Timberline and its peers, side by side in one run.

  --quick          a fifth of the events, 3 rounds, short runs
  --only NAME      only workloads whose name contains NAME; may be repeated
  --peer NAME      only peers whose name contains NAME, and the floor; may be repeated
  --events N       events in the stores that are read (500,000)
  --rounds N       runs of every workload with every peer (5)
  --growth N,N,..  only what may grow with the store, at each of these sizes (with --peer: it takes its time)
  --dir DIR        where the stores live: a real disk (the package's target directory)
  --force          measure even on a file system in memory
  --markdown FILE  write the table there, too
  --svg FILE       write the chart there";

/// A number, which may be written 1_000_000.
fn count(text: &str) -> Res<u64> {
    Ok(text.replace('_', "").parse()?)
}

impl Options {
    /// Reads the arguments after the program's name; none when help was asked for.
    ///
    /// # Errors
    /// An unknown option, or a value that is missing or no number.
    pub fn parse(mut arguments: impl Iterator<Item = String>) -> Res<Option<Self>> {
        let mut options = Self::full();
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value"));
            match argument.as_str() {
                "--help" | "-h" => return Ok(None),
                "--quick" => options.hurry(),
                "--force" => options.force = true,
                "--only" => options.only.push(value()?),
                "--peer" => options.peers.push(value()?),
                "--events" => options.events = count(&value()?)?,
                "--growth" => options.growth = value()?.split(',').map(count).collect::<Res<_>>()?,
                "--rounds" => options.rounds = value()?.parse()?,
                "--dir" => options.dir = value()?.into(),
                "--markdown" => options.markdown = Some(value()?.into()),
                "--svg" => options.svg = Some(value()?.into()),
                _ => return Err(format!("unknown option {argument}; see --help").into()),
            }
        }
        let least = options.growth.iter().chain([&options.events]).min().copied().unwrap_or_default();
        if least < 1_000 || options.rounds == 0 {
            return Err("at least 1,000 events and 1 round".into());
        }
        Ok(Some(options))
    }

    fn full() -> Self {
        Self {
            events: 500_000,
            rounds: 5,
            box_time: Duration::from_secs(2),
            latencies: 500,
            only: Vec::new(),
            peers: Vec::new(),
            growth: Vec::new(),
            dir: concat!(env!("CARGO_MANIFEST_DIR"), "/target").into(),
            force: false,
            markdown: None,
            svg: None,
        }
    }

    fn hurry(&mut self) {
        self.events = 100_000;
        self.rounds = 3;
        self.box_time = Duration::from_millis(400);
        self.latencies = 100;
    }

    /// Whether a workload is to be run.
    pub fn wants_workload(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| name.contains(only.as_str()))
    }

    /// Whether a peer is to be measured.
    pub fn wants_peer(&self, name: &str) -> bool {
        self.peers.is_empty() || self.peers.iter().any(|only| name.contains(only.as_str()))
    }
}
