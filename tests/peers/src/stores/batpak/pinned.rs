//! batpak 0.8.0: the version that ours is compared with.

use batpak as library;
use library::store::{DurabilityGate, WatermarkKind};
use std::time::Duration;

const NAME: &str = "batpak";
const PACKAGE: &str = "batpak 0.8";

fn gate(kind: WatermarkKind, timeout: Duration) -> DurabilityGate {
    DurabilityGate { kind, timeout }
}

#[path = "adapter.rs"]
mod adapter;
pub use adapter::PEER;
