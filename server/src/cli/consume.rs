//! `esker consume`: prints the records of a topic.

use super::Target;
use super::content::put;
use super::interrupt::Interrupt;
use super::member::Member;
use super::offsets::{EARLIEST, LATEST, offsets};
use crate::answer;
use crate::client::{Cluster, Topic, expect, of_leader, records, topic_name};
use crate::exit::{Failure, say};
use clap::Args;
use esker_core::batch::Record;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::{ApiKey, BrokerId, FetchRequest, FetchResponse};
use serde_json::Map;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::time::{Duration, Instant};

const AFTER: &str = "\
It goes on until --max-messages, ctrl-C, SIGTERM or SIGHUP. Then what was printed is committed and the group left, so that nobody waits for this \
member; the exit code after a signal is 130 (ctrl-C), 143 (SIGTERM) or 129 (SIGHUP), as that of kafka-console-consumer. A second signal ends it at once. \
With --json a key or value that is not UTF-8 is given as key_base64 or value_base64 in place of key or value.";

#[derive(Args)]
#[command(after_help = AFTER)]
pub struct Consume {
    topic: String,
    #[command(flatten)]
    target: Target,
    /// Begin with the first record there is, not with the next one to come
    #[arg(long)]
    from_beginning: bool,
    /// Share the partitions with the other members of this group, and remember how far it came
    #[arg(short, long, conflicts_with_all = ["partition", "offset"])]
    group: Option<String>,
    /// Only this partition
    #[arg(short, long)]
    partition: Option<i32>,
    /// Begin at this offset of the partition
    #[arg(short, long, requires = "partition", conflicts_with = "from_beginning")]
    offset: Option<i64>,
    /// Stop after so many records
    #[arg(short = 'n', long)]
    max_messages: Option<u64>,
    /// Print the key before the value, with this between them
    #[arg(short, long, value_name = "TEXT")]
    key_separator: Option<String>,
}

const WAIT_MS: i32 = 250;
const BYTES: i32 = 8 << 20;
const PAUSE: Duration = Duration::from_millis(100);
/// How often it is looked whether a partition without a leader has one again, while others are read.
const LOOK: Duration = Duration::from_secs(1);

/// How often the topic is looked at where nothing asks for it: it may have got partitions (Kafka: `metadata.max.age.ms`, 5 min), or be gone.
const AGE: Duration = Duration::from_secs(30);

/// Where the reading stands.
struct Reader<'a> {
    command: &'a Consume,
    cluster: Cluster,
    topic: Topic,
    /// So many partitions the topic had at the start. What is in those that came later is all news.
    first: usize,
    /// The next offset of each partition that is read.
    next: BTreeMap<i32, i64>,
    /// Partitions to read of which nobody could say yet where to begin: they have no leader.
    unplaced: BTreeSet<i32>,
    looked: Instant,
    printed: u64,
    /// Whoever read the output has gone away (`| head`).
    is_unread: bool,
    interrupt: Interrupt,
}

impl Consume {
    pub fn run(self) -> Result<(), Failure> {
        let mut cluster = self.target.open()?;
        let topic = cluster.topic(&self.topic, false)?;
        let interrupt = Interrupt::watch()?;
        let mut reader = Reader {
            command: &self,
            cluster,
            first: topic.leaders.len(),
            topic,
            next: BTreeMap::new(),
            unplaced: BTreeSet::new(),
            looked: Instant::now(),
            printed: 0,
            is_unread: false,
            interrupt,
        };
        if self.group.is_some() {
            reader.as_member()?
        } else {
            reader.alone()?
        }
        if reader.is_unread {
            return Ok(());
        }
        say(format_args!("{} record{}", reader.printed, if reader.printed == 1 { "" } else { "s" }));
        match reader.interrupt.code() {
            Some(code) => std::process::exit(code.into()),
            None => Ok(()),
        }
    }
}

