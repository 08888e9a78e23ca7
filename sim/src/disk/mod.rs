//! A node's disk: the contract of `esker_core::io::DiskOp`, kept to the letter and no further.
//!
//! Operations of one folder that change something take effect when they complete, in the order of their issue; those of
//! different folders race. A read sees the folder as it was at some moment between its issue and its completion. What was
//! not made durable is at a crash lost, torn, or kept page by page, as [`Loss`] says; of the operations that were still
//! under way a first part takes effect, each wholly but the last. What finds no room is tried again from time to time.

mod crash;
mod fault;
mod file;
mod folder;
mod loss;

pub use fault::{Faults, How, Nth};
pub use file::File;
pub use folder::Folder;
pub use loss::Loss;

use crate::dice::{Dice, Stream};
use crate::trace::Digest;
use bytes::Bytes;
use esker_core::id::DirId;
use esker_core::io::{DiskDone, DiskFault, DiskOp, DiskTag, FileId, FileName, FileRange};
use fault::{removes, takes_room};
use loss::without_sync;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};
use std::hash::Hash as _;

/// How a disk behaves while nothing is wrong with it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DiskProfile {
    /// Cost of an operation that only reaches the page cache, in microseconds.
    pub write_us: u64,
    /// Cost of making something durable, in microseconds.
    pub sync_us: u64,
    /// Cost of a read, in microseconds.
    pub read_us: u64,
    /// How many times slower than that it is: 1 to 100. Heal brings it back to 1.
    pub slow: u64,
    /// Bytes that reach the medium together, a power of two.
    pub page: usize,
}

/// Which completion the world is to ask for, and when: see [`Disk::submit`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Due {
    /// The first operation under way in the folder.
    Change(DirId),
    /// A read.
    Read(u64),
}

/// What a completed operation says to the node.
pub type Ended = (DiskTag, Result<DiskDone, DiskFault>);

/// A folder as the running node knows it.
#[derive(Debug, Default)]
struct Slot {
    /// The folder's name, once its `OpenDir` took effect.
    name: Option<String>,
    /// Each with the number of its dice; the disk works at the first.
    under_way: VecDeque<(DiskTag, DiskOp, u64)>,
    /// The first of them found no room: how often.
    waits: u64,
}

/// How long until a change that found no room is tried again, in microseconds.
const RETRY_US: u64 = 100_000;

/// A node's disk.
#[derive(Debug)]
pub struct Disk {
    seed: u64,
    node: u64,
    profile: DiskProfile,
    folders: BTreeMap<String, Folder>,
    /// By the number of the `DirId`; the root is always there.
    slots: Vec<Slot>,
    reads: BTreeMap<u64, (DiskTag, DiskOp)>,
    /// Counts operations: names each for its dice.
    issued: u64,
    crashes: u64,
    pub faults: Faults,
    pub slow: u64,
    /// The operation that is to fail, of whatever kind it is.
    pub nth: Option<Nth>,
    /// How many operations were completed.
    pub completed: u64,
    /// The ways in which each of them could have failed, for those who want to know.
    pub ways: Option<Vec<[bool; 3]>>,
    /// A change failed: until the next start none takes effect any more, as the contract says.
    failed: bool,
    /// Something that it was asked for since the start ended with an error of the medium.
    erred: bool,
    /// What was on it is not what is on it, or was looked at by who may change it.
    worn: bool,
    /// The append that took effect last, and how many bytes its file has behind it.
    pub left: Option<(DirId, u64)>,
}

impl Disk {
    pub fn new(seed: u64, node: u64, profile: DiskProfile) -> Self {
        let folders = BTreeMap::from([(String::new(), Folder::default())]);
        let mut disk = Self {
            seed,
            node,
            profile,
            folders,
            slots: Vec::new(),
            reads: BTreeMap::new(),
            issued: 0,
            crashes: 0,
            faults: Faults::default(),
            slow: profile.slow,
            nth: None,
            completed: 0,
            ways: None,
            failed: false,
            erred: false,
            worn: false,
            left: None,
        };
        disk.start();
        disk
    }

