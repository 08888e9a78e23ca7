//! A cluster in one thread from one seed.
pub mod check;
pub mod clock;
pub mod dice;
pub mod disk;
pub mod history;
pub mod net;
pub mod plan;
pub mod queue;
pub mod trace;
