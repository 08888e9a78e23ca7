//! The write thread: carries out what changes something, in order.

use super::ahead;
use super::commit::{Commit, Done, Round};
use super::free::{Free, Gone};
use super::kind::{Touched, appended, dir_of, is_durable, touched};
use super::queue::Queue;
use super::settled::Settled;
use super::wait::{Waiting, may_wait};
use crate::durable::{self, Poison};
use crate::files::{self, DESCRIPTOR_PATIENCE, Files, fault_of};
use crate::journal::Subject;
use bytes::Bytes;
use esker_core::id::{DirId, Offset, Uuid};
use esker_core::io::{DiskDone, DiskFault, DiskOp, DiskTag, FileId, FileName};
use esker_core::log::layout;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt::Display;
use std::io::{self, IoSlice};
use std::sync::Arc;

/// From so many bytes of one file in a round on, the file itself is synced. It takes the medium some turns more than the journal, but
/// what is long is then written once, and not twice.
const BULK_MIN: u64 = 128 << 10;

/// The smallest name of a log.
const FIRST: FileName = FileName::Log(Offset(i64::MIN));

/// Appends to one file, one behind the other, that are not written yet.
struct Run {
    file: FileId,
    at: u64,
    len: u64,
    bytes: Vec<Bytes>,
    /// Complete only when it is durable.
    sync: bool,
    ops: Vec<Part>,
}

/// One of the operations of a run.
struct Part {
    tag: DiskTag,
    /// Its place in the round.
    place: usize,
    /// So many of the run's buffers are its own.
    buffers: usize,
    sync: bool,
}

impl Run {
    /// The operations that it was made of.
    fn into_ops(self) -> impl Iterator<Item = (DiskTag, DiskOp)> {
        let (file, mut at) = (self.file, self.at);
        let mut buffers = self.bytes.into_iter();
        self.ops.into_iter().map(move |Part { tag, buffers: count, sync, .. }| {
            let bytes: Vec<Bytes> = buffers.by_ref().take(count).collect();
            let op = DiskOp::Append { file, at, bytes, sync };
            at += appended(&op);
            (tag, op)
        })
    }
}

/// The write thread.
pub struct Writer {
    pub files: Arc<Files>,
    pub queue: Arc<Queue>,
    pub commit: Commit,
    pub free: Free,
    /// Logs of which every byte is durable once the rounds so far are: what is appended next can be durable in the journal alone.
    pub settled: Settled,
    /// Logs of which the journal may speak.
    pub journaled: BTreeSet<FileId>,
    /// What found no room.
    pub waiting: Waiting,
    /// Once it is set what the medium holds is unknown, and nothing is changed any more.
    pub poison: Poison,
    /// Drawn anew by each process; and how many folders this one has removed.
    pub life: u64,
    pub removed: u64,
}

impl Writer {
    pub fn run(mut self) {
        loop {
            self.commit.gather();
            let ops = self.queue.take(usize::MAX, self.waiting.again());
            let mut round = Round::default();
            // What waits comes before what is new: the order within a folder is as it was.
            let again = self.waiting.due();
            self.carry_out(again, &mut round);
            self.carry_out(ops, &mut round);
            self.commit.take(round, self.queue.is_empty());
            if self.queue.set_stuck(!self.waiting.is_empty()) {
                tell(!self.waiting.is_empty());
            }
        }
    }

    /// Carries out what is no sync.
    pub(super) fn carry_out_stage(&mut self, ops: Vec<(DiskTag, DiskOp)>, round: &mut Round) {
        let mut runs: HashMap<FileId, Run> = HashMap::new();
        let aside = if self.poison.fault().is_none() { self.write_aside(&ops) } else { HashSet::new() };
        for (tag, op) in ops {
            let dir = dir_of(&op);
            if !matches!(op, DiskOp::Append { .. }) {
                // An operation sees what was issued before it for its folder.
                self.write_runs(&mut runs, round, Some(dir));
            }
            let touched = touched(&op).filter(|touched| self.has_journaled(*touched));
            if touched.is_some() {
                self.write_runs(&mut runs, round, None);
                self.commit.take(std::mem::take(round), true);
                self.commit.drain();
            }
            if matches!(op, DiskOp::RemoveDir { .. }) {
                let given_up = self.waiting.give_up(dir);
                round.done.extend(given_up.map(|(tag, result)| Done {
                    tag,
                    dir,
                    result,
                    durable: false,
                    waits: false,
                }));
            }
            if self.waiting.holds(dir) {
                self.waiting.hold(dir, tag, op);
                continue;
            }
            let place = round.done.len();
            round.done.push(Done { tag, dir, result: Ok(DiskDone::Done), durable: is_durable(&op), waits: false });
            if let DiskOp::Append { file, at, bytes, sync } = op {
                self.gather(&mut runs, round, (tag, place), (file, at, bytes, sync));
                continue;
            }
            self.carry_out_one(op, touched, (tag, place), &aside, round);
        }
        self.write_runs(&mut runs, round, None);
    }

