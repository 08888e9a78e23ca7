//! What is counted, in Prometheus' terms.

use esker_core::node::Status;
use kafka_protocol::messages::ApiKey;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

type Labels = [(&'static str, String); 1];

/// Room for every key that the codec knows.
const KEYS: usize = 128;

/// Names and help of [`Metrics::set_status`]'s gauges, in its order; in the help, Kafka's names.
const STATUS: [(&str, &str); 6] = [
    ("partitions", "Replicas on this node (PartitionCount)"),
    ("leaders", "Partitions that this node leads (LeaderCount)"),
    ("under_replicated_partitions", "Led here, with a replica that is not in sync (UnderReplicatedPartitions)"),
    (
        "under_min_isr_partitions",
        "Led here, with fewer replicas in sync than acks=all needs (UnderMinIsrPartitionCount)",
    ),
    ("offline_partitions", "Without a leader, as the active controller sees it; 0 elsewhere (OfflinePartitionsCount)"),
    ("active_controller", "1 if this node is the active controller (ActiveControllerCount)"),
];

/// The counters of one process. Those of the hot path are found without a lock.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Vec<Counter>,
    request_seconds: Family<Labels, Histogram>,
    /// Of each key, once it was asked.
    seconds: Vec<OnceLock<Histogram>>,
    pub received_bytes: Counter,
    pub sent_bytes: Counter,
    pub cold_bytes: Counter,
    pub connections: Gauge,
    pub refused_connections: Counter,
    pub bad_frames: Counter,
    pub room: Gauge,
    status: [Gauge; 6],
    sync_seconds: Histogram,
    synced_files: Counter,
    notes: Family<Labels, Counter>,
    state: AtomicU8,
}

/// Whether the node serves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    Starting,
    Ready,
    Stopping,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("esker");
        let by_key = Family::<Labels, Counter>::default();
        registry.register("requests", "Requests received, by kind", by_key.clone());
        let requests = (0..KEYS).map(|key| {
            let known = i16::try_from(key).ok().and_then(|key| ApiKey::try_from(key).ok());
            known.map_or_else(Counter::default, |key| by_key.get_or_create(&[("request", format!("{key:?}"))]).clone())
        });
        let requests = requests.collect();
        let metrics = Self {
            requests,
            request_seconds: Family::new_with_constructor(|| Histogram::new(exponential_buckets(0.000_1, 2.0, 18))),
            seconds: (0..KEYS).map(|_| OnceLock::new()).collect(),
            received_bytes: Counter::default(),
            sent_bytes: Counter::default(),
            cold_bytes: Counter::default(),
            connections: Gauge::default(),
            refused_connections: Counter::default(),
            bad_frames: Counter::default(),
            room: Gauge::default(),
            status: Default::default(),
            sync_seconds: Histogram::new(exponential_buckets(0.000_05, 2.0, 16)),
            synced_files: Counter::default(),
            notes: Family::default(),
            state: AtomicU8::new(State::Starting as u8),
            registry: Registry::default(),
        };
        registry.register(
            "request_seconds",
            "From a whole request to its reply, what it waited for included, by kind (TotalTimeMs)",
            metrics.request_seconds.clone(),
        );
        registry.register("received_bytes", "Bytes of requests received", metrics.received_bytes.clone());
        registry.register("sent_bytes", "Bytes of replies sent", metrics.sent_bytes.clone());
        registry.register(
            "cold_bytes",
            "Bytes of replies that were not in the page cache when they were to be sent",
            metrics.cold_bytes.clone(),
        );
        registry.register("connections", "Connections open", metrics.connections.clone());
        registry.register(
            "refused_connections",
            "Connections refused for a limit",
            metrics.refused_connections.clone(),
        );
        registry.register("bad_frames", "Connections closed for a malformed request", metrics.bad_frames.clone());
        registry.register("disk_room_bytes", "Bytes left on the data folder's medium", metrics.room.clone());
        for ((name, help), gauge) in STATUS.into_iter().zip(&metrics.status) {
            registry.register(name, help, gauge.clone());
        }
        registry.register("disk_sync_seconds", "How long making writes durable took", metrics.sync_seconds.clone());
        registry.register("disk_synced_files", "Files made durable", metrics.synced_files.clone());
        registry.register("notes", "Rare events, by kind", metrics.notes.clone());
        Self { registry, ..metrics }
    }
}

impl Metrics {
    pub fn request(&self, key: ApiKey, bytes: usize) {
        if let Some(counter) = usize::try_from(key as i16).ok().and_then(|key| self.requests.get(key)) {
            counter.inc();
        }
        self.received_bytes.inc_by(bytes as u64);
    }

    /// A reply is ready.
    pub fn answered(&self, key: ApiKey, took: Duration) {
        let Some(seconds) = usize::try_from(key as i16).ok().and_then(|key| self.seconds.get(key)) else { return };
        let made = || self.request_seconds.get_or_create(&[("request", format!("{key:?}"))]).clone();
        seconds.get_or_init(made).observe(took.as_secs_f64());
    }

    /// Counts of partitions, as they are now.
    pub fn set_status(&self, status: Status) {
        let Status { partitions, leaders, under_replicated, under_min_isr, offline, is_active_controller } = status;
        let active = u64::from(is_active_controller);
        let values = [partitions, leaders, under_replicated, under_min_isr, offline, active];
        for (gauge, value) in self.status.iter().zip(values) {
            gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        }
    }

    pub fn synced(&self, files: usize, took: Duration) {
        self.synced_files.inc_by(files as u64);
        self.sync_seconds.observe(took.as_secs_f64());
    }

    pub fn note(&self, kind: &str) {
        self.notes.get_or_create(&[("kind", kind.into())]).inc();
    }

    /// A node that stops does not become ready any more.
    pub fn set_state(&self, state: State) {
        self.state.fetch_max(state as u8, Ordering::AcqRel);
    }

    pub fn state(&self) -> State {
        let states = [State::Starting, State::Ready, State::Stopping];
        let now = self.state.load(Ordering::Acquire);
        states.into_iter().find(|state| *state as u8 == now).unwrap_or(State::Stopping)
    }

    /// The exposition text.
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing into a string does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}
