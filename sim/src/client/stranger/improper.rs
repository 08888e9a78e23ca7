//! What nobody may ask, and what is no wrong in itself and no use to anybody: each is refused by the code that says why
//! (`check/now/asked/improper.rs`). Beside it the stranger keeps offsets of topics that come and go, which have to end with these
//! (`check/now/outlived.rs`).

use super::{NOBODYS, Purpose, Stranger};
use crate::client::Ctx;
use crate::client::assignment::subscription_bytes;
use crate::client::batch::{Sender, Shape, encode, transactional};
use crate::client::flawed::flawed;
use crate::client::keeps::KEPT;
use crate::client::link::DATA;
use crate::client::map::place;
use crate::client::member::{ORPHANS, group_name};
use crate::clock::EPOCH_MS;
use crate::dice::Dice;
use crate::history::Value;
use crate::net::Peer;
use kafka_protocol::messages::create_acls_request::AclCreation;
use kafka_protocol::messages::delete_acls_request::DeleteAclsFilter;
use kafka_protocol::messages::delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic};
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::offset_fetch_request::OffsetFetchRequestGroup;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{
    ApiKey, CreateAclsRequest, DeleteAclsRequest, DeleteRecordsRequest, DescribeAclsRequest, GroupId,
    InitProducerIdRequest, JoinGroupRequest, MetadataRequest, OffsetFetchRequest, ProduceRequest, ProducerId,
    RequestKind, SaslAuthenticateRequest, SaslHandshakeRequest, TopicName,
};
use kafka_protocol::protocol::StrBytes;

/// How many of a keeper's topics it takes an interest in.
const INTEREST: u64 = 4;
/// How many producers begin at once.
const PRODUCERS: u64 = 400;
/// Longer than any topic here takes records back, if it has a bound.
const DAYS_MS: u64 = 3 * 24 * 3_600_000;

impl Stranger {
    pub(super) fn be_improper(&mut self, ctx: &mut Ctx<'_>, node: Peer, dice: &mut Dice) {
        let (key, version, request): (ApiKey, i16, RequestKind) = match dice.below(11) {
            // Of whoever coordinates its group, if anybody does.
            0 | 1 => {
                let request = self.commit_of_passing(dice);
                return self.ask_all(ctx, ApiKey::OffsetCommit, 7, &request);
            }
            10 => {
                // As many as a broker is given at once: with these it comes to the end of what it was given.
                let request = InitProducerIdRequest::default().with_transactional_id(None);
                let request = request.with_producer_id(ProducerId(-1)).with_producer_epoch(-1);
                for _ in 0..PRODUCERS {
                    let (key, wait) = (ApiKey::InitProducerId, self.request_timeout);
                    self.link.ask(ctx, (0, DATA), key, 4, request.clone(), wait, Purpose::Nothing);
                }
                return;
            }
            2 => return self.ask_all(ctx, ApiKey::OffsetFetch, 8, &orphans().into()),
            3 => {
                let mut request = InitProducerIdRequest::default().with_transactional_id(None);
                (request.producer_id, request.producer_epoch) =
                    if dice.chance(1, 2) { (ProducerId(5), -1) } else { (ProducerId(-1), 5) };
                (ApiKey::InitProducerId, 4, request.into())
            }
            4 => (ApiKey::DeleteRecords, 2, delete(ctx, dice).into()),
            5 => (ApiKey::JoinGroup, 5, self.join(ctx, dice).into()),
            // All topics that there are; and a name, a password and rules, which nobody wants.
            7 => {
                let wait = self.request_timeout;
                let hello = SaslHandshakeRequest::default().with_mechanism(StrBytes::from_static_str("PLAIN"));
                self.link.ask(ctx, (node, DATA), ApiKey::SaslHandshake, 1, hello, wait, Purpose::Nothing);
                let token = SaslAuthenticateRequest::default();
                self.link.ask(ctx, (node, DATA), ApiKey::SaslAuthenticate, 2, token, wait, Purpose::Nothing);
                let rule = CreateAclsRequest::default().with_creations(vec![AclCreation::default(); 2]);
                self.link.ask(ctx, (node, DATA), ApiKey::CreateAcls, 1, rule, wait, Purpose::Nothing);
                let none = DeleteAclsRequest::default().with_filters(vec![DeleteAclsFilter::default()]);
                self.link.ask(ctx, (node, DATA), ApiKey::DeleteAcls, 2, none, wait, Purpose::Nothing);
                let all = DescribeAclsRequest::default();
                self.link.ask(ctx, (node, DATA), ApiKey::DescribeAcls, 3, all, wait, Purpose::Nothing);
                (ApiKey::Metadata, 9, MetadataRequest::default().with_topics(None).into())
            }
            6 => {
                // A member of a group that there never was.
                let mut request = super::commit(0, NOBODYS, 0, "nobody".into());
                request.group_id = GroupId(StrBytes::from_static_str("nobody's"));
                (request.generation_id_or_member_epoch, request.member_id) = (3, StrBytes::from_static_str("nobody"));
                (ApiKey::OffsetCommit, 7, request.into())
            }
            _ => {
                let (version, request) = self.produce(ctx, dice);
                (ApiKey::Produce, version, request.into())
            }
        };
        self.link.ask(ctx, (node, DATA), key, version, request, self.request_timeout, Purpose::Nothing);
    }