    /// Files that are replaced have to be durable before they take the place of others: of many, all together. Answers which are. What
    /// cannot be written now is written, and told of, when its turn comes.
    fn write_aside(&mut self, ops: &[(DiskTag, DiskOp)]) -> HashSet<FileId> {
        let mut times = HashMap::<FileId, usize>::new();
        let replaced = |op: &DiskOp| if let DiskOp::Replace { file, .. } = op { Some(*file) } else { None };
        ops.iter().filter_map(|(_, op)| replaced(op)).for_each(|file| *times.entry(file).or_default() += 1);
        times.retain(|_, times| *times == 1);
        if times.len() <= durable::EACH_MAX {
            return HashSet::new();
        }
        let mut aside = HashSet::new();
        for (_, op) in ops {
            if let DiskOp::Replace { file, bytes } = op
                && times.contains_key(file)
                && self.files.path(*file).and_then(|path| files::write_aside(&path, bytes)).is_ok()
            {
                aside.insert(*file);
            }
        }
        self.commit.drain();
        if let Err(why) = durable::sync_all(self.files.root_dir()) {
            self.poison.set("a sync of everything", &why);
        }
        aside
    }

    /// Carries out what is not an append.
    fn carry_out_one(
        &mut self,
        op: DiskOp,
        touched: Option<Touched>,
        (tag, place): (DiskTag, usize),
        aside: &HashSet<FileId>,
        round: &mut Round,
    ) {
        let result = match self.poison.fault() {
            Some(fault) => Err(fault),
            None => match self.settle(touched) {
                Ok(()) => self.change(op.clone(), aside, round).map_err(|why| self.fault(&op, may_wait(&op), &why)),
                Err(why) => Err(self.poison.set("the journal", &why)),
            },
        };
        if result == Err(DiskFault::Full) && may_wait(&op) {
            round.wait(place);
            self.waiting.hold(dir_of(&op), tag, op);
        } else {
            Self::set(round, place, result);
        }
    }

    /// What an operation is answered that could not be carried out: one that may wait for room has not failed without it.
    fn fault(&self, op: impl Display, may_wait: bool, why: &io::Error) -> DiskFault {
        let fault = fault_of(why);
        if fault != DiskFault::Full || !may_wait {
            self.poison.set(op, why);
        }
        fault
    }

    fn gather(
        &mut self,
        runs: &mut HashMap<FileId, Run>,
        round: &mut Round,
        (tag, place): (DiskTag, usize),
        (file, at, bytes, sync): (FileId, u64, Vec<Bytes>, bool),
    ) {
        let len: u64 = bytes.iter().map(|part| part.len() as u64).sum();
        let continues = runs
            .get(&file)
            .is_some_and(|run| run.at + run.len == at && run.bytes.len() + bytes.len() <= files::BUFFERS_MAX);
        if !continues && let Some(run) = runs.remove(&file) {
            self.write(run, round);
        }
        let run = runs.entry(file).or_insert_with(|| Run {
            file,
            at,
            len: 0,
            bytes: Vec::new(),
            sync: false,
            ops: Vec::new(),
        });
        run.len += len;
        run.sync |= sync;
        run.ops.push(Part { tag, place, buffers: bytes.len(), sync });
        run.bytes.extend(bytes);
    }

    /// Writes what was gathered, of one folder or of all.
    fn write_runs(&mut self, runs: &mut HashMap<FileId, Run>, round: &mut Round, dir: Option<DirId>) {
        let chosen = |file: &FileId| dir.is_none_or(|dir| file.dir == dir);
        for run in runs.extract_if(|file, _| chosen(file)).map(|(_, run)| run).collect::<Vec<_>>() {
            self.write(run, round);
        }
    }

