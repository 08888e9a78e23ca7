//! Three replicas, their disks and a controller of the plainest kind, driven from a seed. After every step the promises of
//! replication are looked at from outside: with the bytes that each log really holds.

mod promises;
mod rot;

use crate::batch::{Batches, Builder};
use crate::error::ErrorCode;
use crate::id::{BrokerEpoch, DirId, LeaderEpoch, NodeId, Offset, PartitionEpoch, PartitionKey, Uuid};
use crate::io::{Out, Records};
use crate::log::fake::Disk;
use crate::log::{Loading, Log, LogConfig, Opening, Reading};
use crate::metadata;
use crate::partition::{
    Acks, Appended, FetchPlan, FetchQuery, Granted, Isolation, Partition, PartitionEvent, Proposal, ReplicaFetch,
    Replicated, Settings,
};
use crate::rng::Rng;
use crate::time::{Mono, Now, Span, Wall};
use alloc::collections::BTreeMap;
use alloc::string::ToString;
use alloc::vec::Vec;
use bytes::Bytes;

pub const KEY: PartitionKey = PartitionKey { topic: Uuid(7), partition: 0 };
const LAG: Span = Span::from_millis(300);
pub const SETTINGS: Settings = Settings { min_insync: 2, lag_max: LAG, retry: Span::from_millis(20), unclean: false };

/// Base offset to the stored batch.
type Batched = BTreeMap<Offset, Bytes>;

pub struct Replica {
    pub partition: Option<Partition>,
    pub disk: Disk,
    pub out: Out,
    /// What its log holds.
    holds: Batched,
    /// A byte on its disk was flipped while its process was down, and it was closed in order: nothing is scanned.
    damaged: bool,
    /// `holds` was read back after the start.
    loaded: bool,
    /// Registered under this incarnation; it rises with each start.
    incarnation: i64,
    /// What a checkpoint would have kept of the watermark.
    checkpoint: Offset,
    /// The fetch that is on its way to the leader, and the answer that is on its way back.
    asked: Option<FetchPlan>,
    pub answered: Option<Replicated>,
}

pub struct Cluster {
    pub replicas: Vec<Replica>,
    pub now: Now,
    pub rng: Rng,
    pub state: metadata::Partition,
    /// Batches that some leader's watermark has passed: nobody may lose or change one.
    pub committed: Batched,
    pub committed_end: Offset,
    /// Appends that wait for their acknowledgement, with the node that took them.
    waiting: Vec<(NodeId, Appended, Acks, Bytes)>,
    /// What was acknowledged with `acks=all`.
    pub acked: Batched,
    /// What consumers were given.
    seen: Batched,
    proposals: Vec<(NodeId, Proposal)>,
    next_value: u64,
    /// What went wrong.
    pub broken: Option<&'static str>,
}

fn node(at: usize) -> NodeId {
    NodeId(at as i32 + 1)
}

fn end_of(holds: &Batched) -> Offset {
    holds.last_key_value().map_or(Offset::ZERO, |(_, batch)| {
        Batches::of(batch).next().map_or(Offset::ZERO, |(header, _)| header.next_offset())
    })
}

fn split(bytes: &Bytes) -> Vec<(Offset, Bytes)> {
    let mut at = 0;
    Batches::of(bytes)
        .map(|(header, batch)| {
            let piece = bytes.slice(at..at + batch.len());
            at += batch.len();
            (header.base_offset(), piece)
        })
        .collect()
}

impl Cluster {
    pub fn new(seed: u64, count: usize) -> Self {
        let replicas: Vec<NodeId> = (0..count).map(node).collect();
        let mut cluster = Self {
            replicas: Vec::new(),
            now: Now { mono: Mono(1_000_000), wall: Wall(1_700_000_000_000) },
            rng: Rng::new(seed, 77),
            state: metadata::Partition::new(replicas.clone(), replicas),
            committed: BTreeMap::new(),
            committed_end: Offset::ZERO,
            waiting: Vec::new(),
            acked: BTreeMap::new(),
            seen: BTreeMap::new(),
            proposals: Vec::new(),
            next_value: 0,
            broken: None,
        };
        for at in 0..count {
            cluster.replicas.push(Replica {
                partition: None,
                disk: Disk::default(),
                out: Out::default(),
                holds: BTreeMap::new(),
                damaged: false,
                loaded: false,
                incarnation: 0,
                checkpoint: Offset::ZERO,
                asked: None,
                answered: None,
            });
            cluster.start(at);
        }
        (0..count).for_each(|at| cluster.hear(at));
        cluster
    }