    /// Takes an operation at `now`; says what completes, and when. Each `Due` stands for one call of [`Disk::complete`]. `None`: it
    /// waits for those before it in its folder.
    pub fn submit(&mut self, now: u64, tag: DiskTag, op: DiskOp) -> Option<(u64, Due)> {
        self.issued += 1;
        match &op {
            DiskOp::Read { .. } | DiskOp::List { .. } | DiskOp::Folders | DiskOp::Unpack { .. } => {
                let cost = self.cost(&op, self.issued);
                self.reads.insert(self.issued, (tag, op));
                Some((now + cost, Due::Read(self.issued)))
            }
            _ => {
                let (dir, issued) = (dir_of(&op), self.issued);
                let slot = self.slot(dir);
                slot.under_way.push_back((tag, op, issued));
                if slot.under_way.len() == 1 { self.begin(now, Due::Change(dir)) } else { None }
            }
        }
    }

    /// What completes behind `done`, which just did, and when. It takes as long as the disk is slow now: what piled up while it was
    /// slow does not keep it busy once it is quick again (seed 3000029).
    pub fn begin(&mut self, now: u64, done: Due) -> Option<(u64, Due)> {
        let Due::Change(dir) = done else { return None };
        let slot = self.slots.get(dir.0 as usize)?;
        let (_, op, issued) = slot.under_way.front()?;
        let cost = if slot.waits > 0 { RETRY_US } else { self.cost(op, *issued) };
        Some((now + cost, Due::Change(dir)))
    }

    /// The change at which the folder's order stands, if it has just found that there is no room.
    pub fn stuck(&self, due: Due) -> Option<(DiskTag, &DiskOp)> {
        let Due::Change(dir) = due else { return None };
        let slot = self.slots.get(dir.0 as usize).filter(|slot| slot.waits == 1)?;
        slot.under_way.front().map(|(tag, op, _)| (*tag, op))
    }

    /// Ends an operation that is due; `None` if a crash took it, or if it found no room.
    pub fn complete(&mut self, due: Due) -> Option<Ended> {
        match due {
            Due::Read(serial) => {
                let (tag, op) = self.reads.remove(&serial)?;
                let result = if self.strikes(&op).is_some() { Err(DiskFault::Io) } else { self.look(&op) };
                self.erred |= result == Err(DiskFault::Io) && !matches!(op, DiskOp::Unpack { .. });
                Some((tag, result))
            }
            Due::Change(dir) => {
                let (tag, op, issued) = self.slot(dir).under_way.pop_front()?;
                let result = match self.strikes(&op) {
                    _ if self.failed => Err(DiskFault::Io),
                    Some(how) => self.break_down(&op, how),
                    None => self.change(&op),
                };
                let slot = self.slot(dir);
                if result == Err(DiskFault::Full) && !slot.under_way.iter().any(|(_, op, _)| removes(op)) {
                    slot.under_way.push_front((tag, op, issued));
                    slot.waits += 1;
                    return None;
                }
                slot.waits = 0;
                // A name that is not there is the asker's error, not the medium's.
                self.failed |= matches!(result, Err(DiskFault::Io));
                self.erred |= self.failed;
                Some((tag, result))
            }
        }
    }

    /// Reads a range for a reply that names it: what the shell does with `sendfile`.
    pub fn bytes(&mut self, range: FileRange) -> Result<Bytes, DiskFault> {
        let file = self.folder(range.file.dir)?.file(range.file.name).ok_or(DiskFault::Missing)?;
        Ok(Bytes::copy_from_slice(file.read(range.at, range.len)))
    }

    /// All of it is gone: another, empty one is in its place.
    pub fn lose(&mut self) {
        self.worn = true;
        self.folders = BTreeMap::from([(String::new(), Folder::default())]);
    }

