//! Tests of the seam.
