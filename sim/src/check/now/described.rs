//! Metadata tells what its node knows to be committed: the brokers that serve, and of them one to whom admin requests can go; all partitions
//! of a topic, and of each its leader, the leader's epoch, who holds a replica, who is in sync, and which replicas are not there.

use super::{At, Broken, id_of};
use crate::table::Map;
use esker_core::group;
use esker_core::id::{NodeId, Offset};
use esker_core::metadata::Partition as State;
use esker_core::node::Node as Core;
use kafka_protocol::messages::metadata_response::MetadataResponsePartition;
use kafka_protocol::messages::{BrokerId, MetadataRequest, MetadataResponse};

#[derive(Debug, Default)]
pub struct Described {
    asked: Map<At, Asked>,
}

#[derive(Debug)]
struct Asked {
    /// How far the node knew the metadata.
    known: Offset,
    /// Whether all topics are meant.
    all: bool,
    version: i16,
}

impl Described {
    pub fn on_request(&mut self, at: At, version: i16, request: &MetadataRequest, core: &Core) {
        let all = request.topics.as_ref().is_none_or(|topics| version == 0 && topics.is_empty());
        self.asked.insert(at, Asked { known: core.image.offset(), all, version });
    }

    /// It is asked when the node takes clients, which knows more by then.
    pub fn forget(&mut self, at: At) {
        self.asked.remove(&at);
    }

    pub fn on_reply(&mut self, at: At, response: &MetadataResponse, core: &Core) -> Result<(), Broken> {
        // What was committed with the same input is in the image already, and not in the answer.
        let asked = self.asked.remove(&at).filter(|asked| asked.known == core.image.offset());
        let Some(asked) = asked else { return Ok(()) };
        // A request that is refused as a whole is told nothing of the cluster.
        if response.cluster_id.is_some() {
            let serve = core.image.brokers().map(|broker| broker.id).filter(|id| core.image.alive(*id));
            judge_brokers(response, &serve.collect::<Vec<_>>())?;
        }
        if asked.all {
            judge_all(response.topics.len(), core.image.topics().count())?;
        }
        for topic in response.topics.iter().filter(|topic| topic.error_code == 0) {
            let name = topic.name.clone().unwrap_or_default();
            let Some(found) = id_of(&core.image, &name, topic.topic_id.into()).and_then(|id| core.image.topic(id))
            else {
                return Err(("described-wrong", format!("describes {topic:?}, which is not there")));
            };
            if topic.is_internal != (found.name.as_str() == group::TOPIC) {
                return Err((
                    "described-wrong",
                    format!("describes {} as internal: {}", found.name, topic.is_internal),
                ));
            }
            if topic.partitions.len() != found.partitions.len() {
                let (told, own) = (topic.partitions.len(), found.partitions.len());
                return Err(("described-wrong", format!("describes {told} partitions of {}: {own}", found.name)));
            }
            for told in &topic.partitions {
                let Some(state) = found.partition(told.partition_index) else { continue };
                judge(&found.name, told, state, asked.version > 0, |id| core.image.alive(id))?;
            }
        }
        Ok(())
    }
}

fn judge_all(told: usize, own: usize) -> Result<(), Broken> {
    if told == own {
        return Ok(());
    }
    Err(("described-wrong", format!("asked for all topics it describes {told} of {own}")))
}

/// `serve`: the brokers that do, by id.
fn judge_brokers(told: &MetadataResponse, serve: &[NodeId]) -> Result<(), Broken> {
    let brokers: Vec<NodeId> = told.brokers.iter().map(|broker| NodeId(broker.node_id.0)).collect();
    let controller = NodeId(told.controller_id.0);
    if brokers == serve && (serve.contains(&controller) || serve.is_empty() && controller == NodeId::NONE) {
        return Ok(());
    }
    let line = format!("tells of the brokers {brokers:?} and the controller {controller}; {serve:?} serve");
    Err(("described-wrong", line))
}

/// Whether nobody leads because all who were in sync are away.
pub fn all_away(state: &State, alive: impl Fn(NodeId) -> bool) -> bool {
    state.leader.is_none() && !state.isr.iter().any(|id| alive(*id))
}

