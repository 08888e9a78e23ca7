//! A disk in memory, for tests of the log: one folder, crashes that lose or tear what is not durable, a failure of the k-th operation.

use super::{Log, LogConfig, LogEvent, Opening};
use crate::id::DirId;
use crate::io::{DiskDone, DiskFault, DiskOp, FileName, Note, Out, Output};
use crate::rng::Rng;
use crate::time::{Mono, Now, Span, Wall};
use alloc::collections::{BTreeMap, VecDeque};
use alloc::string::ToString;
use alloc::vec::Vec;
use bytes::Bytes;

pub const DIR: DirId = DirId(9);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct File {
    bytes: Vec<u8>,
    durable: Vec<u8>,
}

#[derive(Clone, Debug, Default)]
pub struct Disk {
    files: BTreeMap<u64, File>,
    names: BTreeMap<FileName, u64>,
    durable_names: BTreeMap<FileName, u64>,
    next: u64,
    changes: VecDeque<(u64, DiskOp)>,
    reads: Vec<(u64, DiskOp)>,
    /// Operations executed, and which one fails.
    pub count: u64,
    pub fail_at: Option<u64>,
    pub notes: Vec<Note>,
    /// What Unpack answers.
    pub unpacked: Option<Bytes>,
}

impl Disk {
    /// A folder that holds these files, durably.
    pub fn holding(files: &[(FileName, &[u8])]) -> Self {
        let mut disk = Self::default();
        for (name, bytes) in files {
            disk.put(*name, bytes.to_vec());
        }
        disk
    }

    pub fn put(&mut self, name: FileName, bytes: Vec<u8>) {
        self.next += 1;
        self.files.insert(self.next, File { durable: bytes.clone(), bytes });
        self.names.insert(name, self.next);
        self.durable_names.insert(name, self.next);
    }

    pub fn accept(&mut self, out: &mut Out) {
        while let Some(output) = out.pop() {
            match output {
                Output::Disk { tag, op: op @ (DiskOp::Read { .. } | DiskOp::List { .. } | DiskOp::Unpack { .. }) } => {
                    self.reads.push((tag.serial, op))
                }
                Output::Disk { tag, op } => self.changes.push_back((tag.serial, op)),
                Output::Note(note) => self.notes.push(note),
                other => panic!("a log does not {other}"),
            }
        }
    }

    pub fn changes_left(&self) -> usize {
        self.changes.len()
    }

    pub fn names(&self) -> Vec<FileName> {
        self.names.keys().copied().collect()
    }

    pub fn bytes(&self, name: FileName) -> Option<&[u8]> {
        self.names.get(&name).map(|file| &self.files[file].bytes[..])
    }

    /// All files as they are seen.
    pub fn image(&self) -> BTreeMap<FileName, Vec<u8>> {
        self.names.iter().map(|(name, file)| (*name, self.files[file].bytes.clone())).collect()
    }

    /// Executes one operation: the next change, or any read.
    pub fn step(&mut self, rng: &mut Rng) -> Option<(u64, Result<DiskDone, DiskFault>)> {
        let read = !self.reads.is_empty() && (self.changes.is_empty() || rng.below(2) == 0);
        let (serial, op) = if read {
            let place = rng.below(self.reads.len() as u64) as usize;
            self.reads.remove(place)
        } else {
            self.changes.pop_front()?
        };
        self.count += 1;
        if self.fail_at == Some(self.count) {
            return Some((serial, Err(DiskFault::Io)));
        }
        Some((serial, self.execute(&op)))
    }

    fn file(&mut self, name: FileName) -> Result<&mut File, DiskFault> {
        let file = self.names.get(&name).ok_or(DiskFault::Missing)?;
        self.files.get_mut(file).ok_or(DiskFault::Missing)
    }

    fn execute(&mut self, op: &DiskOp) -> Result<DiskDone, DiskFault> {
        match op {
            DiskOp::OpenDir { .. } => {}
            DiskOp::List { .. } => {
                return Ok(DiskDone::Files(
                    self.names.iter().map(|(name, file)| (*name, self.files[file].bytes.len() as u64)).collect(),
                ));
            }
            DiskOp::Create { file } => {
                self.next += 1;
                self.files.insert(self.next, File::default());
                self.names.insert(file.name, self.next);
            }
            DiskOp::Append { file, at, bytes, sync } => {
                let file = self.file(file.name)?;
                assert_eq!(file.bytes.len() as u64, *at, "the log appends at the end");
                bytes.iter().for_each(|part| file.bytes.extend_from_slice(part));
                if *sync {
                    file.durable = file.bytes.clone();
                }
            }
            DiskOp::Sync { file } => {
                let file = self.file(file.name)?;
                file.durable = file.bytes.clone();
            }
            DiskOp::Read { file, at, len } => {
                let bytes = &self.file(file.name)?.bytes;
                let from = (*at as usize).min(bytes.len());
                let to = (from + *len as usize).min(bytes.len());
                return Ok(DiskDone::Bytes(Bytes::copy_from_slice(&bytes[from..to])));
            }
            DiskOp::Truncate { file, len } => {
                let file = self.file(file.name)?;
                file.bytes.truncate(*len as usize);
                file.durable = file.bytes.clone();
            }
            DiskOp::Replace { file, bytes } => self.put(file.name, bytes.to_vec()),
            DiskOp::Rename { from, to } => {
                let file = self.names.remove(&from.name).ok_or(DiskFault::Missing)?;
                self.names.insert(*to, file);
            }
            DiskOp::Delete { file } => {
                self.names.remove(&file.name);
            }
            DiskOp::SyncDir { .. } => self.durable_names = self.names.clone(),
            DiskOp::Unpack { .. } => return self.unpacked.clone().map(DiskDone::Bytes).ok_or(DiskFault::Io),
            DiskOp::Folders | DiskOp::RenameDir { .. } | DiskOp::RemoveDir { .. } => {
                panic!("a log does not {}", op.to_string())
            }
        }
        Ok(DiskDone::Done)
    }

