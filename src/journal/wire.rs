//! Numbers as bytes: varints and little-endian integers, read without trusting a length.

/// The most bytes of a varint.
pub(super) const VARINT_BYTES_MAX: usize = 10;

pub(super) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[inline]
pub(super) fn varint_bytes(value: u64) -> usize {
    // Most are small, and a division costs more than a question.
    if value < 0x80 {
        return 1;
    }
    (64 - (value | 1).leading_zeros() as usize).div_ceil(7)
}

/// A cursor over untrusted bytes; every read says `None` at their end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bytes<'a> {
    all: &'a [u8],
    at: usize,
}

impl<'a> Bytes<'a> {
    pub(super) fn new(all: &'a [u8]) -> Self {
        Self { all, at: 0 }
    }

    pub(super) fn position(&self) -> usize {
        self.at
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.at == self.all.len()
    }

    #[inline]
    pub(super) fn byte(&mut self) -> Option<u8> {
        let byte = *self.all.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    #[inline]
    pub(super) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(count)?;
        let taken = self.all.get(self.at..end)?;
        self.at = end;
        Some(taken)
    }

    /// The shortest form only, so that a value has one spelling.
    #[inline]
    pub(super) fn varint(&mut self) -> Option<u64> {
        let first = self.byte()?;
        if first < 0x80 {
            return Some(u64::from(first));
        }
        // Most that are longer have two bytes: a record's length, a version.
        if let Some(second @ 1..0x80) = self.all.get(self.at) {
            self.at += 1;
            return Some(u64::from(first & 0x7f) | u64::from(*second) << 7);
        }
        self.long_varint(first)
    }

    /// A varint of 32 bits.
    #[inline]
    pub(super) fn small(&mut self) -> Option<u32> {
        u32::try_from(self.varint()?).ok()
    }

    fn long_varint(&mut self, first: u8) -> Option<u64> {
        let mut value = u64::from(first & 0x7f);
        for shift in (7..70).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return None;
            }
            value |= bits << shift;
            if byte < 0x80 {
                return (byte != 0).then_some(value);
            }
        }
        None
    }

    /// As many bytes as a leading varint says.
    #[inline]
    pub(super) fn prefixed(&mut self) -> Option<&'a [u8]> {
        let count = usize::try_from(self.varint()?).ok()?;
        self.take(count)
    }

    #[inline]
    pub(super) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    #[inline]
    pub(super) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_varint_reads_back_and_its_size_is_known() {
        for value in (0..64).flat_map(|bit| [(1u64 << bit) - 1, 1 << bit, (1 << bit) + 1]).chain([u64::MAX]) {
            let mut bytes = Vec::new();
            put_varint(&mut bytes, value);
            assert_eq!(bytes.len(), varint_bytes(value));
            assert_eq!(Bytes::new(&bytes).varint(), Some(value));
            assert_eq!(Bytes::new(&bytes[..bytes.len() - 1]).varint(), None);
        }
    }

    #[test]
    fn a_varint_too_long_too_large_or_not_the_shortest_is_refused() {
        assert_eq!(Bytes::new(&[0x80; 11]).varint(), None);
        assert_eq!(Bytes::new(&[0x80, 0x00]).varint(), None);
        let mut over = [0xff; 10];
        over[9] = 2;
        assert_eq!(Bytes::new(&over).varint(), None);
    }

    #[test]
    fn a_length_beyond_the_bytes_is_refused() {
        let mut bytes = Vec::new();
        put_varint(&mut bytes, u64::MAX);
        assert_eq!(Bytes::new(&bytes).prefixed(), None);
        assert_eq!(Bytes::new(&[3, 1, 2]).prefixed(), None);
    }
}
