//! Where what was written is made durable: each sync of the shell goes through here.
//!
//! A sync that fails is final: the pages it could not write may be gone, and a second one that succeeds would prove nothing.
//! Whoever calls has to see to that.

use std::fs::File;
use std::io;
use std::path::Path;

/// Above this many files and folders [`sync_all`] is cheaper than a sync each.
pub const EACH_MAX: usize = 4;

/// The file's bytes and its length.
pub fn sync_file(file: &File) -> io::Result<()> {
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

/// Everything on the file system of which `of` is part.
pub fn sync_all(of: &File) -> io::Result<()> {
    rustix::fs::syncfs(of)?;
    #[cfg(test)]
    shadow::synced_all(of);
    Ok(())
}

#[cfg(test)]
pub mod shadow;
