//! What replies about the cluster have in common: brokers, leaders, and operations that are allowed.

use super::place::ListenerName;
use crate::error::ErrorCode;
use crate::id::NodeId;
use crate::io::Address;
use crate::metadata::{Broker, Image, Partition};
use crate::mutant::{self, Mutant};
use crate::node::Node;
use alloc::vec::Vec;
use kafka_protocol::messages::BrokerId;
use kafka_protocol::protocol::StrBytes;

/// What may be done to a topic where no authorizer forbids anything, as bits (`AclOperation`): read, write, create, delete,
/// alter, describe, describe configs, alter configs.
pub const TOPIC_OPERATIONS: i32 = 1 << 3 | 1 << 4 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 8 | 1 << 10 | 1 << 11;
/// What may be done to the cluster: create, alter, describe, cluster action, describe and alter configs, idempotent write.
pub const CLUSTER_OPERATIONS: i32 = 1 << 5 | 1 << 7 | 1 << 8 | 1 << 9 | 1 << 10 | 1 << 11 | 1 << 12;
/// What is told of rules (ACLs).
pub const NO_AUTHORIZER: StrBytes = StrBytes::from_static_str("This cluster has no authorizer, and so no ACLs.");
/// The operations were not asked for.
pub const NOT_ASKED: i32 = i32::MIN;

const _: () = assert!(TOPIC_OPERATIONS == 3576 && CLUSTER_OPERATIONS == 8096);

pub fn operations(asked: bool, all: i32) -> i32 {
    if asked { all } else { NOT_ASKED }
}

/// The brokers that clients of a listener see, and where.
pub fn visible<'a>(image: &'a Image, at: ListenerName<'a>) -> impl Iterator<Item = (&'a Broker, Address)> {
    let alive = image.brokers().filter(|broker| !broker.fenced);
    alive.filter_map(move |broker| Some((broker, at.address(broker)?)))
}

/// Whom clients send admin requests to: the active controller where it is a broker as well, else any broker; it passes them on.
pub fn controller_id(node: &Node, at: ListenerName<'_>) -> BrokerId {
    let active = node.quorum.leader().map(|(leader, _)| leader).filter(|leader| node.image.alive(*leader));
    let any = || visible(&node.image, at).next().map(|(broker, _)| broker.id);
    BrokerId(active.or_else(any).unwrap_or(NodeId::NONE).0)
}

pub fn ids(nodes: &[NodeId]) -> Vec<BrokerId> {
    nodes.iter().map(|node| BrokerId(node.0)).collect()
}

/// Replicas on brokers that are not there.
pub fn offline(image: &Image, state: &Partition) -> Vec<BrokerId> {
    state.replicas.iter().filter(|node| !image.alive(**node)).map(|node| BrokerId(node.0)).collect()
}

/// Who is shown to be in sync, and who else may lead. Where nobody leads because all who were in sync last are away, none is in sync, and
/// they are those who may (KIP-966; a fresh Kafka keeps them as eligible leader replicas).
pub fn in_sync<'a>(image: &Image, state: &'a Partition) -> (&'a [NodeId], &'a [NodeId]) {
    let all_away = state.leader.is_none() && !state.isr.iter().any(|node| image.alive(*node));
    if all_away && !mutant::is(Mutant::AwayInSync) { (&[], &state.isr) } else { (&state.isr, &state.elr) }
}

/// The leader as clients of a listener are told it; `LEADER_NOT_AVAILABLE` where there is none, `LISTENER_NOT_FOUND` where
/// it has no such listener (KIP-302).
pub fn leader(image: &Image, at: ListenerName<'_>, state: &Partition) -> (BrokerId, i16) {
    let alive = state.leader.and_then(|leader| image.broker(leader)).filter(|broker| !broker.fenced);
    let code = match alive.map(|broker| at.address(broker).map(|_| broker.id)) {
        Some(Some(id)) => return (BrokerId(id.0), 0),
        Some(None) => ErrorCode::ListenerNotFound,
        None => ErrorCode::LeaderNotAvailable,
    };
    (BrokerId(NodeId::NONE.0), code.code())
}
