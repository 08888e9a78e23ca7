//! A node for tests of requests that read and write logs: a metadata image made by hand, logs on fake disks that run
//! only when told to, and other replicas played by the test.

use super::{delete_records, fetch, list_offsets, produce};
use crate::batch::Builder;
use crate::config::NodeConfig;
use crate::group::Groups;
use crate::id::{BrokerEpoch, ConnId, DirId, LeaderEpoch, NodeId, Offset, PartitionEpoch, PartitionKey, Uuid};
use crate::io::{Ask, Listener, Out, Output, Reply};
use crate::log::fake::Disk;
use crate::log::{Log, LogConfig, Opening};
use crate::metadata::{self, Broker, Endpoint, Record};
use crate::node::{Node, Waiting};
use crate::partition::{Partition, Settings};
use crate::quorum::{Quorum, QuorumConfig};
use crate::rng::Rng;
use crate::time::{Mono, Now, Span, Wall};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::vec::Vec;
use bytes::Bytes;
use kafka_protocol::messages::ResponseKind;
use kafka_protocol::protocol::StrBytes;

pub struct Bench {
    pub node: Node,
    pub now: Now,
    disks: BTreeMap<DirId, Disk>,
    rng: Rng,
    offset: i64,
    seq: u64,
    /// By the request's number.
    pub replies: BTreeMap<u64, Reply>,
    pub closed: bool,
}

pub fn nodes(ids: &[i32]) -> Vec<NodeId> {
    ids.iter().copied().map(NodeId).collect()
}

/// A batch of one record.
pub fn batch(value: &[u8]) -> Bytes {
    let mut batch = Builder::new();
    batch.push(1_700_000_000_000, None, Some(value), &[]);
    batch.finish()
}

impl Bench {
    /// Node 1, with brokers 1, 2 and 3 registered.
    pub fn new() -> Self {
        let config = NodeConfig::for_test(NodeId(1), &[(1, "host", 9093)], &[]);
        let quorum = Quorum::new(QuorumConfig::new(NodeId(1), Vec::new(), 1));
        let groups = Groups::new(crate::group::Settings::default(), Rng::new(1, 1));
        let mut bench = Self {
            node: Node::new(config, quorum, groups),
            now: Now { mono: Mono(1_000_000), wall: Wall(1_700_000_000_000) },
            disks: BTreeMap::new(),
            rng: Rng::new(1, 2),
            offset: 0,
            seq: 0,
            replies: BTreeMap::new(),
            closed: false,
        };
        for id in 1..=3 {
            bench.broker(id);
        }
        bench
    }

    fn broker(&mut self, id: i32) {
        let endpoint =
            Endpoint { name: "PLAINTEXT".into(), host: format!("host{id}").as_str().into(), port: 9092, security: 0 };
        self.apply(Record::Broker(Broker {
            id: NodeId(id),
            epoch: BrokerEpoch(100 + i64::from(id)),
            incarnation: Uuid(id as u128),
            endpoints: [endpoint].into(),
            rack: None,
            directories: Vec::new(),
            fenced: false,
            leaving: false,
        }));
    }

    pub fn apply(&mut self, record: Record) {
        self.offset += 1;
        self.node.image.apply(Offset(self.offset), &record);
    }

    /// A topic whose partitions each have these replicas, all in sync, the first of which leads.
    pub fn topic(&mut self, name: &str, partitions: &[&[i32]]) -> Uuid {
        let id = Uuid(u128::from(name.as_bytes()[0]) << 64 | name.len() as u128);
        self.apply(Record::Topic { id, name: name.into() });
        for (partition, replicas) in (0..).zip(partitions) {
            let key = PartitionKey { topic: id, partition };
            self.state(key, metadata::Partition::new(nodes(replicas), nodes(replicas)));
        }
        id
    }

    /// The metadata says this of the partition; a replica on this node is opened and obeys.
    pub fn state(&mut self, key: PartitionKey, state: metadata::Partition) {
        self.apply(Record::Partition { key, state: state.clone() });
        if !state.has_replica(NodeId(1)) {
            return;
        }
        if self.node.partitions.get(key).is_none() {
            let dir = self.node.partitions.new_dir();
            let opening = Opening { topic_id: Some(key.topic), ..Opening::default() };
            let config = LogConfig { tail_bytes: 1 << 16, ..LogConfig::default() };
            let log = Log::open(dir, format!("{}", dir.0), config, opening, self.now, &mut self.node.out);
            let settings = Settings {
                min_insync: 2,
                lag_max: Span::from_millis(1000),
                retry: Span::from_millis(10),
                unclean: false,
            };
            let partition =
                Partition::new(key, dir, format!("{}", dir.0), NodeId(1), settings, log, Offset::ZERO, Offset::ZERO);
            self.node.partitions.insert(partition);
            self.disks.insert(dir, Disk::default());
            self.sync();
        }
        let partition = self.node.partitions.get_mut(key).expect("just opened");
        let dir = partition.dir();
        let event = partition.on_state(self.now, &state, &mut self.node.out);
        self.node.partitions.note(dir, event);
        self.sync();
    }

