//! `esker produce`: each line of standard input, or of a file, becomes a record.

use super::{Target, print};
use crate::answer;
use crate::client::{Cluster, PATIENCE, Topic, error_name, is_passing, patiently, topic_name};
use crate::exit::Failure;
use bytes::Bytes;
use clap::Args;
use esker_core::batch::Builder;
use esker_core::id::ProducerId;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{ApiKey, InitProducerIdRequest, ProduceRequest};
use serde_json::json;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead, BufReader, IsTerminal, Read};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

#[derive(Args)]
pub struct Produce {
    topic: String,
    #[command(flatten)]
    target: Target,
    /// Read lines of this file instead of standard input
    #[arg(short, long)]
    file: Option<PathBuf>,
    /// What stands between key and value in a line; without it a line is a value
    #[arg(short, long, value_name = "TEXT")]
    key_separator: Option<String>,
    /// Write to this partition only
    #[arg(short, long)]
    partition: Option<i32>,
    /// Replicas to wait for: all, 1, or 0
    #[arg(long, default_value = "all", value_parser = ["all", "-1", "1", "0"])]
    acks: String,
}

/// A batch is sent when it has so many bytes, or no line came for so long.
const BATCH: usize = 512 << 10;
const LINGER: Duration = Duration::from_millis(20);
const LINES_AHEAD: usize = 10_000;
const TIMEOUT_MS: i32 = 30_000;
/// What is over sooner is not worth a word: a leader moves within that.
const SILENCE: Duration = Duration::from_secs(1);

/// What waits to be sent to one partition.
struct Lane {
    batch: Builder,
    sequence: i32,
}

struct Writer<'a> {
    command: &'a Produce,
    cluster: Cluster,
    topic: Topic,
    producer: ProducerId,
    epoch: i16,
    lanes: Vec<Lane>,
    /// Where records without a key go until its batch is full.
    sticky: usize,
    written: u64,
    bytes: u64,
    told: Instant,
    /// What was told to be tried again.
    hindrances: BTreeSet<String>,
}

impl Produce {
    pub fn run(self) -> Result<(), Failure> {
        let lines = self.lines()?;
        let mut cluster = self.target.open()?;
        let topic = cluster.topic(&self.topic, true)?;
        if let Some(partition) = self.partition
            && !usize::try_from(partition).is_ok_and(|place| place < topic.leaders.len())
        {
            return Err(Failure::failed(format!("{} has no partition {partition}", self.topic)));
        }
        let (producer, epoch) = if self.acks() == -1 { identity(&mut cluster)? } else { (ProducerId::NONE, -1) };
        let lanes = topic.leaders.iter().map(|_| Lane { batch: Builder::new(), sequence: 0 }).collect();
        let told = Instant::now();
        let mut writer = Writer {
            command: &self,
            cluster,
            topic,
            producer,
            epoch,
            lanes,
            sticky: 0,
            written: 0,
            bytes: 0,
            told,
            hindrances: BTreeSet::new(),
        };
        writer.all(&lines)?;
        match self.target.json {
            true => print(json!({"topic": self.topic, "records": writer.written, "bytes": writer.bytes})),
            false => eprintln!(
                "wrote {} record{} to {}",
                writer.written,
                if writer.written == 1 { "" } else { "s" },
                self.topic
            ),
        }
        Ok(())
    }

    fn acks(&self) -> i16 {
        self.acks.parse().unwrap_or(-1)
    }

    /// A thread that reads ahead: sending does not wait for reading.
    fn lines(&self) -> Result<Receiver<std::io::Result<Vec<u8>>>, Failure> {
        let input: Box<dyn Read + Send> = match &self.file {
            Some(path) => {
                Box::new(File::open(path).map_err(|why| Failure::failed(format!("{}: {why}", path.display())))?)
            }
            None => Box::new(std::io::stdin()),
        };
        let (sender, lines) = sync_channel(LINES_AHEAD);
        std::thread::spawn(move || {
            let mut input = BufReader::with_capacity(256 << 10, input);
            loop {
                let mut line = Vec::new();
                let read = input.read_until(b'\n', &mut line);
                let is_last = !matches!(read, Ok(count) if count > 0);
                if line.last() == Some(&b'\n') {
                    line.pop();
                }
                match read {
                    Err(why) => drop(sender.send(Err(why))),
                    Ok(0) => {}
                    Ok(_) if sender.send(Ok(line)).is_err() => return,
                    Ok(_) => {}
                }
                if is_last {
                    return;
                }
            }
        });
        Ok(lines)
    }
}

