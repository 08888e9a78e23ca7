//! What only brokers ask of each other, in the name of one that has started anew since; and records that no client may write. A broker's
//! Fetch of an epoch that is over must not count (KIP-903), nor may what is sent here come into any log.

use super::{Purpose, Stranger};
use crate::client::Ctx;
use crate::client::batch::{Sender, Shape, control, encode};
use crate::client::link::DATA;
use crate::client::map::place;
use crate::clock::EPOCH_MS;
use crate::dice::Dice;
use crate::history::Value;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic, ReplicaState};
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{ApiKey, BrokerId, FetchRequest, ProduceRequest};

/// Versions that Esker's brokers and old clients ask with.
const FETCH: i16 = 17;
const PRODUCE: i16 = 9;

impl Stranger {
    pub(super) fn trespass(&mut self, ctx: &mut Ctx<'_>, broker: BrokerId, dice: &mut Dice) {
        let Some(map) = &mut self.map else { return };
        if dice.chance(1, 4) {
            map.refresh(ctx);
        }
        let partition = dice.below(ctx.plan.partitions().count() as u64) as u32;
        let Some(leader) = map.leader(partition) else { return };
        let (name, index) = place(ctx.plan, partition);
        if dice.chance(1, 2) {
            // Offset 0 of the metadata is no broker's: so no broker ever had this epoch.
            let mut state = ReplicaState::default();
            (state.replica_id, state.replica_epoch) = (broker, 0);
            let mut part = FetchPartition::default();
            (part.partition, part.current_leader_epoch) = (index, map.epoch(partition));
            // Nothing, or more than anybody has.
            part.fetch_offset = if dice.chance(1, 2) { 0 } else { self.values as i64 };
            (part.last_fetched_epoch, part.log_start_offset, part.partition_max_bytes) = (-1, 0, 1_000);
            // Or as a reader, which has read in an epoch that there may never have been.
            if dice.chance(1, 2) {
                state = ReplicaState::default();
                part.last_fetched_epoch = (part.current_leader_epoch - dice.between(0, 4) as i32).max(-1);
            }
            let mut topic = FetchTopic::default();
            topic.topic_id = map.id(ctx, &name);
            topic.partitions = vec![part];
            let mut request = FetchRequest::default();
            (request.replica_state, request.session_id, request.session_epoch) = (state, 0, -1);
            (request.max_wait_ms, request.min_bytes, request.max_bytes) = (10, 0, 10_000);
            request.topics = vec![topic];
            let wait = self.request_timeout;
            self.link.ask(ctx, (leader, DATA), ApiKey::Fetch, FETCH, request, wait, Purpose::Nothing);
            return;
        }
        let compacted = ctx.plan.partitions().nth(partition as usize).is_some_and(|(topic, _)| topic.is_compacted());
        // One of three values has a key: this one has none.
        let value: Value = (u64::from(self.me.number) << 32 | self.values) * 3 + 1;
        self.values += 1;
        let time = EPOCH_MS + (ctx.now / 1000) as i64;
        let bytes = encode(&[value], Shape { keyed: !compacted, ..Shape::plain(8) }, time, Sender::PLAIN);
        let mut data = PartitionProduceData::default();
        data.index = index;
        data.records = Some(if compacted { bytes } else { control(&bytes) });
        let mut topic = TopicProduceData::default();
        topic.name = name;
        topic.partition_data = vec![data];
        let mut request = ProduceRequest::default();
        (request.acks, request.timeout_ms) = (1, 500);
        request.topic_data = vec![topic];
        let wait = self.request_timeout;
        self.link.ask(ctx, (leader, DATA), ApiKey::Produce, PRODUCE, request, wait, Purpose::Nothing);
    }
}
