//! R10: kill -9 of a process that appends while a worker reacts, half of the time while it opens what a kill has left.

mod victim;

use crate::{Effort, Outcome, Row};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};
use timberline::storage::simulated::Seeded;
use timberline::{EventId, Position, Region, Store};

const ROLE: &str = "TIMBERLINE_PROOF_VICTIM";
/// What the row demands of the 99th percentile of opening behind a kill.
const REOPEN_P99_MAX: Duration = Duration::from_millis(50);
/// A store this long killed is put away for a new one: what is checked again at each kill stays small.
const KILLS_PER_STORE: u64 = 100;

/// Plays the process that is killed, if this process was started for that; then it does not return.
pub fn act_if_victim() {
    if let Some(dir) = std::env::var_os(ROLE) {
        victim::act(&PathBuf::from(dir));
    }
}

/// Kills, and checks what was lost.
#[must_use]
pub fn r10(effort: Effort) -> Row {
    let began = Instant::now();
    let kills = effort.pick(6, 2_000);
    let (mut audit, mut draw) = (Audit::default(), Seeded::new(10));
    let mut dir = tempfile::tempdir().unwrap();
    // The first opening of a store has nothing to recover.
    let moments: Vec<Moment> = (0..kills)
        .map(|kill| if kill % KILLS_PER_STORE == 0 { Moment::AtWork } else { draw_moment(&mut draw) })
        .collect();
    for (moment, next) in moments.iter().zip(moments.iter().skip(1).chain([&Moment::AtWork])) {
        audit.kill_once(dir.path(), *moment, &mut draw);
        let is_last = audit.kills.is_multiple_of(KILLS_PER_STORE);
        // An opening that will be killed finds what this kill has left: nobody opens the store in between.
        if *next == Moment::Opening && !is_last {
            continue;
        }
        audit.check(dir.path());
        if is_last {
            dir = tempfile::tempdir().unwrap();
            audit.checked = Position::START;
        }
    }
    let p99 = audit.reopen_p99();
    if effort == Effort::Long && p99 > REOPEN_P99_MAX {
        audit.failures.push(format!("the 99th percentile of reopening is {p99:?}"));
    }
    let note = format!(
        "{} kills before the store was open, {} of them of a store that a kill had left; \
         {} more such stores opened before the kill; {} receipts, reopen p99 {:.1} ms",
        audit.in_open,
        audit.in_recovery,
        audit.recovered,
        audit.receipts,
        p99.as_secs_f64() * 1e3
    );
    let outcome = Outcome::Ran { cases: kills, failures: audit.failures };
    let figure = "kill -9: every receipt that came through the pipe is there";
    Row { id: "R10", figure, outcome, took: began.elapsed(), note }
}

/// When a process is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    /// While it opens the store.
    Opening,
    /// While it appends.
    AtWork,
}

fn draw_moment(draw: &mut Seeded) -> Moment {
    [Moment::Opening, Moment::AtWork][draw.choose(2)]
}

/// What the parent knows.
#[derive(Default)]
struct Audit {
    kills: u64,
    /// The store was not opened since a process that had it open was killed.
    is_left_by_a_kill: bool,
    /// Kills of processes that were opening a store which a kill had left.
    in_recovery: u64,
    /// Processes that opened such a store, and were killed later.
    recovered: u64,
    /// Receipts that were said and are not checked yet: entity, version, id.
    acknowledged: Vec<(String, u64, String)>,
    receipts: usize,
    in_open: u64,
    /// Read and found right up to here.
    checked: Position,
    reopenings: Vec<Duration>,
    failures: Vec<String>,
}

impl Audit {
    /// Starts the victim, kills it at a random moment, and hears everything it had said.
    fn kill_once(&mut self, dir: &Path, moment: Moment, draw: &mut Seeded) {
        self.kills += 1;
        let mut process = Command::new(std::env::current_exe().unwrap())
            // For the test harness; the scoreboard takes no notice.
            .args(["--exact", "kills::tests::victim", "--ignored", "--nocapture", "--test-threads=1"])
            .env(ROLE, dir)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        let (sender, lines) = mpsc::channel();
        let listener = thread::spawn(move || {
            output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        let (begin, micros_max) = match moment {
            Moment::Opening => ("opening", self.opening_micros()),
            Moment::AtWork => ("opened", 60_000),
        };
        let has_begun = lines.iter().any(|line| line == begin);
        let mut opened = moment == Moment::AtWork;
        let micros = draw.choose(micros_max) as u64;
        let deadline = Instant::now() + Duration::from_micros(micros);
        // A random moment is what is waited for here.
        while let Ok(line) = lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            opened |= line == "opened";
            self.hear(&line);
        }
        if !has_begun || process.try_wait().unwrap().is_some() {
            self.failures.push("the process ended before it was killed".to_owned());
        }
        process.kill().unwrap();
        process.wait().unwrap();
        lines.iter().for_each(|line| self.hear(&line));
        self.in_open += u64::from(!opened);
        self.in_recovery += u64::from(!opened && self.is_left_by_a_kill);
        self.recovered += u64::from(opened && self.is_left_by_a_kill);
        self.is_left_by_a_kill = true;
        listener.join().unwrap().ok();
    }

    /// About as long as an opening takes.
    fn opening_micros(&self) -> usize {
        let last = self.reopenings.last().map_or(1_000, Duration::as_micros);
        usize::try_from(last).unwrap_or(1_000).max(100)
    }

    fn hear(&mut self, line: &str) {
        if let ["ack", entity, version, id, "."] = line.split(' ').collect::<Vec<_>>()[..] {
            self.acknowledged.push((entity.to_owned(), version.parse().unwrap(), id.to_owned()));
        }
    }

    /// Opens what was left, and holds it against the receipts.
    fn check(&mut self, dir: &Path) {
        let opening = Instant::now();
        let store = match Store::open(victim::config(dir)) {
            Ok(store) => store,
            Err(error) => return self.failures.push(format!("it does not open: {error}")),
        };
        self.reopenings.push(opening.elapsed());
        self.is_left_by_a_kill = false;
        for (entity, version, id) in std::mem::take(&mut self.acknowledged) {
            self.receipts += 1;
            let id: EventId = id.parse().unwrap();
            let is_there = store
                .get(id)
                .unwrap()
                .is_some_and(|event| (event.entity(), event.version().get()) == (entity.as_str(), version));
            if !is_there {
                self.failures.push(format!("{entity} {version} ({id}) is lost"));
            }
        }
        for event in store.read(&Region::all()).after(self.checked) {
            let event = event.unwrap();
            self.checked = event.position();
            let is_note = event.entity() != "echo";
            if is_note && event.payload_as::<victim::Note>().unwrap().0 != event.version().get() {
                self.failures.push(format!("{} was doubled or left out", event.version()));
            }
        }
        // The next victim finds it as the kill and this opening left it, not closed.
        drop(store);
    }

    fn reopen_p99(&mut self) -> Duration {
        self.reopenings.sort_unstable();
        self.reopenings.get(self.reopenings.len() * 99 / 100).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use crate::Effort;

    #[test]
    #[ignore = "acts only as the process that is killed"]
    fn victim() {
        super::act_if_victim();
    }

    #[test]
    fn no_receipt_is_lost_however_often_the_process_is_killed() {
        let row = super::r10(Effort::Short);
        println!("{row}");
        assert!(row.holds(), "{:?}", row.outcome);
    }
}