/// An id that lets the broker tell a batch sent again from a new one.
fn identity(cluster: &mut Cluster) -> Result<(ProducerId, i16), Failure> {
    patiently("a producer id", || {
        let answer = answer!(
            InitProducerId,
            cluster.any(ApiKey::InitProducerId, InitProducerIdRequest::default().with_transactional_id(None))
        );
        if is_passing(answer.error_code) {
            return Ok(None);
        }
        crate::client::expect(answer.error_code, "a producer id")?;
        Ok(Some((ProducerId(answer.producer_id.0), answer.producer_epoch)))
    })
}

impl Writer<'_> {
    fn all(&mut self, lines: &Receiver<std::io::Result<Vec<u8>>>) -> Result<(), Failure> {
        loop {
            match lines.recv_timeout(LINGER) {
                Ok(Ok(line)) => self.line(&line)?,
                Ok(Err(why)) => return Err(Failure::failed(format!("the input cannot be read: {why}"))),
                Err(RecvTimeoutError::Timeout) => self.send_all()?,
                Err(RecvTimeoutError::Disconnected) => return self.send_all(),
            }
        }
    }

    fn line(&mut self, line: &[u8]) -> Result<(), Failure> {
        let (key, value) = match &self.command.key_separator {
            None => (None, line),
            Some(separator) => {
                let at = line.windows(separator.len().max(1)).position(|window| window == separator.as_bytes());
                let at =
                    at.ok_or_else(|| Failure::failed(format!("line {} has no '{separator}'", self.written + 1)))?;
                (Some(&line[..at]), &line[at + separator.len()..])
            }
        };
        let place = self.place(key);
        let time = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
        let lane = &mut self.lanes[place];
        lane.batch.push(i64::try_from(time).unwrap_or(i64::MAX), key, Some(value), &[]);
        self.written += 1;
        self.bytes += line.len() as u64;
        if lane.batch.size() >= BATCH {
            self.send(place)?;
            self.sticky = (self.sticky + 1) % self.lanes.len();
        }
        Ok(())
    }

    /// The partition of a record, as Kafka's clients choose it.
    fn place(&self, key: Option<&[u8]>) -> usize {
        match (self.command.partition.and_then(|one| usize::try_from(one).ok()), key) {
            (Some(place), _) => place,
            (None, Some(key)) => (murmur2(key) & 0x7fff_ffff) as usize % self.lanes.len(),
            (None, None) => self.sticky,
        }
    }

    fn send_all(&mut self) -> Result<(), Failure> {
        for place in 0..self.lanes.len() {
            self.send(place)?;
        }
        self.sticky = (self.sticky + 1) % self.lanes.len();
        Ok(())
    }

    fn send(&mut self, place: usize) -> Result<(), Failure> {
        let lane = &mut self.lanes[place];
        if lane.batch.is_empty() {
            return Ok(());
        }
        let mut batch = std::mem::take(&mut lane.batch);
        let count = batch.count();
        if self.producer != ProducerId::NONE {
            batch = batch.producer(self.producer, self.epoch, lane.sequence);
            lane.sequence = lane.sequence.wrapping_add(count) & i32::MAX;
        }
        let bytes = batch.finish();
        let what = format!("writing to {}-{place}", self.command.topic);
        let began = Instant::now();
        patiently(&what, || {
            let mut tried = self.attempt(place, &bytes);
            if let Err(why) = &mut tried {
                if !why.is_final() && began.elapsed() >= SILENCE {
                    self.tell(&what, &why.line);
                }
                why.line = format!("{what}: {}", why.line);
            }
            tried
        })?;
        self.progress();
        Ok(())
    }

    /// Says once for each kind of error that it is tried again.
    fn tell(&mut self, what: &str, why: &str) {
        if self.hindrances.insert(why.into()) {
            eprintln!("{what}: {why}; trying again for up to {} s", PATIENCE.as_secs());
        }
    }

    /// Sends a batch once. An error is its code's name, or what became of the connection.
    fn attempt(&mut self, place: usize, bytes: &Bytes) -> Result<Option<()>, Failure> {
        let acks = self.command.acks();
        let partition = PartitionProduceData::default().with_index(place as i32).with_records(Some(bytes.clone()));
        let Some(&leader) = self.topic.leaders.get(place) else { return Err(made_anew(&self.topic).for_good()) };
        let version = self.cluster.link_to(leader)?.version(ApiKey::Produce)?;
        let mut data = TopicProduceData::default().with_partition_data(vec![partition]);
        if version >= 13 {
            data.topic_id = self.topic.id.into();
        } else {
            data.name = topic_name(&self.command.topic);
        }
        let request = ProduceRequest::default()
            .with_transactional_id(None)
            .with_acks(acks)
            .with_timeout_ms(TIMEOUT_MS)
            .with_topic_data(vec![data]);
        if acks == 0 {
            self.cluster.link_to(leader)?.send(ApiKey::Produce, &request.into())?;
            return Ok(Some(()));
        }
        let answer = match self.cluster.node(leader, ApiKey::Produce, request) {
            Ok(answer) => answer,
            Err(why) => {
                self.topic = self.cluster.topic(&self.command.topic, false)?;
                return Err(why);
            }
        };
        let answer = answer!(Produce, Ok::<_, Failure>(answer));
        let one = answer.responses.first().and_then(|topic| topic.partition_responses.first());
        let code = one.map_or(-1, |one| one.error_code);
        // Already there: the answer to the first try was lost.
        if code == 0 || code == kafka_protocol::ResponseError::DuplicateSequenceNumber.code() {
            return Ok(Some(()));
        }
        let why = Failure::failed(error_name(code).unwrap_or_default());
        if !is_passing(code) {
            return Err(why.for_good());
        }
        self.topic = self.cluster.topic(&self.command.topic, false)?;
        Err(why)
    }

    fn progress(&mut self) {
        if self.told.elapsed() > Duration::from_secs(1) && std::io::stderr().is_terminal() {
            self.told = Instant::now();
            eprint!("\r{} records, {} MB ", self.written, self.bytes / 1_000_000);
        }
    }
}