    /// A folder of it is gone; whether there was one.
    pub fn lose_folder(&mut self, name: &str) -> bool {
        self.worn = true;
        self.folders.remove(name).is_some()
    }

    /// A new incarnation of the node knows no folder but the root.
    pub fn start(&mut self) {
        self.left = None;
        self.failed = false;
        self.erred = false;
        self.slots.clear();
        self.slots.push(Slot { name: Some(String::new()), ..Slot::default() });
        self.reads.clear();
    }

    /// Whether a node may give itself up for its sake.
    pub const fn is_to_blame(&self) -> bool {
        self.erred || self.worn
    }

    /// Bytes left, as the node is told; `u64::MAX / 2` where there is no end, 0 where something waits for more than is left.
    pub fn room(&self) -> u64 {
        match self.faults.room {
            None => u64::MAX / 2,
            Some(_) if self.slots.iter().any(|slot| slot.waits > 0) => 0,
            Some(room) => room,
        }
    }

    /// How much a crash now could take: bytes and names.
    pub fn unsynced(&self) -> usize {
        self.folders.values().map(Folder::unsynced).sum()
    }

    /// Everything that stands on the disk, names and bytes.
    pub fn digest(&self, into: &mut Digest) {
        for (name, folder) in &self.folders {
            into.bytes(name.as_bytes());
            for (file, len) in folder.list() {
                file.hash(into);
                into.bytes(folder.file(file).map_or(&[], |file| file.read(0, len.try_into().unwrap_or(u32::MAX))));
            }
        }
    }

    /// The folder of that name, for those who look at a disk from outside.
    pub fn named(&self, name: &str) -> Option<&Folder> {
        self.folders.get(name)
    }

    /// A file is put into a folder, durably, from outside.
    pub fn put(&mut self, folder: &str, name: FileName, bytes: &[u8]) {
        self.worn = true;
        self.folders.entry(folder.to_string()).or_default().replace(name, bytes);
    }

    /// A bit of the folder's first segment turns over, in the last byte of its first batch's records, or of its base offset; whether there is one.
    pub fn rot(&mut self, folder: &str, base: bool) -> bool {
        self.worn = true;
        /// In the records of a batch of one record of eight bytes or more.
        const PLACE: u64 = 72;
        const BASE: u64 = 7;
        let Some(folder) = self.folders.get_mut(folder) else { return false };
        let first = folder.list().find(|(name, len)| matches!(name, FileName::Log(_)) && *len > PLACE);
        let Some(file) = first.and_then(|(name, _)| folder.file_mut(name).ok()) else { return false };
        let place = if base { BASE } else { PLACE };
        let turned: Vec<u8> = file.read(place, 1).iter().map(|byte| byte ^ 1).collect();
        file.write(place, &turned);
        file.sync();
        true
    }

