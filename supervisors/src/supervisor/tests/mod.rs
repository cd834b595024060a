//! What must be true of a running supervisor, sentence by sentence, on real threads and in simulations.

mod changes;
mod many;
mod puppet;
mod refusals;
mod restarts;
mod stops;
mod storms;
