//! batpak 0.8.0: the version that ours is compared with.

use batpak as library;

const NAME: &str = "batpak";
const PACKAGE: &str = "batpak 0.8";

#[path = "adapter.rs"]
mod adapter;
pub use adapter::PEER;
