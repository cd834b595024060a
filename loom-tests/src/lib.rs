//! Loom models of the `supervisors` crate: see `tests/`.
