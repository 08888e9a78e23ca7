//! The journal's file, and its slots.

use super::draft::Draft;
use super::entry::BLOCK;
use crate::durable;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

/// Its name in the data folder.
pub use crate::format::JOURNAL as FILE;
/// The name that it has until it is whole.
pub const MAKING: &str = "esker.journal.new";
/// There while the journal may have what its files lack. Named otherwise than the journal: who deletes that one leaves this.
pub const IN_USE: &str = ".esker_in_use";
/// Parts that are written in turn. Smaller ones are synced in smaller bursts, behind which writes to the journal have to wait.
pub const SLOTS: u64 = 16;

/// Whether a journal of that size is there.
pub fn exists(root: &Path, bytes: u64) -> bool {
    std::fs::metadata(root.join(FILE)).is_ok_and(|found| found.len() == bytes)
}

/// Marks the journal as in use, durably.
pub fn mark(root: &Path) -> io::Result<()> {
    File::create(root.join(IN_USE))?;
    durable::sync_dir(root)
}

/// The journal holds nothing, or who starts the node next is to go on without it.
pub fn unmark(root: &Path) -> io::Result<()> {
    remove_named(root, IN_USE)?;
    durable::sync_dir(root)
}

/// Takes the journal away, which holds nothing.
pub fn remove(root: &Path) -> io::Result<()> {
    unmark(root)?;
    remove_unfinished(root)?;
    remove_named(root, FILE)
}

/// Takes away what a process that died did not come to the end of: nothing was ever written to it.
pub fn remove_unfinished(root: &Path) -> io::Result<()> {
    remove_named(root, MAKING)
}

fn remove_named(root: &Path, name: &str) -> io::Result<()> {
    match std::fs::remove_file(root.join(name)) {
        Err(why) if why.kind() != io::ErrorKind::NotFound => Err(why),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Takes the first block of these slots away, so that no entry is found there. From the oldest generation to the newest, each
/// durably: what an old one says may be taken back in a newer.
pub fn empty(file: &File, slot_bytes: u64, slots: impl Iterator<Item = u64>) -> io::Result<()> {
    let mut zeros = Draft::default();
    for slot in slots {
        file.write_all_at(zeros.zeros(BLOCK), slot * slot_bytes)?;
        durable::sync_file(file)?;
    }
    Ok(())
}
