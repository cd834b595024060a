//! Doors for fuzzing: anyone's bytes into the journal's decoders, also past the checksums that would stop most of them.
//!
//! A decoder may refuse bytes; it may not panic, loop, or take memory that the bytes do not stand for.

use super::block::{ReadPoint, Records};
use super::frame::{FRAME_HEADER_BYTES, Frame, FrameHeader, FrameKind, MAGIC};
use super::record::Record;
use super::scan::{Walk, Window};
use super::segment::{HEADER_BYTES, SegmentHeader, segment_name};
use super::store_id::{Identity, StoreId};
use super::wire::Bytes;
use crate::position::Position;
use crate::storage::simulated::{Image, SimulatedDisk};
use crate::storage::{Access, Storage, StorageError};

const STORE: StoreId = StoreId::new([7; 16]);
const SEGMENT: u32 = 1;

fn identity() -> Identity {
    Identity { store: STORE, seeds: STORE.seeds(), directory: std::path::Path::new("").into() }
}

/// The records of a frame whose body these bytes are, their checksums believed; returns how many there were.
#[must_use]
pub fn records(bytes: &[u8]) -> usize {
    let (segment, offset, first) = (SEGMENT, HEADER_BYTES as u32, 1);
    let frame =
        Frame { bytes: bytes.to_vec(), segment, offset, first, count: 0, time: 0, identity: identity() };
    frame.records().map_while(Result::ok).map(|(_, record)| touch(&record, frame.bytes())).count()
}

/// The frame that these bytes are: as they stand, and with the checksums of frame and records believed. Returns how
/// many records there were.
#[must_use]
pub fn frame(bytes: &[u8]) -> usize {
    let identity = identity();
    let seed = identity.seeds.frame(SEGMENT, HEADER_BYTES);
    if let Some(header) = FrameHeader::decode(bytes, seed) {
        let (segment, offset, position) = (SEGMENT, HEADER_BYTES as u32, Position::new(header.first));
        let records = Records::of_bytes(bytes, ReadPoint { segment, offset, position }, &identity);
        records.map_while(Result::ok).for_each(|(_, record)| touch(&record, bytes));
    }
    let mut mended = bytes.to_vec();
    mend_frame(&mut mended, seed);
    let Some(header) = FrameHeader::decode(&mended, seed) else { return 0 };
    let frame = Frame {
        bytes: mended,
        segment: SEGMENT,
        offset: HEADER_BYTES as u32,
        first: header.first,
        count: header.count,
        time: header.time,
        identity,
    };
    frame.records().map_while(Result::ok).map(|(_, record)| touch(&record, frame.bytes())).count()
}

/// Reads every field of a record.
fn touch(record: &Record<'_>, bytes: &[u8]) {
    match record {
        Record::Event(span) => {
            let event = span.view(bytes);
            let texts = event.entity.len() + event.scope.len() + event.kind.len();
            let causes = event.causes.iter().filter(|cause| cause.position() > Position::START).count();
            std::hint::black_box((texts, causes, event.payload.len()));
        }
        Record::Checkpoint { id, region, .. } => {
            std::hint::black_box((id.len(), crate::region::Region::from_bytes(region).is_ok()));
        }
        Record::Gap(range) => assert!(range.start() <= range.end(), "a gap that ends before it begins"),
    }
}

/// A segment, as it stands and with the checksums of its header and frames mended: walked as recovery does, and
/// searched for frames behind every damaged place. Returns the frames that the walk stepped over.
///
/// # Errors
/// What the simulated disk says, which is nothing.
pub fn segment(bytes: &[u8]) -> Result<usize, StorageError> {
    let mut mended = bytes.to_vec();
    mend_segment(&mut mended);
    Ok(walk(bytes)?.max(walk(&mended)?))
}

fn walk(bytes: &[u8]) -> Result<usize, StorageError> {
    let Ok(header) = SegmentHeader::decode(bytes) else { return Ok(0) };
    let name = segment_name(SEGMENT);
    let mut image = Image::default();
    image.put(&name, bytes);
    let file = SimulatedDisk::from_image(image).open(&name, Access::Read)?;
    let window = Window::new(file, bytes.len() as u64);
    let mut walk = Walk::new(window, SEGMENT, STORE.seeds(), super::scan::Tail::begin(&header));
    let mut frames = 0;
    while walk.step()?.is_some() {
        frames += 1;
        assert!(walk.tail.offset <= bytes.len() as u64, "a walk past the segment's end");
    }
    let mut search = walk.tail.offset;
    while let Some((offset, frame)) = walk.resync(search)? {
        search = offset + u64::from(frame.length);
    }
    walk.data_end(walk.tail.offset)?;
    walk.closing_frame()?;
    Ok(frames)
}

/// Gives a segment the checksums that its bytes would have if they had been written so.
fn mend_segment(bytes: &mut [u8]) {
    let Some((header, frames)) = bytes.split_at_mut_checked(HEADER_BYTES as usize) else { return };
    let crc_at = header.len() - 4;
    let crc = crc32c::crc32c(&header[..crc_at]);
    header[crc_at..].copy_from_slice(&crc.to_le_bytes());
    let mut at = 0;
    while let Some(rest) = frames.get_mut(at..).filter(|rest| rest.starts_with(&MAGIC)) {
        let seed = STORE.seeds().frame(SEGMENT, HEADER_BYTES + at as u64);
        at += mend_frame(rest, seed);
    }
}

/// Seals the frame at the begin of `bytes` anew, and returns its length.
fn mend_frame(bytes: &mut [u8], seed: u32) -> usize {
    let there = bytes.len();
    let claimed = Bytes::new(bytes.get(8..).unwrap_or_default()).u32().unwrap_or(0) as usize;
    let length = claimed.clamp(FRAME_HEADER_BYTES, there.max(FRAME_HEADER_BYTES));
    let Some(frame) = bytes.get_mut(..length) else { return length };
    let mut fields = Bytes::new(&frame[16..]);
    let header = (|| {
        Some(FrameHeader {
            length: claimed as u32,
            kind: [FrameKind::Commit, FrameKind::Gap, FrameKind::Close, FrameKind::Seal]
                [usize::from(frame[12] % 4)],
            first: fields.u64()?,
            count: fields.u32()?,
            epoch: fields.u32()?,
            synced_through: fields.u64()?,
            time: fields.u64()?,
            chain: fields.array()?,
        })
    })();
    header.map(|header| header.seal(frame, seed));
    length
}
