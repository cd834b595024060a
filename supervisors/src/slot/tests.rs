//! Tests of the slot.