    /// The names of all folders; the root's is empty.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.folders.keys().map(String::as_str)
    }

    pub fn named_mut(&mut self, name: &str) -> Option<&mut Folder> {
        self.worn = true;
        self.folders.get_mut(name)
    }

    fn cost(&self, op: &DiskOp, issued: u64) -> u64 {
        let base = match op {
            DiskOp::Read { .. } | DiskOp::List { .. } | DiskOp::Folders | DiskOp::Unpack { .. } => self.profile.read_us,
            DiskOp::Append { sync: false, .. }
            | DiskOp::Create { .. }
            | DiskOp::Rename { .. }
            | DiskOp::Delete { .. } => self.profile.write_us,
            DiskOp::Append { sync: true, .. }
            | DiskOp::Sync { .. }
            | DiskOp::Truncate { .. }
            | DiskOp::Replace { .. }
            | DiskOp::SyncDir { .. }
            | DiskOp::OpenDir { .. }
            | DiskOp::RenameDir { .. }
            | DiskOp::RemoveDir { .. } => self.profile.sync_us,
        };
        let mut dice = Dice::new(self.seed, Stream::Disk, self.node, issued);
        1 + base * self.slow * dice.between(50, 200) / 100
    }

    fn slot(&mut self, dir: DirId) -> &mut Slot {
        let place = dir.0 as usize;
        if place >= self.slots.len() {
            self.slots.resize_with(place + 1, Slot::default);
        }
        &mut self.slots[place]
    }

    fn folder(&mut self, dir: DirId) -> Result<&mut Folder, DiskFault> {
        let name = self.slots.get(dir.0 as usize).and_then(|slot| slot.name.as_ref()).ok_or(DiskFault::Missing)?;
        self.folders.get_mut(name).ok_or(DiskFault::Missing)
    }

    fn look(&mut self, op: &DiskOp) -> Result<DiskDone, DiskFault> {
        if self.faults.read > 0 && matches!(op, DiskOp::Read { .. }) {
            self.faults.read -= 1;
            return Err(DiskFault::Io);
        }
        match op {
            DiskOp::Read { file, at, len } => {
                let file = self.folder(file.dir)?.file(file.name).ok_or(DiskFault::Missing)?;
                Ok(DiskDone::Bytes(Bytes::copy_from_slice(file.read(*at, *len))))
            }
            DiskOp::List { dir } => Ok(DiskDone::Files(self.folder(*dir)?.list().collect())),
            DiskOp::Folders => {
                Ok(DiskDone::Folders(self.folders.keys().filter(|name| !name.is_empty()).cloned().collect()))
            }
            // Simulated clients know one codec.
            DiskOp::Unpack { codec: 2, bytes, .. } => {
                let unpacked = snap::raw::Decoder::new().decompress_vec(bytes);
                unpacked.map(|bytes| DiskDone::Bytes(bytes.into())).map_err(|_| DiskFault::Io)
            }
            DiskOp::Unpack { .. } => Err(DiskFault::Io),
            other => unreachable!("{other} reads nothing"),
        }
    }

    /// Counts an operation; whether it is the one that fails.
    fn strikes(&mut self, op: &DiskOp) -> Option<How> {
        self.completed += 1;
        if let Some(ways) = &mut self.ways {
            ways.push(How::ALL.map(|how| how.fits(op)));
        }
        let nth = self.nth.filter(|nth| nth.at == self.completed)?;
        nth.how.fits(op).then_some(nth.how)
    }

    /// The operation that fails.
    fn break_down(&mut self, op: &DiskOp, how: How) -> Result<DiskDone, DiskFault> {
        let mut dice = Dice::new(self.seed, Stream::Fault, self.node, self.issued);
        match (how, op) {
            (How::Sync, _) => {
                self.faults.sync += 1;
                self.change(op)
            }
            (How::Full, DiskOp::Append { .. }) => self.torn(op, DiskFault::Full, &mut dice),
            (How::Full, _) => Err(DiskFault::Full),
            (How::Io, DiskOp::Append { .. }) => self.torn(op, DiskFault::Io, &mut dice),
            (How::Io, _) => {
                if dice.chance(1, 2) {
                    let _ = self.take_effect(op);
                }
                Err(DiskFault::Io)
            }
        }
    }

    fn change(&mut self, op: &DiskOp) -> Result<DiskDone, DiskFault> {
        let mut dice = Dice::new(self.seed, Stream::Fault, self.node, self.issued);
        if self.faults.write > 0 && matches!(op, DiskOp::Append { .. }) {
            self.faults.write -= 1;
            return self.torn(op, DiskFault::Io, &mut dice);
        }
        if let (Some(room), Some(len)) = (self.faults.room, takes_room(op)) {
            match op {
                DiskOp::Append { .. } if len > room => return self.torn(op, DiskFault::Full, &mut dice),
                _ if len > room => return Err(DiskFault::Full),
                _ => self.faults.room = Some(room - len),
            }
        }
        let syncs = matches!(op, DiskOp::Sync { .. } | DiskOp::Append { sync: true, .. });
        if self.faults.sync > 0 && syncs {
            self.faults.sync -= 1;
            let (DiskOp::Sync { file } | DiskOp::Append { file, .. }) = op else {
                unreachable!("only these two sync a file")
            };
            self.take_effect(&without_sync(op.clone()))?;
            self.folder(file.dir)?.file_mut(file.name)?.sync_failed(&mut dice);
            return Err(DiskFault::Io);
        }
        self.take_effect(op).map(|()| DiskDone::Done)
    }

    /// An append that fails half way.
    fn torn(&mut self, op: &DiskOp, fault: DiskFault, dice: &mut Dice) -> Result<DiskDone, DiskFault> {
        let DiskOp::Append { file, at, bytes, .. } = op else { unreachable!("only appends fail half way") };
        let whole: Vec<u8> = bytes.iter().flat_map(|part| part.iter().copied()).collect();
        let part = dice.below(whole.len() as u64 + 1) as usize;
        if let Ok(file) = self.folder(file.dir).and_then(|folder| folder.file_mut(file.name)) {
            file.write(*at, &whole[..part]);
        }
        Err(fault)
    }

    fn take_effect(&mut self, op: &DiskOp) -> Result<(), DiskFault> {
        match op {
            DiskOp::Folders | DiskOp::List { .. } | DiskOp::Read { .. } | DiskOp::Unpack { .. } => {
                unreachable!("{op} changes nothing")
            }
            DiskOp::OpenDir { dir, name } => {
                self.folders.entry(name.clone()).or_default();
                self.slot(*dir).name = Some(name.clone());
            }
            DiskOp::RenameDir { dir, name } => {
                let old = self.slot(*dir).name.replace(name.clone()).ok_or(DiskFault::Missing)?;
                let folder = self.folders.remove(&old).ok_or(DiskFault::Missing)?;
                self.folders.insert(name.clone(), folder);
            }
            DiskOp::RemoveDir { dir } => {
                // One that found no room to be made is not there.
                if let Some(name) = self.slot(*dir).name.take() {
                    self.folders.remove(&name);
                }
            }
            DiskOp::Create { file } => self.folder(file.dir)?.create(file.name),
            DiskOp::Append { file, at, bytes, sync } => {
                let dir = file.dir;
                let file = self.folder(dir)?.file_mut(file.name)?;
                let mut at = *at;
                for part in bytes {
                    file.write(at, part);
                    at += part.len() as u64;
                }
                if *sync {
                    file.sync();
                }
                self.left = Some((dir, file.len().saturating_sub(at)));
            }
            DiskOp::Sync { file } => self.folder(file.dir)?.file_mut(file.name)?.sync(),
            DiskOp::Truncate { file, len } => self.folder(file.dir)?.file_mut(file.name)?.truncate(*len),
            DiskOp::Replace { file, bytes } => self.folder(file.dir)?.replace(file.name, bytes),
            DiskOp::Rename { from: FileId { dir, name }, to } => self.folder(*dir)?.rename(*name, *to)?,
            DiskOp::Delete { file } => self.folder(file.dir)?.delete(file.name),
            DiskOp::SyncDir { dir } => self.folder(*dir)?.sync(),
        }
        Ok(())
    }
}

/// The folder in whose order an operation stands.
pub fn dir_of(op: &DiskOp) -> DirId {
    match op {
        DiskOp::Folders | DiskOp::Unpack { .. } => DirId::ROOT,
        DiskOp::OpenDir { dir, .. }
        | DiskOp::RenameDir { dir, .. }
        | DiskOp::RemoveDir { dir }
        | DiskOp::List { dir }
        | DiskOp::SyncDir { dir } => *dir,
        DiskOp::Create { file }
        | DiskOp::Append { file, .. }
        | DiskOp::Sync { file }
        | DiskOp::Read { file, .. }
        | DiskOp::Truncate { file, .. }
        | DiskOp::Replace { file, .. }
        | DiskOp::Rename { from: file, .. }
        | DiskOp::Delete { file } => file.dir,
    }
}

#[cfg(test)]
mod tests;