impl Reader<'_> {
    fn alone(&mut self) -> Result<(), Failure> {
        if self.command.partition.is_some_and(|one| !self.topic.has(one)) {
            return Err(Failure::failed(format!("{} has no such partition", self.command.topic)));
        }
        match self.command.partition.zip(self.command.offset) {
            Some((partition, from)) => drop(self.next.insert(partition, from)),
            None => {
                let all = (0..).take(self.topic.leaders.len());
                self.unplaced = all.filter(|one| self.command.partition.is_none_or(|chosen| chosen == *one)).collect();
                self.begin()?;
            }
        }
        while !self.is_done() {
            self.poll()?;
        }
        Ok(())
    }

    fn as_member(&mut self) -> Result<(), Failure> {
        let group = self.command.group.clone().unwrap_or_default();
        let mut member = Member::new(&group, &self.command.topic);
        let read = self.share(&mut member);
        if read.as_ref().is_err_and(|why| !why.is_final()) {
            // No broker answered for as long as it was tried: none is asked once more.
            return read;
        }
        // Whatever else ended it: the others are not to wait until this member's session has run out.
        let left = member.leave(&mut self.cluster);
        read.and(left)
    }

    /// Reads this member's partitions.
    fn share(&mut self, member: &mut Member) -> Result<(), Failure> {
        while !self.is_done() {
            if member.needs_to_join() {
                let first = i32::try_from(self.first).unwrap_or(i32::MAX);
                let place = |(one, committed)| (one, if committed < 0 && one >= first { 0 } else { committed });
                let mine = member.join(&mut self.cluster)?.into_iter().map(place);
                let (placed, unplaced): (Vec<_>, Vec<_>) = mine.partition(|(_, committed)| *committed >= 0);
                self.next = placed.into_iter().collect();
                self.unplaced = unplaced.into_iter().map(|(partition, _)| partition).collect();
                self.begin()?;
            }
            let before = self.next.clone();
            let looked = self.looked;
            let polled = self.poll();
            // What was printed before an error is not to be printed again.
            if before != self.next {
                member.commit(&mut self.cluster, &self.next)?;
            }
            polled?;
            if looked != self.looked {
                member.heed(self.topic.leaders.len());
            }
            member.beat(&mut self.cluster)?;
        }
        Ok(())
    }

    fn is_done(&self) -> bool {
        self.command.max_messages.is_some_and(|max| self.printed >= max)
            || self.is_unread
            || self.interrupt.code().is_some()
    }

    /// Asks where to begin in the partitions of which nobody has said it.
    fn begin(&mut self) -> Result<(), Failure> {
        let time = if self.command.from_beginning { EARLIEST } else { LATEST };
        let unplaced: Vec<i32> = self.unplaced.iter().copied().collect();
        for (partition, from) in offsets(&mut self.cluster, &mut self.topic, &unplaced, time)? {
            if let Some(from) = from {
                self.unplaced.remove(&partition);
                self.next.insert(partition, from);
            }
        }
        Ok(())
    }

    /// Asks each leader once.
    fn poll(&mut self) -> Result<(), Failure> {
        let mut by_leader = self.topic.by_leader(self.next.keys().copied());
        let is_waited_for = by_leader.remove(&None).is_some() || !self.unplaced.is_empty();
        let wait = if by_leader.len() == 1 { WAIT_MS } else { WAIT_MS / 4 };
        let mut is_stale = false;
        let is_idle = by_leader.is_empty();
        for (leader, partitions) in by_leader {
            let Some(leader) = leader else { continue };
            match self.fetch(leader, &partitions, wait) {
                Ok(fine) => is_stale |= !fine,
                Err(why) if why.is_final() => return Err(why),
                Err(_) => is_stale = true,
            }
            if self.is_done() {
                return Ok(());
            }
        }
        if is_stale || is_idle {
            std::thread::sleep(PAUSE);
        }
        let age = self.looked.elapsed();
        if is_stale || (is_waited_for && (age >= LOOK || is_idle)) || age >= AGE {
            self.look_again()?;
        }
        Ok(())
    }

    /// The leaders are others now, or will be soon; or there are more partitions.
    fn look_again(&mut self) -> Result<(), Failure> {
        self.looked = Instant::now();
        let before = self.topic.leaders.len();
        self.topic = self.cluster.topic(&self.command.topic, false)?;
        if self.command.group.is_none() && self.command.partition.is_none() {
            let new = (0..).take(self.topic.leaders.len()).skip(before);
            self.next.extend(new.map(|partition| (partition, 0)));
        }
        if self.unplaced.is_empty() { Ok(()) } else { self.begin() }
    }

    /// Fetches from one leader and prints. `false`: the leaders have to be looked up again.
    fn fetch(&mut self, leader: i32, partitions: &[i32], wait: i32) -> Result<bool, Failure> {
        let version = self.cluster.link_to(leader)?.version(ApiKey::Fetch)?;
        let mut topic = FetchTopic::default();
        if version >= 13 {
            topic.topic_id = self.topic.id.into();
        } else {
            topic.topic = topic_name(&self.command.topic);
        }
        for partition in partitions {
            let mut one = FetchPartition::default();
            one.partition = *partition;
            one.fetch_offset = self.next.get(partition).copied().unwrap_or(0);
            one.partition_max_bytes = BYTES;
            topic.partitions.push(one);
        }
        let mut request = FetchRequest::default();
        request.replica_id = BrokerId(-1);
        (request.max_wait_ms, request.min_bytes, request.max_bytes) = (wait, 1, BYTES);
        request.topics = vec![topic];
        let answer: FetchResponse = answer!(Fetch, self.cluster.node(leader, ApiKey::Fetch, request));
        expect(answer.error_code, "fetch")?;
        let mut fine = true;
        for part in answer.responses.iter().flat_map(|topic| &topic.partitions) {
            fine &= self.part(part.partition_index, part.error_code, part.records.as_deref().unwrap_or_default())?;
        }
        Ok(fine)
    }

    fn part(&mut self, partition: i32, code: i16, bytes: &[u8]) -> Result<bool, Failure> {
        if code == ResponseError::OffsetOutOfRange.code() && self.command.offset.is_none() {
            self.next.remove(&partition);
            self.unplaced.insert(partition);
            return self.begin().map(|()| true);
        }
        let what = format!("{}-{partition}", self.command.topic);
        if code == ResponseError::CorruptMessage.code() {
            let from = self.next.get(&partition).copied().unwrap_or(0);
            let line =
                "is damaged, and no other replica in sync has it; --partition with a later --offset reads on behind it";
            return Err(Failure::failed(format!("{what}: the batch at offset {from} {line}")).for_good());
        }
        match of_leader(code, &what) {
            Err(why) if !why.is_final() => return Ok(false),
            told => told?,
        }
        let from = self.next.get(&partition).copied().unwrap_or(0);
        let mut out = io::BufWriter::new(io::stdout().lock());
        let mut next = from;
        let max = self.command.max_messages.unwrap_or(u64::MAX);
        let mut written = Ok(());
        let read = records::each(bytes, |record| {
            // The first batch may begin before the offset that was asked for.
            if record.offset.0 < from || self.printed >= max || written.is_err() {
                return Ok(());
            }
            written = show(self.command, partition, record, &mut out);
            self.printed += 1;
            next = record.offset.0 + 1;
            Ok(())
        });
        match written.and_then(|()| out.flush()) {
            Ok(()) => {}
            Err(why) if why.kind() == io::ErrorKind::BrokenPipe => {
                self.is_unread = true;
                return Ok(true);
            }
            Err(why) => return Err(Failure::failed(format!("cannot write the output: {why}")).for_good()),
        }
        if self.printed < max
            && let Ok(Some(end)) = read
        {
            next = next.max(end);
        }
        self.next.insert(partition, next);
        if self.printed >= max {
            return Ok(true);
        }
        read.map(|_| true).map_err(|why| Failure { line: format!("{what}: {}", why.line), ..why })
    }
}

fn show(command: &Consume, partition: i32, record: &Record<'_>, out: &mut impl Write) -> io::Result<()> {
    if command.target.json {
        let mut line = Map::new();
        line.insert("partition".into(), partition.into());
        line.insert("offset".into(), record.offset.0.into());
        line.insert("time".into(), record.timestamp.into());
        put(&mut line, "key", record.key);
        put(&mut line, "value", record.value);
        return writeln!(out, "{}", serde_json::Value::from(line));
    }
    if let Some(separator) = &command.key_separator {
        out.write_all(record.key.unwrap_or(b"null"))?;
        out.write_all(separator.as_bytes())?;
    }
    out.write_all(record.value.unwrap_or(b"null"))?;
    out.write_all(b"\n")
}
