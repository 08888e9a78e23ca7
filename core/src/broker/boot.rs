//! How a node comes up: what the data folder says is read, the mark of a clean stop is taken away, the quorum opens.
//!
//! ```text
//! Asked(5 reads outstanding) ── all answered ──▶ Unmarking ── mark durably gone ──▶ Up
//! ```
//! The mark has to be gone, durably, before anything is written: a node that dies later must not find it.

use super::checkpoint;
use crate::id::{DirId, Offset};
use crate::io::{CHECKPOINT, DiskDone, DiskFault, DiskOp, FileId, FileName, Note, Out, Owner};
use crate::mutant::{self, Mutant};
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;

/// The serials of boot's operations under [`Owner::Node`].
const FOLDERS: u64 = 1;
const CLEAN_SHUTDOWN: u64 = 2;
const HIGH_WATERMARKS: u64 = 3;
const LOG_STARTS: u64 = 4;
const META: u64 = 5;
const UNMARK: u64 = 6;
const UNMARK_SYNC: u64 = 7;
/// The first serial that boot leaves to others.
pub(super) const SERIAL_FREE: u64 = 16;

/// A checkpoint file holds a line a partition: longer than this it is not one of ours.
const CHECKPOINT_BYTES_MAX: u32 = 64 << 20;

/// What the data folder told.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Every log was closed in order: nothing needs a scan.
    pub clean: bool,
    /// By folder name (`topic-0`), as of the last checkpoint.
    pub high_watermarks: BTreeMap<String, Offset>,
    pub log_starts: BTreeMap<String, Offset>,
    /// The folders that are there.
    pub folders: Vec<String>,
    /// `meta.properties` as it stands.
    pub meta: Option<Bytes>,
}

#[derive(Debug)]
enum Step {
    Asked { open: u32 },
    Unmarking,
    Up,
}

/// The machine of a node that comes up.
#[derive(Debug)]
pub(super) struct Boot {
    step: Step,
    found: Found,
}

/// What an answer brought.
#[derive(Debug)]
pub(super) enum BootEvent {
    Nothing,
    /// The node may open its logs.
    Up(Found),
    Failed(String),
}

impl Boot {
    pub fn start(out: &mut Out) -> Self {
        let read = |name, len| DiskOp::Read { file: FileId::new(DirId::ROOT, name), at: 0, len };
        out.disk(Owner::Node, FOLDERS, DiskOp::Folders);
        out.disk(Owner::Node, CLEAN_SHUTDOWN, read(FileName::CleanShutdown, 64));
        out.disk(Owner::Node, HIGH_WATERMARKS, read(FileName::HighWatermarks, CHECKPOINT_BYTES_MAX));
        out.disk(Owner::Node, LOG_STARTS, read(FileName::LogStartOffsets, CHECKPOINT_BYTES_MAX));
        out.disk(Owner::Node, META, read(FileName::MetaProperties, 64 << 10));
        Self { step: Step::Asked { open: 5 }, found: Found::default() }
    }

    pub const fn is_up(&self) -> bool {
        matches!(self.step, Step::Up)
    }

    pub fn on_disk(&mut self, serial: u64, result: Result<DiskDone, DiskFault>, out: &mut Out) -> BootEvent {
        match (&mut self.step, result) {
            (Step::Asked { open }, Err(DiskFault::Missing)) => *open -= 1,
            (_, Err(fault)) => return BootEvent::Failed(alloc::format!("the data folder cannot be read: {fault}")),
            (Step::Asked { open }, Ok(done)) => {
                *open -= 1;
                match done {
                    DiskDone::Folders(folders) => self.found.folders = folders,
                    DiskDone::Bytes(bytes) => {
                        if let Err(why) = self.found.take(serial, bytes, out) {
                            return BootEvent::Failed(why);
                        }
                    }
                    DiskDone::Done | DiskDone::Files(_) => {}
                }
            }
            (Step::Unmarking, Ok(_)) if serial == UNMARK_SYNC || mutant::is(Mutant::UnmarkNotSynced) => {
                self.step = Step::Up;
                return BootEvent::Up(core::mem::take(&mut self.found));
            }
            (Step::Unmarking | Step::Up, Ok(_)) => {}
        }
        if matches!(self.step, Step::Asked { open: 0 }) {
            self.step = Step::Unmarking;
            let mark = FileId::new(DirId::ROOT, FileName::CleanShutdown);
            if !mutant::is(Mutant::CleanMarkStays) {
                out.disk(Owner::Node, UNMARK, DiskOp::Delete { file: mark });
            }
            out.disk(Owner::Node, UNMARK_SYNC, DiskOp::SyncDir { dir: DirId::ROOT });
        }
        BootEvent::Nothing
    }
}

impl Found {
    fn take(&mut self, serial: u64, bytes: Bytes, out: &mut Out) -> Result<(), String> {
        match serial {
            CLEAN_SHUTDOWN => self.clean = true,
            HIGH_WATERMARKS => match checkpoint::read(&bytes) {
                Some(found) => self.high_watermarks = found,
                // They are counted anew.
                None => {
                    let text = "replication-offset-checkpoint cannot be read and is written anew: what was lost of the logs' ends, or is \
                                damaged there, may go unnoticed in this start";
                    out.note(Note::Text { topic: CHECKPOINT, text: text.into() });
                }
            },
            LOG_STARTS => match checkpoint::read(&bytes) {
                Some(found) => self.log_starts = found,
                None => {
                    let why = "log-start-offset-checkpoint cannot be read: what was deleted would come back";
                    return Err(String::from(why));
                }
            },
            META => self.meta = Some(bytes),
            other => return Err(alloc::format!("boot: an answer to {other}, which was not asked")),
        }
        Ok(())
    }
}
