//! The simulated driver: one thread, choices instead of the scheduler, a virtual clock.
