//! `esker produce`: each line of standard input, or of a file, becomes a record.

use super::ahead::Lines;
use super::interrupt::Interrupt;
use super::{Target, print};
use crate::answer;
use crate::client::{
    Cluster, NO_LEADER, PATIENCE, SILENCE, Topic, error_name, is_passing, of_leader, patiently, topic_name,
};
use crate::exit::{Failure, say};
use bytes::Bytes;
use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use esker_core::batch::{Builder, Records};
use esker_core::id::ProducerId;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{ApiKey, InitProducerIdRequest, ProduceRequest};
use serde_json::json;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{IsTerminal, Write as _};
use std::path::PathBuf;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const AFTER: &str = "\
Ctrl-C, SIGTERM and SIGHUP end it when what was read is written; the exit code is then 130 (ctrl-C), 143 (SIGTERM) or 129 (SIGHUP). A second signal ends it at \
once. A line that cannot be taken ends it with what came before it written.";

#[derive(Args)]
#[command(after_help = AFTER)]
pub struct Produce {
    topic: String,
    #[command(flatten)]
    target: Target,
    /// Read lines of this file instead of standard input
    #[arg(short, long)]
    file: Option<PathBuf>,
    /// What stands between key and value in a line; without it a line is a value
    #[arg(short, long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    key_separator: Option<String>,
    /// Write to this partition only
    #[arg(short, long)]
    partition: Option<i32>,
    /// Replicas to wait for: all, 1, or 0
    #[arg(long, default_value = "all", value_parser = ["all", "-1", "1", "0"])]
    acks: String,
}

/// A batch is sent before it would have more bytes, or when its oldest record has waited for so long.
const BATCH: usize = 512 << 10;
/// What a record takes beside its key and its value, at most.
const AROUND: usize = 40;
/// However small a batch the topic takes, they are not made smaller ahead.
const BATCH_MIN: usize = 16 << 10;
const LINGER: Duration = Duration::from_millis(20);
/// How often it is looked whether somebody wants the command to end.
const LOOK: Duration = Duration::from_millis(50);
const TIMEOUT_MS: i32 = 30_000;

/// What waits to be sent to one partition.
struct Lane {
    batch: Builder,
    /// When its first record came.
    since: Option<Instant>,
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
    /// Bytes from which on a batch is too large, as far as is known.
    batch_max: usize,
    /// When the oldest record came that was not sent.
    oldest: Option<Instant>,
    /// Lines that were taken.
    read: u64,
    written: u64,
    bytes: u64,
    told: Instant,
    /// The progress stands on the terminal's last line.
    shown: bool,
    /// What was told to be tried again.
    hindrances: BTreeSet<String>,
    interrupt: Interrupt,
}

impl Produce {
    pub fn run(self) -> Result<(), Failure> {
        let lines = self.lines()?;
        let mut cluster = self.target.open()?;
        let topic = cluster.topic(&self.topic, true)?;
        if let Some(partition) = self.partition
            && !topic.has(partition)
        {
            return Err(Failure::failed(format!("{} has no partition {partition}", self.topic)));
        }
        let (producer, epoch) = if self.acks() == -1 { identity(&mut cluster)? } else { (ProducerId::NONE, -1) };
        let lanes = topic.leaders.iter().map(|_| Lane { batch: Builder::new(), since: None, sequence: 0 }).collect();
        let told = Instant::now();
        let mut writer = Writer {
            command: &self,
            cluster,
            topic,
            producer,
            epoch,
            lanes,
            sticky: 0,
            batch_max: BATCH,
            oldest: None,
            read: 0,
            written: 0,
            bytes: 0,
            told,
            shown: false,
            hindrances: BTreeSet::new(),
            interrupt: Interrupt::watch()?,
        };
        writer.turn();
        let done = writer.all(&lines);
        clear(&mut writer.shown);
        let count = format!("{} record{}", writer.written, if writer.written == 1 { "" } else { "s" });
        done.map_err(|why| Failure { line: format!("{}; {count} written before that", why.line), ..why })?;
        match self.target.json {
            true => print(json!({"topic": self.topic, "records": writer.written, "bytes": writer.bytes})),
            false => say(format_args!("wrote {count} to {}", self.topic)),
        }
        match writer.interrupt.code() {
            Some(code) => std::process::exit(code.into()),
            None => Ok(()),
        }
    }

    fn acks(&self) -> i16 {
        self.acks.parse().unwrap_or(-1)
    }