    fn write(&mut self, run: Run, round: &mut Round) {
        let result = match self.poison.fault() {
            Some(fault) => Err(fault),
            // Another file of the folder has found no room.
            None if self.waiting.holds(run.file.dir) => Err(DiskFault::Full),
            None => self.append(&run, round).map_err(|why| {
                let path = self.files.path(run.file).unwrap_or_default();
                self.fault(format_args!("a write to {}", path.display()), true, &why)
            }),
        };
        if result == Err(DiskFault::Full) {
            run.ops.iter().for_each(|part| round.wait(part.place));
            let dir = run.file.dir;
            return run.into_ops().for_each(|(tag, op)| self.waiting.hold(dir, tag, op));
        }
        for part in run.ops {
            Self::set(round, part.place, result.map(|()| DiskDone::Done));
        }
    }

    /// Writes, and names in the round what has to become durable, in the journal or in the file.
    fn append(&mut self, run: &Run, round: &mut Round) -> io::Result<()> {
        let file = self.files.open(run.file)?;
        let in_journal = run.len < BULK_MIN
            && self.commit.has_journal()
            && self.settled.may_be_journaled(run.file, self.commit.complete());
        let by_itself = run.sync && !in_journal;
        if by_itself {
            ahead::take(&file, run.at, run.len);
        }
        let mut parts: Vec<IoSlice<'_>> = run.bytes.iter().map(|part| IoSlice::new(part)).collect();
        if let Err(why) = files::write_all(&file, run.at, &mut parts) {
            if fault_of(&why) == DiskFault::Full {
                // Nothing torn stays, and what had room is others' again. Should this fail, the next try writes over it, or a start
                // cuts it.
                let _ = file.set_len(run.at);
            }
            return Err(why);
        }
        if !run.sync {
            self.settled.remove(run.file);
        } else if by_itself {
            round.dirty_files.insert(run.file);
            self.settle_log(run.file);
        } else {
            let name = self.files.name(run.file)?.into();
            self.journaled.insert(run.file);
            self.commit.journal().gather.add(&Subject { id: run.file, file, name }, run.at, &run.bytes);
        }
        Ok(())
    }

    /// All of the file is durable, or will be with this round.
    pub(super) fn settle_log(&mut self, file: FileId) {
        if matches!(file.name, FileName::Log(_)) {
            self.settled.insert(file, self.commit.next());
        }
    }

    /// Whether the journal may speak of one of these.
    fn has_journaled(&self, touched: Touched) -> bool {
        match touched {
            Touched::File(one) => self.journaled.contains(&one),
            Touched::Files(one, other) => self.journaled.contains(&one) || self.journaled.contains(&other),
            Touched::Dir(dir) => {
                self.journaled.range(FileId::new(dir, FIRST)..).next().is_some_and(|file| file.dir == dir)
            }
        }
    }

    /// Before an operation that is no append, when every round before it is complete: the journal says nothing any more of what is to
    /// be another file.
    fn settle(&mut self, touched: Option<Touched>) -> io::Result<()> {
        let Some(touched) = touched else { return Ok(()) };
        let Some(mut journal) = self.commit.journal().store() else { return Ok(()) };
        let is_touched = |file: &FileId| match touched {
            Touched::File(one) => *file == one,
            Touched::Files(one, other) => *file == one || *file == other,
            Touched::Dir(dir) => file.dir == dir,
        };
        journal.forget(is_touched, |file| self.files.open(file))?;
        match touched {
            Touched::File(one) => drop(self.journaled.remove(&one)),
            Touched::Files(one, other) => {
                self.journaled.remove(&one);
                self.journaled.remove(&other);
            }
            Touched::Dir(dir) => self.journaled.retain(|file| file.dir != dir),
        }
        Ok(())
    }

    fn set(round: &mut Round, place: usize, result: Result<DiskDone, DiskFault>) {
        if let Some(done) = round.done.get_mut(place) {
            done.result = result;
        }
    }

