//! What stands in each replica's log, as its disk operations say: the checkers' own view, apart from the core's.

use crate::disk::{Disk, Folder};
use crate::trace::Digest;
use esker_core::batch::{Batches, Header, is_intact};
use esker_core::id::{DirId, Offset};
use esker_core::io::{DiskOp, FileId, FileName};
use std::collections::BTreeMap;

/// What a batch says of its producer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stamp {
    pub id: i64,
    pub epoch: i16,
    pub first: i32,
    pub last: i32,
}

/// A batch in a log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Entry {
    pub base: i64,
    pub last: i64,
    /// How many records its header says that it has.
    pub records: i32,
    pub epoch: i32,
    /// Of all its bytes.
    pub hash: u64,
    /// Its CRC says that it is not what was written: it is never served, and agrees with nothing.
    pub damaged: bool,
    /// The largest timestamp of its records, and that of the first: between them they rise evenly.
    pub time: i64,
    pub first_time: i64,
    /// That is the leader's clock, and not the producer's.
    pub append_time: bool,
    /// Whose it is; `None`: a plain producer's, or a control batch.
    pub producer: Option<Stamp>,
    /// The segment it lies in, and where it begins and ends there.
    segment: i64,
    at: u64,
    to: u64,
}

/// One replica's log.
#[derive(Clone, Debug, Default)]
pub struct Shadow {
    pub entries: Vec<Entry>,
    /// Where in `entries` the last append began.
    fresh: usize,
}

/// The logs of one node.
#[derive(Clone, Debug, Default)]
pub struct Shadows {
    dirs: BTreeMap<DirId, String>,
    logs: BTreeMap<String, Shadow>,
}

/// What an operation took away from the end of a log.
#[derive(Clone, Debug)]
pub struct Cut {
    pub folder: String,
    pub gone: Vec<Entry>,
}

impl Entry {
    /// The first of its records that is not older than `time`; there is one.
    pub fn first_at(&self, time: i64) -> i64 {
        let (late, span) = ((time - self.first_time).max(0), self.time - self.first_time);
        // Of steps that are all the same so many that they reach it.
        self.base + if late == 0 { 0 } else { (late * (self.last - self.base) + span - 1) / span }
    }

    /// Its bytes.
    pub const fn size(&self) -> u64 {
        self.to - self.at
    }

    /// The segment it lies in, and where it ends there.
    pub const fn place(&self) -> (i64, u64) {
        (self.segment, self.to)
    }
}

#[cfg(test)]
impl Entry {
    /// One byte from `base` to `last`.
    fn at(base: i64, last: i64) -> Self {
        Self {
            base,
            last,
            records: (last - base + 1) as i32,
            epoch: 0,
            hash: 0,
            damaged: false,
            time: 0,
            first_time: 0,
            append_time: false,
            producer: None,
            segment: 0,
            at: 0,
            to: 1,
        }
    }
}

impl Shadow {
    /// `read`: the bytes come from a disk, and may be damaged.
    fn write(&mut self, segment: i64, at: u64, bytes: &[u8], read: bool) {
        let mut at = at;
        self.fresh = self.entries.len();
        for (header, batch) in Batches::of(bytes) {
            let mut digest = Digest::default();
            digest.bytes(batch);
            let to = at + batch.len() as u64;
            let (base, last) = (header.base_offset().0, header.last_offset().0);
            self.entries.push(Entry {
                base,
                last,
                records: header.count(),
                epoch: header.leader_epoch().0,
                hash: digest.value(),
                damaged: read && !is_intact(batch),
                time: header.max_timestamp(),
                first_time: if header.is_log_append_time() { header.max_timestamp() } else { header.base_timestamp() },
                append_time: header.is_log_append_time(),
                producer: stamp(&header),
                segment,
                at,
                to,
            });
            at = to;
        }
    }

    /// The bytes of the batch that has `offset`, as a number.
    pub fn hash_at(&self, offset: i64) -> Option<u64> {
        let at = self.entries.partition_point(|entry| entry.last < offset);
        self.entries.get(at).filter(|entry| entry.base <= offset).map(|entry| entry.hash)
    }

    /// Where the first batch of `epoch`, or of a later one, begins.
    pub fn start_of(&self, epoch: i32) -> Option<i64> {
        let own = self.entries.partition_point(|entry| entry.epoch < epoch);
        self.entries.get(own).map(|entry| entry.base)
    }

    /// A log of these batches: base, last offset, epoch.
    #[cfg(test)]
    pub fn of(batches: &[(i64, i64, i32)]) -> Self {
        Self { entries: batches.iter().map(|of| Entry { epoch: of.2, ..Entry::at(of.0, of.1) }).collect(), fresh: 0 }
    }

