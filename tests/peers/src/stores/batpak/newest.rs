//! batpak as it is published now.

use batpak_newest as library;
use library::store::{DurabilityGate, WatermarkKind};
use std::time::Duration;

const NAME: &str = "batpak-newest";
const PACKAGE: &str = "batpak 0.10";

fn gate(kind: WatermarkKind, timeout: Duration) -> DurabilityGate {
    DurabilityGate::new(kind, timeout)
}

// The same adapter, over another version's types.
#[allow(clippy::duplicate_mod)]
#[path = "adapter.rs"]
mod adapter;
pub use adapter::PEER;