    /// The process of a replica starts on what its disk holds.
    pub fn start(&mut self, at: usize) {
        let one = &mut self.replicas[at];
        one.incarnation += 1;
        one.loaded = false;
        one.out = Out::default();
        let config = LogConfig { segment_bytes: 600, tail_bytes: 400, ..LogConfig::default() };
        let opening =
            Opening { clean: one.damaged, durable: one.checkpoint, topic_id: Some(KEY.topic), ..Opening::default() };
        let dir = DirId(9);
        let log = Log::open(dir, "t-0".to_string(), config, opening, self.now, &mut one.out);
        one.partition =
            Some(Partition::new(KEY, dir, "t-0".to_string(), node(at), SETTINGS, log, one.checkpoint, Offset::ZERO));
        self.drain(at);
        if !self.replicas[at].damaged {
            self.load(at);
        }
        self.replicas[at].loaded = true;
        self.after(at, PartitionEvent::NONE);
    }

    /// The power of a replica fails: what was not durable may be gone.
    pub fn crash(&mut self, at: usize) {
        let (one, rng) = (&mut self.replicas[at], &mut self.rng);
        one.disk.accept(&mut one.out);
        one.disk.crash(rng);
        one.partition = None;
        one.asked = None;
        one.answered = None;
        self.waiting.retain(|(taker, ..)| *taker != node(at));
        self.proposals.retain(|(asker, _)| *asker != node(at));
        // The controller fences it.
        let gone = node(at);
        if self.state.isr.len() > 1 {
            self.state.isr.retain(|member| *member != gone);
        }
        if self.state.leader == Some(gone) {
            self.elect();
        }
        self.state.epoch = PartitionEpoch(self.state.epoch.0 + 1);
    }

    /// The controller takes a replica out of the in-sync set, as when it fences it.
    pub fn put_out(&mut self, at: usize) {
        self.state.isr.retain(|member| *member != node(at));
        self.state.epoch = PartitionEpoch(self.state.epoch.0 + 1);
    }

    /// The replica, which is in sync, leads in the next epoch.
    pub fn lead(&mut self, at: usize) {
        while self.state.leader != Some(node(at)) {
            self.elect();
        }
    }

    /// What the replica's log holds is read from its disk once more.
    pub fn reread(&mut self, at: usize) {
        self.replicas[at].loaded = false;
        self.load(at);
        self.replicas[at].loaded = true;
    }

    /// Somebody in sync who lives leads in the next epoch; nobody if there is nobody.
    fn elect(&mut self) {
        let alive: Vec<NodeId> = self.state.isr.iter().copied().filter(|id| self.is_up(id.0 as usize - 1)).collect();
        let chosen = self.rng.below(alive.len().max(1) as u64) as usize;
        self.state.leader = alive.get(chosen).copied();
        self.state.leader_epoch = LeaderEpoch(self.state.leader_epoch.0 + 1);
        self.state.epoch = PartitionEpoch(self.state.epoch.0 + 1);
    }

    /// Another leader without a crash, as after `ElectLeaders`.
    pub fn move_leader(&mut self) {
        self.elect();
    }

    pub fn is_up(&self, at: usize) -> bool {
        self.replicas[at].partition.is_some()
    }

    /// A replica that came back is registered again; a partition without a leader gets one.
    pub fn unfence(&mut self) {
        if self.state.leader.is_none() {
            self.elect();
        }
    }

    /// The metadata reaches a replica.
    pub fn hear(&mut self, at: usize) {
        let one = &mut self.replicas[at];
        let Some(partition) = one.partition.as_mut() else { return };
        let event = partition.on_state(self.now, &self.state, &mut one.out);
        self.after(at, event);
    }

    /// Executes all disk operations of a replica.
    fn drain(&mut self, at: usize) {
        while self.step_disk(at) {}
    }

    pub fn step_disk(&mut self, at: usize) -> bool {
        let (one, rng) = (&mut self.replicas[at], &mut self.rng);
        one.disk.accept(&mut one.out);
        let Some(partition) = one.partition.as_mut() else { return false };
        let Some((serial, result)) = one.disk.step(rng) else { return false };
        let event = partition.on_disk(self.now, serial, result, &mut one.out);
        self.after(at, event);
        true
    }

    /// Reads back all that the log holds.
    fn load(&mut self, at: usize) {
        self.replicas[at].holds.clear();
        loop {
            let one = &mut self.replicas[at];
            let Some(partition) = one.partition.as_mut() else { return };
            let from = end_of(&one.holds).max(partition.log_start());
            match partition.load(self.now, from, 1 << 20, &mut one.out).expect("what recovery kept can be read") {
                Loading::End => return,
                Loading::Wait => self.drain(at),
                Loading::Batches(batches) => {
                    let pieces = batches.iter().flat_map(split);
                    one.holds.extend(pieces);
                }
            }
        }
    }

