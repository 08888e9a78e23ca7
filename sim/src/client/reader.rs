//! A consumer that chose its partitions itself, and reads each from its start.

use super::fetch_session::{FetchSessions, SESSIONS};
use super::link::DATA;
use super::map::{Map, number, place};
use super::subscription::Subscription;
use super::{Client, Ctx, Event, Heard, Link, Me, earliest};
use crate::clock::EPOCH_MS;
use crate::history::{Act, State, Value};
use crate::net::Peer;
use crate::plan::{BY_ID, ClientPlan, Plan, TopicPlan};
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::offset_for_leader_epoch_request::{OffsetForLeaderPartition, OffsetForLeaderTopic};
use kafka_protocol::messages::{
    ApiKey, FetchRequest, ListOffsetsRequest, ListOffsetsResponse, OffsetForLeaderEpochRequest, ResponseKind,
};
use std::collections::{BTreeMap, BTreeSet};

const RETRY_US: u64 = 50_000;
/// An epoch that no session of one request is at.
const MISSED: i32 = 7;

#[derive(Debug)]
enum Purpose {
    Map,
    Start,
    Poll {
        op: u64,
        leader: Peer,
    },
    Latest {
        op: u64,
    },
    /// What is judged inside only: an end of an epoch, the first record of a time.
    Curious {
        partition: u32,
    },
}

/// An assigned consumer.
#[derive(Debug)]
pub struct Reader {
    me: Me,
    max_bytes: i32,
    min_bytes: i32,
    partition_bytes: i32,
    max_wait_ms: i32,
    pause_us: u64,
    request_timeout: u64,
    version: i16,
    stale_one_in: u64,
    latest_one_in: u64,
    /// The leaders' epochs in which ends were asked for.
    asked: BTreeMap<u32, i32>,
    /// A fetch session that the last answer opened, to be misled.
    session: Option<i32>,
    /// Its sessions, if it has any.
    sessions: Option<FetchSessions>,
    link: Link<Purpose>,
    map: Map,
    subscription: Subscription,
    not_before: u64,
    /// Of the last reader: the value by which it knows that it has come to the end of a partition.
    until: BTreeMap<u32, Value>,
    ended: BTreeSet<u32>,
    is_last: bool,
}

impl Reader {
    pub fn new(plan: &Plan, client: ClientPlan, me: Me) -> Self {
        let ClientPlan::Reader {
            partitions,
            max_bytes,
            max_wait_ms,
            pause_us,
            request_timeout_us,
            version,
            stale_one_in,
            latest_one_in,
            sessions,
            min_bytes,
            partition_bytes,
        } = client
        else {
            unreachable!("a reader's plan")
        };
        Self {
            max_bytes,
            min_bytes,
            partition_bytes,
            max_wait_ms,
            pause_us,
            request_timeout: request_timeout_us,
            version,
            stale_one_in,
            latest_one_in,
            asked: BTreeMap::new(),
            session: None,
            sessions: (sessions && version >= SESSIONS).then(FetchSessions::default),
            link: Link::new(me.peer, &format!("reader-{}", me.number)),
            map: Map::new(plan, me.peer),
            subscription: Subscription::new(partitions),
            not_before: 0,
            until: BTreeMap::new(),
            ended: BTreeSet::new(),
            is_last: false,
            me,
        }
    }

    /// The last reader: reads every partition until it has seen the value that the probe sent there.
    pub fn last(plan: &Plan, mut me: Me, probe: u32) -> Self {
        let partitions: Vec<u32> = (0..plan.partitions().count() as u32).collect();
        let until =
            partitions.iter().map(|partition| (*partition, u64::from(probe) << 32 | u64::from(*partition))).collect();
        let client = ClientPlan::Reader {
            partitions,
            max_bytes: 1 << 20,
            max_wait_ms: 100,
            pause_us: 0,
            request_timeout_us: 2_000_000,
            version: 12,
            stale_one_in: 0,
            latest_one_in: 0,
            sessions: me.dice().chance(1, 2),
            min_bytes: 0,
            partition_bytes: 0,
        };
        Self { until, is_last: true, ..Self::new(plan, client, me) }
    }

