//! The group coordinator: the groups of a node, over the partitions of `__consumer_offsets` that it leads.
//!
//! It serves Kafka's *classic* consumer-group protocol (`GroupMetadataManager`, `ClassicGroup` and `OffsetMetadataManager`
//! of Kafka 4.3): dynamic and static members (KIP-345), eager and cooperative assignors, committed offsets.
//!
//! A [`Groups`] has one shard a partition. Every `on_…` answers a [`Decision`]: records to append, and replies that may
//! leave. The caller appends (`on_appended`, or `on_append_failed`), and says how far the partition is committed
//! (`on_committed`); a reply that promises what a record holds leaves only then. Losing the partition drops the shard;
//! gaining it builds the shard again from the log alone.
//!
//! | file | what it has |
//! |---|---|
//! | `groups` `requests` `gather` | the way in: which shard, loading, replies made of several shards' parts |
//! | `shard` | one partition's groups and offsets; what is appended and not yet committed; time |
//! | `decision` `settings` `timers` `turn` | what goes out, what is configured, what is due, what a group may touch |
//! | `records` `wire` `load` | Kafka's record formats, and building a shard from them |
//! | `classic/` | one group: members, generations, rebalances |
//! | `offsets` `commit` `fetch` `delete` `expire` | committed offsets and their life |
//! | `describe` `refuse` `beside` `shape` `text` | what admin clients see; refusals, and answers beside them; old versions' forms; text that is kept |
//! | `stored` `sight` | a shard as records, a group as it is: for checks |

mod beside;
mod classic;
mod commit;
mod decision;
mod delete;
mod describe;
mod expire;
mod fetch;
mod gather;
mod groups;
mod load;
mod offsets;
pub mod records;
mod refuse;
mod requests;
mod settings;
mod shape;
mod shard;
mod sight;
mod stored;
mod text;
mod timers;
mod turn;
mod wire;

#[cfg(test)]
mod tests;

pub(crate) use classic::refused_sync;
pub use decision::{Append, Decision, Record, Release};
pub use groups::Groups;
pub use settings::Settings;
pub use shape::shape;
pub use sight::{Sight, SightOfMember, Wait};

/// The internal topic that holds groups and offsets (`Topic.GROUP_METADATA_TOPIC_NAME`).
pub const TOPIC: &str = "__consumer_offsets";
