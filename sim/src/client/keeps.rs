//! What a keeper of topics vouches for.

use std::collections::BTreeMap;

/// What the names of a keeper's topics begin with.
pub const KEPT: &str = "kept-";
/// Settings by name.
pub type Settings = BTreeMap<String, String>;

/// A topic as it was left; no partitions: it is not there.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Kept {
    pub partitions: i32,
    pub settings: Settings,
}

/// All that a keeper vouches for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Keeps {
    pub topics: BTreeMap<String, Kept>,
    /// What is set for each broker, by its id, and for all (an empty name); `None`: nobody knows.
    pub brokers: BTreeMap<String, Option<Settings>>,
}
