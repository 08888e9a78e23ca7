//! The controller heeds no broker that has started anew since (its epoch is another), grants no change of an in-sync set that starts from
//! another state than there is (KIP-497), and takes nobody in as what he was before (KIP-903).

use super::{At, Broken};
use crate::table::Map;
use esker_core::id::{NodeId, PartitionKey, Uuid};
use esker_core::metadata::Image;
use kafka_protocol::messages::{AlterPartitionRequest, AlterPartitionResponse, RequestKind, ResponseKind};
use std::collections::BTreeSet;

/// What of a request has to be refused.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Wrong {
    All,
    These(BTreeSet<PartitionKey>),
}

/// The requests without an answer that have to be refused.
#[derive(Debug, Default)]
pub struct Incarnations {
    asked: Map<At, Wrong>,
}

impl Incarnations {
    /// A request comes to the active controller, which knows this state.
    pub fn on_request(&mut self, at: At, body: &RequestKind, image: &Image) {
        let another = |id: i32, epoch: i64| image.broker(NodeId(id)).is_none_or(|broker| broker.epoch.0 != epoch);
        let wrong = match body {
            RequestKind::BrokerHeartbeat(request) => {
                another(request.broker_id.0, request.broker_epoch).then_some(Wrong::All)
            }
            RequestKind::AlterPartition(request) if another(request.broker_id.0, request.broker_epoch) => {
                Some(Wrong::All)
            }
            RequestKind::AlterPartition(request) => {
                let these = wrong_in(request, image);
                (!these.is_empty()).then_some(Wrong::These(these))
            }
            _ => None,
        };
        if let Some(wrong) = wrong {
            self.asked.insert(at, wrong);
        }
    }

    pub fn on_reply(&mut self, at: At, body: &ResponseKind) -> Result<(), Broken> {
        let Some(wrong) = self.asked.remove(&at) else { return Ok(()) };
        let granted = match (&wrong, body) {
            (Wrong::All, ResponseKind::BrokerHeartbeat(response)) => response.error_code == 0,
            (Wrong::All, ResponseKind::AlterPartition(response)) => response.error_code == 0,
            (Wrong::These(these), ResponseKind::AlterPartition(response)) => grants(these, response),
            _ => false,
        };
        if granted { Err(("heeds-the-past", format!("grants what speaks of the past: {wrong:?}"))) } else { Ok(()) }
    }
}

/// The partitions of which the request knows an old state, or an old incarnation of a member.
fn wrong_in(request: &AlterPartitionRequest, image: &Image) -> BTreeSet<PartitionKey> {
    let mut wrong = BTreeSet::new();
    for topic in &request.topics {
        for part in &topic.partitions {
            let key = PartitionKey { topic: Uuid::from(topic.topic_id), partition: part.partition_index };
            let old = image.partition(key).is_some_and(|state| part.partition_epoch < state.epoch.0);
            let another = part.new_isr_with_epochs.iter().any(|member| {
                let known = image.broker(NodeId(member.broker_id.0)).map(|broker| broker.epoch.0);
                member.broker_epoch != -1 && known != Some(member.broker_epoch)
            });
            if old || another {
                wrong.insert(key);
            }
        }
    }
    wrong
}

fn grants(wrong: &BTreeSet<PartitionKey>, response: &AlterPartitionResponse) -> bool {
    response.error_code == 0
        && response.topics.iter().any(|topic| {
            let key = |partition| PartitionKey { topic: Uuid::from(topic.topic_id), partition };
            topic.partitions.iter().any(|part| part.error_code == 0 && wrong.contains(&key(part.partition_index)))
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use esker_core::id::ConnId;
    use kafka_protocol::messages::alter_partition_response::{PartitionData, TopicData};

    #[test]
    fn a_grant_to_the_past_is_caught() {
        let key = |partition| PartitionKey { topic: Uuid(7), partition };
        let told = |partition, code| {
            let part = PartitionData::default().with_partition_index(partition).with_error_code(code);
            let topic = TopicData::default().with_topic_id(Uuid(7).into()).with_partitions(vec![part]);
            AlterPartitionResponse::default().with_topics(vec![topic])
        };
        let judge = |response: AlterPartitionResponse| {
            let mut checker = Incarnations::default();
            checker.asked.insert((ConnId(1), 0), Wrong::These([key(1)].into()));
            checker.on_reply((ConnId(1), 0), &response.into())
        };
        assert!(judge(told(1, 95)).is_ok() && judge(told(2, 0)).is_ok());
        assert_eq!(judge(told(1, 0)).unwrap_err().0, "heeds-the-past");
    }
}
