//! batpak, the event store nearest to ours, in two versions: one adapter over each.

mod newest;
mod pinned;

pub use newest::PEER as NEWEST;
pub use pinned::PEER as PINNED;
