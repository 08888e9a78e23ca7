//! A disk for tests: operations end in order, after a while; a crash loses or tears what was not synced.

use bytes::Bytes;
use esker_core::id::DirId;
use esker_core::io::{DiskDone, DiskFault, DiskOp, FileId, FileName};
use esker_core::rng::Rng;
use std::collections::BTreeMap;

#[derive(Clone, Default)]
struct File {
    bytes: Vec<u8>,
    /// As of the last sync.
    durable: Vec<u8>,
}

/// One folder.
#[derive(Clone, Default)]
pub struct Disk {
    files: BTreeMap<FileName, File>,
    /// The names as of the last sync of the folder, with the file that had each.
    names: BTreeMap<FileName, File>,
}

impl Disk {
    /// What a file holds.
    pub fn bytes(&self, name: FileName) -> &[u8] {
        &self.files[&name].bytes
    }

    /// A bit of a file turns over.
    pub fn flip(&mut self, name: FileName, at: usize) {
        let file = self.files.get_mut(&name).expect("a file");
        file.bytes[at] ^= 1;
        file.durable = file.bytes.clone();
    }

    /// Carries out one operation.
    pub fn run(&mut self, op: &DiskOp) -> Result<DiskDone, DiskFault> {
        match op {
            DiskOp::OpenDir { .. } | DiskOp::Folders => {}
            DiskOp::List { .. } => {
                return Ok(DiskDone::Files(self.files.iter().map(|(name, f)| (*name, f.bytes.len() as u64)).collect()));
            }
            DiskOp::Create { file } => {
                self.files.insert(file.name, File::default());
            }
            DiskOp::Append { file, at, bytes, sync } => {
                let file = self.files.get_mut(&file.name).ok_or(DiskFault::Missing)?;
                file.write(*at as usize, bytes);
                if *sync {
                    file.durable = file.bytes.clone();
                }
            }
            DiskOp::Sync { file } => {
                let file = self.files.get_mut(&file.name).ok_or(DiskFault::Missing)?;
                file.durable = file.bytes.clone();
            }
            DiskOp::Read { file, at, len } => return self.read(*file, *at, *len).map(DiskDone::Bytes),
            DiskOp::Truncate { file, len } => {
                let file = self.files.get_mut(&file.name).ok_or(DiskFault::Missing)?;
                file.bytes.truncate(*len as usize);
                file.durable = file.bytes.clone();
            }
            DiskOp::Replace { file, bytes } => {
                let whole = File { bytes: bytes.to_vec(), durable: bytes.to_vec() };
                self.files.insert(file.name, whole.clone());
                self.names.insert(file.name, whole);
            }
            DiskOp::Rename { from, to } => {
                let file = self.files.remove(&from.name).ok_or(DiskFault::Missing)?;
                self.files.insert(*to, file);
            }
            DiskOp::Delete { file } => {
                self.files.remove(&file.name);
            }
            DiskOp::SyncDir { .. } => self.names = self.files.clone(),
            DiskOp::RenameDir { .. } | DiskOp::RemoveDir { .. } | DiskOp::Unpack { .. } => return Err(DiskFault::Io),
        }
        Ok(DiskDone::Done)
    }

    /// Somebody deletes a file.
    pub fn lose(&mut self, name: FileName) {
        self.files.remove(&name);
        self.names.remove(&name);
    }

    pub fn read(&self, file: FileId, at: u64, len: u32) -> Result<Bytes, DiskFault> {
        let file = self.files.get(&file.name).ok_or(DiskFault::Missing)?;
        let from = (at as usize).min(file.bytes.len());
        let until = from.saturating_add(len as usize).min(file.bytes.len());
        Ok(Bytes::copy_from_slice(&file.bytes[from..until]))
    }

    /// The power fails with `pending` on their way, in order: some of them took effect, the last of those perhaps in part.
    pub fn crash(&mut self, pending: &[DiskOp], rng: &mut Rng) {
        // What took effect did so in order, syncs as well; the one that was under way is not durable.
        let done = rng.below(pending.len() as u64 + 1) as usize;
        for op in &pending[..done] {
            let _ = self.run(op);
        }
        if let Some(DiskOp::Append { file, at, bytes, .. }) = pending.get(done) {
            let _ = self.run(&DiskOp::Append { file: *file, at: *at, bytes: bytes.clone(), sync: false });
        }
        let mut names: Vec<FileName> = self.files.keys().chain(self.names.keys()).copied().collect();
        names.sort_unstable();
        names.dedup();
        let mut after = BTreeMap::new();
        for name in names {
            let file = match (self.files.get(&name), self.names.get(&name)) {
                (Some(file), Some(_)) => file.clone(),
                // Made or deleted, and the folder was not synced since.
                (Some(file), None) | (None, Some(file)) if rng.below(2) == 0 => file.clone(),
                _ => continue,
            };
            after.insert(name, file.torn(rng));
        }
        self.names = after.clone();
        self.files = after;
    }
}

impl File {
    fn write(&mut self, at: usize, bytes: &[Bytes]) {
        self.bytes.truncate(at);
        self.bytes.resize(at, 0);
        for part in bytes {
            self.bytes.extend_from_slice(part);
        }
    }

    /// What is not synced is lost, or some of it is there.
    fn torn(&self, rng: &mut Rng) -> Self {
        let common = self.durable.iter().zip(&self.bytes).take_while(|(a, b)| a == b).count();
        assert_eq!(common, self.durable.len(), "synced bytes were written over");
        let unsynced = self.bytes.len() - common;
        let kept = match rng.below(3) {
            0 => 0,
            1 => unsynced,
            _ => rng.below(unsynced as u64 + 1) as usize,
        };
        let bytes = self.bytes[..common + kept].to_vec();
        Self { durable: bytes.clone(), bytes }
    }
}

/// Every operation of a node's quorum is on one folder.
pub fn only_metadata(op: &DiskOp) {
    let file = match op {
        DiskOp::Create { file }
        | DiskOp::Append { file, .. }
        | DiskOp::Sync { file }
        | DiskOp::Read { file, .. }
        | DiskOp::Truncate { file, .. }
        | DiskOp::Replace { file, .. }
        | DiskOp::Delete { file } => file,
        DiskOp::Rename { from, .. } => from,
        _ => return,
    };
    assert_eq!(file.dir, DirId::METADATA, "{op}");
}
