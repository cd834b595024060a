//! batpak as it is published now.

use batpak_newest as library;

const NAME: &str = "batpak-newest";
const PACKAGE: &str = "batpak 0.10";

// The same adapter, over another version's types.
#[allow(clippy::duplicate_mod)]
#[path = "adapter.rs"]
mod adapter;
pub use adapter::PEER;