/// Records were promised a partition that is no longer there.
fn made_anew(topic: &Topic) -> Failure {
    let count = topic.leaders.len();
    Failure::failed(format!("the topic was made anew with {count} partition(s): start again to write to these"))
}

/// The hash by which Kafka's clients choose a partition (`Utils.murmur2`).
fn murmur2(data: &[u8]) -> u32 {
    const M: u32 = 0x5bd1_e995;
    let mut hash = 0x9747_b28c ^ data.len() as u32;
    let mut chunks = data.chunks_exact(4);
    for chunk in &mut chunks {
        let mut word = u32::from_le_bytes([chunk[0], chunk[1], chunk[2], chunk[3]]).wrapping_mul(M);
        word = (word ^ (word >> 24)).wrapping_mul(M);
        hash = hash.wrapping_mul(M) ^ word;
    }
    let rest = chunks.remainder();
    if !rest.is_empty() {
        for (place, byte) in rest.iter().enumerate() {
            hash ^= u32::from(*byte) << (8 * place);
        }
        hash = hash.wrapping_mul(M);
    }
    hash = (hash ^ (hash >> 13)).wrapping_mul(M);
    hash ^ (hash >> 15)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The values of `UtilsTest.testMurmur2` in Kafka.
    #[test]
    fn keys_go_where_kafkas_clients_send_them() {
        for (key, hash) in [
            ("21", -973_932_308),
            ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("abc", 479_470_107),
        ] {
            assert_eq!(murmur2(key.as_bytes()) as i32, hash, "{key}");
        }
    }
}
