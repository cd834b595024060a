//! The doubles that loom explores.
