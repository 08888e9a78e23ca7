//! The metadata log's Raft, as KRaft does it (KIP-595, KIP-996 pre-vote, KIP-630 snapshots), with static voters.

mod answer;
mod config;
mod machine;

pub use answer::{Answer, Changes, Committed, Turn};
pub use config::{QuorumConfig, Voter};
pub use machine::{FetchReply, Quorum};
