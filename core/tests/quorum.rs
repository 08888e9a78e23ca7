//! Whole quorums of the metadata log under faults, in one thread, from seeds.

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
