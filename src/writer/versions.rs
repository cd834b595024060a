//! The newest version of every entity that was appended to lately: to number an event of one of them asks nobody.

use crate::error::ReadError;
use crate::index::Texts;
use crate::position::Version;

/// The bytes that are kept; what is more is asked of the index again.
const KEPT_BYTES_MAX: usize = 1 << 20;
/// What an entity costs beside its name, in bytes.
const ENTRY_BYTES: usize = 64;

/// The newest versions. They are right at any time, because nobody but the writer gives out versions; those that it takes back
/// must be [taken back](Versions::take_back) here, too.
#[derive(Debug, Default)]
pub(super) struct Versions {
    entities: Texts,
    /// By number of the entity.
    newest: Vec<Version>,
}

impl Versions {
    /// The number of an entity, whose newest version `ask` tells if it is not known here.
    pub(super) fn number(
        &mut self,
        entity: &str,
        ask: impl FnOnce(&str) -> Result<Version, ReadError>,
    ) -> Result<u32, ReadError> {
        if let Some(number) = self.entities.number(entity) {
            return Ok(number);
        }
        self.newest.push(ask(entity)?);
        Ok(self.entities.add(entity))
    }

    /// The newest version of the entity with this number.
    pub(super) fn newest(&self, number: u32) -> Version {
        self.newest[number as usize]
    }

    /// The entity with this number has one more event.
    pub(super) fn advance(&mut self, number: u32) {
        let newest = &mut self.newest[number as usize];
        *newest = newest.next();
    }

    /// The newest event of `entity` is not stored after all.
    pub(super) fn take_back(&mut self, entity: &str) {
        if let Some(number) = self.entities.number(entity)
            && !crate::planted("versions_not_taken_back")
        {
            let newest = &mut self.newest[number as usize];
            *newest = Version::new(newest.get().saturating_sub(1));
        }
    }

    /// Forgets everything once that is much. To be called only while the index knows all versions.
    pub(super) fn forget_much(&mut self) {
        if self.entities.bytes() + self.newest.len() * ENTRY_BYTES > KEPT_BYTES_MAX {
            self.entities.clear();
            self.newest.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unasked(entity: &str) -> Result<Version, ReadError> {
        unreachable!("{entity} is known")
    }

    #[test]
    fn an_entity_is_asked_for_once_and_numbered_on_and_back_from_there() {
        let mut versions = Versions::default();
        let number = versions.number("door-1", |_| Ok(Version::new(7))).unwrap();
        versions.advance(number);
        versions.advance(number);
        versions.take_back("door-1");
        versions.take_back("door-2");
        assert_eq!(versions.number("door-1", unasked).unwrap(), number);
        assert_eq!(versions.newest(number), Version::new(8));
    }

    #[test]
    fn what_cannot_be_asked_for_is_not_kept() {
        let mut versions = Versions::default();
        assert!(versions.number("door-1", |_| Err(ReadError::Closed)).is_err());
        let number = versions.number("door-1", |_| Ok(Version::new(3))).unwrap();
        assert_eq!(versions.newest(number), Version::new(3));
    }

    #[test]
    fn everything_is_forgotten_once_it_is_too_much_and_not_before() {
        let mut versions = Versions::default();
        let name = |entity: usize| format!("{entity:01000}");
        let fits = KEPT_BYTES_MAX / (1_000 + ENTRY_BYTES);
        for entity in 0..fits {
            versions.number(&name(entity), |_| Ok(Version::new(1))).unwrap();
        }
        versions.forget_much();
        assert!(versions.number(&name(0), unasked).is_ok());
        versions.number(&name(fits), |_| Ok(Version::new(1))).unwrap();
        versions.forget_much();
        let again = versions.number(&name(0), |_| Ok(Version::new(2))).unwrap();
        assert_eq!(versions.newest(again), Version::new(2));
    }
}
