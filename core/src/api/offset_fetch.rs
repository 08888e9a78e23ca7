//! OffsetFetch (key 9, versions 1 to 9): the committed offsets of a group, from version 8 on of several. No topics (null, from version 2
//! on): all of them. A partition without one: offset -1, no error.
//!
//! What is told is committed: an offset on its way to being so is waited for. A coordinator for which the controller has not
//! vouched of late (`broker::alive`) may have a successor: it tells what it knows once a record of that moment is committed, which
//! needs its followers (Kafka's tells it at once; seed 42000002637). With `require_stable` (version 7) one that an open
//! transaction may change is `UNSTABLE_OFFSET_COMMIT` (KIP-447). Version 9's member id and epoch concern KIP-848 groups.

use crate::io::Ask;
use crate::node::Node;
use crate::time::Now;
use alloc::vec;
use alloc::vec::Vec;
use kafka_protocol::messages::OffsetFetchRequest;
use kafka_protocol::messages::offset_fetch_request::{
    OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
};

/// Hands each group to its shard.
pub fn on_offset_fetch(node: &mut Node, now: Now, ask: Ask, request: OffsetFetchRequest) {
    let groups = if ask.version < 8 {
        let topics = request.topics.map(|topics| topics.into_iter().map(as_newest).collect::<Vec<_>>());
        vec![OffsetFetchRequestGroup::default().with_group_id(request.group_id).with_topics(topics)]
    } else {
        request.groups
    };
    let (stable, vouched) = (request.require_stable, now.mono < node.vouched_until);
    node.ask_groups(now, ask, |shards, hold, _| shards.on_fetch(now, hold, &groups, stable, vouched));
}

fn as_newest(topic: OffsetFetchRequestTopic) -> OffsetFetchRequestTopics {
    OffsetFetchRequestTopics::default().with_name(topic.name).with_partition_indexes(topic.partition_indexes)
}
