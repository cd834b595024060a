//! What every store is given: 128-byte payloads that do not compress, spread over 1,000 entities.

use std::sync::LazyLock;

/// Bytes of one payload.
pub const BYTES: usize = 128;
/// Entities that the events are spread over, in turn.
pub const ENTITIES: u64 = 1_000;

/// Random bytes that payloads are cut from: long enough that no compressor finds one payload in another.
static POOL: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    (0..(1 << 20) / 8).flat_map(|_| random(&mut state).to_le_bytes()).collect()
});

static NAMES: LazyLock<Vec<String>> =
    LazyLock::new(|| (0..ENTITIES).map(|entity| format!("entity-{entity:04}")).collect());

/// The payload of event `sequence`: its number, then noise.
pub fn payload(sequence: u64) -> [u8; BYTES] {
    let noise = BYTES - 8;
    let start = (sequence as usize * noise) % (POOL.len() - noise);
    let mut bytes = [0; BYTES];
    bytes[..8].copy_from_slice(&sequence.to_le_bytes());
    bytes[8..].copy_from_slice(&POOL[start..start + noise]);
    bytes
}

/// The name of the entity that event `sequence` belongs to.
pub fn entity(sequence: u64) -> &'static str {
    &NAMES[(sequence % ENTITIES) as usize]
}

/// The version of event `sequence` within its entity.
pub fn version(sequence: u64) -> u64 {
    sequence / ENTITIES + 1
}

/// The kind of every event.
pub const KIND: &str = "Measured";

/// What a key-value store keeps under a position: the entity's name and the kind, then the payload.
pub fn value(sequence: u64) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(2 + 32 + BYTES);
    for name in [entity(sequence), KIND] {
        bytes.push(name.len() as u8);
        bytes.extend_from_slice(name.as_bytes());
    }
    bytes.extend_from_slice(&payload(sequence));
    bytes
}

/// The payload in what [`value`] made, or in what an encoder has put its length before.
pub fn in_value(value: &[u8]) -> &[u8] {
    &value[value.len().saturating_sub(BYTES)..]
}

/// Touches a payload that was read, so that no store is praised for bytes it did not fetch. Answers its length.
pub fn touch(bytes: &[u8]) -> u64 {
    std::hint::black_box(bytes.iter().step_by(32).fold(0_u8, |sum, byte| sum ^ byte));
    bytes.len() as u64
}

/// The next number of a xorshift generator.
pub fn random(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}
