//! One term of a region: what must hold of entity, scope and kind together.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What a term asks of the entity.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub(crate) enum EntityMatch {
    /// Nothing.
    #[default]
    Any,
    /// That it begins so. Never empty.
    Prefix(String),
    /// That it is this one.
    Exact(String),
}

impl EntityMatch {
    pub(super) fn prefix(prefix: String) -> Self {
        if prefix.is_empty() { Self::Any } else { Self::Prefix(prefix) }
    }

    /// Whether it is a prefix that every name has, which is spelled [`EntityMatch::Any`].
    pub(super) fn is_idle_prefix(&self) -> bool {
        matches!(self, Self::Prefix(prefix) if prefix.is_empty())
    }

    fn matches(&self, entity: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Prefix(prefix) => entity.starts_with(prefix.as_str()),
            Self::Exact(exact) => entity == exact,
        }
    }

    fn is_inside(&self, other: &Self) -> bool {
        match (self, other) {
            (_, Self::Any) => true,
            (Self::Any, _) | (Self::Prefix(_), Self::Exact(_)) => false,
            (Self::Prefix(text) | Self::Exact(text), Self::Prefix(prefix)) => {
                text.starts_with(prefix.as_str())
            }
            (Self::Exact(one), Self::Exact(other)) => one == other,
        }
    }

    fn and(&self, other: &Self) -> Option<Self> {
        match (self.is_inside(other), other.is_inside(self)) {
            (true, _) => Some(self.clone()),
            (_, true) => Some(other.clone()),
            _ => None,
        }
    }
}

/// One conjunction: entity, scope and kind must all hold.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub(crate) struct Term {
    pub(crate) entity: EntityMatch,
    pub(crate) scope: Option<String>,
    pub(crate) kind: Option<String>,
}

impl Term {
    pub(super) fn is_all(&self) -> bool {
        *self == Self::default()
    }

    pub(crate) fn matches(&self, entity: &str, scope: &str, kind: &str) -> bool {
        self.entity.matches(entity)
            && self.scope.as_deref().is_none_or(|wanted| wanted == scope)
            && self.kind.as_deref().is_none_or(|wanted| wanted == kind)
    }

    /// Whether every event of this term is also in `other`.
    pub(super) fn is_inside(&self, other: &Self) -> bool {
        self.entity.is_inside(&other.entity)
            && (other.scope.is_none() || other.scope == self.scope)
            && (other.kind.is_none() || other.kind == self.kind)
    }

    /// What is in both terms; `None` if nothing can be.
    pub(super) fn and(&self, other: &Self) -> Option<Self> {
        Some(Self {
            entity: self.entity.and(&other.entity)?,
            scope: both(self.scope.as_ref(), other.scope.as_ref())?,
            kind: both(self.kind.as_ref(), other.kind.as_ref())?,
        })
    }
}

/// What satisfies two wishes; the outer `None` says that nothing does.
fn both(one: Option<&String>, other: Option<&String>) -> Option<Option<String>> {
    match (one, other) {
        (Some(one), Some(other)) => (one == other).then(|| Some(one.clone())),
        (one, other) => Some(one.or(other).cloned()),
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entity = match &self.entity {
            EntityMatch::Any => None,
            EntityMatch::Prefix(prefix) => Some(format!("entity {prefix:?}...")),
            EntityMatch::Exact(exact) => Some(format!("entity {exact:?}")),
        };
        let scope = self.scope.as_ref().map(|scope| format!("scope {scope:?}"));
        let kind = self.kind.as_ref().map(|kind| format!("kind {kind:?}"));
        let parts: Vec<String> = [entity, scope, kind].into_iter().flatten().collect();
        if parts.is_empty() { f.write_str("all") } else { f.write_str(&parts.join(" and ")) }
    }
}
