//! A block: the unit in which files of the index are read and checked.

use std::sync::Arc;

/// Bytes of a block, as on the disk.
pub(super) const BLOCK_BYTES: usize = 4096;
/// Bytes of a block that hold something; a checksum follows.
pub(super) const PAYLOAD_BYTES: usize = BLOCK_BYTES - 4;

/// A block whose checksum held.
pub(super) type Block = Arc<[u8; BLOCK_BYTES]>;

/// The checksum of a block's payload: bound to the file by `seed` and to the block's place in it.
pub(super) fn checksum(seed: u32, number: u32, payload: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c_append(seed, &number.to_le_bytes()), payload)
}

/// Adds the block `number` with this payload, filled up with zeros, to `out`.
pub(super) fn put_block(out: &mut Vec<u8>, seed: u32, number: u32, payload: &[u8]) {
    debug_assert!(payload.len() <= PAYLOAD_BYTES, "a payload of {} bytes", payload.len());
    let begin = out.len();
    out.reserve(BLOCK_BYTES);
    out.extend_from_slice(payload);
    out.resize(begin + PAYLOAD_BYTES, 0);
    let crc = checksum(seed, number, &out[begin..]);
    out.extend_from_slice(&crc.to_le_bytes());
}

/// Whether these bytes are the block `number` of the file with this seed.
pub(super) fn is_whole(seed: u32, number: u32, bytes: &[u8; BLOCK_BYTES]) -> bool {
    let (payload, crc) = bytes.split_at(PAYLOAD_BYTES);
    checksum(seed, number, payload).to_le_bytes() == crc
}
