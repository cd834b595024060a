//! The decisions against tables, and against a naive model of OTP's rules.

mod house;
mod model;
mod restarts;
mod soup;
mod stops;
mod window;
