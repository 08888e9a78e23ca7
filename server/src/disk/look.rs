//! Operations that change nothing.

use crate::files::{Files, fault_of};
use crate::unpack::unpack;
use bytes::Bytes;
use esker_core::io::{DiskDone, DiskFault, DiskOp, FileName};
use esker_core::log::layout;
use std::fs::File;
use std::io;
use std::path::Path;

/// Up to this length a read is not held against the file's own length first.
const READ_SMALL: u64 = 1 << 20;

/// Carries one out.
pub fn look(files: &Files, op: DiskOp) -> Result<DiskDone, DiskFault> {
    let of_file = if let DiskOp::Read { file, .. } = op { Some(file) } else { None };
    let answer = match op {
        DiskOp::Folders => folders(files.root()).map(DiskDone::Folders),
        DiskOp::List { dir } => files.folder(dir).and_then(|path| list(&path)).map(DiskDone::Files),
        DiskOp::Read { file, at, len } => files.open(file).and_then(|open| read(&open, at, len)).map(DiskDone::Bytes),
        DiskOp::Unpack { codec, bytes, max } => {
            unpack(codec, &bytes, max as usize).map(|plain| DiskDone::Bytes(plain.into()))
        }
        DiskOp::OpenDir { .. }
        | DiskOp::RenameDir { .. }
        | DiskOp::RemoveDir { .. }
        | DiskOp::Create { .. }
        | DiskOp::Append { .. }
        | DiskOp::Sync { .. }
        | DiskOp::Truncate { .. }
        | DiskOp::Replace { .. }
        | DiskOp::Rename { .. }
        | DiskOp::Delete { .. }
        | DiskOp::SyncDir { .. } => Err(io::ErrorKind::Unsupported.into()),
    };
    answer.map_err(|why| {
        let fault = fault_of(&why);
        if let Some(path) = of_file.filter(|_| fault != DiskFault::Missing).and_then(|file| files.path(file).ok()) {
            tracing::warn!("{} cannot be read: {why}", path.display());
        }
        fault
    })
}

fn folders(root: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(root)? {
        let entry = entry?;
        if entry.file_type()?.is_dir()
            && let Ok(name) = entry.file_name().into_string()
        {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

fn list(folder: &Path) -> io::Result<Vec<(FileName, u64)>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if let Some(name) = entry.file_name().to_str().and_then(layout::file_name) {
            files.push((name, entry.metadata()?.len()));
        }
    }
    files.sort();
    Ok(files)
}

fn read(file: &File, at: u64, len: u32) -> io::Result<Bytes> {
    let len = if u64::from(len) > READ_SMALL {
        // A generous bound need not become a generous buffer.
        u64::from(len).min(file.metadata()?.len().saturating_sub(at))
    } else {
        u64::from(len)
    };
    let wanted = usize::try_from(len).unwrap_or(usize::MAX);
    let mut bytes: Vec<u8> = Vec::with_capacity(wanted);
    while bytes.len() < wanted {
        let from = at.saturating_add(bytes.len() as u64);
        match rustix::io::pread(file, rustix::buffer::spare_capacity(&mut bytes), from) {
            Ok(0) => break,
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(why) => return Err(why.into()),
        }
    }
    bytes.truncate(wanted);
    Ok(bytes.into())
}
