//! A region: a predicate over entities, scopes and kinds, kept in one canonical form.

mod term;

pub(crate) use term::{EntityMatch, Term};

use std::fmt;

/// Which events are meant: all, those of an entity, of entities with a prefix, of a scope, of a kind, and what
/// [`Region::and`] and [`Region::or`] make of those.
///
/// A region is kept in a canonical form, so that two spellings of one predicate are equal.
///
/// ```
/// use timberline::Region;
/// let shop = Region::scope("shop");
/// let orders = shop.clone().and(Region::entity_prefix("order-"));
/// assert!(orders.matches("order-7", "shop", "Opened"));
/// assert!(!orders.matches("cart-7", "shop", "Opened"));
/// assert_eq!(orders.clone().or(shop.clone()), shop);
/// assert_ne!(Region::all(), Region::entity("*"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Region {
    /// The region is the union of these; sorted, and none lies inside another.
    terms: Vec<Term>,
}

/// Why bytes are no region.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the bytes are no canonical region")]
pub struct RegionError;

impl Region {
    /// The most terms (parts joined by [`Region::or`]) a region may have where it is used.
    pub const TERMS_MAX: usize = 256;
    /// The most bytes of the canonical form of a region that a checkpoint is bound to: each commit of the checkpoint
    /// holds it.
    pub const CHECKPOINT_BYTES_MAX: usize = 32 * 1024;

    /// Every event.
    #[must_use]
    pub fn all() -> Self {
        Self { terms: vec![Term::default()] }
    }

    /// No event.
    #[must_use]
    pub fn nothing() -> Self {
        Self { terms: Vec::new() }
    }

    /// The events of one entity. No character has a special meaning.
    #[must_use]
    pub fn entity(entity: impl Into<String>) -> Self {
        Self::of(Term { entity: EntityMatch::Exact(entity.into()), ..Term::default() })
    }

    /// The events of all entities whose name begins with `prefix`.
    #[must_use]
    pub fn entity_prefix(prefix: impl Into<String>) -> Self {
        Self::of(Term { entity: EntityMatch::prefix(prefix.into()), ..Term::default() })
    }

    /// The events of one scope.
    #[must_use]
    pub fn scope(scope: impl Into<String>) -> Self {
        Self::of(Term { scope: Some(scope.into()), ..Term::default() })
    }

    /// The events of one kind.
    #[must_use]
    pub fn kind(kind: impl Into<String>) -> Self {
        Self::of(Term { kind: Some(kind.into()), ..Term::default() })
    }

