//! Carries out recovery's verdict: writes again what is not proven, marks the gap, and wipes what was cut.
//!
//! The order is what makes a crash in the middle harmless: the valid frames and the gap are synced before
//! anything behind them is wiped, so that every state in between leads to the same verdict.

use super::error::JournalError;
use super::frame::{FRAME_HEADER_BYTES, FrameHeader, FrameKind};
use super::record::put_gap;
use super::recovery::{Torn, Verdict};
use super::scan::{CHUNK_BYTES, Tail, Window, is_zero};
use super::store_id::Seeds;

/// What the repair changed.
#[derive(Debug)]
pub(super) struct Repaired {
    /// Where the writer goes on.
    pub(super) tail: Tail,
    pub(super) rewritten_bytes: u64,
    /// First and last position of the gap.
    pub(super) gap: Option<(u64, u64)>,
}

/// Makes everything up to the tail durable and everything behind it zero.
pub(super) fn repair(
    window: &mut Window,
    verdict: &Verdict,
    segment: u32,
    seeds: Seeds,
    now_micros: u64,
) -> Result<Repaired, JournalError> {
    let mut tail = verdict.tail;
    let rewritten_bytes = tail.offset - tail.synced_through;
    rewrite(
        window,
        tail.synced_through,
        if crate::planted("unproven_not_rewritten") { 0 } else { tail.offset },
    )?;
    crate::point("journal.repair.rewritten");
    if verdict.closed {
        // Only the closing frame itself was unproven. It holds no position, so the next sync is soon enough.
        return Ok(Repaired { tail, rewritten_bytes, gap: None });
    }
    let mut gap = None;
    if let Some(torn) = verdict
        .torn
        .filter(|torn| torn.next > tail.next && !verdict.sealed && !crate::planted("gap_not_marked"))
    {
        gap = Some((tail.next, torn.next - 1));
        crate::point("journal.repair.before_gap");
        tail = write_gap(window, tail, torn, segment, seeds, now_micros)?;
    }
    if (rewritten_bytes > 0 || gap.is_some()) && !crate::planted("repair_unsynced") {
        crate::point("journal.repair.before_sync");
        window.file.sync_data()?;
    }
    tail.synced_through = tail.offset;
    if let Some(torn) = verdict.torn.filter(|_| !crate::planted("torn_tail_not_wiped")) {
        crate::point("journal.repair.before_wipe");
        wipe(window, tail.offset, torn.end)?;
        crate::point("journal.repair.wiped");
        window.file.sync_data()?;
    }
    Ok(Repaired { tail, rewritten_bytes, gap })
}

/// Writes bytes over themselves: after a failed sync the kernel may hold them as clean though they never
/// reached the disk, and only writing makes them dirty again.
fn rewrite(window: &mut Window, mut offset: u64, end: u64) -> Result<(), JournalError> {
    while offset < end {
        let length = (CHUNK_BYTES as u64).min(end - offset) as usize;
        let bytes = window.bytes(offset, length)?.to_vec();
        window.file.write_at(&bytes, offset)?;
        offset += bytes.len().max(1) as u64;
    }
    Ok(())
}

/// Writes the frame that says which positions were cut over the begin of what told of them.
fn write_gap(
    window: &mut Window,
    tail: Tail,
    torn: Torn,
    segment: u32,
    seeds: Seeds,
    now_micros: u64,
) -> Result<Tail, JournalError> {
    let count = u32::try_from(torn.next - tail.next).unwrap_or(u32::MAX);
    let mut bytes = vec![0; FRAME_HEADER_BYTES];
    put_gap(&mut bytes, tail.next, count, seeds);
    let mut header = FrameHeader {
        length: bytes.len() as u32,
        kind: FrameKind::Gap,
        first: tail.next,
        count,
        epoch: torn.epoch.saturating_add(1),
        synced_through: tail.synced_through,
        time: now_micros.max(tail.time),
        chain: tail.chain,
    };
    header.chain = header.seal(&mut bytes, seeds.frame(segment, tail.offset));
    window.file.write_at(&bytes, tail.offset)?;
    let offset = tail.offset + bytes.len() as u64;
    Ok(Tail {
        offset,
        next: header.next(),
        epoch: header.epoch,
        time: header.time,
        chain: header.chain,
        synced_through: tail.synced_through,
    })
}

fn wipe(window: &mut Window, mut offset: u64, end: u64) -> Result<(), JournalError> {
    while offset < end {
        let length = (CHUNK_BYTES as u64).min(end - offset) as usize;
        let bytes = window.bytes(offset, length)?;
        let length = bytes.len();
        if !is_zero(bytes) {
            window.file.write_at(&vec![0; length], offset)?;
        }
        offset += length.max(1) as u64;
    }
    Ok(())
}