    fn lines(&self) -> Result<Lines, Failure> {
        Ok(Lines::of(match &self.file {
            Some(path) => {
                Box::new(File::open(path).map_err(|why| Failure::failed(format!("{}: {why}", path.display())))?)
            }
            None => Box::new(std::io::stdin()),
        }))
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
    /// Writes all lines, or those before the first that cannot be taken.
    fn all(&mut self, lines: &Lines) -> Result<(), Failure> {
        loop {
            if self.interrupt.code().is_some() {
                return self.last(lines);
            }
            let wait = self.oldest.map_or(LOOK, |oldest| LINGER.saturating_sub(oldest.elapsed()));
            if wait.is_zero() {
                self.send_all()?;
                continue;
            }
            match lines.next_within(wait) {
                Ok(line) => self.take(line)?,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return self.send_all(),
            }
        }
    }

    /// Writes what was read ahead; what the input would still give is not waited for.
    fn last(&mut self, lines: &Lines) -> Result<(), Failure> {
        for line in lines.at_hand() {
            self.take(line)?;
        }
        self.send_all()
    }

    /// Takes a line. One that cannot be taken ends the command, and is no reason to lose those before it.
    fn take(&mut self, line: std::io::Result<Vec<u8>>) -> Result<(), Failure> {
        let line = line.map_err(|why| format!("the input cannot be read: {why}"));
        match line.as_deref().map_err(String::clone).and_then(|line| self.record(line)) {
            Ok((key, value)) => self.add(key, value),
            Err(why) => {
                self.send_all()?;
                Err(Failure::failed(why))
            }
        }
    }

    /// The key and the value of a line.
    fn record<'a>(&self, line: &'a [u8]) -> Result<(Option<&'a [u8]>, &'a [u8]), String> {
        let Some(separator) = &self.command.key_separator else { return Ok((None, line)) };
        let at = line.windows(separator.len()).position(|window| window == separator.as_bytes());
        let at = at.ok_or_else(|| format!("line {} has no '{separator}'", self.read + 1))?;
        Ok((Some(&line[..at]), &line[at + separator.len()..]))
    }

    fn add(&mut self, key: Option<&[u8]>, value: &[u8]) -> Result<(), Failure> {
        let size = key.map_or(0, <[u8]>::len) + value.len() + AROUND;
        let mut place = self.place(key);
        // A large record is no reason to refuse the small ones before it.
        while !self.lanes[place].batch.is_empty() && self.lanes[place].batch.size() + size > self.batch_max {
            self.send(place)?;
            self.turn();
            place = self.place(key);
        }
        let time = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
        let lane = &mut self.lanes[place];
        lane.batch.push(i64::try_from(time).unwrap_or(i64::MAX), key, Some(value), &[]);
        if lane.since.is_none() {
            let now = Instant::now();
            lane.since = Some(now);
            self.oldest = self.oldest.or(Some(now));
        }
        self.read += 1;
        self.bytes += size.saturating_sub(AROUND) as u64;
        Ok(())
    }

    /// Goes on to the next partition that has a leader, if any has.
    fn turn(&mut self) {
        let count = self.lanes.len();
        let next = (1..=count).map(|step| (self.sticky + step) % count);
        let led = |place: &usize| self.topic.leaders.get(*place).is_some_and(|leader| *leader > NO_LEADER);
        self.sticky = next.clone().find(led).or_else(|| next.clone().next()).unwrap_or(0);
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
        self.turn();
        Ok(())
    }

    fn send(&mut self, place: usize) -> Result<(), Failure> {
        let lane = &mut self.lanes[place];
        if lane.batch.is_empty() {
            return Ok(());
        }
        let batch = std::mem::take(&mut lane.batch);
        if lane.since.take() == self.oldest {
            self.oldest = self.lanes.iter().filter_map(|lane| lane.since).min();
        }
        self.write(place, batch)?;
        self.progress();
        Ok(())
    }

    /// Writes a batch; one that is too large for the topic in halves, as Kafka's producer does.
    fn write(&mut self, place: usize, batch: Builder) -> Result<(), Failure> {
        let count = batch.count();
        let sequence = self.lanes[place].sequence;
        let is_numbered = self.producer != ProducerId::NONE;
        let bytes = if is_numbered { batch.producer(self.producer, self.epoch, sequence) } else { batch }.finish();
        let what = format!("writing to {}-{place}", self.command.topic);
        let began = Instant::now();
        let mut topic = self.topic.clone();
        let mut told = std::mem::take(&mut self.hindrances);
        let mut shown = self.shown;
        let command = self.command;
        let sent = self.cluster.at_leaders(&mut topic, &what, |cluster, topic| {
            attempt(command, cluster, topic, place, &bytes).map_err(|why| {
                if !why.is_final() && began.elapsed() >= SILENCE {
                    clear(&mut shown);
                    tell(&mut told, &what, &why.line);
                }
                Failure { line: format!("{what}: {}", why.line), ..why }
            })
        });
        (self.topic, self.hindrances, self.shown) = (topic, told, shown);
        match sent? {
            Sent::Written => {
                if is_numbered {
                    self.lanes[place].sequence = sequence.wrapping_add(count) & i32::MAX;
                }
                self.written += u64::try_from(count).unwrap_or(0);
                Ok(())
            }
            Sent::TooLarge if count > 1 => {
                self.batch_max = (bytes.len() / 2).clamp(BATCH_MIN, BATCH);
                let [one, other] = halves(&bytes)?;
                self.write(place, one)?;
                self.write(place, other)
            }
            Sent::TooLarge => {
                Err(Failure::failed(format!("{what}: MESSAGE_TOO_LARGE (a record of {} bytes)", bytes.len()))
                    .for_good())
            }
        }
    }