    /// The events that are in both regions.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let both = |a: &Term| other.terms.iter().filter_map(|b| a.and(b)).collect::<Vec<_>>();
        Self::canonical(self.terms.iter().flat_map(both).collect())
    }

    /// The events that are in either region.
    #[must_use]
    pub fn or(mut self, other: Self) -> Self {
        self.terms.extend(other.terms);
        Self::canonical(self.terms)
    }

    /// Whether an event with these names is in the region.
    #[must_use]
    pub fn matches(&self, entity: &str, scope: &str, kind: &str) -> bool {
        self.terms.iter().any(|term| term.matches(entity, scope, kind))
    }

    /// Whether every event is in the region.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.terms.first().is_some_and(Term::is_all)
    }

    /// How many terms the region has.
    #[must_use]
    pub fn term_count(&self) -> usize {
        self.terms.len()
    }

    /// The entity whose events the region is, if it is just that.
    pub(crate) fn one_entity(&self) -> Option<&str> {
        match self.terms.as_slice() {
            [Term { entity: EntityMatch::Exact(name), scope: None, kind: None }] => Some(name),
            _ => None,
        }
    }

    pub(crate) fn terms(&self) -> &[Term] {
        &self.terms
    }

    /// The canonical form as bytes; equal regions give equal bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        // Serializing texts and enums into a growing buffer has no way to fail.
        postcard::to_stdvec(self).unwrap_or_default()
    }

    /// The region whose canonical form these bytes are.
    ///
    /// # Errors
    /// [`RegionError`] when they are none, or one of more than [`Region::TERMS_MAX`] terms, which is used nowhere. Memory
    /// for terms is taken only then.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, RegionError> {
        let (count, _) = postcard::take_from_bytes::<usize>(bytes).map_err(|_| RegionError)?;
        if count > Self::TERMS_MAX {
            return Err(RegionError);
        }
        let region: Self = postcard::from_bytes(bytes).map_err(|_| RegionError)?;
        // The last is for what the decoder lets pass: bytes behind the end, numbers spelled longer than they need.
        (region.is_canonical() && region.to_bytes() == bytes).then_some(region).ok_or(RegionError)
    }

    fn is_canonical(&self) -> bool {
        let inside_another =
            |term: &Term| self.terms.iter().any(|other| other != term && term.is_inside(other));
        self.terms.is_sorted_by(|one, next| one < next)
            && !self.terms.iter().any(|term| term.entity.is_idle_prefix() || inside_another(term))
    }

    fn of(term: Term) -> Self {
        Self { terms: vec![term] }
    }

    fn canonical(mut terms: Vec<Term>) -> Self {
        terms.sort();
        terms.dedup();
        let inside_another = |term: &Term| terms.iter().any(|other| other != term && term.is_inside(other));
        let kept = terms.iter().filter(|term| !inside_another(term)).cloned().collect();
        Self { terms: kept }
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.terms.is_empty() {
            return f.write_str("nothing");
        }
        for (item, term) in self.terms.iter().enumerate() {
            let or = if item == 0 { "" } else { " or " };
            write!(f, "{or}{term}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Region;

    #[track_caller]
    fn check_same(one: Region, other: Region) {
        assert_eq!(one, other);
        assert_eq!(one.to_bytes(), other.to_bytes());
        assert_eq!(Region::from_bytes(&one.to_bytes()).as_ref(), Ok(&other));
    }

    #[test]
    fn regions_that_differ_only_in_spelling_are_the_same_region() {
        let (entity, scope, kind) = (Region::entity("a"), Region::scope("s"), Region::kind("k"));
        check_same(entity.clone().and(scope.clone()), scope.clone().and(entity.clone()));
        check_same(entity.clone().or(scope.clone()), scope.clone().or(entity.clone()).or(entity.clone()));
        check_same(entity.clone().and(Region::all()), entity.clone());
        check_same(entity.clone().or(Region::all()), Region::all());
        check_same(Region::entity_prefix(""), Region::all());
        check_same(entity.clone().and(Region::entity_prefix("a")), entity.clone());
        check_same(entity.clone().and(Region::entity("b")), Region::nothing());
        check_same(
            entity.clone().or(scope.clone()).and(kind.clone()),
            kind.clone().and(scope.clone()).or(entity.clone().and(kind.clone())),
        );
    }

    #[test]
    fn all_and_an_entity_named_star_are_not_the_same_region() {
        assert_ne!(Region::all(), Region::entity("*"));
        assert_ne!(Region::all().to_bytes(), Region::entity("*").to_bytes());
        assert!(!Region::entity("*").matches("a", "s", "k"));
    }

    #[test]
    fn bytes_that_are_not_canonical_are_refused() {
        let twice = postcard::to_stdvec(&(vec![super::Term::default(), super::Term::default()],)).unwrap();
        assert!(Region::from_bytes(&twice).is_err());
        assert!(Region::from_bytes(&[0xff; 16]).is_err());
        let idle = super::term::EntityMatch::Prefix(String::new());
        let idle = super::Term { entity: idle, ..super::Term::default() };
        assert!(Region::from_bytes(&postcard::to_stdvec(&(vec![idle],)).unwrap()).is_err());
        let longer = [Region::all().to_bytes(), vec![0]].concat();
        assert!(Region::from_bytes(&longer).is_err());
        assert!(Region::from_bytes(&[0x80, 0]).is_err(), "a count of none in two bytes");
    }

    #[test]
    fn bytes_of_more_terms_than_a_region_may_have_are_refused() {
        let kinds = |count: usize| {
            let kind = |number| Region::kind(format!("kind-{number}"));
            (0..count).map(kind).fold(Region::nothing(), Region::or)
        };
        let (most, over) = (kinds(Region::TERMS_MAX), kinds(Region::TERMS_MAX + 1));
        assert_eq!(Region::from_bytes(&most.to_bytes()), Ok(most));
        assert!(Region::from_bytes(&over.to_bytes()).is_err());
    }
}
