//! The disk of a real data folder: threads, order, group commit.
//!
//! ```text
//! submit ─▶ write thread ──▶ sync thread ─▶ done     what changes something, in order
//!        └▶ read threads ──────────────────▶ done     reads, lists, decompression
//! ```
//! The write thread takes everything that waits as one round, carries it out in order, puts waiting appends to one file into
//! one vectored write, and passes the round on to be made durable together with other rounds (`commit`).

use super::commit::Commit;
use super::look::look;
use super::queue::Queue;
use super::write::{self, Writer};
use super::{Completed, Disk, Source};
use crate::files::Files;
use crate::metrics::Metrics;
use crate::rt::spawn_thread;
use esker_core::io::{DiskOp, DiskTag, FileRange};
use std::io;
use std::path::Path;
use std::sync::Arc;

/// The disk of a real data folder.
#[derive(Debug)]
pub struct DiskThreads {
    files: Arc<Files>,
    writes: Arc<Queue>,
    reads: Arc<Queue>,
}

impl DiskThreads {
    /// Starts the threads on an existing folder. `done` is called with what is complete, in order.
    pub fn start(
        root: &Path,
        readers: usize,
        metrics: Arc<Metrics>,
        done: impl Fn(Completed) + Clone + Send + 'static,
    ) -> io::Result<Self> {
        let files = Arc::new(Files::new(root)?);
        let (writes, reads) = (Arc::<Queue>::default(), Arc::<Queue>::default());
        let commit = Commit::start(Arc::clone(&files), metrics, done.clone())?;
        let writer = Writer { files: Arc::clone(&files), queue: Arc::clone(&writes), commit, failed: None };
        spawn_thread("esker-write", move || writer.run())?;
        for _ in 0..readers {
            let (files, queue, done) = (Arc::clone(&files), Arc::clone(&reads), done.clone());
            spawn_thread("esker-read", move || {
                loop {
                    for (tag, op) in queue.take(1) {
                        done(vec![(tag, look(&files, op))]);
                    }
                }
            })?;
        }
        Ok(Self { files, writes, reads })
    }
}

impl Disk for DiskThreads {
    fn submit(&self, ops: &mut Vec<(DiskTag, DiskOp)>) {
        let (writes, reads): (Vec<_>, Vec<_>) = ops.drain(..).partition(|(_, op)| write::changes(op));
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
        Ok((bytes(stat.f_bavail).saturating_sub(self.writes.bytes()), bytes(stat.f_blocks)))
    }
}
