//! The data folder's files by the core's names: opened once, kept open within a bound.

use crate::durable;
use esker_core::id::DirId;
use esker_core::io::{DiskFault, FileId, FileName};
use esker_core::log::layout;
use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, IoSlice, Write};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

/// The files of one data folder.
#[derive(Debug)]
pub struct Files {
    root: PathBuf,
    root_dir: File,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// Open files kept.
    open_max: usize,
    folders: HashMap<DirId, String>,
    open: HashMap<FileId, (Arc<File>, u64)>,
    /// Files that are being opened to be kept, each since when, as `uses` counts. Who makes a name stand for another file takes it out: what was
    /// opened meanwhile may be the old one.
    opening: HashMap<FileId, u64>,
    /// Files that are not kept any more and that somebody may still read from, whatever their names.
    lent: Vec<Weak<File>>,
    /// Counts uses: the file used longest ago is closed first.
    uses: u64,
}

impl Files {
    /// Keeps up to `open_max` files open: to open a log for each append to it costs a tenth of the append.
    pub fn new(root: &Path, open_max: usize) -> io::Result<Self> {
        let inner = Inner {
            open_max,
            folders: HashMap::new(),
            open: HashMap::new(),
            opening: HashMap::new(),
            lent: Vec::new(),
            uses: 0,
        };
        Ok(Self { root: root.to_path_buf(), root_dir: File::open(root)?, inner: Mutex::new(inner) })
    }