    fn progress(&mut self) {
        if self.told.elapsed() > Duration::from_secs(1) && std::io::stderr().is_terminal() {
            self.told = Instant::now();
            self.shown = true;
            let _ = write!(std::io::stderr(), "\r{} records, {} MB ", self.written, self.bytes / 1_000_000);
        }
    }
}

/// What became of a batch that was sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Sent {
    Written,
    TooLarge,
}

/// Takes the progress off the terminal's line: another is to stand there.
fn clear(shown: &mut bool) {
    if std::mem::take(shown) {
        let _ = write!(std::io::stderr(), "\r\x1b[K");
    }
}

/// Says once for each kind of error that it is tried again.
fn tell(told: &mut BTreeSet<String>, what: &str, why: &str) {
    if told.insert(why.into()) {
        say(format_args!("{what}: {why}; trying again for up to {} s", PATIENCE.as_secs()));
    }
}

/// Sends a batch once. An error is its code's name, or what became of the connection.
fn attempt(
    command: &Produce,
    cluster: &mut Cluster,
    topic: &Topic,
    place: usize,
    bytes: &Bytes,
) -> Result<Sent, Failure> {
    let acks = command.acks();
    let index = place as i32;
    if !topic.has(index) {
        return Err(made_anew(topic).for_good());
    }
    let leader = topic.leader(index).ok_or_else(|| Failure::failed("no node leads it").stale())?;
    let version = cluster.link_to(leader)?.version(ApiKey::Produce)?;
    let partition = PartitionProduceData::default().with_index(index).with_records(Some(bytes.clone()));
    let mut data = TopicProduceData::default().with_partition_data(vec![partition]);
    if version >= 13 {
        data.topic_id = topic.id.into();
    } else {
        data.name = topic_name(&command.topic);
    }
    let request = ProduceRequest::default()
        .with_transactional_id(None)
        .with_acks(acks)
        .with_timeout_ms(TIMEOUT_MS)
        .with_topic_data(vec![data]);
    if acks == 0 {
        return cluster.tell(leader, ApiKey::Produce, &request.into()).map(|()| Sent::Written);
    }
    let answer = answer!(Produce, cluster.node(leader, ApiKey::Produce, request));
    let one = answer.responses.first().and_then(|topic| topic.partition_responses.first());
    let code = one.map_or(-1, |one| one.error_code);
    // Already there: the answer to the first try was lost.
    if code == ResponseError::DuplicateSequenceNumber.code() {
        return Ok(Sent::Written);
    }
    if code == ResponseError::MessageTooLarge.code() {
        return Ok(Sent::TooLarge);
    }
    let named = |why: Failure| Failure { line: error_name(code).unwrap_or_default(), ..why };
    of_leader(code, "").map(|()| Sent::Written).map_err(named)
}

/// The records of a batch of several, in two.
fn halves(batch: &[u8]) -> Result<[Builder; 2], Failure> {
    let unreadable = |why: String| Failure::failed(format!("a batch of this command's own: {why}")).for_good();
    let records = Records::of(batch).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let records = records.map_err(|why| unreadable(why.to_string()))?;
    let (one, other) = records.split_at(records.len() / 2);
    Ok([one, other].map(|half| {
        let mut builder = Builder::new();
        half.iter().for_each(|record| builder.push(record.timestamp, record.key, record.value, &[]));
        builder
    }))
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
    #[test]
    fn halves_have_all_records_in_order() {
        let mut batch = Builder::new();
        for value in ["one", "two", "three"] {
            batch.push(7, Some(b"k"), Some(value.as_bytes()), &[]);
        }
        let values = |half: Builder| -> Vec<Vec<u8>> {
            let bytes = half.finish();
            let records = Records::of(&bytes).unwrap().map(Result::unwrap);
            records.map(|record| record.value.unwrap().to_vec()).collect()
        };
        let [one, other] = halves(&batch.finish()).unwrap();
        assert_eq!(values(one), [b"one".to_vec()]);
        assert_eq!(values(other), [b"two".to_vec(), b"three".to_vec()]);
        assert!(halves(b"").is_err());
    }
}
