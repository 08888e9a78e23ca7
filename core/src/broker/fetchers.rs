//! Follows the leaders of this node's followers: one fetcher a leader node.

use super::fetcher::Fetcher;
use crate::api::fetch::PRODUCERS_TAG;
use crate::config::{NodeConfig, ReplicaSettings};
use crate::error::{ErrorCode, Refusal};
use crate::id::{BrokerEpoch, CallId, LeaderEpoch, NodeId, Offset, PartitionKey};
use crate::io::{CallFault, Lane};
use crate::mutant::{self, Mutant};
use crate::node::{Appender, Node};
use crate::partition::{FollowerStep, Partition, Replicated};
use crate::time::{Mono, Now};
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use kafka_protocol::messages::fetch_response::PartitionData;
use kafka_protocol::messages::{ApiKey, FetchResponse, ResponseKind};

/// The version spoken between Esker nodes.
const VERSION: i16 = 18;

#[derive(Debug)]
pub(super) struct Fetchers {
    settings: ReplicaSettings,
    fetchers: BTreeMap<NodeId, Fetcher>,
    /// Whose fetcher each followed partition is in.
    leaders: BTreeMap<PartitionKey, NodeId>,
}

impl Fetchers {
    pub fn new(config: &NodeConfig) -> Self {
        Self { settings: config.replicas.clone(), fetchers: BTreeMap::new(), leaders: BTreeMap::new() }
    }

    /// Called for every partition that an input touched, also where nothing changed in it.
    pub fn on_partition_event(&mut self, node: &Node, key: PartitionKey) {
        let plan = node.partitions.get(key).and_then(Partition::fetch_plan);
        let before = self.leaders.get(&key).copied();
        let Some(plan) = plan else {
            if before.is_some() {
                self.forget(key);
            }
            return;
        };
        if before != Some(plan.leader) {
            self.forget(key);
            self.leaders.insert(key, plan.leader);
        }
        self.fetchers.entry(plan.leader).or_default().observe(key, plan);
    }

    /// A broker registered, or its address changed.
    pub fn on_brokers_changed(&mut self) {
        self.fetchers.values_mut().for_each(Fetcher::hurry);
    }

    /// The partition is no longer followed, or no longer kept here.
    pub fn forget(&mut self, key: PartitionKey) {
        if let Some(leader) = self.leaders.remove(&key)
            && let Some(fetcher) = self.fetchers.get_mut(&leader)
        {
            fetcher.forget(key);
        }
    }

    /// After every input, when all partitions are settled: sends what can be sent. Whether it sent anything. Who is not
    /// registered does not fetch: the leader could not tell it from an incarnation before (KIP-903).
    pub fn settle(&mut self, node: &mut Node, now: Now, epoch: Option<BrokerEpoch>) -> bool {
        self.fetchers.retain(|_, fetcher| !fetcher.is_idle());
        let Some(epoch) = epoch else { return false };
        let mut sent = false;
        for (leader, fetcher) in &mut self.fetchers {
            if !fetcher.wants_to_send(now.mono) {
                continue;
            }
            let broker = node.image.broker(*leader);
            let address = broker.and_then(|b| b.address(&node.config.inter_broker).or_else(|| b.main_address()));
            let Some(to) = address else {
                fetcher.hold_back(now.mono, self.settings.fetch_backoff);
                continue;
            };
            let request = fetcher.request(node.config.node, epoch, &self.settings);
            let call = node.out.call(to, Lane::Replica, ApiKey::Fetch, VERSION, request.into());
            fetcher.sent(call, now.mono + self.settings.request_timeout + self.settings.fetch_wait);
            sent = true;
        }
        sent
    }

    pub fn on_tick(&mut self, now: Now) {
        for fetcher in self.fetchers.values_mut() {
            if fetcher.is_overdue(now.mono) {
                fetcher.failed(now.mono, self.settings.fetch_backoff);
            }
            fetcher.on_tick(now.mono);
        }
    }

    pub fn next_deadline(&self) -> Option<Mono> {
        self.fetchers.values().filter_map(Fetcher::next_deadline).min()
    }

    pub fn owns_call(&self, call: CallId) -> bool {
        self.fetchers.values().any(|fetcher| fetcher.owns(call))
    }