    /// Carries out what is not an append. What it leaves to be made durable is named in the round.
    fn change(&mut self, op: DiskOp, aside: &HashSet<FileId>, round: &mut Round) -> io::Result<DiskDone> {
        match op {
            DiskOp::OpenDir { dir, name } => self.open_dir(dir, name, round)?,
            DiskOp::RenameDir { dir, name } => {
                std::fs::rename(self.files.folder(dir)?, self.files.root().join(&name))?;
                self.files.bind(dir, name);
                round.dirty_dirs.insert(DirId::ROOT);
            }
            DiskOp::RemoveDir { dir } => {
                // One that found no room to be made is not there.
                let Ok(path) = self.files.folder(dir) else { return Ok(DiskDone::Done) };
                let name = path.file_name().map_or_else(Default::default, |name| name.to_string_lossy());
                self.removed += 1;
                let unique = Uuid(u128::from(self.life) << 64 | u128::from(self.removed));
                let aside = self.files.root().join(layout::deleted_folder(&name, unique));
                match std::fs::rename(&path, &aside) {
                    Ok(()) => round.gone.push(Gone::Folder(aside)),
                    // The other name is longer, and there may be no room for it: what is deleted makes some.
                    Err(why) if fault_of(&why) == DiskFault::Full => std::fs::remove_dir_all(path)?,
                    Err(why) => return Err(why),
                }
                self.files.unbind(dir);
                self.settled.remove_dir(dir);
                round.dirty_dirs.remove(&dir);
                round.dirty_files.retain(|file| file.dir != dir);
                round.dirty_dirs.insert(DirId::ROOT);
            }
            DiskOp::Create { file } => {
                self.files.create(file)?;
                self.settled.remove(file);
                self.settle_log(file);
            }
            DiskOp::Truncate { file, len } => {
                self.files.open(file)?.set_len(len)?;
                round.dirty_files.insert(file);
                self.settled.reshaped(file, self.commit.next());
            }
            DiskOp::Replace { file, bytes } => {
                let path = self.files.path(file)?;
                // Where its folder has another name by now it lies where nobody looks.
                if !aside.contains(&file) || files::put_in_place(&path).is_err() {
                    self.files.with_descriptor(DESCRIPTOR_PATIENCE, || files::replace(&path, &bytes))?;
                }
                self.files.forget(file);
                round.dirty_dirs.insert(file.dir);
            }
            DiskOp::Rename { from, to } => self.rename(from, FileId::new(from.dir, to), round)?,
            DiskOp::Delete { file } => self.delete(file, round)?,
            DiskOp::SyncDir { dir } => drop(round.dirty_dirs.insert(dir)),
            DiskOp::Append { .. }
            | DiskOp::Sync { .. }
            | DiskOp::Folders
            | DiskOp::List { .. }
            | DiskOp::Read { .. }
            | DiskOp::Unpack { .. } => return Err(io::ErrorKind::Unsupported.into()),
        }
        Ok(DiskDone::Done)
    }

    fn open_dir(&self, dir: DirId, name: String, round: &mut Round) -> io::Result<()> {
        let path = self.files.root().join(&name);
        match std::fs::create_dir(&path) {
            Ok(()) => drop(round.dirty_dirs.insert(DirId::ROOT)),
            Err(why) if why.kind() == io::ErrorKind::AlreadyExists => {}
            Err(why) => return Err(why),
        }
        self.files.bind(dir, name);
        Ok(())
    }

    fn rename(&mut self, from: FileId, to: FileId, round: &mut Round) -> io::Result<()> {
        std::fs::rename(self.files.path(from)?, self.files.path(to)?)?;
        self.files.forget(from);
        self.files.forget(to);
        self.settled.remove(from);
        self.settled.remove(to);
        // What is still to be synced is known by its new name.
        if round.dirty_files.remove(&from) {
            round.dirty_files.insert(to);
        }
        Ok(())
    }

    fn delete(&mut self, file: FileId, round: &mut Round) -> io::Result<()> {
        match self.free.unlink(&self.files.path(file)?) {
            Ok(nameless) => round.gone.extend(nameless.map(Gone::File)),
            Err(why) if why.kind() == io::ErrorKind::NotFound => {}
            Err(why) => return Err(why),
        }
        self.files.forget(file);
        self.settled.remove(file);
        round.dirty_files.remove(&file);
        Ok(())
    }
}

/// Says that operations begin to wait for room, or that none waits any more.
fn tell(stuck: bool) {
    if stuck {
        tracing::warn!("the disk is full: writes wait until there is room, and what needs them waits with them");
    } else {
        tracing::info!("there is room on the disk: all that waited for it is written");
    }
}
