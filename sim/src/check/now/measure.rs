//! A Fetch is answered in its measure (KIP-74): with no more of a partition than the request wants of it, but for one first batch that alone is
//! larger, and with no more of all together than the request and `fetch.max.bytes` allow. And it is not answered before there are `min_bytes`,
//! or its time is up, unless there is something else to tell; what is there and has no room counts. With less a reader that asked for much would
//! ask again and again. And by then it has what was there when it came: what the disk has to bring is waited for, if it does not take for ever.

use super::{At, Broken, id_of};
use crate::table::Map;
use esker_core::batch::Batches;
use esker_core::id::{LeaderEpoch, Offset, PartitionKey, Uuid};
use esker_core::io::Records;
use esker_core::limits::COLD_READ_MAX;
use esker_core::node::Node as Core;
use esker_core::time::{Mono, Span};
use kafka_protocol::messages::{FetchRequest, FetchResponse, TopicName};

/// Fetches without an answer.
#[derive(Debug, Default)]
pub struct Measure {
    asked: Map<At, Asked>,
}

#[derive(Debug)]
struct Asked {
    since: Mono,
    wait: Span,
    /// Bytes that are worth an answer; `None`: in a session, where the next request ends the one before.
    least: Option<usize>,
    most: usize,
    /// Of a reader without a session: the committed records that there are for it, by partition, and in which epoch.
    there: Vec<(PartitionKey, LeaderEpoch)>,
    /// What is wanted of each partition that the request names.
    each: Vec<Each>,
}

/// A partition that a request names.
#[derive(Debug)]
struct Each {
    name: (TopicName, Uuid, i32),
    from: Offset,
    limit: usize,
}

/// The bytes of a partition in an answer, and what is wanted of it.
#[derive(Clone, Copy, Debug)]
struct Part {
    bytes: usize,
    limit: usize,
    /// They are known to be more than one batch.
    several: bool,
    /// There may be more than they are.
    more: bool,
}

impl Measure {
    /// A Fetch is handed to a node at `now`.
    pub fn on_request(&mut self, at: At, now: Mono, request: &FetchRequest, core: &Core) {
        let bytes = |wanted: i32| usize::try_from(wanted).unwrap_or(0);
        let most = bytes(request.max_bytes).min(core.config.fetches.bytes_max as usize);
        let alone = request.session_id == 0 && request.session_epoch < 0;
        let each = request.topics.iter().flat_map(|topic| {
            let name = move |number| (topic.topic.clone(), Uuid::from(topic.topic_id), number);
            topic.partitions.iter().map(move |part| Each {
                name: name(part.partition),
                from: Offset(part.fetch_offset),
                limit: bytes(part.partition_max_bytes),
            })
        });
        let reader = alone && request.replica_id.0 < 0 && request.replica_state.replica_id.0 < 0 && most > 0;
        let parts = request.topics.iter().flat_map(|topic| topic.partitions.iter().map(move |part| (topic, part)));
        let there = parts.filter(|(_, part)| reader && part.last_fetched_epoch < 0 && part.partition_max_bytes > 0);
        let there = there.filter_map(|(topic, part)| {
            let topic = id_of(&core.image, &topic.topic, topic.topic_id.into())?;
            let replica = core.partitions.get(PartitionKey { topic, partition: part.partition })?;
            let holds = replica.log_start().0 <= part.fetch_offset && part.fetch_offset < replica.watermark().0;
            (replica.is_leader() && holds).then(|| (replica.key(), replica.leader_epoch()))
        });
        let asked = Asked {
            there: there.collect(),
            since: now,
            wait: Span::from_kafka_millis(request.max_wait_ms.into()),
            least: alone.then(|| bytes(request.min_bytes).min(most)),
            most,
            each: each.collect(),
        };
        self.asked.insert(at, asked);
    }

