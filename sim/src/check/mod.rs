//! The promises, one a file, each with its words.
//!
//! `past` judges a history: what clients saw. `now` looks inside the brokers after every event.

pub mod now;
pub mod past;

/// A promise that was broken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Anomaly {
    /// The property's name, as in the file's name.
    pub kind: &'static str,
    /// When, in microseconds of virtual time.
    pub at: u64,
    pub what: String,
}

impl Anomaly {
    pub fn new(kind: &'static str, at: u64, what: impl Into<String>) -> Self {
        Self { kind, at, what: what.into() }
    }
}

impl std::fmt::Display for Anomaly {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} at {}.{:06}s: {}", self.kind, self.at / 1_000_000, self.at % 1_000_000, self.what)
    }
}