/// A leader that cannot be reached is not told. Where nobody leads and all who were in sync are away, nobody is in sync. Who asks in
/// version 0 (not `whole`) is not told of replicas that are away.
pub fn judge(
    topic: &str,
    told: &MetadataResponsePartition,
    state: &State,
    whole: bool,
    alive: impl Fn(NodeId) -> bool,
) -> Result<(), Broken> {
    let same = |told: &[BrokerId], own: &[NodeId]| {
        let own = own.iter().copied().filter(|id| whole || alive(*id));
        told.iter().map(|id| NodeId(id.0)).eq(own)
    };
    // That a replica is away (9) says nothing of the leader.
    let leads = !matches!(told.error_code, 0 | 9) || state.leader == Some(NodeId(told.leader_id.0));
    let offline: Vec<NodeId> = state.replicas.iter().copied().filter(|id| !alive(*id)).collect();
    if leads
        && same(&told.offline_replicas, &offline)
        && told.leader_epoch == state.leader_epoch.0
        && same(&told.replica_nodes, &state.replicas)
        && same(&told.isr_nodes, if all_away(state, &alive) { &[] } else { &state.isr })
    {
        return Ok(());
    }
    let number = told.partition_index;
    Err(("described-wrong", format!("describes {topic}-{number} as {told:?}, which is {state}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use kafka_protocol::messages::metadata_response::MetadataResponseBroker;

    #[test]
    fn another_leader_or_set_is_caught() {
        let state = State::new(vec![NodeId(2), NodeId(1)], vec![NodeId(1)]);
        let ids = |ids: &[i32]| ids.iter().map(|id| BrokerId(*id)).collect::<Vec<_>>();
        let mut told = MetadataResponsePartition::default();
        (told.leader_id, told.leader_epoch) = (BrokerId(1), 0);
        (told.replica_nodes, told.isr_nodes) = (ids(&[2, 1]), ids(&[1]));
        told.offline_replicas = ids(&[2]);
        let judge = |told: &MetadataResponsePartition| {
            judge("t", told, &state, true, |id| id == NodeId(1)).map_err(|broken| broken.0)
        };
        assert_eq!(judge(&told), Ok(()));
        let mut wrong = told.clone();
        wrong.isr_nodes = ids(&[2, 1]);
        assert_eq!(judge(&wrong), Err("described-wrong"));
        (wrong.isr_nodes, wrong.offline_replicas) = (ids(&[1]), ids(&[]));
        assert_eq!(judge(&wrong), Err("described-wrong"), "2 is not there");
        (told.leader_id, told.error_code) = (BrokerId(-1), 5);
        assert_eq!(judge(&told), Ok(()), "it cannot be reached");
        told.error_code = 0;
        assert_eq!(judge(&told), Err("described-wrong"));
        (told.error_code, told.replica_nodes, told.offline_replicas) = (9, ids(&[1]), ids(&[]));
        told.leader_id = BrokerId(1);
        let early = super::judge("t", &told, &state, false, |id| id == NodeId(1));
        assert!(early.is_ok() && judge(&told).is_err(), "version 0 alone leaves out who is away");
        let away = State { leader: None, ..State::new(vec![NodeId(2)], vec![NodeId(2)]) };
        (told.error_code, told.replica_nodes, told.offline_replicas) = (5, ids(&[2]), ids(&[2]));
        let judge = |told: &MetadataResponsePartition| {
            super::judge("t", told, &away, true, |_| false).map_err(|broken| broken.0)
        };
        assert_eq!(judge(&told), Err("described-wrong"), "nobody who is away is in sync");
        told.isr_nodes = ids(&[]);
        assert_eq!(judge(&told), Ok(()));
    }

    #[test]
    fn a_topic_that_is_left_out_is_caught() {
        assert!(judge_all(2, 2).is_ok() && judge_all(1, 2).is_err());
    }

    #[test]
    fn a_broker_that_does_not_serve_is_told_to_nobody() {
        let told = |ids: &[i32], controller: i32| {
            let broker = |id: &i32| MetadataResponseBroker::default().with_node_id(BrokerId(*id));
            let response = MetadataResponse::default().with_brokers(ids.iter().map(broker).collect());
            judge_brokers(&response.with_controller_id(BrokerId(controller)), &[NodeId(1), NodeId(3)]).is_ok()
        };
        assert!(told(&[1, 3], 3));
        assert!(!told(&[1], 1) && !told(&[1, 2, 3], 1), "one less, one more");
        assert!(!told(&[1, 3], 2), "nobody is there to pass it on");
    }
}