    /// After every step of a replica: what its log holds now, and the promises.
    fn after(&mut self, at: usize, event: PartitionEvent) {
        assert!(event.failed.is_none());
        let one = &mut self.replicas[at];
        let Some(partition) = one.partition.as_mut() else { return };
        partition.check();
        if !partition.is_online() || !one.loaded {
            return;
        }
        let end = partition.log_end();
        let cut: Vec<Offset> = one.holds.range(end..).map(|(base, _)| *base).collect();
        for base in cut {
            one.holds.remove(&base);
        }
        if event.role && partition.is_leader() {
            // Who is elected from the in-sync set holds all that was committed.
            let whole = self.committed.iter().all(|(base, batch)| one.holds.get(base) == Some(batch));
            self.complain(!whole, "a leader lacks what was committed");
        }
        self.commit(at);
        self.acknowledge();
    }

    /// A producer sends one record to whoever thinks that it leads.
    pub fn produce(&mut self, at: usize, acks: Acks) -> Result<(), ErrorCode> {
        self.next_value += 1;
        let mut batch = Builder::new();
        batch.push(self.now.wall.0, None, Some(&self.next_value.to_be_bytes()), &[]);
        let one = &mut self.replicas[at];
        let Some(partition) = one.partition.as_mut() else { return Err(ErrorCode::NetworkException) };
        let done = partition.on_produce(self.now, batch.finish(), acks, &mut one.out);
        let (appended, event) = done.map_err(|refusal| refusal.code)?;
        let query = FetchQuery { epoch: None, offset: appended.base, last_epoch: None, max_bytes: 1 << 20 };
        let read = partition.on_fetch(self.now, &query, None, Isolation::End, true, &mut one.out).expect("it leads");
        let Reading::Ready { records, .. } = read.reading else { panic!("what was just appended is in memory") };
        let pieces = split(&bytes_of(one, &records));
        let batch = pieces.first().expect("one batch").1.clone();
        one.holds.extend(pieces);
        self.waiting.push((node(at), appended, acks, batch));
        self.after(at, event);
        Ok(())
    }

    /// A consumer reads from whoever thinks that it leads.
    pub fn consume(&mut self, at: usize) {
        let one = &mut self.replicas[at];
        let Some(partition) = one.partition.as_mut() else { return };
        let offset = Offset(self.rng.below(partition.log_end().0 as u64 + 1) as i64);
        let query = FetchQuery { epoch: None, offset, last_epoch: None, max_bytes: 300 };
        let Ok(fetched) = partition.on_fetch(self.now, &query, None, Isolation::Watermark, true, &mut one.out) else {
            return;
        };
        let Reading::Ready { records, .. } = fetched.reading else { return };
        let watermark = partition.watermark();
        for (base, batch) in split(&bytes_of(one, &records)) {
            self.complain(base >= watermark, "a consumer read beyond the watermark");
            self.seen.insert(base, batch);
        }
    }

    /// A follower sends its Fetch.
    pub fn ask(&mut self, at: usize) {
        let one = &mut self.replicas[at];
        if one.asked.is_none() && one.answered.is_none() {
            one.asked = one.partition.as_ref().and_then(Partition::fetch_plan);
        }
    }

    /// The leader that the follower asked answers.
    pub fn answer(&mut self, at: usize) {
        let Some(asked) = self.replicas[at].asked.take() else { return };
        let leader = asked.leader.0 as usize - 1;
        let eligible = self.is_up(at);
        let replica = ReplicaFetch {
            node: node(at),
            broker_epoch: BrokerEpoch(self.replicas[at].incarnation),
            synced: asked.synced,
            start: asked.start,
            eligible,
        };
        let query =
            FetchQuery { epoch: Some(asked.epoch), offset: asked.offset, last_epoch: asked.last_epoch, max_bytes: 300 };
        let one = &mut self.replicas[leader];
        let Some(partition) = one.partition.as_mut() else { return };
        let other_epoch = partition.leader_epoch() != asked.epoch;
        let counted = partition.on_replica_fetch(self.now, &replica, &query);
        let read = partition.on_fetch(self.now, &query, Some(node(at)), Isolation::End, true, &mut one.out);
        let bounds = (partition.watermark(), partition.log_start());
        let producers = partition.producers_at_start().unwrap_or_default();
        let answer = match read {
            Err(refusal) => Some((Err(refusal.code), Bytes::new(), None)),
            Ok(fetched) => match fetched.reading {
                Reading::Wait => None,
                Reading::Ready { records, .. } => Some((Ok(()), bytes_of(one, &records), fetched.diverging)),
            },
        };
        if let Some((result, records, diverging)) = answer {
            let (watermark, start) = bounds;
            let answer = Replicated { asked, result, records, watermark, start, diverging, producers };
            self.replicas[at].answered = Some(answer);
        }
        if let Ok(event) = counted {
            // KIP-320, KIP-497: a leader hears only whom it leads.
            self.complain(other_epoch, "a fetch of another epoch was counted");
            self.after(leader, event);
        }
    }

