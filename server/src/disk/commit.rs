//! Group commit: what many operations wrote becomes durable together.
//!
//! While one sync runs, rounds gather; the next sync covers them all. Appends become durable in the journal. What does not go
//! through it is synced: a few files one by one, many with one `syncfs` (a thousand files: 15 ms instead of 240). A sync
//! that fails is final.

use super::Completed;
use super::free::{Free, Gone};
use crate::durable::{self, Poison};
use crate::files::{DESCRIPTOR_PATIENCE, Files};
use crate::journal::{Gather, Store};
use crate::metrics::Metrics;
use crate::rt::spawn_thread;
use esker_core::id::DirId;
use esker_core::io::{DiskDone, DiskFault, DiskTag, FileId};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, mpsc};
use std::time::Instant;

/// Operations carried out together, and what has to become durable before some of them are complete.
#[derive(Debug, Default)]
pub struct Round {
    pub done: Vec<Done>,
    pub dirty_files: BTreeSet<FileId>,
    pub dirty_dirs: BTreeSet<DirId>,
    /// What nobody can find any more: freed when that is durable, as far as it has to be.
    pub gone: Vec<Gone>,
}

impl Round {
    /// The operation at that place is not carried out yet.
    pub fn wait(&mut self, place: usize) {
        if let Some(done) = self.done.get_mut(place) {
            done.waits = true;
        }
    }
}

/// An operation that was carried out.
#[derive(Debug)]
pub struct Done {
    pub tag: DiskTag,
    pub dir: DirId,
    pub result: Result<DiskDone, DiskFault>,
    /// Complete only when the round is durable.
    pub durable: bool,
    /// It is not carried out, and not complete: it found no room.
    pub waits: bool,
}

/// A round on its way to the sync thread, its files open: a name may change meanwhile.
struct Job {
    number: u64,
    done: Vec<Done>,
    /// How many files and folders have to become durable. They are open where each is synced.
    dirty: usize,
    open: Vec<(Dirty, Arc<File>)>,
    gone: Vec<Gone>,
    fault: Option<DiskFault>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Dirty {
    File(FileId),
    Dir(DirId),
}

/// The write thread's end. It syncs by itself when nothing else is under way, which saves a change of threads.
pub struct Commit {
    files: Arc<Files>,
    jobs: mpsc::Sender<Job>,
    sync: Sync,
    /// The last round of a folder that went to the sync thread: later operations of the folder complete behind it.
    last: HashMap<DirId, u64>,
    number: u64,
    /// The last round that went to the sync thread is a sync of everything.
    of_all: bool,
}

/// What both threads need to make rounds durable.
#[derive(Clone)]
struct Sync {
    root: Arc<Files>,
    metrics: Arc<Metrics>,
    report: Arc<dyn Fn(Completed) + Send + std::marker::Sync>,
    complete: Arc<Complete>,
    poison: Poison,
    journal: Arc<Journal>,
    free: Free,
}

/// The journal.
#[derive(Debug, Default)]
pub struct Journal {
    /// From when it is ready.
    pub store: OnceLock<Mutex<Store>>,
    /// What a round appended is here before the round is handed over.
    pub gather: Gather,
}

impl Journal {
    /// The journal, if it is ready.
    pub fn store(&self) -> Option<MutexGuard<'_, Store>> {
        self.store.get().map(|store| store.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Makes all that was gathered durable.
    fn write(&self) -> io::Result<()> {
        let mut entries = self.gather.take();
        let Some(mut store) = self.store().filter(|_| !entries.is_empty()) else { return Ok(()) };
        let done = store.write(&mut entries);
        self.gather.give_back(entries);
        done
    }
}

/// The last round that is complete.
#[derive(Default)]
struct Complete {
    number: Mutex<u64>,
    more: Condvar,
}

impl Complete {
    fn get(&self) -> u64 {
        *self.number.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, number: u64) {
        *self.number.lock().unwrap_or_else(PoisonError::into_inner) = number;
        self.more.notify_all();
    }

