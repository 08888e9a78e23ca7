//! Below the watermark every replica holds the same batches, byte for byte; and nothing of it is ever cut away, nor lost in a
//! crash by a replica that is in sync.

use super::Broken;
use super::producers::Producers;
use super::shadow::{Cut, Entry, Shadow};
use crate::table::Map;
use esker_core::id::Offset;
use std::collections::BTreeMap;

/// What is committed of one log, by the last offset of each batch: base and hash.
#[derive(Debug, Default)]
struct Canon {
    batches: BTreeMap<i64, (i64, u64)>,
    /// One more than the last committed offset that is known.
    end: i64,
    /// All before it was deleted: where a replica's log was seen to start.
    deleted: i64,
    producers: Producers,
    /// Up to where each node's replica was compared.
    compared: Map<usize, i64>,
}

/// What is committed, of all logs.
#[derive(Debug, Default)]
pub struct Prefix {
    canon: Map<String, Canon>,
}

impl Prefix {
    /// A replica's log starts at `start` and has the watermark `watermark`: all between is committed, or the replica believes so. What lies
    /// before the start was deleted: a follower may come to it with something else there, which nobody is ever served.
    pub fn on_watermark(
        &mut self,
        node: usize,
        folder: &str,
        shadow: &Shadow,
        (start, watermark): (i64, i64),
    ) -> Result<(), Broken> {
        if !self.canon.contains_key(folder) {
            self.canon.insert(folder.into(), Canon::default());
        }
        let canon = self.canon.get_mut(folder).expect("just put there");
        canon.deleted = canon.deleted.max(start);
        let compared = canon.compared.get(&node).copied().unwrap_or(0);
        if watermark <= compared {
            return Ok(());
        }
        let from = shadow.entries.partition_point(|entry| entry.last < start.max(compared));
        let committed = shadow.entries[from..].iter().take_while(|entry| entry.last < watermark);
        for entry in committed.filter(|entry| !entry.damaged) {
            canon.agree(folder, entry)?;
        }
        canon.compared.insert(node, watermark);
        canon.end = canon.end.max(watermark.min(shadow.end()));
        Ok(())
    }

    /// A replica begins anew: nothing of it was compared.
    pub fn forget(&mut self, node: usize, folder: &str) {
        if let Some(canon) = self.canon.get_mut(folder) {
            canon.compared.remove(&node);
        }
    }

    /// As [`Prefix::forget`], of all that the node had.
    pub fn forget_all(&mut self, node: usize) {
        for canon in self.canon.values_mut() {
            canon.compared.remove(&node);
        }
    }

    /// A replica cut its log; it has all before `covered` elsewhere.
    pub fn on_cut(&mut self, node: usize, cut: &Cut, covered: Offset) -> Result<(), Broken> {
        let start = cut.gone.first().map_or(0, |entry| entry.base);
        let Some(canon) = self.canon.get_mut(&cut.folder) else { return Ok(()) };
        if let Some(compared) = canon.compared.get_mut(&node) {
            *compared = (*compared).min(start);
        }
        // A follower whose place its leader does not have any more begins anew at the leader's start: what it had is deleted.
        let committed = |entry: &&Entry| {
            entry.last >= canon.deleted.max(covered.0)
                && canon.batches.get(&entry.last) == Some(&(entry.base, entry.hash))
        };
        let lost = cut.gone.iter().find(committed);
        lost.map_or(Ok(()), |entry| {
            Err((
                "committed-cut",
                format!(
                    "cuts {} from {start}, though {} to {} is committed up to {}",
                    cut.folder, entry.base, entry.last, canon.end
                ),
            ))
        })
    }

    /// A replica's log was opened: recovery keeps nothing whose CRC is wrong. `rotten`: bits flipped on its disk, and what was durable is
    /// kept for its readers to meet.
    pub fn on_recovered(folder: &str, shadow: &Shadow, rotten: bool) -> Result<(), Broken> {
        match shadow.entries.iter().find(|entry| entry.damaged && !rotten) {
            None => Ok(()),
            Some(entry) => Err((
                "damaged-kept",
                format!("opens {folder}, and keeps {} to {}, whose CRC is wrong", entry.base, entry.last),
            )),
        }
    }

    /// A replica's log was opened.
    pub fn on_opened(&mut self, node: usize, folder: &str, end: i64, in_sync: bool) -> Result<(), Broken> {
        self.forget(node, folder);
        match self.canon.get(folder) {
            Some(canon) if in_sync && end < canon.end && (end > 0 || !canon.batches.is_empty()) => Err((
                "committed-lost",
                format!(
                    "opens {folder} with the end {end}, and is in sync, though it is committed up to {}",
                    canon.end
                ),
            )),
            _ => Ok(()),
        }
    }
}

