//! The exhaustive sweeps: every cut, every crash, every bit, every failing operation of a small store's whole life.
//!
//! All of them go through the public door, so that index, checkpoints and reactions are part of what is judged.

mod bit_flips;
mod cases;
mod crash_states;
mod failing_io;
mod judge;
mod torn_tail;
mod workload;

pub use bit_flips::r3;
pub use crash_states::r2;
pub use failing_io::r4;
pub use torn_tail::r1;

#[cfg(test)]
mod tests {
    use crate::{Effort, Row};

    fn check(run: fn(Effort) -> Row) {
        let row = run(Effort::Short);
        println!("{row}");
        assert!(row.holds(), "{:?}", row.outcome);
    }

    #[test]
    fn a_journal_cut_anywhere_reopens_to_exactly_what_stands_whole_before_the_cut() {
        check(super::r1);
    }

    #[test]
    fn whatever_a_crash_leaves_every_durable_receipt_is_there_and_the_rest_is_a_prefix() {
        check(super::r2);
    }

    #[test]
    fn no_flipped_bit_is_silent() {
        check(super::r3);
    }

    #[test]
    fn whichever_disk_operation_fails_nothing_acknowledged_is_lost() {
        check(super::r4);
    }
}