    /// Power is lost: of what was under way any part took effect, of what is not durable any part stays.
    pub fn crash(&mut self, rng: &mut Rng) {
        self.fail_at = None;
        self.reads.clear();
        for _ in 0..rng.below(self.changes.len() as u64 + 1) {
            if let Some((_, op)) = self.changes.pop_front() {
                let _ = self.execute(&op);
            }
        }
        if let Some((_, DiskOp::Append { file, at, bytes, .. })) = self.changes.pop_front() {
            let _ = self.execute(&DiskOp::Append { file, at, bytes, sync: false });
        }
        self.changes.clear();
        for file in self.files.values_mut() {
            tear(file, rng);
        }
        let differing: Vec<FileName> = self
            .names
            .keys()
            .chain(self.durable_names.keys())
            .copied()
            .filter(|name| self.names.get(name) != self.durable_names.get(name))
            .collect();
        for name in differing {
            if rng.below(2) == 0 {
                match self.durable_names.get(&name) {
                    Some(file) => self.names.insert(name, *file),
                    None => self.names.remove(&name),
                };
            }
        }
        self.durable_names = self.names.clone();
    }
}

/// The synced front stays; of the rest, nothing, all, a part, or some pages.
fn tear(file: &mut File, rng: &mut Rng) {
    const PAGE: usize = 64;
    let synced = file.durable.len();
    if file.bytes.len() > synced {
        match rng.below(4) {
            0 => file.bytes.truncate(synced),
            1 => file.bytes.truncate(synced + rng.below((file.bytes.len() - synced) as u64 + 1) as usize),
            2 => {
                for page in file.bytes[synced..].chunks_mut(PAGE) {
                    if rng.below(2) == 0 {
                        page.fill(0);
                    }
                }
            }
            _ => {}
        }
    }
    file.durable = file.bytes.clone();
}

/// A log on a fake disk.
pub struct Bench {
    pub disk: Disk,
    pub log: Log,
    pub out: Out,
    pub now: Now,
    pub rng: Rng,
    pub events: Vec<LogEvent>,
}

impl Bench {
    pub fn open(disk: Disk, config: LogConfig, opening: Opening) -> Self {
        let now = Now { mono: Mono(1_000_000), wall: Wall(1_700_000_000_000) };
        let mut out = Out::default();
        let log = Log::open(DIR, "t-0".to_string(), config, opening, now, &mut out);
        let mut bench = Self { disk, log, out, now, rng: Rng::new(1, 1), events: Vec::new() };
        bench.disk.accept(&mut bench.out);
        bench
    }

    /// Opens and waits until it is open.
    pub fn opened(disk: Disk, config: LogConfig, opening: Opening) -> Self {
        let mut bench = Self::open(disk, config, opening);
        bench.settle();
        assert!(bench.log.is_open(), "the log opens");
        bench
    }

    /// Executes one operation.
    pub fn step(&mut self) -> bool {
        self.disk.accept(&mut self.out);
        let Some((serial, result)) = self.disk.step(&mut self.rng) else { return false };
        let event = self.log.on_disk(self.now, serial, result, &mut self.out);
        self.log.check();
        self.events.push(event);
        self.disk.accept(&mut self.out);
        true
    }

    /// Executes all there is.
    pub fn settle(&mut self) {
        while self.step() {}
    }

    pub fn pass(&mut self, span: Span) {
        self.now.mono = self.now.mono + span;
        self.now.wall = Wall(self.now.wall.0 + span.as_millis() as i64);
    }

    /// The process dies and the power with it; a new one opens what is left.
    pub fn crash(mut self, opening: Opening) -> Self {
        self.disk.accept(&mut self.out);
        self.disk.crash(&mut self.rng);
        let mut bench = Self::open(self.disk, self.log.config().clone(), opening);
        bench.rng = self.rng;
        bench.now = self.now;
        bench.settle();
        bench
    }

    /// A clean stop and start.
    pub fn restart(mut self) -> Self {
        let closed = self.log.close(&mut self.out) == LogEvent::Closed;
        self.settle();
        assert!(closed || self.events.contains(&LogEvent::Closed), "the log closes");
        let opening = Opening { clean: true, start: self.log.start(), ..Opening::default() };
        let mut bench = Self::open(self.disk, self.log.config().clone(), opening);
        bench.rng = self.rng;
        bench.now = self.now;
        bench.settle();
        assert!(bench.log.is_open(), "the log opens again");
        bench
    }
}
