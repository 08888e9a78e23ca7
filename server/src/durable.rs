//! Where what was written is made durable: each sync of the shell goes through here.
//!
//! A sync that fails is final: the pages it could not write may be gone, and a second one that succeeds would prove nothing.
//! Whoever calls sets the folder's [`Poison`]. The system tells an error once to each open file (`errseq`): two threads that sync the
//! same open file at the same time would both need it, and one hears that all is well. So they do not.

use esker_core::io::DiskFault;
use std::fmt::{self, Display};
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// The end of a data folder: something failed that cannot be made good. All who write to the folder share one, and nothing is changed
/// or promised any more once it is set.
#[derive(Clone)]
pub struct Poison(Arc<State>);

struct State {
    set: AtomicBool,
    tell: Mutex<Box<dyn Fn() + Send>>,
}

impl Poison {
    /// `tell` is called once, when it is set.
    pub fn new(tell: impl Fn() + Send + 'static) -> Self {
        Self(Arc::new(State { set: AtomicBool::new(false), tell: Mutex::new(Box::new(tell)) }))
    }

    /// What operations are answered from now on, if it is set.
    pub fn fault(&self) -> Option<DiskFault> {
        self.0.set.load(Ordering::Acquire).then_some(DiskFault::Io)
    }

    /// # Errors
    /// It is set.
    pub fn check(&self) -> io::Result<()> {
        self.fault().map_or(Ok(()), |_| Err(io::Error::other("the data folder has failed before")))
    }

    /// Sets it; the first time it says what failed, and why.
    pub fn set(&self, what: impl Display, why: &io::Error) -> DiskFault {
        if !self.0.set.swap(true, Ordering::AcqRel) {
            tracing::error!("{what} failed: {why}; nothing is written to the data folder any more");
            self.0.tell.lock().unwrap_or_else(PoisonError::into_inner)();
        }
        DiskFault::Io
    }
}

impl fmt::Debug for Poison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Poison({:?})", self.0.set)
    }
}

/// Above this many files and folders [`sync_all`] is cheaper than a sync each.
pub const EACH_MAX: usize = 4;

/// The file's bytes and its length.
pub fn sync_file(file: &File) -> io::Result<()> {
    #[cfg(test)]
    shadow::may_fail(file)?;
    rustix::fs::fdatasync(file)?;
    #[cfg(test)]
    shadow::synced(file);
    Ok(())
}

/// The names in the folder.
pub fn sync_dir(folder: &Path) -> io::Result<()> {
    sync_open_dir(&File::open(folder)?)
}

/// The names in the folder.
pub fn sync_open_dir(folder: &File) -> io::Result<()> {
    rustix::fs::fsync(folder)?;
    #[cfg(test)]
    shadow::synced_dir(folder);
    Ok(())
}

/// Makes the folder, and each above it that is not there, with names that outlive a loss of power.
pub fn make_folder(path: &Path) -> io::Result<()> {
    let path = std::path::absolute(path)?;
    let missing: Vec<&Path> = path.ancestors().take_while(|folder| !folder.exists()).collect();
    std::fs::create_dir_all(&path)?;
    missing.iter().filter_map(|made| made.parent()).try_for_each(sync_dir)
}

/// Everything on the file system of which `of` is part.
pub fn sync_all(of: &File) -> io::Result<()> {
    rustix::fs::syncfs(of)?;
    #[cfg(test)]
    shadow::synced_all(of);
    Ok(())
}

#[cfg(test)]
pub mod shadow;