impl Canon {
    fn agree(&mut self, folder: &str, entry: &Entry) -> Result<(), Broken> {
        if let Some(known) = self.batches.get(&entry.last) {
            if *known == (entry.base, entry.hash) {
                return Ok(());
            }
            return Err((
                "same-prefix",
                format!("{folder} from {} to {} is not what is committed there", entry.base, entry.last),
            ));
        }
        if let Some((last, (base, _))) = self.batches.range(entry.base..).next()
            && *base <= entry.last
        {
            return Err((
                "same-prefix",
                format!(
                    "{folder} has a batch from {} to {} where one from {base} to {last} is committed",
                    entry.base, entry.last
                ),
            ));
        }
        // What is filled in behind others was damaged where the others were seen first.
        let last = self.batches.last_key_value().map(|(last, _)| *last);
        if last.is_none_or(|last| last < entry.base) {
            // What lies between was deleted before anybody saw it committed, or is damaged: whose it was is not known.
            if last.is_some_and(|last| last + 1 < entry.base) {
                self.producers = Producers::default();
            }
            self.producers.take(folder, entry)?;
        }
        self.batches.insert(entry.last, (entry.base, entry.hash));
        self.end = self.end.max(entry.last + 1);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::shadow::{Shadows, Stamp};
    use super::*;
    use crate::client::batch::{Sender, Shape, encode};
    use esker_core::id::DirId;
    use esker_core::io::{DiskOp, FileId, FileName};

    const FILE: FileId = FileId::new(DirId(2), FileName::Log(Offset(0)));

    fn disk() -> crate::disk::Disk {
        crate::disk::Disk::new(1, 0, crate::plan::draw(1).nodes[0].disk)
    }

    fn log(values: &[u64]) -> Shadows {
        let disk = disk();
        let mut shadows = Shadows::default();
        shadows.on_op(&DiskOp::OpenDir { dir: DirId(2), name: "t-0".into() }, &disk);
        let mut at = 0;
        for (base, value) in values.iter().enumerate() {
            let mut batch = encode(&[*value], Shape::plain(8), 0, Sender::PLAIN).to_vec();
            batch[..8].copy_from_slice(&(base as i64).to_be_bytes());
            let len = batch.len() as u64;
            shadows.on_op(&DiskOp::Append { file: FILE, at, bytes: vec![batch.into()], sync: true }, &disk);
            at += len;
        }
        shadows
    }

    #[test]
    fn replicas_that_differ_below_the_watermark_are_caught() {
        let (one, other) = (log(&[7, 8, 9]), log(&[7, 8, 10]));
        let mut prefix = Prefix::default();
        assert!(prefix.on_watermark(0, "t-0", one.log("t-0").unwrap(), (0, 2)).is_ok());
        assert!(prefix.on_watermark(1, "t-0", other.log("t-0").unwrap(), (0, 2)).is_ok());
        assert!(prefix.on_watermark(1, "t-0", other.log("t-0").unwrap(), (0, 3)).is_ok());
        // What differs lies before the start: it was deleted.
        assert!(prefix.on_watermark(2, "t-0", one.log("t-0").unwrap(), (3, 3)).is_ok());
        assert_eq!(prefix.on_watermark(0, "t-0", one.log("t-0").unwrap(), (0, 3)).unwrap_err().0, "same-prefix");
    }

    #[test]
    fn whose_batches_were_deleted_before_they_were_seen_is_not_known() {
        let stamp = |sequence| Some(Stamp { id: 7, epoch: 0, first: sequence, last: sequence });
        for (base, well) in [(1, false), (2, true)] {
            let mut shadow = Shadow::of(&[(0, 0, 1), (base, base, 1)]);
            (shadow.entries[0].producer, shadow.entries[1].producer) = (stamp(0), stamp(2));
            assert_eq!(Prefix::default().on_watermark(0, "t-0", &shadow, (0, base + 1)).is_ok(), well);
        }
    }

    #[test]
    fn a_cut_of_the_committed_is_caught_and_of_the_rest_is_not() {
        let mut one = log(&[7, 8, 9]);
        let mut prefix = Prefix::default();
        prefix.on_watermark(0, "t-0", one.log("t-0").unwrap(), (0, 2)).unwrap();
        let cut = one.on_op(&DiskOp::Truncate { file: FILE, len: 154 }, &disk()).unwrap();
        assert!(prefix.on_cut(0, &cut, Offset::ZERO).is_ok(), "{cut:?}");
        let cut = one.on_op(&DiskOp::Truncate { file: FILE, len: 77 }, &disk()).unwrap();
        assert_eq!(prefix.on_cut(0, &cut, Offset::ZERO).unwrap_err().0, "committed-cut");
    }

    #[test]
    fn a_damaged_batch_that_recovery_keeps_is_caught() {
        let mut log = Shadow::of(&[(0, 3, 1), (4, 4, 1)]);
        assert!(Prefix::on_recovered("t-0", &log, false).is_ok());
        log.entries[1].damaged = true;
        assert_eq!(Prefix::on_recovered("t-0", &log, false).unwrap_err().0, "damaged-kept");
        assert!(Prefix::on_recovered("t-0", &log, true).is_ok());
    }

    #[test]
    fn a_replica_in_sync_that_comes_back_short_is_caught() {
        let (whole, short) = (log(&[7, 8]), log(&[7]));
        let mut prefix = Prefix::default();
        prefix.on_watermark(0, "t-0", whole.log("t-0").unwrap(), (0, 2)).unwrap();
        assert!(prefix.on_opened(1, "t-0", short.log("t-0").unwrap().end(), false).is_ok());
        assert!(prefix.on_opened(0, "t-0", whole.log("t-0").unwrap().end(), true).is_ok());
        assert_eq!(prefix.on_opened(1, "t-0", short.log("t-0").unwrap().end(), true).unwrap_err().0, "committed-lost");
    }
}
