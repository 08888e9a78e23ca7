//! A coordinator that takes over knows what its log says, and nothing else: made into records again, its groups and offsets are the last of
//! each key that stand there, byte for byte.

use super::Broken;
use crate::disk::Disk;
use esker_core::batch::{Batches, Records};
use esker_core::group::records::Entry;
use esker_core::group::{Record, Sight};
use esker_core::id::Offset;
use esker_core::io::FileName;
use esker_core::node::Node as Core;
use esker_core::partition::Partition;
use std::collections::BTreeMap;

/// What the records of a log say last, by their keys, and where; gone is what has no value.
type Said = BTreeMap<Vec<u8>, (Offset, Option<Vec<u8>>)>;

/// A coordinator has read its log.
pub fn look(core: &Core, replica: &Partition, disk: &Disk) -> Result<(), Broken> {
    let Some(known) = core.groups.stored(replica.key().partition) else { return Ok(()) };
    let (mut said, mut last) = (Said::new(), None);
    if let Some(folder) = disk.named(replica.folder()) {
        for (name, len) in folder.list().filter(|(name, _)| matches!(name, FileName::Log(_))) {
            let file = folder.file(name);
            let bytes = file.map(|file| file.read(0, len.try_into().unwrap_or(u32::MAX))).unwrap_or_default();
            last = read(bytes, replica.log_start()..replica.log_end(), &mut said).or(last);
        }
    }
    // What is on its way to the disk was read from memory.
    let whole = last.map_or(replica.log_start(), |last| last.plus(1)) == replica.log_end();
    // Whom the same input let join already has been read, and is not as it was (seed 76000003146).
    let joins = |entry: &Entry| match entry {
        Entry::Group { group, .. } => {
            let joins =
                |sight: Sight| sight.state == "CompletingRebalance" || sight.members.iter().any(|member| member.joins);
            core.groups.sight(group).is_some_and(joins)
        }
        Entry::Offset { .. } => false,
    };
    if whole { judge(replica.folder(), &said, &known, joins) } else { Ok(()) }
}

/// The last offset that was read.
fn read(bytes: &[u8], within: std::ops::Range<Offset>, said: &mut Said) -> Option<Offset> {
    let mut last = None;
    for (header, batch) in Batches::of(bytes).filter(|(header, _)| within.contains(&header.last_offset())) {
        last = Some(header.last_offset());
        for record in Records::of(batch).into_iter().flatten().filter_map(Result::ok) {
            let value = record.value.map(<[u8]>::to_vec);
            said.insert(record.key.unwrap_or_default().to_vec(), (record.offset, value));
        }
    }
    last
}

/// `joins`: whether it is of a group that members join.
fn judge(folder: &str, said: &Said, known: &[Entry], joins: impl Fn(&Entry) -> bool) -> Result<(), Broken> {
    let mut left: BTreeMap<&[u8], &[u8]> =
        said.iter().filter_map(|(key, (_, value))| Some((&key[..], value.as_deref()?))).collect();
    for entry in known {
        let Record { key, value } = entry.encode();
        match left.remove(&key[..]) {
            Some(stored) if value.as_deref() == Some(stored) => {}
            // A group that has, or had, only offsets has no record of its own.
            None if is_simple(entry) && has_offsets(entry, said, said.get(&key[..]).map(|(ended, _)| *ended)) => {}
            _ if joins(entry) => {}
            stored => {
                let stored = stored.map(|value| Entry::decode(&key, Some(value)));
                return Err(("read-otherwise", format!("has read {entry:?} in {folder}, which has {stored:?}")));
            }
        }
    }
    match left.first_key_value() {
        None => Ok(()),
        Some((key, value)) => {
            let missing = Entry::decode(key, Some(value));
            Err(("read-otherwise", format!("has not read {missing:?} in {folder}")))
        }
    }
}

fn is_simple(entry: &Entry) -> bool {
    matches!(entry, Entry::Group { value: Some(group), .. } if group.generation == 0 && group.members.is_empty())
}

/// Whether offsets of a group were committed, or deleted, since it was.
fn has_offsets(group: &Entry, said: &Said, deleted: Option<Offset>) -> bool {
    let Entry::Group { group, .. } = group else { return false };
    let since = said.iter().filter(|(_, (at, _))| deleted.is_none_or(|deleted| deleted < *at));
    let mut entries = since.filter_map(|(key, _)| Entry::decode(key, None).ok()?);
    entries.any(|entry| matches!(entry, Entry::Offset { group: of, .. } if of == *group))
}

#[cfg(test)]
mod tests {
    use super::*;
    use esker_core::group::records::{Committed, Generation};
    use kafka_protocol::protocol::StrBytes;

    fn offset(expires_at: Option<i64>) -> Entry {
        let committed = Committed {
            offset: 7,
            leader_epoch: 1,
            metadata: StrBytes::from_static_str("m"),
            committed_at: 9,
            expires_at,
            topic_id: Default::default(),
        };
        let name = StrBytes::from_static_str;
        Entry::Offset { group: name("g"), topic: name("t"), partition: 0, value: Some(committed) }
    }

    fn group(generation: i32) -> Entry {
        let value = Generation {
            protocol_type: StrBytes::from_static_str("consumer"),
            generation,
            protocol: None,
            leader: None,
            since: 5,
            members: Vec::new(),
        };
        Entry::Group { group: StrBytes::from_static_str("g"), value: Some(value) }
    }

    fn said(entries: &[Entry]) -> Said {
        let record = |entry: &Entry| {
            let Record { key, value } = entry.encode();
            (key.to_vec(), value.map(|value| value.to_vec()))
        };
        (0..)
            .zip(entries)
            .map(|(at, entry)| (at, record(entry)))
            .map(|(at, (key, value))| (key, (Offset(at), value)))
            .collect()
    }

    #[test]
    fn what_was_read_otherwise_is_caught() {
        let judge =
            |log: &[Entry], known: &[Entry]| judge("o-0", &said(log), known, |_| false).map_err(|broken| broken.0);
        assert_eq!(judge(&[offset(Some(3)), group(4)], &[group(4), offset(Some(3))]), Ok(()));
        assert_eq!(judge(&[offset(Some(3))], &[offset(None)]), Err("read-otherwise"), "when it expires");
        assert_eq!(judge(&[group(4)], &[group(3)]), Err("read-otherwise"));
        let of_group = |entry: &Entry| matches!(entry, Entry::Group { .. });
        assert!(super::judge("o-0", &said(&[group(4)]), &[group(3)], of_group).is_ok(), "somebody joins already");
        assert_eq!(judge(&[offset(None), group(4)], &[offset(None)]), Err("read-otherwise"), "one is missing");
        assert_eq!(judge(&[offset(None)], &[offset(None), group(4)]), Err("read-otherwise"), "one too many");
        assert_eq!(judge(&[offset(None)], &[offset(None), group(0)]), Ok(()), "a group that has only offsets");
        let ended =
            |entries: &[Entry]| -> Said { said(entries).into_iter().map(|(key, (at, _))| (key, (at, None))).collect() };
        let judge = |said: &Said, known: &[Entry]| super::judge("o-0", said, known, |_| false).is_ok();
        assert!(judge(&ended(&[offset(None)]), &[]) && !judge(&ended(&[offset(None)]), &[offset(None)]));
        assert!(!judge(&ended(&[group(0)]), &[group(0)]), "a group that was deleted");
        assert!(!judge(&ended(&[offset(None), group(0)]), &[group(0)]), "with its offsets");
        assert!(judge(&ended(&[group(0), offset(None)]), &[group(0)]), "one that had offsets since");
    }
}
