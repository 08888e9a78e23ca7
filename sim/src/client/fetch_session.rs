//! Fetch sessions as consumers of Kafka have them, one with each leader (KIP-227, `FetchSessionHandler`): a request names what changed since
//! the one before, and an answer has what is new. What is neither named nor told stays as it was.

use crate::net::Peer;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic, ForgottenTopic};
use kafka_protocol::messages::{FetchRequest, FetchResponse, TopicName};
use std::collections::BTreeMap;
use uuid::Uuid;

/// The first version of Fetch with sessions.
pub const SESSIONS: i16 = 7;

/// A partition as a request names it.
type Key = (TopicName, Uuid, i32);

/// The session with one leader.
#[derive(Debug, Default)]
struct Session {
    id: i32,
    /// What the next request says; 0: it names everything, and asks for a session.
    epoch: i32,
    /// What the leader was told last.
    told: BTreeMap<Key, FetchPartition>,
}

/// The sessions of a consumer.
#[derive(Debug, Default)]
pub struct FetchSessions {
    with: BTreeMap<Peer, Session>,
}

impl FetchSessions {
    /// Takes out of a request, which names everything, what the leader knows.
    pub fn narrow(&mut self, leader: Peer, request: &mut FetchRequest) {
        let session = self.with.entry(leader).or_default();
        (request.session_id, request.session_epoch) = (session.id, session.epoch);
        let named = |topic: &FetchTopic, one: &FetchPartition| {
            ((topic.topic.clone(), topic.topic_id, one.partition), one.clone())
        };
        let wanted = request.topics.iter().flat_map(|topic| topic.partitions.iter().map(move |one| named(topic, one)));
        let wanted: BTreeMap<Key, FetchPartition> = wanted.collect();
        let told = std::mem::replace(&mut session.told, wanted);
        if session.epoch == 0 {
            return;
        }
        for topic in &mut request.topics {
            let (name, id) = (topic.topic.clone(), topic.topic_id);
            topic.partitions.retain(|one| told.get(&(name.clone(), id, one.partition)) != Some(one));
        }
        request.topics.retain(|topic| !topic.partitions.is_empty());
        for (name, id, partition) in told.into_keys().filter(|key| !session.told.contains_key(key)) {
            let mut forgotten = ForgottenTopic::default();
            (forgotten.topic, forgotten.topic_id, forgotten.partitions) = (name, id, vec![partition]);
            request.forgotten_topics_data.push(forgotten);
        }
    }

    /// The leader's answer. One that refuses the session, or has none, begins a new one.
    pub fn on_answer(&mut self, leader: Peer, answer: &FetchResponse) {
        let Some(session) = self.with.get_mut(&leader) else { return };
        if answer.error_code != 0 || answer.session_id == 0 {
            *session = Session::default();
            return;
        }
        session.id = answer.session_id;
        session.epoch += 1;
    }

    /// There is no answer: what the leader knows is not known. The new session puts out the old one.
    pub fn on_lost(&mut self, leader: Peer) {
        if let Some(session) = self.with.get_mut(&leader) {
            *session = Session { id: session.id, ..Session::default() };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(partitions: &[(i32, i64)]) -> FetchRequest {
        let mut request = FetchRequest::default();
        let mut topic = FetchTopic::default();
        for (partition, offset) in partitions {
            let mut one = FetchPartition::default();
            (one.partition, one.fetch_offset) = (*partition, *offset);
            topic.partitions.push(one);
        }
        request.topics = vec![topic];
        request
    }

    fn narrowed(sessions: &mut FetchSessions, partitions: &[(i32, i64)]) -> (i32, Vec<i32>, Vec<i32>) {
        let mut request = request(partitions);
        sessions.narrow(1, &mut request);
        let named = request.topics.iter().flat_map(|topic| &topic.partitions).map(|one| one.partition);
        let forgotten = request.forgotten_topics_data.iter().flat_map(|topic| topic.partitions.clone());
        (request.session_epoch, named.collect(), forgotten.collect())
    }

    #[test]
    fn a_session_names_what_changed_and_begins_anew_when_it_is_lost() {
        let mut sessions = FetchSessions::default();
        let mut answer = FetchResponse::default();
        answer.session_id = 9;
        assert_eq!(narrowed(&mut sessions, &[(0, 0), (1, 0)]), (0, vec![0, 1], vec![]));
        sessions.on_answer(1, &answer);
        assert_eq!(narrowed(&mut sessions, &[(0, 5), (1, 0)]), (1, vec![0], vec![]));
        sessions.on_answer(1, &answer);
        assert_eq!(narrowed(&mut sessions, &[(0, 5)]), (2, vec![], vec![1]));
        sessions.on_lost(1);
        assert_eq!(narrowed(&mut sessions, &[(0, 5)]), (0, vec![0], vec![]));
        answer.session_id = 0;
        sessions.on_answer(1, &answer);
        assert_eq!(narrowed(&mut sessions, &[(0, 5)]), (0, vec![0], vec![]));
    }
}