    /// Its answer leaves at `now`.
    pub fn on_reply(
        &mut self,
        at: At,
        now: Mono,
        response: &FetchResponse,
        records: &[Records],
        core: &Core,
    ) -> Result<(), Broken> {
        let Some(asked) = self.asked.remove(&at) else { return Ok(()) };
        let told = response.responses.iter().flat_map(|topic| topic.partitions.iter().map(move |part| (topic, part)));
        let (mut parts, mut urgent) = (Vec::new(), response.error_code != 0);
        for ((topic, part), records) in told.zip(records) {
            urgent |= part.error_code != 0 || part.diverging_epoch.epoch >= 0;
            let is = |named: &(TopicName, Uuid, i32)| {
                (&named.0, named.1, named.2) == (&topic.topic, topic.topic_id.into(), part.partition_index)
            };
            let each = asked.each.iter().find(|each| is(&each.name));
            let (from, limit) = each.map_or((Offset(i64::MAX), usize::MAX), |each| (each.from, each.limit));
            let next = if records.is_empty() { Some(from) } else { next_offset(records) };
            let more = next.is_none_or(|next| next.0 < part.high_watermark);
            parts.push(Part { bytes: records.len(), limit, several: are_several(records), more });
        }
        fits(&parts, asked.most)?;
        let leads = |(key, epoch): &(PartitionKey, LeaderEpoch)| {
            core.partitions.get(*key).is_some_and(|own| own.is_leader() && own.leader_epoch() == *epoch)
        };
        if !urgent && now < asked.since + COLD_READ_MAX {
            gives(parts.iter().map(|part| part.bytes).sum(), asked.there.iter().any(leads))?;
        }
        let early = now < asked.since + asked.wait && !urgent && !parts.is_empty();
        match asked.least.filter(|_| early) {
            Some(least) => enough(&parts, least, asked.most),
            None => Ok(()),
        }
    }
}

/// So many bytes are given; `there`: there were some when the request came.
fn gives(bytes: usize, there: bool) -> Result<(), Broken> {
    if bytes > 0 || !there {
        return Ok(());
    }
    Err(("empty-handed", "gives a reader nothing, though there were records for it when it came".into()))
}

/// More than one batch, as far as they are in memory.
fn are_several(records: &Records) -> bool {
    let Records::Memory(pieces) = records else { return false };
    let length = pieces.first().and_then(|first| first.get(8..12)).and_then(|field| field.try_into().ok());
    let first = length.map_or(0, i32::from_be_bytes);
    usize::try_from(first).is_ok_and(|first| records.len() > first + 12)
}

/// The offset behind records that are in memory.
pub(super) fn next_offset(records: &Records) -> Option<Offset> {
    let Records::Memory(pieces) = records else { return None };
    Batches::of(&pieces.concat()).last().map(|(header, _)| header.next_offset())
}

fn fits(parts: &[Part], most: usize) -> Result<(), Broken> {
    let sum: usize = parts.iter().map(|part| part.bytes).sum();
    let serving = parts.iter().filter(|part| part.bytes > 0).count();
    if sum > most && serving > 1 {
        return Err(("too-much-read", format!("gives {sum} bytes of {serving} partitions, where {most} are the most")));
    }
    let over = || parts.iter().filter(|part| part.bytes > part.limit);
    if over().count() > 1 || over().any(|part| part.several) {
        return Err(("too-much-read", format!("gives more of partitions than is wanted of them: {parts:?}")));
    }
    Ok(())
}

/// What was not given for want of room is there as well.
fn enough(parts: &[Part], least: usize, most: usize) -> Result<(), Broken> {
    let counts = |part: &Part| if part.more { part.bytes.max(part.limit.min(most)) } else { part.bytes };
    let sum: usize = parts.iter().map(counts).sum();
    if sum >= least {
        return Ok(());
    }
    Err((
        "answered-early",
        format!("answers a Fetch with {sum} bytes before its time is up, where it waits for {least}"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_for_the_disk_gets_something() {
        assert!(gives(0, false).is_ok() && gives(9, true).is_ok());
        assert_eq!(gives(0, true).unwrap_err().0, "empty-handed");
    }

    const fn part(bytes: usize, limit: usize, several: bool) -> Part {
        Part { bytes, limit, several, more: false }
    }

    #[test]
    fn more_than_is_wanted_is_caught_and_one_large_batch_is_not() {
        let judge = |parts: &[Part], most| fits(parts, most).map_err(|broken| broken.0);
        assert_eq!(judge(&[part(90, 50, false), part(10, 50, true)], 100), Ok(()));
        assert_eq!(judge(&[part(900, 50, false), part(0, 50, false)], 100), Ok(()));
        assert_eq!(judge(&[part(60, 50, true)], 100), Err("too-much-read"));
        assert_eq!(judge(&[part(60, 50, false), part(60, 50, false)], 200), Err("too-much-read"));
        assert_eq!(judge(&[part(60, 90, true), part(60, 90, true)], 100), Err("too-much-read"));
    }

    #[test]
    fn an_answer_that_comes_too_soon_is_caught() {
        let judge = |parts: &[Part], least| enough(parts, least, 900).map_err(|broken| broken.0);
        assert_eq!(judge(&[part(60, 90, true), part(40, 90, true)], 100), Ok(()));
        assert_eq!(judge(&[part(60, 90, true)], 100), Err("answered-early"));
        let cut = Part { more: true, ..part(60, 90, true) };
        assert_eq!(judge(&[cut], 90), Ok(()), "there was no room for what follows");
        assert_eq!(judge(&[cut], 91), Err("answered-early"));
    }
}
