//! Gives back the room of what was deleted, on a thread of its own.
//!
//! The kernel frees all of a file in one go when nobody has it any more, and syncs of other files wait for that (4 GB: seconds). So the write
//! thread takes the name away, which costs nothing while the file is open, and a thread that nobody waits for frees what it had: in
//! steps, so that the file system's journal is never held for long.

use crate::files::{DESCRIPTOR_PATIENCE, Files};
use crate::rt::spawn_thread;
use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

/// What a file has on the medium from which on it is not deleted in one go.
pub const LARGE: u64 = 4 << 20;
/// So much is freed at a time.
const STEP: u64 = 16 << 20;
/// How long until a file that was in use is looked at again.
const AGAIN: Duration = Duration::from_millis(200);

/// What nobody can find any more.
#[derive(Debug)]
pub enum Gone {
    /// A folder that has the name of a deleted one. What stays of it is deleted at the next start.
    Folder(PathBuf),
    /// A file that has no name. What stays of it is freed with the process.
    File(Nameless),
}

/// A file that has no name any more.
#[derive(Debug)]
pub struct Nameless {
    file: File,
    held: Arc<AtomicUsize>,
}

impl Drop for Nameless {
    fn drop(&mut self) {
        self.held.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The way to the thread.
#[derive(Clone, Debug)]
pub struct Free {
    files: Arc<Files>,
    queue: mpsc::Sender<Gone>,
    held: Arc<AtomicUsize>,
    held_max: usize,
}

impl Free {
    /// Holds up to `held_max` files open that have no name any more.
    pub fn start(files: Arc<Files>, held_max: usize) -> io::Result<Self> {
        let (sender, queue) = mpsc::channel();
        let free = Self { files, queue: sender, held: Arc::default(), held_max };
        let of_thread = free.clone();
        spawn_thread("esker-free", move || of_thread.run(&queue))?;
        Ok(free)
    }

    /// Frees what they have, by and by.
    pub fn give(&self, gone: impl IntoIterator<Item = Gone>) {
        for gone in gone {
            // The thread lives as long as the process.
            let _ = self.queue.send(gone);
        }
    }

    /// Takes the file's name away. Of a large file what it has is still to be freed; one that cannot be opened for it is freed at once.
    pub fn unlink(&self, path: &Path) -> io::Result<Option<Nameless>> {
        let file = if std::fs::symlink_metadata(path)?.blocks() * 512 >= LARGE { self.hold(path) } else { None };
        std::fs::remove_file(path)?;
        Ok(file)
    }

    fn hold(&self, path: &Path) -> Option<Nameless> {
        if self.held.load(Ordering::Relaxed) >= self.held_max {
            return None;
        }
        let file = self.files.with_descriptor(Duration::ZERO, || File::options().write(true).open(path)).ok()?;
        self.held.fetch_add(1, Ordering::Relaxed);
        Some(Nameless { file, held: Arc::clone(&self.held) })
    }

    fn run(&self, queue: &mpsc::Receiver<Gone>) {
        let mut in_use = Vec::new();
        loop {
            let gone = if in_use.is_empty() { queue.recv().ok() } else { queue.recv_timeout(AGAIN).ok() };
            match gone {
                Some(Gone::Folder(path)) => self.empty(&path, &mut in_use),
                Some(Gone::File(file)) => in_use.push(file),
                None => {}
            }
            in_use.retain(|file| !self.cut(file));
        }
    }

    /// Deletes the folder, its large files one by one.
    fn empty(&self, folder: &Path, in_use: &mut Vec<Nameless>) {
        let entries = self.files.with_descriptor(DESCRIPTOR_PATIENCE, || std::fs::read_dir(folder));
        for entry in entries.into_iter().flatten().flatten() {
            // What cannot be taken by itself goes with the folder, or is told of there.
            if let Ok(Some(file)) = self.unlink(&entry.path())
                && !self.cut(&file)
            {
                in_use.push(file);
            }
        }
        if let Err(why) = self.files.with_descriptor(DESCRIPTOR_PATIENCE, || std::fs::remove_dir_all(folder)) {
            tracing::warn!("{} cannot be deleted: {why}", folder.display());
        }
    }

    /// Frees what the file has. `false`: a reply still sends from it, and needs all of it.
    fn cut(&self, Nameless { file, .. }: &Nameless) -> bool {
        if self.files.is_in_use(file) {
            return false;
        }
        // A copy made of links has names elsewhere: it is not ours to cut.
        let mut left = file.metadata().map_or(0, |meta| if meta.nlink() == 0 { meta.len() } else { 0 });
        while left > 0 {
            left = left.saturating_sub(1) / STEP * STEP;
            if file.set_len(left).is_err() {
                break;
            }
        }
        true
    }
}