    /// The answer reaches the follower.
    pub fn take(&mut self, at: usize) {
        let one = &mut self.replicas[at];
        let (Some(answer), Some(partition)) = (one.answered.take(), one.partition.as_mut()) else { return };
        let (before, records) = (partition.log_end(), answer.records.clone());
        let (_, event) = partition.on_fetched(self.now, answer, &mut one.out);
        let end = partition.log_end();
        if end > before {
            one.holds.extend(split(&records).into_iter().filter(|(base, _)| *base >= before && *base < end));
        }
        self.after(at, event);
    }

    /// A leader asks the controller for a change of the in-sync set.
    pub fn propose(&mut self, at: usize) {
        let one = &mut self.replicas[at];
        let Some(partition) = one.partition.as_mut() else { return };
        let event = partition.on_tick(self.now, &mut one.out);
        if let Some(proposal) = partition.isr_proposal(self.now) {
            self.proposals.push((node(at), proposal));
        }
        self.after(at, event);
    }

    /// The controller decides the oldest proposal; its answer may be lost.
    pub fn decide(&mut self) {
        if self.proposals.is_empty() {
            return;
        }
        let (asker, proposal) = self.proposals.remove(0);
        let state = &mut self.state;
        let alive = |id: &NodeId| self.replicas[id.0 as usize - 1].partition.is_some();
        let answer =
            if proposal.leader_epoch != state.leader_epoch {
                Err(ErrorCode::FencedLeaderEpoch)
            } else if proposal.partition_epoch != state.epoch {
                Err(ErrorCode::InvalidUpdateVersion)
            } else if proposal.isr.iter().any(|(id, epoch)| {
                !alive(id) || epoch.0 >= 0 && epoch.0 != self.replicas[id.0 as usize - 1].incarnation
            }) {
                Err(ErrorCode::IneligibleReplica)
            } else {
                state.isr = proposal.isr.iter().map(|(id, _)| *id).collect();
                state.epoch = PartitionEpoch(state.epoch.0 + 1);
                if !state.isr.contains(&asker) {
                    return self.elect();
                }
                Ok(Granted { leader_epoch: state.leader_epoch, partition_epoch: state.epoch, isr: state.isr.clone() })
            };
        if self.rng.below(4) == 0 {
            return;
        }
        let at = asker.0 as usize - 1;
        let Some(partition) = self.replicas[at].partition.as_mut() else { return };
        let event = partition.on_isr_answer(self.now, proposal.serial, answer);
        self.after(at, event);
    }

    pub fn pass(&mut self, span: Span) {
        self.now.mono = self.now.mono + span;
        self.now.wall = Wall(self.now.wall.0 + span.as_millis() as i64);
    }

    /// One round in which all goes well, for everybody who lives.
    pub fn calm(&mut self) {
        self.unfence();
        for at in 0..self.replicas.len() {
            if !self.is_up(at) {
                self.start(at);
            }
            self.hear(at);
            self.drain(at);
            self.ask(at);
            self.answer(at);
            self.take(at);
            self.drain(at);
            self.propose(at);
            self.decide();
        }
        self.pass(Span::from_millis(5));
    }

    pub fn checkpoint(&mut self, at: usize) {
        let one = &mut self.replicas[at];
        if let Some(partition) = one.partition.as_ref().filter(|partition| partition.is_online()) {
            one.checkpoint = partition.promised();
        }
    }

    /// Loses the fetch, or the answer, that is on its way.
    pub fn lose(&mut self, at: usize) {
        self.replicas[at].asked = None;
        self.replicas[at].answered = None;
    }

    pub fn holds(&self, at: usize) -> &Batched {
        &self.replicas[at].holds
    }
}

fn bytes_of(one: &Replica, records: &Records) -> Bytes {
    match records {
        Records::Empty => Bytes::new(),
        Records::Memory(parts) => parts.iter().flat_map(|part| part.iter().copied()).collect::<Vec<u8>>().into(),
        Records::File(range) => {
            let bytes = one.disk.bytes(range.file.name).expect("a file that is read is there");
            let at = range.at as usize;
            Bytes::copy_from_slice(&bytes[at..at + range.len as usize])
        }
    }
}
