//! The history of a git repository, read with the real `git`.

mod audit;
mod command;
mod commit;
mod error;
mod log;
mod oid;
mod parse;
mod repository;

pub(crate) use audit::{Audit, CommitAudit};
pub(crate) use commit::{Change, Commit, FileKind, Person, Status};
pub(crate) use error::GitError;
pub(crate) use log::Log;
pub(crate) use oid::Oid;
pub(crate) use repository::{Refs, Repository};
