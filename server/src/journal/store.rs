//! The journal as it is written.

use super::draft::Draft;
use super::entry::{BLOCK, ENTRY_MAX, Head, ITEMS_MAX};
use super::file::{FILE, MAKING, SLOTS, empty, exists, mark, remove, unmark};
use crate::durable::{self, Poison};
use crate::files;
use esker_core::io::FileId;
use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, PoisonError, mpsc};

/// A file that entries speak of.
#[derive(Clone, Debug)]
pub struct Subject {
    pub id: FileId,
    pub file: Arc<File>,
    /// Its path below the data folder.
    pub name: Arc<str>,
}

/// An entry, and the files that it speaks of.
#[derive(Debug)]
pub struct Entry {
    pub draft: Draft,
    pub subjects: Vec<Subject>,
}

/// Files are to be made durable in themselves.
struct Checkpoint {
    files: Files,
    /// They are all that a full slot speaks of: it can be begun anew then.
    full: Option<u64>,
}

/// A slot's files are synced after each of so many parts of it, and not when it is full alone: what is written to the journal waits behind
/// what a sync has for the medium, and behind a little not as long. Not where there are many: each part would be a sync of everything.
const PARTS: u64 = 4;
/// Files that a slot has writes of. Each is opened for this alone: a sync that fails is told to every open file, but only once, and
/// whoever syncs the same log in another thread has to hear of it as well.
enum Files {
    Few(HashMap<FileId, Arc<File>>),
    Many,
}

impl Default for Files {
    fn default() -> Self {
        Self::Few(HashMap::new())
    }
}

/// What the checkpoint thread has come to.
struct Clean {
    /// Every file of this generation and those before it is durable.
    upto: Mutex<u64>,
    more: Condvar,
    poison: Poison,
}

/// The journal, open for writing. Its slots are written in turn; a slot is begun anew when what it holds is durable in the files.
pub struct Store {
    root: PathBuf,
    file: File,
    slot_bytes: u64,
    head: Head,
    /// Where the next entry goes, in the slot of `head.generation`.
    at: u64,
    files: Files,
    /// Files of which an entry may speak, by the last generation that does. Replay would bring what it says back.
    live: HashMap<FileId, (u64, Arc<str>)>,
    clean: Arc<Clean>,
    poison: Poison,
    checkpoints: mpsc::Sender<Checkpoint>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Store({:?} at {})", self.head, self.at)
    }
}

impl Store {
    /// Makes the journal's file, all of it written once (only then are its writes cheap), and opens it. `bytes` in all.
    ///
    /// # Errors
    /// What the file system says; `InvalidInput` where it knows no direct writes.
    pub fn make(root: &Path, bytes: u64, life: u64, poison: Poison) -> io::Result<Self> {
        Self::make_file(root, bytes, life, poison).inspect_err(|_| drop(remove(root)))
    }

    fn make_file(root: &Path, bytes: u64, life: u64, poison: Poison) -> io::Result<Self> {
        let slot_bytes = (bytes / SLOTS).next_multiple_of(BLOCK as u64).max(ENTRY_MAX as u64);
        let open = |name: &str, new: bool| {
            let mut options = OpenOptions::new();
            options.read(true).write(true).create(new).truncate(new).custom_flags(libc::O_DIRECT).open(root.join(name))
        };
        let bytes = slot_bytes * SLOTS;
        let file = if exists(root, bytes) {
            open(FILE, false)?
        } else {
            remove(root)?;
            let file = open(MAKING, true)?;
            let (mut zeros, mut at) = (Draft::default(), 0);
            while at < bytes {
                let piece = zeros.zeros((bytes - at).min(ITEMS_MAX as u64) as usize);
                file.write_all_at(piece, at)?;
                at += piece.len() as u64;
            }
            durable::sync_file(&file)?;
            // Whoever dies meanwhile leaves no journal, and none that is short.
            std::fs::rename(root.join(MAKING), root.join(FILE))?;
            durable::sync_dir(root)?;
            file
        };
        let (checkpoints, queue) = mpsc::channel::<Checkpoint>();
        let clean = Arc::new(Clean { upto: Mutex::default(), more: Condvar::new(), poison: poison.clone() });
        let (of_thread, of_root) = (Arc::clone(&clean), File::open(root)?);
        crate::rt::spawn_thread("esker-checkpoint", move || {
            while let Ok(first) = queue.recv() {
                let mut waiting = std::iter::once(first).chain(queue.try_iter()).peekable();
                while let Some(checkpoint) = waiting.next() {
                    // An early one that comes late is the next one's.
                    if checkpoint.full.is_some() || waiting.peek().is_none() {
                        of_thread.make_durable(&checkpoint, &of_root);
                    }
                }
            }
        })?;
        let head = Head { life, generation: 0, number: 0, before: 0, synced: 0 };
        let (files, live) = (Files::default(), HashMap::new());
        let mut store =
            Self { root: root.to_path_buf(), file, slot_bytes, head, at: 0, files, live, clean, poison, checkpoints };
        store.begin()?;
        mark(root)?;
        Ok(store)
    }

    /// The generation before the first that says something: whoever reads the first one knows whose it has to be.
    fn begin(&mut self) -> io::Result<()> {
        self.put(&mut Draft::default())?;
        durable::sync_file(&self.file)?;
        self.turn();
        Ok(())
    }

    /// Makes what the entries say durable: when this returns, no loss of power undoes it.
    pub fn write(&mut self, entries: &mut [Entry]) -> io::Result<()> {
        self.poison.check()?;
        for Entry { draft, subjects } in entries {
            self.make_room(draft)?;
            for subject in subjects {
                self.touch(subject);
            }
            self.put(draft)?;
        }
        self.sync()
    }

