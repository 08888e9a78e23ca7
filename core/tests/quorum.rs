//! Whole quorums of the metadata log under faults, in one thread, from seeds.
//!
//! With the feature `mutants` one test runs instead of all: a bug is chosen for the whole process.
#![cfg_attr(feature = "mutants", allow(dead_code))]

#[path = "quorum/disk.rs"]
mod disk;
#[path = "quorum/judge.rs"]
mod judge;
#[path = "quorum/stories.rs"]
mod stories;
#[path = "quorum/storm.rs"]
mod storm;
#[path = "quorum/world.rs"]
mod world;