    pub const fn root_dir(&self) -> &File {
        &self.root_dir
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic ends the process: there is no half-changed map to fear.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Binds a folder's number to its name.
    pub fn bind(&self, dir: DirId, name: String) {
        self.lock().folders.insert(dir, name);
    }

    /// Forgets a folder and closes its files.
    pub fn unbind(&self, dir: DirId) {
        let mut inner = self.lock();
        inner.folders.remove(&dir);
        inner.let_go(|file, _| file.dir == dir);
        inner.opening.retain(|file, _| file.dir != dir);
    }

    pub fn folder(&self, dir: DirId) -> io::Result<PathBuf> {
        if dir == DirId::ROOT {
            return Ok(self.root.clone());
        }
        let name = self.lock().folders.get(&dir).cloned();
        name.map(|name| self.root.join(name)).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    pub fn path(&self, file: FileId) -> io::Result<PathBuf> {
        Ok(self.folder(file.dir)?.join(layout::file_text(file.name)))
    }

    /// Its path below the data folder, with `/` between.
    pub fn name(&self, file: FileId) -> io::Result<String> {
        let text = layout::file_text(file.name);
        if file.dir == DirId::ROOT {
            return Ok(text);
        }
        match self.lock().folders.get(&file.dir) {
            Some(folder) => Ok(format!("{folder}/{text}")),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    /// The file, open for reading and writing.
    pub fn open(&self, file: FileId) -> io::Result<Arc<File>> {
        self.open_within(file, DESCRIPTOR_PATIENCE)
    }

    fn open_within(&self, file: FileId, patience: Duration) -> io::Result<Arc<File>> {
        self.open_by(file, |path| {
            self.with_descriptor(patience, || OpenOptions::new().read(true).write(true).open(path))
        })
    }

    /// Whatever else happens to the name meanwhile: what is answered, and kept, is what it stands for.
    fn open_by(&self, file: FileId, open: impl Fn(&Path) -> io::Result<File>) -> io::Result<Arc<File>> {
        loop {
            let since = match self.lock().find_or_begin(file) {
                Ok(open) => return Ok(open),
                Err(since) => since,
            };
            let opened = self.path(file).and_then(|path| open(&path)).map(Arc::new);
            let mut inner = self.lock();
            let is_current = inner.opening.get(&file) == Some(&since);
            if is_current {
                inner.opening.remove(&file);
            }
            match opened {
                Ok(open) if is_current => {
                    inner.keep(file, &open);
                    return Ok(open);
                }
                // Another file by now, or kept by another thread.
                Ok(_) => {}
                Err(why) => return Err(why),
            }
        }
    }

    /// The file, for sending bytes of it that a reply has promised: one that was renamed meanwhile is found as well.
    pub fn open_promised(&self, file: FileId) -> io::Result<Arc<File>> {
        let open = |file| self.open_within(file, Duration::ZERO);
        match (open(file), file.name) {
            (Err(why), FileName::Log(base)) if why.kind() == io::ErrorKind::NotFound => {
                open(FileId::new(file.dir, FileName::RetiredLog(base)))
            }
            (result, _) => result,
        }
    }

    pub fn create(&self, file: FileId) -> io::Result<Arc<File>> {
        let path = self.path(file)?;
        let open = self.with_descriptor(DESCRIPTOR_PATIENCE, || {
            OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&path)
        })?;
        let open = Arc::new(open);
        let mut inner = self.lock();
        inner.opening.remove(&file);
        inner.keep(file, &open);
        Ok(open)
    }

    /// Opens something. Where the process may open no more, what is kept is closed; what replies to slow readers hold is waited for, up to
    /// `patience`: nothing is wrong with the medium.
    pub fn with_descriptor<T>(&self, patience: Duration, open: impl Fn() -> io::Result<T>) -> io::Result<T> {
        let began = Instant::now();
        loop {
            match open() {
                Err(why) if lacks_descriptors(&why) => {
                    let kept = self.lock().let_go(|_, _| true);
                    if kept == 0 && began.elapsed() >= patience {
                        return Err(why);
                    }
                    if kept == 0 {
                        std::thread::sleep(DESCRIPTOR_AGAIN);
                    }
                }
                done => return done,
            }
        }
    }

    /// The file has another name or another content from now on.
    pub fn forget(&self, file: FileId) {
        let mut inner = self.lock();
        if let Some((open, _)) = inner.open.remove(&file) {
            inner.lend(&open);
        }
        inner.opening.remove(&file);
    }

    /// Whether somebody may still read from a file that has no name any more.
    pub fn is_in_use(&self, file: &File) -> bool {
        // Looked at, and perhaps closed, where nobody waits for it.
        let lent: Vec<Arc<File>> = self.lock().lent.iter().filter_map(Weak::upgrade).collect();
        let inode = |file: &File| file.metadata().map(|meta| (meta.dev(), meta.ino())).ok();
        !lent.is_empty() && inode(file).is_none_or(|this| lent.iter().any(|other| inode(other) == Some(this)))
    }
}

impl Inner {
    /// The file if it is kept, else since when it is being opened: by others, or from now on.
    fn find_or_begin(&mut self, file: FileId) -> Result<Arc<File>, u64> {
        self.find(file).ok_or_else(|| *self.opening.entry(file).or_insert(self.uses))
    }

    fn find(&mut self, file: FileId) -> Option<Arc<File>> {
        self.uses += 1;
        let uses = self.uses;
        let (open, used) = self.open.get_mut(&file)?;
        *used = uses;
        Some(Arc::clone(open))
    }

    /// Keeps these no longer. Answers how many there were.
    fn let_go(&mut self, is_one: impl Fn(&FileId, u64) -> bool) -> usize {
        let gone = self.open.extract_if(|file, (_, used)| is_one(file, *used));
        let gone: Vec<Arc<File>> = gone.map(|(_, (file, _))| file).collect();
        gone.iter().for_each(|file| self.lend(file));
        gone.len()
    }

    /// The file is not kept any more, and somebody else may have it.
    fn lend(&mut self, file: &Arc<File>) {
        self.lent.retain(|file| file.strong_count() > 0);
        if Arc::strong_count(file) > 1 {
            self.lent.push(Arc::downgrade(file));
        }
    }

    fn keep(&mut self, file: FileId, open: &Arc<File>) {
        self.uses += 1;
        self.open.insert(file, (Arc::clone(open), self.uses));
        if self.open.len() > self.open_max {
            // A quarter at a time, so that the search is paid for rarely.
            let mut uses: Vec<u64> = self.open.values().map(|(_, used)| *used).collect();
            uses.sort_unstable();
            let oldest = uses.get(self.open_max / 4).copied().unwrap_or(0);
            self.let_go(|_, used| used <= oldest);
        }
    }
}

/// How long a thread of the disk waits for a file descriptor.
pub const DESCRIPTOR_PATIENCE: Duration = Duration::from_secs(60);
const DESCRIPTOR_AGAIN: Duration = Duration::from_millis(20);

fn lacks_descriptors(why: &io::Error) -> bool {
    use rustix::io::Errno;
    [Errno::MFILE, Errno::NFILE].iter().any(|lacks| why.raw_os_error() == Some(lacks.raw_os_error()))
}

/// Buffers in one vectored write (`IOV_MAX` of Linux).
pub const BUFFERS_MAX: usize = 1024;

/// Writes the parts one behind the other, from `at` on.
pub fn write_all(file: &File, mut at: u64, mut left: &mut [IoSlice<'_>]) -> io::Result<()> {
    while !left.is_empty() {
        let window = left.len().min(BUFFERS_MAX);
        match rustix::io::pwritev(file, &left[..window], at) {
            Ok(0) if left.iter().any(|part| !part.is_empty()) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(0) => return Ok(()),
            Ok(written) => {
                at = at.saturating_add(written as u64);
                IoSlice::advance_slices(&mut left, written);
            }
            Err(rustix::io::Errno::INTR) => {}
            Err(why) => return Err(why.into()),
        }
    }
    Ok(())
}

/// Puts `bytes` in the place of the file, atomically. The new name is durable once its folder is synced.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    durable::sync_file(&write_aside(path, bytes)?)?;
    put_in_place(path)
}

/// The first half of [`replace`]: what it writes has to be durable before the second.
pub fn write_aside(path: &Path, bytes: &[u8]) -> io::Result<File> {
    let mut file = File::create(aside(path))?;
    file.write_all(bytes)?;
    Ok(file)
}

/// The second half of [`replace`].
pub fn put_in_place(path: &Path) -> io::Result<()> {
    std::fs::rename(aside(path), path)
}

fn aside(path: &Path) -> PathBuf {
    let mut aside = path.to_path_buf().into_os_string();
    aside.push(".tmp");
    aside.into()
}

/// The same file, opened once more, whatever its name is by now.
pub fn open_again(file: &File) -> io::Result<File> {
    use std::os::fd::AsRawFd as _;
    File::open(format!("/proc/self/fd/{}", file.as_raw_fd()))
}

/// How the core is told of an error.
pub fn fault_of(why: &io::Error) -> DiskFault {
    match why.kind() {
        io::ErrorKind::NotFound => DiskFault::Missing,
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => DiskFault::Full,
        _ => DiskFault::Io,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    /// As a reader may that is slow to open a segment, while it is deleted and made anew.
    #[test]
    fn a_file_that_was_replaced_while_it_was_being_opened_is_not_kept() {
        let root = tempfile::tempdir().unwrap();
        let files = Files::new(root.path(), 10).unwrap();
        let file = FileId::new(DirId::ROOT, FileName::HighWatermarks);
        let path = files.path(file).unwrap();
        let make_anew = || {
            std::fs::remove_file(&path).unwrap();
            files.forget(file);
            files.create(file).unwrap()
        };
        files.create(file).unwrap();
        files.forget(file);
        let made = Cell::new(None);
        let open_slowly = |path: &Path| {
            let old = File::open(path);
            made.set(Some(made.take().unwrap_or_else(make_anew)));
            old
        };
        let answered = files.open_by(file, open_slowly).unwrap();
        let made = made.take().unwrap();
        assert!(Arc::ptr_eq(&answered, &made), "the reader gets the new one");
        assert!(Arc::ptr_eq(&files.open(file).unwrap(), &made), "and so does who appends");
        // One that is gone is not kept either, and leaves nothing.
        files.forget(file);
        let open_late = |path: &Path| {
            let old = File::open(path);
            let _ = std::fs::remove_file(path);
            files.forget(file);
            old
        };
        assert_eq!(files.open_by(file, open_late).unwrap_err().kind(), io::ErrorKind::NotFound);
        let inner = files.lock();
        assert!(inner.open.is_empty() && inner.opening.is_empty());
    }

    #[test]
    fn where_no_descriptor_is_left_what_is_kept_is_closed() {
        let root = std::env::temp_dir().join(format!("esker-descriptors-{}", std::process::id()));
        std::fs::create_dir_all(&root).unwrap();
        let files = Files::new(&root, 10).unwrap();
        files.create(FileId::new(DirId::ROOT, FileName::HighWatermarks)).unwrap();
        let tries = Cell::new(0);
        let open = |lacking: u32| {
            tries.set(tries.get() + 1);
            let lacks = rustix::io::Errno::MFILE.raw_os_error();
            if tries.get() <= lacking { Err(io::Error::from_raw_os_error(lacks)) } else { Ok(()) }
        };
        files.with_descriptor(Duration::ZERO, || open(1)).unwrap();
        assert!(files.lock().open.is_empty() && tries.take() == 2);
        let why = files.with_descriptor(Duration::ZERO, || open(1)).unwrap_err();
        assert!(lacks_descriptors(&why) && tries.take() == 1, "there is nothing to close, and no patience");
        files.with_descriptor(DESCRIPTOR_PATIENCE, || open(3)).unwrap();
        std::fs::remove_dir_all(&root).unwrap();
    }
}