    fn advance(&mut self, ctx: &mut Ctx<'_>) {
        for lost in self.link.expire(ctx) {
            self.on_lost(ctx, lost);
        }
        self.map.ask(ctx, &mut self.link, self.request_timeout, Purpose::Map);
        let busy = self.link.open().any(|purpose| !matches!(purpose, Purpose::Map));
        if busy || ctx.now < self.not_before || self.is_done() {
            return;
        }
        if let Some((leader, request)) = self.subscription.list(ctx, &self.map) {
            self.link.ask(ctx, (leader, DATA), ApiKey::ListOffsets, 5, request, self.request_timeout, Purpose::Start);
        } else if let Some(partition) = self.news() {
            // A new leader may not know yet where the partition ends, nor which record has the largest time.
            let what = if self.map.epoch(partition) % 2 == 0 { LATEST } else { LARGEST };
            self.ask_offset(ctx, Some(what), Some(partition));
        } else if self.latest_one_in > 0 && self.me.dice().chance(1, self.latest_one_in) {
            match self.me.dice().below(3) {
                0 => self.ask_epoch_end(ctx),
                1 => self.ask_offset(ctx, None, None),
                _ => self.ask_offset(ctx, Some(LATEST), None),
            }
        } else if let Some((leader, mut request)) =
            self.subscription.fetch(ctx, &self.map, self.max_bytes, self.max_wait_ms)
        {
            if self.min_bytes > 0 {
                request.min_bytes = self.min_bytes;
            }
            if self.partition_bytes > 0 {
                let parts = request.topics.iter_mut().flat_map(|topic| &mut topic.partitions);
                parts.for_each(|part| part.partition_max_bytes = self.partition_bytes);
            }
            if self.version >= BY_ID {
                for topic in &mut request.topics {
                    topic.topic_id = self.map.id(ctx, &std::mem::take(&mut topic.topic));
                }
            }
            if self.stale_one_in > 0 && self.me.dice().chance(1, self.stale_one_in) {
                let parts = request.topics.iter_mut().flat_map(|topic| &mut topic.partitions);
                // One that is over, or that this leader has not heard of. Never none at all (-1): whoever leads no more would serve that.
                let step = self.me.dice().pick(&[-1, -1, 1]);
                parts.for_each(|part| part.current_leader_epoch = (part.current_leader_epoch + step).max(0));
            }
            let mut version = self.version;
            if let Some(sessions) = &mut self.sessions {
                sessions.narrow(leader, &mut request);
            } else if self.stale_one_in > 0 && self.version >= SESSIONS {
                version = self.mislead(&mut request);
            }
            let op = self.me.invoke(ctx, Act::Poll { assigned: true });
            self.link.ask(
                ctx,
                (leader, DATA),
                ApiKey::Fetch,
                version,
                request,
                self.request_timeout,
                Purpose::Poll { op, leader },
            );
        }
    }

    /// Opens a session, and asks in it as if an answer had been missed, or in a version that names topics in another way than the session does: it
    /// is refused, and nothing comes of it (KIP-227, KIP-516). Answers the version to ask in.
    fn mislead(&mut self, request: &mut FetchRequest) -> i16 {
        match self.session.take() {
            // In turn, and of nothing but what the session has.
            Some(id) if id % 2 == 0 => {
                (request.session_id, request.session_epoch) = (id, 1);
                request.topics.clear();
                return if self.version >= BY_ID { BY_ID - 1 } else { BY_ID };
            }
            Some(id) => (request.session_id, request.session_epoch) = (id, MISSED),
            None if self.me.dice().chance(1, self.stale_one_in) => request.session_epoch = 0,
            None => {}
        }
        self.version
    }

    /// A partition that has another leader than when it was asked for its end, if this reader asks for ends.
    fn news(&mut self) -> Option<u32> {
        let known = |partition: &u32| self.map.leader(*partition).is_some();
        let newer = |partition: &u32| self.map.epoch(*partition) > self.asked.get(partition).copied().unwrap_or(-1);
        let places = self.subscription.places.keys().copied();
        let found = places.filter(|_| self.latest_one_in > 0).find(|one| known(one) && newer(one))?;
        self.asked.insert(found, self.map.epoch(found));
        Some(found)
    }

    /// One of the partitions whose leader is known.
    fn any_known(&mut self) -> Option<(u32, Peer)> {
        let known = self.subscription.places.keys().filter_map(|one| Some((*one, self.map.leader(*one)?)));
        let known: Vec<(u32, Peer)> = known.collect();
        (!known.is_empty()).then(|| self.me.dice().pick(&known))
    }

