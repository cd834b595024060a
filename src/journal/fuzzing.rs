//! Doors for fuzzing: anyone's bytes into the journal's decoders, also past the checksums that would stop most of them.
//!
//! A decoder may refuse bytes; it may not panic, loop, or take memory that the bytes do not stand for. What a door copies
//! of its bytes, it copies before the decoding that it hands out: so the memory of that is the decoder's own.

use super::block::{ReadPoint, Records};
use super::frame::{FRAME_HEADER_BYTES, Frame, FrameHeader, FrameKind, MAGIC};
use super::record::Record;
use super::scan::{Walk, Window};
use super::segment::{HEADER_BYTES, SegmentHeader};
use super::store_id::{Identity, StoreId};
use super::wire::Bytes;
use crate::position::Position;
use crate::storage::StorageError;
use crate::storage::simulated::GivenFile;

/// Decodes what it was made from, and returns how many pieces of it made sense.
pub type Decoding = Box<dyn FnOnce() -> usize>;

const STORE: StoreId = StoreId::new([7; 16]);
const SEGMENT: u32 = 1;

fn identity() -> Identity {
    Identity { store: STORE, seeds: STORE.seeds(), directory: std::path::Path::new("").into() }
}

/// The records of a frame whose body these bytes are, their checksums believed; it returns how many there were.
#[must_use]
pub fn records(bytes: &[u8]) -> Vec<Decoding> {
    let (segment, offset, first) = (SEGMENT, HEADER_BYTES as u32, 1);
    let frame =
        Frame { bytes: bytes.to_vec(), segment, offset, first, count: 0, time: 0, identity: identity() };
    vec![Box::new(move || touched(frame.records(), frame.bytes()))]
}

/// The frame that these bytes are: as they stand, and with the checksums of frame and records believed. Each returns how
/// many records there were.
#[must_use]
pub fn frame(bytes: &[u8]) -> Vec<Decoding> {
    let seed = identity().seeds.frame(SEGMENT, HEADER_BYTES);
    let (given, mut mended) = (bytes.to_vec(), bytes.to_vec());
    mend_frame(&mut mended, seed);
    vec![Box::new(move || frame_as_read(&given, seed)), Box::new(move || frame_as_written(mended, seed))]
}

fn frame_as_read(bytes: &[u8], seed: u32) -> usize {
    let Some(header) = FrameHeader::decode(bytes, seed) else { return 0 };
    let (segment, offset, position) = (SEGMENT, HEADER_BYTES as u32, Position::new(header.first));
    touched(Records::of_bytes(bytes, ReadPoint { segment, offset, position }, &identity()), bytes)
}

fn frame_as_written(bytes: Vec<u8>, seed: u32) -> usize {
    let Some(header) = FrameHeader::decode(&bytes, seed) else { return 0 };
    let FrameHeader { first, count, time, .. } = header;
    let (segment, offset) = (SEGMENT, HEADER_BYTES as u32);
    let frame = Frame { bytes, segment, offset, first, count, time, identity: identity() };
    touched(frame.records(), frame.bytes())
}

/// Reads every field of the records, up to the first that makes no sense, and counts them.
fn touched(records: Records<'_>, bytes: &[u8]) -> usize {
    records.map_while(Result::ok).map(|(_, record)| touch(&record, bytes)).count()
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
/// searched for frames behind every damaged place. Each returns the frames that the walk stepped over.
#[must_use]
pub fn segment(bytes: &[u8]) -> Vec<Decoding> {
    let mut mended = bytes.to_vec();
    mend_segment(&mut mended);
    vec![walk_of(bytes), walk_of(&mended)]
}

fn walk_of(bytes: &[u8]) -> Decoding {
    let (length, file) = (bytes.len() as u64, GivenFile::open(bytes));
    let header = SegmentHeader::decode(bytes);
    Box::new(move || {
        let Ok(header) = header else { return 0 };
        walk(Window::new(file, length), &header).expect("given bytes can be read")
    })
}

fn walk(window: Window, header: &SegmentHeader) -> Result<usize, StorageError> {
    let length = window.end;
    let mut walk = Walk::new(window, SEGMENT, STORE.seeds(), super::scan::Tail::begin(header));
    let mut frames = 0;
    while walk.step()?.is_some() {
        frames += 1;
        assert!(walk.tail.offset <= length, "a walk past the segment's end");
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
