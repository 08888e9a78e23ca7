//! The metadata log's Raft, as KRaft does it (KIP-595, KIP-996 pre-vote, KIP-630 snapshots), with static voters.
//!
//! Pull based: followers fetch, and their Fetch tells how far their log is on stable storage. `role` has the roles and
//! the table of their changes; each role lies in a file of its own. Three promises carry the rest:
//!
//! * a vote, and the epoch it is for, is on stable storage before anything that follows from it leaves (`ballot`);
//! * the watermark counts what a majority has on stable storage, from a leader's own epoch on (`leader`);
//! * nothing below a node's watermark is ever cut (`follow`), and a snapshot replaces only what it covers (`snapshots`).
//!
//! A request that cannot be answered yet is asked again: see [`Answer::Wait`].

mod answer;
mod append;
mod ballot;
mod boot;
mod calls;
mod candidate;
mod committed;
mod config;
mod describe;
mod directories;
mod disk;
mod download;
mod drain;
mod drive;
mod election;
mod epochs;
mod fetch;
mod follow;
mod follower;
mod hear;
mod journal;
mod leader;
mod machine;
mod message;
mod prospective;
mod replies;
mod resigned;
mod role;
mod snapshot_file;
mod snapshots;
mod stage;
pub mod state_file;
mod tally;
mod transition;
mod unattached;
mod vote;

pub use answer::{Answer, Changes, Committed, FetchReply, Turn};
pub use config::{QuorumConfig, Voter};
pub use journal::FOLDER;
pub use machine::Quorum;