    fn ask_all(&mut self, ctx: &mut Ctx<'_>, key: ApiKey, version: i16, request: &RequestKind) {
        for node in 0..self.nodes as Peer {
            self.link.ask(ctx, (node, DATA), key, version, request.clone(), self.request_timeout, Purpose::Nothing);
        }
    }

    /// An offset of a topic that comes and goes.
    fn commit_of_passing(&mut self, dice: &mut Dice) -> RequestKind {
        self.values += 1;
        let topic = format!("{KEPT}{}", dice.below(INTEREST));
        let mut request = super::commit(0, &topic, 0, format!("{} of {}", self.values, self.me.number));
        request.group_id = GroupId(StrBytes::from_static_str(ORPHANS));
        request.into()
    }

    /// A member that may be silent for ever, or is of another kind than the others.
    fn join(&self, ctx: &Ctx<'_>, dice: &mut Dice) -> JoinGroupRequest {
        let topics: Vec<String> = ctx.plan.topics.iter().map(|topic| topic.name.clone()).collect();
        let (kind, assignor, session) = match dice.below(4) {
            0 => ("consumer", "range", 0),
            1 => ("consumer", "range", i32::MAX),
            2 => ("connect", "range", 150),
            _ => ("consumer", "nobody's", 150),
        };
        let protocol = JoinGroupRequestProtocol::default()
            .with_name(StrBytes::from_static_str(assignor))
            .with_metadata(subscription_bytes(&topics, "a stranger"));
        JoinGroupRequest::default()
            .with_group_id(GroupId(StrBytes::from(group_name(dice.below(self.groups.into()) as u32))))
            .with_session_timeout_ms(session)
            .with_rebalance_timeout_ms(300)
            .with_protocol_type(StrBytes::from_static_str(kind))
            .with_protocols(vec![protocol])
    }

    /// Records for the coordinators, of a transaction that nobody began, with acknowledgements that there are not, or in a set that is none.
    fn produce(&mut self, ctx: &Ctx<'_>, dice: &mut Dice) -> (i16, ProduceRequest) {
        let partition = dice.below(ctx.plan.partitions().count() as u64) as u32;
        let (mut name, mut index) = place(ctx.plan, partition);
        let value: Value = (u64::from(self.me.number) << 32 | self.values) * 3;
        self.values += 1;
        let sender = Sender { id: 1 << 50, epoch: 0, sequence: 0 };
        let time = EPOCH_MS + (ctx.now / 1000) as i64;
        let mut request = ProduceRequest::default();
        (request.acks, request.timeout_ms) = (1, 500);
        let mut version = 9;
        let bytes = match dice.below(6) {
            0 => transactional(&encode(&[value], Shape::plain(8), time, sender)),
            1 => {
                request.acks = dice.pick(&[2, -2, 3]);
                encode(&[value], Shape::plain(8), time, Sender::PLAIN)
            }
            2 => {
                (name, index) = (TopicName(StrBytes::from_static_str(NOBODYS)), 0);
                encode(&[value], Shape::plain(8), time, Sender::PLAIN)
            }
            3 if times_are_looked_at(ctx, partition) => {
                // The first of them is too old, and the last is not.
                encode(
                    &[value, value + 1],
                    Shape { step_ms: DAYS_MS, keyed: true, ..Shape::plain(8) },
                    time - DAYS_MS as i64,
                    Sender::PLAIN,
                )
            }
            _ => {
                let (bytes, of) = flawed(&[value], time, dice);
                version = of;
                bytes
            }
        };
        let mut data = PartitionProduceData::default();
        (data.index, data.records) = (index, Some(bytes));
        let mut topic = TopicProduceData::default();
        (topic.name, topic.partition_data) = (name, vec![data]);
        request.topic_data = vec![topic];
        (version, request)
    }
}

/// Whether the topic of a partition takes no records of long ago.
fn times_are_looked_at(ctx: &Ctx<'_>, partition: u32) -> bool {
    let topic = ctx.plan.partitions().nth(partition as usize).map(|(topic, _)| &topic.settings);
    let own = |topic: &std::collections::BTreeMap<String, String>| {
        topic.contains_key("message.timestamp.before.max.ms") && !topic.contains_key("message.timestamp.type")
    };
    topic.is_some_and(own)
}

/// All that its group without members has.
fn orphans() -> OffsetFetchRequest {
    let mut group = OffsetFetchRequestGroup::default();
    (group.group_id, group.topics) = (GroupId(StrBytes::from_static_str(ORPHANS)), None);
    let mut request = OffsetFetchRequest::default();
    request.groups = vec![group];
    request
}

/// Nothing, of a topic whose records do not go.
fn delete(ctx: &Ctx<'_>, dice: &mut Dice) -> DeleteRecordsRequest {
    let kept =
        ctx.plan.topics.iter().find(|topic| topic.settings.get("cleanup.policy").is_some_and(|is| is == "compact"));
    let kept = kept.filter(|_| dice.chance(2, 3)).map_or(NOBODYS, |topic| topic.name.as_str());
    let mut part = DeleteRecordsPartition::default();
    (part.partition_index, part.offset) = (0, 0);
    let mut topic = DeleteRecordsTopic::default();
    (topic.name, topic.partitions) = (TopicName(StrBytes::from(kept.to_string())), vec![part]);
    let mut request = DeleteRecordsRequest::default();
    (request.topics, request.timeout_ms) = (vec![topic], 500);
    request
}
