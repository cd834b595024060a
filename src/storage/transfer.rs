//! Turns the system's partial, interruptible transfers into whole ones, the same for the real disk and the simulated.

use std::io;

/// A signal storm must not become an endless loop; no real one interrupts the same call this often.
const INTERRUPTIONS_MAX: u32 = 1_000;

/// Repeats `call` while it is interrupted.
pub(super) fn retry<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    let mut left = INTERRUPTIONS_MAX;
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted && left > 0 => left -= 1,
            result => return result,
        }
    }
}

/// Writes all of `bytes` with as many calls of `write_some(bytes, offset)` as it takes.
pub(super) fn write_all(
    mut bytes: &[u8],
    mut offset: u64,
    mut write_some: impl FnMut(&[u8], u64) -> io::Result<usize>,
) -> io::Result<()> {
    while !bytes.is_empty() {
        let written = retry(|| write_some(bytes, offset))?;
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        bytes = &bytes[written.min(bytes.len())..];
        offset += written as u64;
    }
    Ok(())
}

/// Fills `buffer` with as many calls of `read_some(buffer, offset)` as it takes; returns less than its length only
/// at the end of the file.
pub(super) fn read_full(
    buffer: &mut [u8],
    offset: u64,
    mut read_some: impl FnMut(&mut [u8], u64) -> io::Result<usize>,
) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match retry(|| read_some(&mut buffer[filled..], offset + filled as u64))? {
            0 => break,
            count => filled += count,
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_goes_on_after_short_and_interrupted_calls() {
        let mut disk = vec![0u8; 5];
        let mut calls = 0;
        let result = write_all(b"hello", 0, |bytes, offset| {
            calls += 1;
            if calls % 2 == 1 {
                return Err(io::ErrorKind::Interrupted.into());
            }
            disk[offset as usize] = bytes[0];
            Ok(1)
        });
        assert!(result.is_ok());
        assert_eq!((disk.as_slice(), calls), (&b"hello"[..], 10));
    }

    #[test]
    fn an_endless_interruption_and_a_write_of_nothing_are_errors() {
        let endless = retry(|| Err::<(), _>(io::ErrorKind::Interrupted.into()));
        assert_eq!(endless.unwrap_err().kind(), io::ErrorKind::Interrupted);
        assert_eq!(write_all(b"x", 0, |_, _| Ok(0)).unwrap_err().kind(), io::ErrorKind::WriteZero);
    }

    #[test]
    fn a_read_is_short_only_at_the_end() {
        let disk = b"abc";
        let mut buffer = [0u8; 5];
        let one_by_one = |buffer: &mut [u8], offset: u64| {
            let Some(byte) = disk.get(offset as usize) else { return Ok(0) };
            buffer[0] = *byte;
            Ok(1)
        };
        assert_eq!(read_full(&mut buffer, 0, one_by_one).unwrap(), 3);
        assert_eq!(&buffer[..3], disk);
    }
}