    /// Another state than the one before.
    pub fn change(&mut self, key: PartitionKey, change: impl FnOnce(&mut metadata::Partition)) {
        let mut state = self.node.image.partition(key).expect("a partition").clone();
        state.epoch = PartitionEpoch(state.epoch.0 + 1);
        change(&mut state);
        self.state(key, state);
    }

    /// Node `leader` leads in the next epoch.
    pub fn elect(&mut self, key: PartitionKey, leader: i32) {
        self.change(key, |state| {
            state.leader = Some(NodeId(leader));
            state.leader_epoch = LeaderEpoch(state.leader_epoch.0 + 1);
        });
    }

    pub fn ask(&mut self, version: i16) -> Ask {
        self.seq += 1;
        Ask {
            conn: ConnId(1),
            seq: self.seq,
            version,
            listener: Listener::Broker,
            door: 0,
            client_id: StrBytes::new(),
            client_host: StrBytes::new(),
        }
    }

    /// The number of the last request.
    pub fn last(&self) -> u64 {
        self.seq
    }

    /// Carries through what changed, without the disk.
    pub fn settle(&mut self) {
        while let Some((key, event)) = self.node.partitions.pop_touched() {
            let dir = self.node.partitions.get(key).expect("settled partitions are there").dir();
            if !event.any() {
                continue;
            }
            let rows: Vec<_> = self.node.hold.watchers(dir).collect();
            for hold in rows {
                let (node, now) = (&mut self.node, self.now);
                match node.hold.get(hold).map(|row| &row.waiting) {
                    Some(Waiting::Produce(_)) => produce::on_moved(node, hold, dir),
                    Some(Waiting::Fetch(_)) => fetch::on_moved(node, now, hold, dir),
                    Some(Waiting::ListOffsets(_)) => list_offsets::on_moved(node, now, hold, dir),
                    Some(Waiting::DeleteRecords(_)) => delete_records::on_moved(node, hold, dir),
                    _ => {}
                }
            }
            fetch::on_partition_event(&mut self.node, self.now, dir, &event);
        }
        while let Some(output) = self.node.out.pop() {
            match output {
                Output::Reply { seq, reply, .. } => drop(self.replies.insert(seq, reply)),
                Output::Close { .. } => self.closed = true,
                Output::Disk { tag, op } => {
                    let crate::io::Owner::Log(dir) = tag.owner else { continue };
                    let mut out = Out::default();
                    out.disk(tag.owner, tag.serial, op);
                    self.disks.get_mut(&dir).expect("a disk for each log").accept(&mut out);
                }
                _ => {}
            }
        }
        self.node.partitions.check();
        self.node.sessions.check();
        self.node.hold.check();
    }

    /// All disks do all that they were asked for.
    pub fn sync(&mut self) {
        loop {
            self.settle();
            let rng = &mut self.rng;
            let Some((dir, (serial, result))) =
                self.disks.iter_mut().find_map(|(dir, disk)| disk.step(rng).map(|done| (*dir, done)))
            else {
                return;
            };
            let key = self.node.partitions.key_of(dir).expect("a partition for each disk");
            let partition = self.node.partitions.get_mut(key).expect("a partition for each folder");
            let event = partition.on_disk(self.now, serial, result, &mut self.node.out);
            self.node.partitions.note(dir, event);
        }
    }

    /// Time passes, and rows whose time is up end.
    pub fn pass(&mut self, span: Span) {
        self.now.mono = self.now.mono + span;
        while let Some(hold) = self.node.hold.due(self.now.mono) {
            let (node, now) = (&mut self.node, self.now);
            match node.hold.get(hold).map(|row| &row.waiting) {
                Some(Waiting::Produce(_)) => produce::on_due(node, now, hold),
                Some(Waiting::Fetch(_)) => fetch::on_due(node, now, hold),
                Some(Waiting::ListOffsets(_)) => list_offsets::on_due(node, hold),
                Some(Waiting::DeleteRecords(_)) => delete_records::on_due(node, hold),
                _ => panic!("an unexpected row"),
            }
        }
        self.settle();
    }

    /// The plain reply to a request, which has come.
    #[track_caller]
    pub fn plain(&mut self, seq: u64) -> ResponseKind {
        match self.replies.remove(&seq) {
            Some(Reply::Plain(body)) => *body,
            other => panic!("a reply, not {other:?}"),
        }
    }
}