    pub fn on_call_done(
        &mut self,
        node: &mut Node,
        now: Now,
        call: CallId,
        result: Result<Box<ResponseKind>, CallFault>,
        checks: Vec<Result<(), Refusal>>,
    ) {
        let backoff = self.settings.fetch_backoff;
        let Some((leader, fetcher)) = self.fetchers.iter_mut().find(|(_, fetcher)| fetcher.owns(call)) else { return };
        let leader = *leader;
        match result.map(|body| *body) {
            Ok(ResponseKind::Fetch(response)) => match ErrorCode::try_from_code(response.error_code) {
                None if response.error_code == 0 => {
                    let session = response.session_id;
                    self.take(node, now, leader, response, checks);
                    if let Some(fetcher) = self.fetchers.get_mut(&leader) {
                        fetcher.answered(session);
                    }
                }
                // The next request opens a new session, which cannot be answered so.
                Some(
                    ErrorCode::FetchSessionIdNotFound
                    | ErrorCode::InvalidFetchSessionEpoch
                    | ErrorCode::FetchSessionTopicIdError,
                ) => fetcher.session_lost(),
                Some(_) | None => fetcher.failed(now.mono, backoff),
            },
            Ok(_) | Err(_) => fetcher.failed(now.mono, backoff),
        }
    }

    fn take(
        &mut self,
        node: &mut Node,
        now: Now,
        leader: NodeId,
        response: FetchResponse,
        checks: Vec<Result<(), Refusal>>,
    ) {
        let mut checks = checks.into_iter();
        for topic in response.responses {
            for data in topic.partitions {
                let key = PartitionKey { topic: topic.topic_id.into(), partition: data.partition_index };
                let check = checks.next().unwrap_or(Ok(()));
                self.take_partition(node, now, leader, key, data, check);
            }
        }
    }

    fn take_partition(
        &mut self,
        node: &mut Node,
        now: Now,
        leader: NodeId,
        key: PartitionKey,
        data: PartitionData,
        check: Result<(), Refusal>,
    ) {
        let Some(fetcher) = self.fetchers.get_mut(&leader) else { return };
        let Some(asked) = fetcher.told(key) else { return };
        let records = data.records.unwrap_or_default();
        let bytes = records.len();
        // What has no room is dropped, and asked for again after a while: the leader takes the replica out of the in-sync set when it
        // lags, and back when it has caught up. Empty answers are taken: who has all the leader has stays in sync.
        if bytes > 0 && admit(node, key, bytes as u64).is_err() {
            return fetcher.pause(key, now.mono, self.settings.fetch_backoff);
        }
        let Some(partition) = node.partitions.get_mut(key) else { return };
        let result = match (ErrorCode::try_from_code(data.error_code), check) {
            (None, Ok(())) if data.error_code == 0 => Ok(()),
            (Some(code), _) => Err(code),
            (None, Err(refusal)) => Err(refusal.code),
            (None, Ok(())) => Err(ErrorCode::UnknownServerError),
        };
        let diverging = (data.diverging_epoch.epoch >= 0)
            .then_some((LeaderEpoch(data.diverging_epoch.epoch), Offset(data.diverging_epoch.end_offset)));
        let full = bytes.saturating_mul(2) > self.settings.fetch_bytes as usize;
        let answer = Replicated {
            asked,
            result,
            records,
            watermark: Offset(data.high_watermark),
            start: Offset(data.log_start_offset),
            diverging,
            producers: data.unknown_tagged_fields.get(&PRODUCERS_TAG).cloned().unwrap_or_default(),
        };
        let dir = partition.dir();
        let (step, event) = partition.on_fetched(now, answer, &mut node.out);
        node.partitions.note(dir, event);
        match step {
            FollowerStep::Fetch => {
                node.room.spend(bytes as u64);
                fetcher.on_bytes(key, bytes, full);
            }
            FollowerStep::Stale => {}
            FollowerStep::Backoff if mutant::is(Mutant::ErrorWithoutPause) => {}
            FollowerStep::Backoff => fetcher.pause(key, now.mono, self.settings.fetch_backoff),
        }
    }
}

/// Whether a follower finds room for so many bytes of its leader's.
fn admit(node: &mut Node, key: PartitionKey, bytes: u64) -> Result<(), ErrorCode> {
    let of_coordinator = node.image.topic(key.topic).is_some_and(crate::metadata::Topic::internal);
    let whose = if of_coordinator { Appender::CoordinatorsFollower } else { Appender::Follower };
    node.room.admit(whose, bytes, &mut node.out)
}
