//! The stores that are measured: one adapter a file.

mod batpak;
mod fjall;
mod floor;
mod redb;
mod sqlite;
mod tephra;
mod timberline;

use crate::store::Peer;

/// The floor's name: no store at all.
pub const FLOOR: &str = "floor";
/// Our own name.
pub const OURS: &str = "timberline";

/// Every store, the floor first and ours last.
pub const PEERS: &[Peer] = &[
    floor::PEER,
    batpak::PINNED,
    batpak::NEWEST,
    sqlite::PEER,
    redb::PEER,
    fjall::PEER,
    tephra::PEER,
    timberline::PEER,
];
