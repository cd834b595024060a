//! Tests of the simulated disk: what it must forget, and what it must not.
