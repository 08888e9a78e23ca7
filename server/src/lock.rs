//! One process at a time in a data folder.

use crate::exit::{Code, Failure};
use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

/// Holds the folder until it is dropped, or the process ends in whatever way.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// Locks `.lock` of the folder, as Kafka does.
pub fn take(folder: &Path) -> Result<Lock, Failure> {
    let path = folder.join(".lock");
    let open = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
    let file = open.map_err(|why| Failure::new(Code::Folder, format!("cannot open {}: {why}", path.display())))?;
    match file.try_lock() {
        Ok(()) => Ok(Lock { _file: file }),
        Err(TryLockError::WouldBlock) => {
            let line =
                format!("{} is in use by another process; stop it, or give --data another folder", folder.display());
            Err(Failure::new(Code::Folder, line))
        }
        Err(TryLockError::Error(why)) => {
            Err(Failure::new(Code::Folder, format!("cannot lock {}: {why}", path.display())))
        }
    }
}
