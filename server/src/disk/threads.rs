//! The disk of a real data folder: threads, order, group commit.
//!
//! ```text
//! submit ─▶ write thread ──▶ sync thread ─▶ done     what changes something, in order
//!        │                        └▶ free thread     the room of what was deleted
//!        └▶ read threads ──────────────────▶ done     reads, lists, decompression
//! ```
//! The write thread takes everything that waits as one round, carries it out in order, puts waiting appends to one file into
//! one vectored write, and passes the round on to be made durable together with other rounds (`commit`).

use super::commit::{Commit, Journal};
use super::distrust::distrust;
use super::free::Free;
use super::kind;
use super::look::look;
use super::queue::Queue;
use super::settled::Settled;
use super::wait::Waiting;
use super::write::Writer;
use super::{Completed, Disk, Source};
use crate::durable::Poison;
use crate::files::Files;
use crate::journal::{self, Store};
use crate::metrics::Metrics;
use crate::rt::spawn_thread;
use esker_core::io::{DiskFault, DiskOp, DiskTag, FileRange};
use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// The disk of a real data folder.
#[derive(Debug)]
pub struct DiskThreads {
    files: Arc<Files>,
    writes: Arc<Queue>,
    reads: Arc<Queue>,
    journal: Arc<Journal>,
    poison: Poison,
    /// A journal that is not there yet.
    making: Mutex<Option<Making>>,
}

/// What a disk is given.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Threads for reads.
    pub readers: usize,
    /// Files kept open, and deleted ones that are not freed yet.
    pub files: usize,
    /// Bytes of the journal, where there is room for it; 0: none.
    pub journal: u64,
    /// Drawn anew by each process.
    pub life: u64,
}

/// One part of so many of the files that may be open are deleted ones, of which much is still to be freed.
const HELD_PART: usize = 4;
/// The journal takes one part of so many of the room that is there.
const JOURNAL_PART: u64 = 16;
/// A smaller journal would be full all the time.
pub const JOURNAL_MIN: u64 = 16 << 20;

impl DiskThreads {
    /// Puts back what the journal still has, and starts the threads on an existing folder. `done` is called with what is complete, in order;
    /// and once with [`DiskTag::FOLDER`] when something has failed, whosever operation it was.
    pub fn start(
        root: &Path,
        settings: Settings,
        metrics: Arc<Metrics>,
        done: impl Fn(Completed) + Clone + Send + 'static,
    ) -> io::Result<Self> {
        let replayed = journal::replay(root)?;
        if replayed.put_back > 0 {
            tracing::info!("the journal had {} writes that were lost elsewhere", replayed.put_back);
        }
        distrust(root)?;
        let held_max = settings.files / HELD_PART;
        let files = Arc::new(Files::new(root, settings.files - held_max)?);
        let tell = done.clone();
        let poison = Poison::new(move || tell(vec![(DiskTag::FOLDER, Err(DiskFault::Io))]));
        let journal = Arc::<Journal>::default();
        let mut making = Making::of(root, settings)?;
        if journal::exists(root, settings.journal) {
            making.take().map_or(Ok(()), |making| making.begin(Arc::clone(&journal), poison.clone()))?;
        }
        let (writes, reads) = (Arc::<Queue>::default(), Arc::<Queue>::default());
        let free = Free::start(Arc::clone(&files), held_max)?;
        let commit = Commit::start(
            Arc::clone(&files),
            Arc::clone(&journal),
            free.clone(),
            metrics,
            poison.clone(),
            done.clone(),
        )?;
        let of_writer = Arc::clone(&files);
        let queue = Arc::clone(&writes);
        let writer = Writer {
            files: of_writer,
            queue,
            commit,
            free,
            settled: Settled::default(),
            journaled: BTreeSet::new(),
            waiting: Waiting::default(),
            poison: poison.clone(),
            life: settings.life,
            removed: 0,
        };
        spawn_thread("esker-write", move || writer.run())?;
        for _ in 0..settings.readers {
            let (files, queue, done) = (Arc::clone(&files), Arc::clone(&reads), done.clone());
            spawn_thread("esker-read", move || {
                loop {
                    for (tag, op) in queue.take(1, None) {
                        done(vec![(tag, look(&files, op))]);
                    }
                }
            })?;
        }
        Ok(Self { files, writes, reads, journal, poison, making: Mutex::new(making) })
    }

    /// Makes the journal of a new folder. For when the node serves: the journal is written once from end to end, and each sync of a
    /// start would wait behind that.
    ///
    /// # Errors
    /// No thread could be started.
    pub fn make_journal(&self) -> io::Result<()> {
        let making = self.making.lock().unwrap_or_else(PoisonError::into_inner).take();
        making.map_or(Ok(()), |making| making.begin(Arc::clone(&self.journal), self.poison.clone()))
    }

    #[cfg(test)]
    pub fn has_journal(&self) -> bool {
        self.journal.store.get().is_some()
    }

    /// After the last operation: all is durable in the files themselves, and the journal is empty.
    pub fn close(&self) -> io::Result<()> {
        self.journal.store().map_or(Ok(()), |mut store| store.close())
    }
}

/// A journal that is to be made, or opened if it is there.
#[derive(Debug)]
struct Making {
    root: PathBuf,
    bytes: u64,
    life: u64,
}

impl Making {
    /// `None`, and none stays, where there is no room for one.
    fn of(root: &Path, settings: Settings) -> io::Result<Option<Self>> {
        let stat = rustix::fs::statvfs(root)?;
        let room = stat.f_bavail.saturating_mul(stat.f_frsize) / JOURNAL_PART;
        let bytes = if journal::exists(root, settings.journal) { settings.journal } else { settings.journal.min(room) };
        if bytes < JOURNAL_MIN {
            journal::remove(root)?;
            return Ok(None);
        }
        Ok(Some(Self { root: root.to_path_buf(), bytes, life: settings.life }))
    }

    /// Until it is done files are synced themselves.
    fn begin(self, journal: Arc<Journal>, poison: Poison) -> io::Result<()> {
        spawn_thread("esker-journal", move || match Store::make(&self.root, self.bytes, self.life, poison) {
            Ok(store) => {
                let _ = journal.store.set(Mutex::new(store));
                tracing::info!("writes go to a journal of {} MiB first", self.bytes >> 20);
            }
            Err(why) => tracing::warn!("without a journal ({why}): files are synced one by one"),
        })
    }
}

impl Disk for DiskThreads {
    fn submit(&self, ops: &mut Vec<(DiskTag, DiskOp)>) {
        let (writes, reads): (Vec<_>, Vec<_>) = ops.drain(..).partition(|(_, op)| kind::changes(op));
        if !writes.is_empty() {
            self.writes.put(writes.into_iter());
        }
        for read in reads {
            self.reads.put(std::iter::once(read));
        }
    }

    fn source(&self, range: FileRange) -> io::Result<Source> {
        self.files.open_promised(range.file).map(Source::File)
    }

    fn room(&self) -> io::Result<(u64, u64)> {
        let stat = rustix::fs::fstatvfs(self.files.root_dir())?;
        let bytes = |blocks: u64| blocks.saturating_mul(stat.f_frsize);
        // A quota, or the next block of a file system that counts otherwise: what does not fit says more than the count.
        let left = if self.writes.is_stuck() { 0 } else { bytes(stat.f_bavail).saturating_sub(self.writes.bytes()) };
        Ok((left, bytes(stat.f_blocks)))
    }
}