    /// Asks where an epoch ended, that of the leader or one before.
    fn ask_epoch_end(&mut self, ctx: &mut Ctx<'_>) {
        let Some((partition, leader)) = self.any_known() else { return };
        let now = self.map.epoch(partition);
        let epoch = self.me.dice().between(0, now.max(0) as u64) as i32;
        let (name, index) = place(ctx.plan, partition);
        let mut wanted = OffsetForLeaderPartition::default();
        wanted.partition = index;
        wanted.leader_epoch = epoch;
        wanted.current_leader_epoch = now;
        let mut topic = OffsetForLeaderTopic::default();
        topic.topic = name;
        topic.partitions = vec![wanted];
        let mut request = OffsetForLeaderEpochRequest::default();
        request.replica_id = (-1).into();
        request.topics = vec![topic];
        let purpose = Purpose::Curious { partition };
        let key = ApiKey::OffsetForLeaderEpoch;
        self.link.ask(ctx, (leader, DATA), key, 3, request, self.request_timeout, purpose);
    }

    /// Asks where a partition ends, or (no `time`) for the first record of some time since the run began: the history has no line of that.
    fn ask_offset(&mut self, ctx: &mut Ctx<'_>, time: Option<i64>, of: Option<u32>) {
        let given = of.and_then(|partition| Some((partition, self.map.leader(partition)?)));
        let Some((partition, leader)) = given.or_else(|| self.any_known()) else { return };
        // Now and then the largest time there is.
        let some = self.me.dice().below(ctx.now / 1000 + 1) as i64;
        let some = if some % 4 == 0 { LARGEST } else { EPOCH_MS + some };
        let request = offset_request(ctx, partition, self.map.epoch(partition), time.unwrap_or(some));
        let purpose = match time {
            Some(LATEST) => Purpose::Latest { op: self.me.invoke(ctx, Act::Latest { partition }) },
            _ => Purpose::Curious { partition },
        };
        self.link.ask(ctx, (leader, DATA), ApiKey::ListOffsets, 7, request, self.request_timeout, purpose);
    }

    fn on_latest(&mut self, ctx: &mut Ctx<'_>, op: u64, answer: &ListOffsetsResponse) {
        let Some((topic, told)) = answer.topics.iter().find_map(|topic| Some((topic, topic.partitions.first()?)))
        else {
            return self.me.failed(ctx, op, "an answer without the partition");
        };
        if told.error_code == 0 {
            let epoch = (told.leader_epoch >= 0).then_some(told.leader_epoch);
            self.me.end(ctx, op, State::Ok, Act::LatestIs { offset: told.offset, epoch });
        } else {
            self.me.failed(ctx, op, &format!("error {}", told.error_code));
            if let Some(partition) = number(ctx.plan, &topic.name, told.partition_index) {
                self.map.forget(ctx, partition);
            }
        }
        self.not_before = ctx.now + self.pause_us.max(1_000);
    }

    fn on_curious(&mut self, ctx: &mut Ctx<'_>, partition: u32, refused: bool) {
        if refused {
            self.map.forget(ctx, partition);
        }
        self.not_before = ctx.now + self.pause_us.max(1_000);
    }

    fn is_done(&self) -> bool {
        self.is_last && self.until.is_empty()
    }

    fn on_lost(&mut self, ctx: &mut Ctx<'_>, purpose: Purpose) {
        self.not_before = ctx.now + RETRY_US;
        match purpose {
            Purpose::Map => self.map.on_lost(ctx),
            Purpose::Start | Purpose::Curious { .. } => self.map.refresh(ctx),
            Purpose::Poll { op, .. } | Purpose::Latest { op } => {
                if let (Some(sessions), Purpose::Poll { leader, .. }) = (&mut self.sessions, &purpose) {
                    sessions.on_lost(*leader);
                }
                self.me.unknown(ctx, op, "connection lost");
                self.map.refresh(ctx);
            }
        }
    }

