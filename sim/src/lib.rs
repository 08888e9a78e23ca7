//! A cluster in one thread from one seed.
pub mod clock;
pub mod dice;
pub mod disk;
pub mod net;
pub mod queue;
pub mod trace;
