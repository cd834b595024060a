//! A file of given bytes that can only be read: what a decoder takes while it reads is then the decoder's own.

use crate::storage::{File, OperationKind, StorageError};
use std::io;
use std::path::Path;
use std::sync::Arc;

/// The bytes.
#[derive(Debug)]
pub(crate) struct GivenFile(Box<[u8]>);

impl GivenFile {
    pub(crate) fn open(bytes: &[u8]) -> Arc<dyn File> {
        Arc::new(Self(bytes.into()))
    }

    fn refused(operation: OperationKind) -> Result<(), StorageError> {
        let error = io::ErrorKind::ReadOnlyFilesystem.into();
        Err(StorageError::new(operation, Path::new("given"), error))
    }
}

impl File for GivenFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize, StorageError> {
        let begin = usize::try_from(offset).unwrap_or(usize::MAX);
        let there = self.0.get(begin..).unwrap_or_default();
        let count = there.len().min(buffer.len());
        buffer[..count].copy_from_slice(&there[..count]);
        Ok(count)
    }

    fn write_at(&self, _bytes: &[u8], _offset: u64) -> Result<(), StorageError> {
        Self::refused(OperationKind::Write)
    }

    fn sync_data(&self) -> Result<(), StorageError> {
        Self::refused(OperationKind::Sync)
    }

    fn set_length(&self, _length: u64) -> Result<(), StorageError> {
        Self::refused(OperationKind::SetLength)
    }

    fn length(&self) -> Result<u64, StorageError> {
        Ok(self.0.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_bytes_are_read_up_to_their_end_and_not_written() {
        let (file, mut buffer) = (GivenFile::open(b"planks"), [0; 4]);
        assert_eq!((file.read_at(&mut buffer, 0).unwrap(), &buffer), (4, b"plan"));
        assert_eq!((file.read_at(&mut buffer, 4).unwrap(), &buffer[..2]), (2, &b"ks"[..]));
        assert_eq!(file.read_at(&mut buffer, 600).unwrap(), 0);
        assert!(file.write_at(b"x", 0).is_err() && file.set_length(9).is_err() && file.sync_data().is_err());
        assert_eq!(file.length().unwrap(), 6);
    }
}
