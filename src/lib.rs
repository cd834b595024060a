//! An embedded event store whose every part is a supervised actor.