    /// What was written so far is durable: what is written from now on says so.
    fn sync(&mut self) -> io::Result<()> {
        durable::sync_file(&self.file)?;
        self.head.synced = in_slot(self.head.number);
        Ok(())
    }

    /// An entry of this slot speaks of the file.
    fn touch(&mut self, subject: &Subject) {
        if self.live.get(&subject.id).is_some_and(|(generation, _)| *generation == self.head.generation) {
            return;
        }
        let few = |files: &HashMap<_, _>| files.len() < durable::EACH_MAX || files.contains_key(&subject.id);
        match (&mut self.files, files::open_again(&subject.file)) {
            (Files::Few(files), Ok(own)) if few(files) => drop(files.insert(subject.id, Arc::new(own))),
            (Files::Few(_) | Files::Many, _) => self.files = Files::Many,
        }
        self.live.insert(subject.id, (self.head.generation, Arc::clone(&subject.name)));
    }

    /// Before files are cut, renamed, deleted or made anew: what the journal has of them is durable in the files themselves, and is
    /// not put back after that.
    pub fn forget(
        &mut self,
        is_touched: impl Fn(&FileId) -> bool,
        open: impl Fn(FileId) -> io::Result<Arc<File>>,
    ) -> io::Result<()> {
        let touched = self.live.iter().filter(|(id, _)| is_touched(id));
        let names: Vec<(FileId, Arc<str>)> = touched.map(|(id, (_, name))| (*id, Arc::clone(name))).collect();
        if names.is_empty() {
            return Ok(());
        }
        let mut draft = Draft::default();
        for (id, name) in names {
            durable::sync_file(&*open(id)?)?;
            if !draft.forget(&name) {
                self.make_room(&draft)?;
                self.put(&mut draft)?;
                draft.clear();
                assert!(draft.forget(&name), "a name fits into an entry of its own");
            }
            self.live.remove(&id);
        }
        // Of what failed elsewhere before these syncs did not.
        self.poison.check()?;
        self.make_room(&draft)?;
        self.put(&mut draft)?;
        self.sync()
    }

    /// Turns to the next slot if the entry does not fit into this one.
    fn make_room(&mut self, draft: &Draft) -> io::Result<()> {
        if self.at + draft.padded() as u64 > self.slot_bytes { self.next_slot() } else { Ok(()) }
    }

    fn next_slot(&mut self) -> io::Result<()> {
        // What follows in another slot counts on all that is in this one.
        durable::sync_file(&self.file)?;
        let files = std::mem::take(&mut self.files);
        // The thread lives as long as the process.
        let _ = self.checkpoints.send(Checkpoint { files, full: Some(self.head.generation) });
        let next = self.head.generation + 1;
        // The slot behind it is free already: whoever finds that one spoilt need not know whether it was begun anew.
        self.clean.wait((next + 1).saturating_sub(SLOTS))?;
        self.live.retain(|_, (generation, _)| *generation + SLOTS > next);
        self.turn();
        Ok(())
    }

    fn turn(&mut self) {
        let Head { life, generation, number, .. } = self.head;
        self.head = Head { life, generation: generation + 1, number: 0, before: in_slot(number), synced: 0 };
        self.at = 0;
    }

    /// Writes the entry, not yet durably.
    fn put(&mut self, draft: &mut Draft) -> io::Result<()> {
        let place = (self.head.generation % SLOTS) * self.slot_bytes + self.at;
        files::write_all(&self.file, place, &mut draft.finish(self.head))?;
        let before = self.at;
        self.at += draft.padded() as u64;
        assert!(self.at <= self.slot_bytes, "an entry lies in its slot");
        if let Files::Few(files) = &self.files
            && before * PARTS / self.slot_bytes < self.at * PARTS / self.slot_bytes
        {
            let _ = self.checkpoints.send(Checkpoint { files: Files::Few(files.clone()), full: None });
        }
        self.head.number += 1;
        Ok(())
    }

    /// The generation, and where in its slot the next entry goes.
    #[cfg(test)]
    pub const fn place(&self) -> (u64, u64) {
        (self.head.generation, self.at)
    }

    /// Makes the files themselves durable and empties the journal.
    pub fn close(&mut self) -> io::Result<()> {
        let files = std::mem::take(&mut self.files);
        let _ = self.checkpoints.send(Checkpoint { files, full: Some(self.head.generation) });
        self.clean.wait(self.head.generation)?;
        let oldest = (self.head.generation + 1).saturating_sub(SLOTS);
        empty(&self.file, self.slot_bytes, (oldest..=self.head.generation).map(|generation| generation % SLOTS))?;
        unmark(&self.root)
    }
}

/// A number of entries of a slot: each has a block at least.
fn in_slot(entries: u64) -> u32 {
    u32::try_from(entries).unwrap_or(u32::MAX)
}

impl Clean {
    fn make_durable(&self, checkpoint: &Checkpoint, root: &File) {
        let done = match &checkpoint.files {
            Files::Few(files) => files.values().try_for_each(|file| durable::sync_file(file)),
            Files::Many => durable::sync_all(root),
        };
        if let Err(why) = done {
            self.poison.set("a sync of what the journal has", &why);
        }
        let mut upto = self.upto.lock().unwrap_or_else(PoisonError::into_inner);
        if self.poison.fault().is_none() {
            *upto = checkpoint.full.unwrap_or(*upto);
        }
        self.more.notify_all();
    }

    /// Waits until every file of that generation is durable.
    fn wait(&self, generation: u64) -> io::Result<()> {
        let mut upto = self.upto.lock().unwrap_or_else(PoisonError::into_inner);
        while *upto < generation {
            self.poison.check()?;
            upto = self.more.wait(upto).unwrap_or_else(PoisonError::into_inner);
        }
        Ok(())
    }
}