    fn wait(&self, for_number: u64) {
        let mut number = self.number.lock().unwrap_or_else(PoisonError::into_inner);
        while *number < for_number {
            number = self.more.wait(number).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Commit {
    pub fn start(
        files: Arc<Files>,
        journal: Arc<Journal>,
        free: Free,
        metrics: Arc<Metrics>,
        poison: Poison,
        report: impl Fn(Completed) + Send + 'static,
    ) -> io::Result<Self> {
        let (jobs, queue) = mpsc::channel::<Job>();
        let report = std::sync::Mutex::new(report);
        let report = move |completed| match report.lock() {
            Ok(report) => report(completed),
            Err(poisoned) => poisoned.into_inner()(completed),
        };
        let sync = Sync {
            root: Arc::clone(&files),
            metrics,
            report: Arc::new(report),
            complete: Arc::default(),
            poison,
            journal,
            free,
        };
        let of_thread = sync.clone();
        spawn_thread("esker-sync", move || {
            while let Ok(first) = queue.recv() {
                of_thread.carry_out(std::iter::once(first).chain(queue.try_iter()).collect());
            }
        })?;
        Ok(Self { files, jobs, sync, last: HashMap::new(), number: 0, of_all: false })
    }

    /// Takes a round. `idle`: no operation waits behind it.
    pub fn take(&mut self, round: Round, idle: bool) {
        let complete = self.sync.complete.get();
        self.last.retain(|_, number| *number > complete);
        let mut behind: HashSet<DirId> = self.last.keys().copied().collect();
        let (mut now, mut later) = (Completed::new(), Vec::new());
        for done in round.done.into_iter().filter(|done| !done.waits) {
            if done.durable {
                behind.insert(done.dir);
            }
            if behind.contains(&done.dir) { later.push(done) } else { now.push((done.tag, done.result)) }
        }
        if !now.is_empty() {
            (self.sync.report)(now);
        }
        if later.is_empty() {
            return self.sync.free.give(round.gone);
        }
        self.number += 1;
        let dirty = round.dirty_files.len() + round.dirty_dirs.len();
        let mut job = Job { number: self.number, done: later, dirty, open: Vec::new(), gone: round.gone, fault: None };
        if dirty <= durable::EACH_MAX {
            self.open(&mut job, &round.dirty_files, &round.dirty_dirs);
        }
        if idle && self.last.is_empty() && complete + 1 == self.number {
            self.sync.carry_out(vec![job]);
            return;
        }
        self.of_all = dirty > durable::EACH_MAX;
        self.last.extend(behind.into_iter().map(|dir| (dir, self.number)));
        // The thread lives as long as the process.
        let _ = self.jobs.send(job);
    }

    /// Before the next round is taken: while everything is synced operations gather. A round that is smaller for having been begun
    /// meanwhile costs a sync of everything as well.
    pub fn gather(&mut self) {
        if std::mem::take(&mut self.of_all) {
            self.drain();
        }
    }

    /// Waits until every round is complete.
    pub fn drain(&self) {
        self.sync.complete.wait(self.number);
    }

    /// The number of the round in the making.
    pub const fn next(&self) -> u64 {
        self.number + 1
    }

    /// The last round that is complete.
    pub fn complete(&self) -> u64 {
        self.sync.complete.get()
    }

    /// Whether there is a journal. Does not wait for who writes to it.
    pub fn has_journal(&self) -> bool {
        self.sync.journal.store.get().is_some()
    }

    pub fn journal(&self) -> &Journal {
        &self.sync.journal
    }

    fn open(&self, job: &mut Job, files: &BTreeSet<FileId>, dirs: &BTreeSet<DirId>) {
        for &file in files {
            match self.files.open(file) {
                Ok(open) => job.open.push((Dirty::File(file), open)),
                Err(why) => job.fault = Some(self.sync.poison.set(format_args!("a sync of {file}"), &why)),
            }
        }
        for &dir in dirs {
            let open = |path| self.files.with_descriptor(DESCRIPTOR_PATIENCE, || File::open(&path));
            match self.files.folder(dir).and_then(open) {
                Ok(open) => job.open.push((Dirty::Dir(dir), Arc::new(open))),
                Err(why) => job.fault = Some(self.sync.poison.set(format_args!("a sync of {dir}"), &why)),
            }
        }
    }
}

impl Sync {
    /// Makes the rounds durable together and reports them complete, in order.
    fn carry_out(&self, jobs: Vec<Job>) {
        let mut dirty: HashMap<Dirty, &File> = HashMap::new();
        for (name, file) in jobs.iter().flat_map(|job| &job.open) {
            dirty.insert(*name, file);
        }
        let began = Instant::now();
        let many = dirty.len() > durable::EACH_MAX || jobs.iter().any(|job| job.dirty > durable::EACH_MAX);
        let mut fault = self.poison.fault().or_else(|| self.make_durable(&dirty, many).err());
        self.metrics.synced(jobs.iter().map(|job| job.dirty).sum(), began.elapsed());
        let mut completed = Completed::new();
        let mut gone = Vec::new();
        let mut last = 0;
        for job in jobs {
            last = job.number;
            gone.extend(job.gone);
            fault = fault.or(job.fault);
            for done in job.done {
                let result = match fault {
                    Some(fault) if done.durable => done.result.and(Err(fault)),
                    Some(_) | None => done.result,
                };
                completed.push((done.tag, result));
            }
        }
        (self.report)(completed);
        self.complete.set(last);
        if fault.is_none() {
            self.free.give(gone);
        }
    }

    fn make_durable(&self, dirty: &HashMap<Dirty, &File>, many: bool) -> Result<(), DiskFault> {
        let failed = |what: &'static str| move |why: io::Error| self.poison.set(what, &why);
        // A cut comes before what was appended behind it: else the end of what was cut might stand there again.
        if many {
            durable::sync_all(self.root.root_dir()).map_err(failed("a sync of everything"))?;
        } else {
            // Names before bytes: a segment that is gone does not come back behind one that was cut.
            let is_dir = |name: &Dirty| matches!(name, Dirty::Dir(_));
            let (dirs, files): (Vec<_>, Vec<_>) = dirty.iter().partition(|(name, _)| is_dir(name));
            for (name, file) in dirs.into_iter().chain(files) {
                match name {
                    Dirty::File(_) => durable::sync_file(file),
                    Dirty::Dir(_) => durable::sync_open_dir(file),
                }
                .map_err(|why| self.poison.set(format_args!("a sync of {}", self.path(*name).display()), &why))?;
            }
        }
        self.journal.write().map_err(failed("the journal"))
    }

    /// Where it is, as far as it is known.
    fn path(&self, name: Dirty) -> PathBuf {
        let path = match name {
            Dirty::File(file) => self.root.path(file),
            Dirty::Dir(dir) => self.root.folder(dir),
        };
        path.unwrap_or_else(|_| self.root.root().to_path_buf())
    }
}