    fn on_answer(&mut self, ctx: &mut Ctx<'_>, purpose: Purpose, answer: ResponseKind) {
        match (purpose, answer) {
            (Purpose::Map, ResponseKind::Metadata(answer)) => self.map.on_answer(ctx, &answer),
            (Purpose::Start, ResponseKind::ListOffsets(answer)) => {
                for (partition, offset) in self.subscription.on_listed(ctx, &mut self.map, &answer) {
                    self.me.tell(ctx, Act::Seek { partition, offset });
                }
                self.not_before = ctx.now + 1_000;
            }
            (Purpose::Latest { op }, ResponseKind::ListOffsets(answer)) => self.on_latest(ctx, op, &answer),
            (Purpose::Curious { partition }, ResponseKind::ListOffsets(answer)) => {
                let refused = answer.topics.iter().flat_map(|topic| &topic.partitions).any(|told| told.error_code != 0);
                self.on_curious(ctx, partition, refused);
            }
            (Purpose::Curious { partition }, ResponseKind::OffsetForLeaderEpoch(answer)) => {
                let refused = answer.topics.iter().flat_map(|topic| &topic.partitions).any(|told| told.error_code != 0);
                self.on_curious(ctx, partition, refused);
            }
            (Purpose::Poll { op, leader }, ResponseKind::Fetch(answer)) => {
                if let Some(sessions) = &mut self.sessions {
                    sessions.on_answer(leader, &answer);
                }
                self.session = (answer.session_id != 0).then_some(answer.session_id);
                let fetched = self.subscription.on_fetched(ctx, &mut self.map, &answer);
                let seen: Vec<(u32, Value)> = fetched
                    .reads
                    .iter()
                    .flat_map(|read| read.records.iter().map(|(_, value)| (read.partition, *value)))
                    .filter(|_| self.is_last)
                    .collect();
                let pause =
                    if fetched.reads.is_empty() && !fetched.out_of_range.is_empty() { 1_000 } else { self.pause_us };
                let empty = fetched.reads.is_empty();
                self.me.end(ctx, op, State::Ok, Act::Polled { reads: fetched.reads });
                // An empty answer waited at the broker; one with an error did not.
                self.not_before =
                    ctx.now + if empty { pause.max(if self.is_last { 1_000 } else { 10_000 }) } else { pause };
                self.reach(ctx, &seen);
                self.reach_bounded(ctx);
            }
            _ => {}
        }
    }

    /// Where a log has bounds the value that is looked for may be gone: there the end that the broker tells is one.
    fn reach_bounded(&mut self, ctx: &mut Ctx<'_>) {
        let bounded = |partition: u32| {
            let topic = ctx.plan.partitions().nth(partition as usize).map(|(topic, _)| topic);
            topic.is_some_and(TopicPlan::is_bounded)
        };
        let at_end = |partition: &u32| {
            let place = self.subscription.places.get(partition);
            place.is_some_and(|at| at.offset.is_some() && at.offset == at.end)
        };
        let ended = self.until.iter().filter(|(partition, _)| bounded(**partition) && at_end(partition));
        let ended: Vec<(u32, Value)> = ended.map(|(partition, value)| (*partition, *value)).collect();
        self.reach(ctx, &ended);
    }

    /// Whether among these values are the ends that are looked for.
    fn reach(&mut self, ctx: &mut Ctx<'_>, seen: &[(u32, Value)]) {
        for (partition, value) in seen {
            if self.until.get(partition) == Some(value) {
                self.until.remove(partition);
                self.ended.insert(*partition);
                let place = self.subscription.places.remove(partition);
                let offset = place.and_then(|place| place.offset).unwrap_or(-1);
                self.me.tell(ctx, Act::End { partition: *partition, offset });
            }
        }
    }
}

/// Kafka's name for the offset behind the last record.
const LATEST: i64 = -1;
/// And for the first record with the largest timestamp.
const LARGEST: i64 = -3;

fn offset_request(ctx: &Ctx<'_>, partition: u32, epoch: i32, time: i64) -> ListOffsetsRequest {
    let (name, index) = place(ctx.plan, partition);
    let mut wanted = ListOffsetsPartition::default();
    wanted.partition_index = index;
    wanted.timestamp = time;
    wanted.current_leader_epoch = epoch;
    let mut topic = ListOffsetsTopic::default();
    topic.name = name;
    topic.partitions = vec![wanted];
    let mut request = ListOffsetsRequest::default();
    request.replica_id = (-1).into();
    request.topics = vec![topic];
    request
}

impl Client for Reader {
    fn on_event(&mut self, ctx: &mut Ctx<'_>, event: Event) {
        match self.link.hear(ctx, event) {
            Heard::Answer(purpose, answer) => self.on_answer(ctx, purpose, answer),
            Heard::Lost(lost) => lost.into_iter().for_each(|purpose| self.on_lost(ctx, purpose)),
            Heard::Quiet | Heard::Nothing => {}
        }
        self.advance(ctx);
    }

    fn next_wake(&self) -> Option<u64> {
        let busy = self.link.open().any(|purpose| !matches!(purpose, Purpose::Map));
        let known = self.subscription.places.keys().any(|partition| self.map.leader(*partition).is_some());
        let next = (!busy && known && !self.is_done()).then_some(self.not_before);
        earliest([self.link.next_deadline(), self.map.next_wake(), next])
    }

    fn settled(&self, _gone: Option<Peer>) -> Result<(), String> {
        match self.until.keys().next() {
            Some(partition) if self.is_last => {
                let at = self.subscription.places.get(partition);
                Err(format!(
                    "partition {partition} could not be read to its end: at {:?}, watermark {:?}",
                    at.and_then(|at| at.offset),
                    at.and_then(|at| at.end)
                ))
            }
            _ => Ok(()),
        }
    }
}