    /// The same with the time of each in the place of its epoch.
    #[cfg(test)]
    pub fn timed(batches: &[(i64, i64, i64)]) -> Self {
        Self {
            entries: batches.iter().map(|of| Entry { time: of.2, first_time: of.2, ..Entry::at(of.0, of.1) }).collect(),
            fresh: 0,
        }
    }

    /// The same with the segment of each, all of one byte.
    #[cfg(test)]
    pub fn in_segments(batches: &[(i64, i64, i64)]) -> Self {
        Self { entries: batches.iter().map(|of| Entry { segment: of.2, ..Entry::at(of.0, of.1) }).collect(), fresh: 0 }
    }

    /// A log of batches of these producers, one record each.
    #[cfg(test)]
    pub fn sent(stamps: &[Stamp]) -> Self {
        let entry = |(base, stamp): (i64, &Stamp)| Entry { producer: Some(*stamp), ..Entry::at(base, base) };
        Self { entries: (0..).zip(stamps).map(entry).collect(), fresh: 0 }
    }

    /// The last offset of a segment; `None`: nothing is in it.
    pub fn last_of_segment(&self, segment: i64) -> Option<i64> {
        self.entries.iter().rfind(|entry| entry.segment == segment).map(|entry| entry.last)
    }

    /// The largest timestamp in a segment.
    pub fn newest_of_segment(&self, segment: i64) -> i64 {
        let own = self.entries.iter().filter(|entry| entry.segment == segment);
        own.map(|entry| entry.time).max().unwrap_or(i64::MAX)
    }

    /// The bytes of all segments behind one.
    pub fn bytes_behind(&self, segment: i64) -> u64 {
        self.entries.iter().filter(|entry| entry.segment > segment).map(|entry| entry.to - entry.at).sum()
    }

    /// The last offset of a segment's batches before byte `to`.
    pub fn last_before(&self, segment: i64, to: u64) -> Option<i64> {
        self.entries.iter().rfind(|entry| entry.segment == segment && entry.to <= to).map(|entry| entry.last)
    }

    /// The first offset behind the log.
    pub fn end(&self) -> i64 {
        self.entries.last().map_or(0, |entry| entry.last + 1)
    }
}

/// What a batch says of its producer.
pub fn stamp(header: &Header<'_>) -> Option<Stamp> {
    (header.has_producer() && !header.is_control()).then(|| Stamp {
        id: header.producer_id().0,
        epoch: header.producer_epoch(),
        first: header.base_sequence(),
        last: header.last_sequence(),
    })
}

impl Shadows {
    pub fn log(&self, folder: &str) -> Option<&Shadow> {
        self.logs.get(folder)
    }

    pub fn folder(&self, dir: DirId) -> Option<&str> {
        self.dirs.get(&dir).map(String::as_str)
    }

    /// A new process opens its folders anew; what stands in them is known when they are open.
    pub fn on_start(&mut self) {
        self.dirs.clear();
        self.logs.clear();
    }

    /// What the operation appends to a log, with the log's folder.
    pub fn appended(&self, op: &DiskOp) -> Option<(&str, &[Entry])> {
        let DiskOp::Append { file: FileId { dir, name: FileName::Log(_) }, .. } = op else { return None };
        let (name, log) = self.logs.get_key_value(self.dirs.get(dir)?)?;
        Some((name, log.entries.get(log.fresh..)?))
    }

    /// Reads a log from the disk, as it is after its recovery: between its bounds.
    pub fn on_opened(&mut self, dir: DirId, (start, end): (Offset, Offset), disk: &Disk) {
        let Some(name) = self.dirs.get(&dir) else { return };
        let mut shadow = Shadow::default();
        if let Some(folder) = disk.named(name) {
            for (file, len) in folder.list() {
                if let (FileName::Log(base), Some(file)) = (file, folder.file(file)) {
                    shadow.write(base.0, 0, file.read(0, len.try_into().unwrap_or(u32::MAX)), true);
                }
            }
        }
        // Behind its end there may still be what recovery cuts: a torn batch whose lost pages look like a batch of offset 0.
        let mut next = i64::MIN;
        let whole = shadow.entries.iter().take_while(|entry| {
            let goes_on = entry.base >= next && entry.last < end.0;
            next = entry.last.saturating_add(1);
            goes_on
        });
        let whole = whole.count();
        shadow.entries.truncate(whole);
        // A segment that ends before its start may be on its way to being deleted, as all of a log is that begins anew.
        let first = shadow.entries.iter().find(|entry| entry.last >= start.0).map_or(i64::MAX, |entry| entry.segment);
        shadow.entries.retain(|entry| entry.segment >= first);
        self.logs.insert(name.clone(), shadow);
    }

