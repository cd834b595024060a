//! An actor runtime with supervision.
