//! `esker consume`: prints the records of a topic.

use super::Target;
use super::content::put;
use super::interrupt::Interrupt;
use super::member::Member;
use super::offsets::{EARLIEST, LATEST, offset};
use crate::answer;
use crate::client::{Cluster, Topic, expect, is_passing, records, topic_name};
use crate::exit::Failure;
use clap::Args;
use esker_core::batch::Record;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::{ApiKey, BrokerId, FetchRequest, FetchResponse};
use serde_json::Map;
use std::collections::BTreeMap;
use std::io::Write;
use std::time::Duration;

const AFTER: &str = "\
It goes on until --max-messages, ctrl-C or SIGTERM. Then what was printed is committed and the group left, so that nobody waits for this \
member; the exit code after a signal is 130 (ctrl-C) or 143 (SIGTERM), as that of kafka-console-consumer. A second signal ends it at once. \
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

/// Where the reading stands.
struct Reader<'a> {
    command: &'a Consume,
    cluster: Cluster,
    topic: Topic,
    /// The next offset of each partition that is read.
    next: BTreeMap<i32, i64>,
    printed: u64,
    interrupt: Interrupt,
}

impl Consume {
    pub fn run(self) -> Result<(), Failure> {
        let mut cluster = self.target.open()?;
        let topic = cluster.topic(&self.topic, false)?;
        let interrupt = Interrupt::watch()?;
        let mut reader = Reader { command: &self, cluster, topic, next: BTreeMap::new(), printed: 0, interrupt };
        if self.group.is_some() {
            reader.as_member()?
        } else {
            reader.alone()?
        }
        eprintln!("{} record{}", reader.printed, if reader.printed == 1 { "" } else { "s" });
        match reader.interrupt.code() {
            Some(code) => std::process::exit(code.into()),
            None => Ok(()),
        }
    }
}

impl Reader<'_> {
    fn alone(&mut self) -> Result<(), Failure> {
        let all = 0..i32::try_from(self.topic.leaders.len()).unwrap_or(i32::MAX);
        if self.command.partition.is_some_and(|one| !all.contains(&one)) {
            return Err(Failure::failed(format!("{} has no such partition", self.command.topic)));
        }
        for partition in all.filter(|one| self.command.partition.is_none_or(|chosen| chosen == *one)) {
            let from = match self.command.offset {
                Some(offset) => offset,
                None => self.reset(partition)?,
            };
            self.next.insert(partition, from);
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
        if read.as_ref().is_err_and(|why| !why.is_final) {
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
                let mine = member.join(&mut self.cluster)?;
                self.next.clear();
                for (partition, committed) in mine {
                    let from = if committed >= 0 { committed } else { self.reset(partition)? };
                    self.next.insert(partition, from);
                }
            }
            let before = self.next.clone();
            if self.next.is_empty() {
                std::thread::sleep(PAUSE)
            } else {
                self.poll()?
            }
            if before != self.next {
                member.commit(&mut self.cluster, &self.next)?;
            }
            member.beat(&mut self.cluster)?;
        }
        Ok(())
    }

    fn is_done(&self) -> bool {
        self.command.max_messages.is_some_and(|max| self.printed >= max) || self.interrupt.code().is_some()
    }

    /// Where to begin when nobody says.
    fn reset(&mut self, partition: i32) -> Result<i64, Failure> {
        let time = if self.command.from_beginning { EARLIEST } else { LATEST };
        offset(&mut self.cluster, &self.command.topic, partition, time)
    }

    /// Asks each leader once.
    fn poll(&mut self) -> Result<(), Failure> {
        let mut by_leader: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
        for partition in self.next.keys() {
            let leader = usize::try_from(*partition).ok().and_then(|place| self.topic.leaders.get(place)).copied();
            by_leader.entry(leader.unwrap_or(-1)).or_default().push(*partition);
        }
        let one_leader = by_leader.len() == 1;
        for (leader, partitions) in by_leader {
            let wait = if one_leader { WAIT_MS } else { WAIT_MS / 4 };
            match self.fetch(leader, &partitions, wait) {
                Ok(true) => {}
                Ok(false) => self.look_again()?,
                Err(why) if why.is_final => return Err(why),
                Err(_) => self.look_again()?,
            }
            if self.is_done() {
                break;
            }
        }
        Ok(())
    }

    /// The leaders are others now, or will be soon.
    fn look_again(&mut self) -> Result<(), Failure> {
        std::thread::sleep(PAUSE);
        self.topic = self.cluster.topic(&self.command.topic, false)?;
        Ok(())
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
            let from = self.reset(partition)?;
            self.next.insert(partition, from);
            return Ok(true);
        }
        if is_passing(code) {
            return Ok(false);
        }
        expect(code, &format!("{}-{partition}", self.command.topic))?;
        let from = self.next.get(&partition).copied().unwrap_or(0);
        let mut out = std::io::BufWriter::new(std::io::stdout().lock());
        let mut next = from;
        let max = self.command.max_messages.unwrap_or(u64::MAX);
        let end = records::each(bytes, |record| {
            // The first batch may begin before the offset that was asked for.
            if record.offset.0 < from || self.printed >= max {
                return Ok(());
            }
            show(self.command, partition, record, &mut out)?;
            self.printed += 1;
            next = record.offset.0 + 1;
            Ok(())
        })?;
        out.flush().map_err(|_| Failure::failed("the output is closed").for_good())?;
        if self.printed < max {
            next = end.unwrap_or(next).max(next);
        }
        self.next.insert(partition, next);
        Ok(true)
    }
}

fn show(command: &Consume, partition: i32, record: &Record<'_>, out: &mut impl Write) -> Result<(), Failure> {
    let written = if command.target.json {
        let mut line = Map::new();
        line.insert("partition".into(), partition.into());
        line.insert("offset".into(), record.offset.0.into());
        line.insert("time".into(), record.timestamp.into());
        put(&mut line, "key", record.key);
        put(&mut line, "value", record.value);
        writeln!(out, "{}", serde_json::Value::from(line))
    } else {
        let key = command.key_separator.as_ref().map_or(Ok(()), |separator| {
            out.write_all(record.key.unwrap_or(b"null")).and_then(|()| out.write_all(separator.as_bytes()))
        });
        key.and_then(|()| out.write_all(record.value.unwrap_or(b"null"))).and_then(|()| out.write_all(b"\n"))
    };
    written.map_err(|_| Failure::failed("the output is closed").for_good())
}