    /// The log begins anew at another place: its leader does not have the one where it ended any more.
    pub fn on_restart_at(&mut self, dir: DirId) {
        if let Some(log) = self.dirs.get(&dir).and_then(|name| self.logs.get_mut(name)) {
            log.entries.clear();
        }
    }

    /// An operation was issued: what it changes it changes here at once.
    pub fn on_op(&mut self, op: &DiskOp, disk: &Disk) -> Option<Cut> {
        match op {
            DiskOp::OpenDir { dir, name } => {
                self.dirs.insert(*dir, name.clone());
                let has_log = |folder: &Folder| folder.list().any(|(file, _)| matches!(file, FileName::Log(_)));
                if !disk.named(name).is_some_and(has_log) {
                    self.logs.insert(name.clone(), Shadow::default());
                }
                None
            }
            DiskOp::RenameDir { dir, name } => {
                let old = self.dirs.insert(*dir, name.clone())?;
                let log = self.logs.remove(&old)?;
                self.logs.insert(name.clone(), log);
                None
            }
            DiskOp::RemoveDir { dir } => {
                let name = self.dirs.remove(dir)?;
                self.logs.remove(&name);
                None
            }
            DiskOp::Append { file: FileId { dir, name: FileName::Log(base) }, at, bytes, .. } => {
                let log = self.logs.get_mut(self.dirs.get(dir)?)?;
                match bytes.as_slice() {
                    [whole] => log.write(base.0, *at, whole, false),
                    parts => log.write(base.0, *at, &parts.concat(), false),
                }
                None
            }
            DiskOp::Truncate { file: FileId { dir, name: FileName::Log(base) }, len } => self.cut(*dir, base.0, *len),
            DiskOp::Create { file: FileId { dir, name: FileName::Log(base) } }
            | DiskOp::Delete { file: FileId { dir, name: FileName::Log(base) } } => self.cut(*dir, base.0, 0),
            // Retention takes the last segment as well, once another is begun.
            DiskOp::Rename { from: FileId { dir, name: FileName::Log(base) }, .. } => {
                let cut = self.cut(*dir, base.0, 0)?;
                self.log(&cut.folder).is_some_and(|left| !left.entries.is_empty()).then_some(cut)
            }
            _ => None,
        }
    }

    /// What of a segment lies behind `len` is gone. From the front of a log that is retention, and no cut.
    fn cut(&mut self, dir: DirId, segment: i64, len: u64) -> Option<Cut> {
        let folder = self.dirs.get(&dir)?;
        let log = self.logs.get_mut(folder)?;
        let gone = |entry: &Entry| entry.segment == segment && entry.to > len;
        let first = log.entries.iter().position(gone)?;
        let behind = log.entries[first..].iter().any(|entry| entry.segment > segment);
        let (gone, kept): (Vec<Entry>, Vec<Entry>) = log.entries.iter().partition(|entry| gone(entry));
        log.entries = kept;
        (!behind).then(|| Cut { folder: folder.clone(), gone })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::batch::{Sender, Shape, encode};

    const DIR: DirId = DirId(3);

    fn append(base: i64, segment: i64, at: u64) -> DiskOp {
        let mut batch = encode(&[1], Shape::plain(8), 0, Sender::PLAIN).to_vec();
        batch[..8].copy_from_slice(&base.to_be_bytes());
        DiskOp::Append {
            file: FileId::new(DIR, FileName::Log(Offset(segment))),
            at,
            bytes: vec![batch.into()],
            sync: true,
        }
    }

    #[test]
    fn cuts_from_the_end_are_told_and_retention_is_not() {
        let disk = Disk::new(1, 0, crate::plan::draw(1).nodes[0].disk);
        let mut shadows = Shadows::default();
        shadows.on_op(&DiskOp::OpenDir { dir: DIR, name: "t-0".into() }, &disk);
        for op in [append(0, 0, 0), append(1, 0, 80), append(2, 2, 0)] {
            assert!(shadows.on_op(&op, &disk).is_none());
        }
        assert_eq!(shadows.log("t-0").unwrap().end(), 3);
        let retired =
            DiskOp::Rename { from: FileId::new(DIR, FileName::Log(Offset(0))), to: FileName::RetiredLog(Offset(0)) };
        assert!(shadows.on_op(&retired, &disk).is_none());
        let cut = shadows
            .on_op(&DiskOp::Truncate { file: FileId::new(DIR, FileName::Log(Offset(2))), len: 0 }, &disk)
            .unwrap();
        assert_eq!((cut.gone.len(), cut.gone[0].base), (1, 2));
        shadows.on_op(&append(3, 3, 0), &disk);
        let last = |to| DiskOp::Rename { from: FileId::new(DIR, FileName::Log(Offset(3))), to };
        assert!(
            shadows.on_op(&last(FileName::RetiredLog(Offset(3))), &disk).is_none(),
            "retention takes the last one as well"
        );
    }
}
