//! What a leader is granted is what it asked for: nobody is in sync whom it did not name, and it has recovered when it says so (KIP-704). Else it
//! would wait for somebody who does not fetch, or recover for ever.

use super::{At, Broken};
use crate::table::Map;
use esker_core::id::Uuid;
use kafka_protocol::messages::{AlterPartitionRequest, AlterPartitionResponse};

/// A partition, whom its leader named, and whether it recovers.
type Asked = (Uuid, i32, Vec<i32>, i8);

#[derive(Debug, Default)]
pub struct Alters {
    asked: Map<At, Vec<Asked>>,
}

impl Alters {
    pub fn on_request(&mut self, at: At, request: &AlterPartitionRequest) {
        let parts = request.topics.iter().flat_map(|topic| topic.partitions.iter().map(move |part| (topic, part)));
        let asked = parts.map(|(topic, part)| {
            let by_epoch = part.new_isr_with_epochs.iter().map(|one| one.broker_id.0);
            let isr = part.new_isr.iter().map(|id| id.0).chain(by_epoch).collect();
            (topic.topic_id.into(), part.partition_index, isr, part.leader_recovery_state)
        });
        self.asked.insert(at, asked.collect());
    }

    pub fn on_reply(&mut self, at: At, response: &AlterPartitionResponse) -> Result<(), Broken> {
        let Some(asked) = self.asked.remove(&at).filter(|_| response.error_code == 0) else { return Ok(()) };
        for topic in &response.topics {
            for told in topic.partitions.iter().filter(|told| told.error_code == 0) {
                let id = Uuid::from(topic.topic_id);
                let isr: Vec<i32> = told.isr.iter().map(|id| id.0).collect();
                let one = asked.iter().find(|one| (one.0, one.1) == (id, told.partition_index));
                one.map_or(Ok(()), |one| judge(one, &isr, told.leader_recovery_state))?;
            }
        }
        Ok(())
    }
}

fn judge(asked: &Asked, isr: &[i32], recovering: i8) -> Result<(), Broken> {
    // Where a move ends with it some of those whom it named go.
    if isr.iter().all(|node| asked.2.contains(node)) && recovering == asked.3 {
        return Ok(());
    }
    Err(("granted-otherwise", format!("grants {isr:?}, recovering: {recovering}, to who asked for {asked:?}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_set_than_was_asked_for_is_caught() {
        let judge = |isr: &[i32], recovering| judge(&(Uuid(7), 0, vec![1, 2], 0), isr, recovering).is_ok();
        assert!(judge(&[1, 2], 0) && judge(&[2], 0));
        assert!(!judge(&[1, 3], 0) && !judge(&[1, 2], 1));
    }
}
