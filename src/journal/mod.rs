//! The journal: the truth on disk, a run of segment files that hold frames of records, written by one owner.
//!
//! Everything here is synchronous and owned by its caller: [`Journal`] appends, [`JournalReader`] reads beside
//! it, [`JournalFollower`] reads beside another process's writer. `FORMAT.md` beside this file describes the
//! bytes and argues why recovery is right.

mod appender;
mod block;
mod error;
mod follower;
mod frame;
#[cfg(feature = "simulation")]
#[doc(hidden)]
pub mod fuzzing;
mod growing;
mod opening;
mod options;
mod proposed;
mod published;
mod reader;
mod record;
mod recovery;
mod repair;
mod runs;
mod scan;
mod segment;
mod staging;
mod store_id;
mod syncs;
mod verify;
mod wire;

#[cfg(test)]
mod tests;

pub use appender::{Committed, Journal};
pub use block::{Block, ReadPoint, Record, Records};
pub use error::{JournalError, Limited};
pub use follower::JournalFollower;
pub use frame::{Frame, FrameMark};
pub use options::JournalOptions;
pub use proposed::{Numbers, check_event, proposed_bytes};
pub use published::Keep;
pub use reader::JournalReader;
pub use recovery::{Cut, Recovery};
pub(crate) use runs::NEAR_BYTES;
pub use runs::SegmentBounds;
pub use segment::{FORMAT_VERSION, segment_name};
pub use staging::{Mark, Staged};
pub use store_id::StoreId;
pub use syncs::{BackgroundSync, BackgroundSynced};
pub use verify::{Problem, VerifyProgress, VerifyReport};
