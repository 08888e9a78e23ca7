//! What a group committed for a topic ends with it: nobody is told where in a topic that was deleted a group was, and least of all for one that
//! was made anew under its name. A coordinator goes by what it knows of the topics when it is asked.

use super::{At, Broken, comes_and_goes};
use crate::table::{Map, Set};
use esker_core::id::Uuid;
use esker_core::node::Node as Core;
use kafka_protocol::messages::{OffsetCommitRequest, OffsetFetchRequest, OffsetFetchResponse};

/// Group, topic, partition; offset and what is said beside it.
type Said = (String, String, i32, i64, String);

#[derive(Debug, Default)]
pub struct Outlived {
    /// The ids that the topic had for whoever was asked to commit this.
    said: Map<Said, Set<Option<Uuid>>>,
    /// OffsetFetches without an answer: the topics that come and go, as the coordinator knew them.
    fetches: Map<At, Map<String, Uuid>>,
}

impl Outlived {
    pub fn on_commit(&mut self, request: &OffsetCommitRequest, core: &Core) {
        for topic in request.topics.iter().filter(|topic| comes_and_goes(&topic.name)) {
            let id = core.image.topic_named(&topic.name).map(|known| known.id);
            for part in &topic.partitions {
                let words = part.committed_metadata.as_ref().map(|text| text.to_string()).unwrap_or_default();
                let (group, name) = (request.group_id.0.to_string(), topic.name.0.to_string());
                let said = (group, name, part.partition_index, part.committed_offset, words);
                self.said.entry(said).or_default().insert(id);
            }
        }
    }

    pub fn on_fetch(&mut self, at: At, request: &OffsetFetchRequest, core: &Core) {
        if request.groups.iter().any(|group| group.topics.is_none()) {
            let known = core.image.topics().filter(|topic| comes_and_goes(topic.name.as_str()));
            self.fetches.insert(at, known.map(|topic| (topic.name.as_str().to_string(), topic.id)).collect());
        }
    }

    /// It is asked when the node takes clients, which knows more by then.
    pub fn forget(&mut self, at: At) {
        self.fetches.remove(&at);
    }

    pub fn on_fetched(&mut self, at: At, response: &OffsetFetchResponse) -> Result<(), Broken> {
        let Some(known) = self.fetches.remove(&at) else { return Ok(()) };
        for group in &response.groups {
            for topic in group.topics.iter().filter(|topic| comes_and_goes(&topic.name)) {
                let id = known.get(topic.name.as_str()).copied();
                for part in topic.partitions.iter().filter(|part| part.committed_offset >= 0) {
                    let words = part.metadata.as_ref().map(|text| text.to_string()).unwrap_or_default();
                    let (of, name) = (group.group_id.0.to_string(), topic.name.0.to_string());
                    let said = (of, name, part.partition_index, part.committed_offset, words);
                    judge(&said, id, self.said.get(&said))?;
                }
            }
        }
        Ok(())
    }
}

/// `now`: the topic of that name, `then`: those for which this was committed.
fn judge(said: &Said, now: Option<Uuid>, then: Option<&Set<Option<Uuid>>>) -> Result<(), Broken> {
    if now.is_some() && then.is_none_or(|then| then.contains(&now)) {
        return Ok(());
    }
    Err(("offset-outlives", format!("tells {said:?}, committed for {then:?}; the topic is {now:?}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_of_the_topic_before_is_caught() {
        let said = ("g".to_string(), "kept-0".to_string(), 0, 7, String::new());
        let then: Set<Option<Uuid>> = [Some(Uuid(1))].into_iter().collect();
        let judge = |now| judge(&said, now, Some(&then)).map_err(|broken| broken.0);
        assert_eq!(judge(Some(Uuid(1))), Ok(()));
        assert_eq!(judge(Some(Uuid(2))), Err("offset-outlives"));
        assert_eq!(judge(None), Err("offset-outlives"), "there is none of that name");
    }
}
