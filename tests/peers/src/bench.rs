//! The run itself: every workload, round by round, the peers in turn.

use crate::options::Options;
use crate::report::{Cell, Line, number, unit};
use crate::stats::Spread;
use crate::store::{Op, Peer, Res};
use crate::workloads::{Run, Sample, WORKLOADS, Workload};

/// Runs what the options want and answers the table's lines, a cell for each of `peers`.
pub fn measure(options: &Options, peers: &[Peer]) -> Res<Vec<Line>> {
    let run = Run::new(options.clone())?;
    let wanted = WORKLOADS.iter().filter(|workload| options.wants_workload(workload.name));
    Ok(wanted.flat_map(|workload| lines(&run, workload, peers)).collect())
}

/// The rows of one workload. The rounds go through all peers before the next begins, so that what disturbs the machine for a
/// while disturbs them all.
fn lines(run: &Run, workload: &'static Workload, peers: &[Peer]) -> Vec<Line> {
    let mut runs: Vec<Vec<Tried>> = peers.iter().map(|_| Vec::new()).collect();
    for round in 1..=run.options.rounds {
        for (peer, runs) in peers.iter().zip(&mut runs) {
            if runs.iter().any(Result::is_err) {
                continue;
            }
            let sample = sample(run, workload, peer);
            report_progress(workload, peer, round, &sample);
            runs.push(sample);
        }
    }
    let rows = workload.rows.iter().enumerate();
    rows.map(|(place, row)| Line { row, cells: runs.iter().map(|runs| cell(runs, place)).collect() })
        .collect()
}

/// A sample, or why there is none.
type Tried = Result<Sample, String>;

fn sample(run: &Run, workload: &Workload, peer: &Peer) -> Tried {
    match (workload.run)(run, peer) {
        Ok(Op::Ok(sample)) => Ok(sample),
        Ok(Op::Err(why)) => Err(why.to_owned()),
        Err(error) => Err(format!("failed: {error}")),
    }
}

fn report_progress(workload: &Workload, peer: &Peer, round: usize, sample: &Tried) {
    match sample {
        Ok(sample) => {
            let unit = unit(workload.rows[0].unit);
            eprintln!("{} {} {round}: {} {unit}", workload.name, peer.name, number(sample.values[0]));
        }
        Err(why) => eprintln!("{} {}: - {why}", workload.name, peer.name),
    }
}

fn cell(runs: &[Tried], place: usize) -> Cell {
    if let Some(Err(why)) = runs.iter().find(|run| run.is_err()) {
        return Cell::Missing(why.clone());
    }
    let samples: Vec<f64> = runs.iter().flatten().map(|sample| sample.values[place]).collect();
    let note = runs.iter().flatten().find_map(|sample| sample.note.clone());
    Spread::of(&samples)
        .map_or_else(|| Cell::Missing("no run".to_owned()), |spread| Cell::Measured(spread, note))
}
