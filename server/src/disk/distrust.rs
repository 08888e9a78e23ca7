//! After a process that did not end in order the logs' last bytes are read from the medium, not from memory.
//!
//! Pages that a sync could not write are clean, and still there: who reads them finds a batch whole, a later sync of it writes nothing and
//! succeeds, and what was promised on its word goes with the next loss of power. What went through the journal alone is put back from it.

use crate::durable;
use crate::rt;
use esker_core::io::FileName;
use esker_core::log::layout;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// Lets the system forget what it has in memory of each log's last segment, if the folder was not left in order.
///
/// # Errors
/// A folder cannot be read, or a sync fails.
pub fn distrust(root: &Path) -> io::Result<()> {
    if root.join(layout::file_text(FileName::CleanShutdown)).exists() {
        return Ok(());
    }
    // Nothing of what was written is let go: one sync of all, for there may be thousands.
    durable::sync_all(&File::open(root)?)?;
    for folder in std::fs::read_dir(root)? {
        let folder = folder?;
        if !folder.file_type()?.is_dir() {
            continue;
        }
        // One that cannot be read is for who opens it to tell.
        let Ok(Some(last)) = last_log(&folder.path()) else { continue };
        if let Ok(file) = File::open(last) {
            rt::forget(&file);
        }
    }
    Ok(())
}

fn last_log(folder: &Path) -> io::Result<Option<PathBuf>> {
    let mut last = None;
    for file in std::fs::read_dir(folder)? {
        let file = file?;
        if let Some(FileName::Log(base)) = file.file_name().to_str().and_then(layout::file_name) {
            last = last.max(Some((base, file.path())));
        }
    }
    Ok(last.map(|(_, path)| path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::fstatfs;
    use std::time::Duration;

    /// Memory is this file system's medium: nothing in it is ever forgotten.
    const TMPFS: u64 = 0x0102_1994;

    #[test]
    fn the_last_segments_are_read_from_the_medium_where_nobody_ended_in_order() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("t-0");
        std::fs::create_dir(&folder).unwrap();
        let path = |base: u64| folder.join(format!("{base:020}.log"));
        for base in [0, 7] {
            std::fs::write(path(base), vec![1; 1 << 20]).unwrap();
            File::open(path(base)).unwrap().sync_all().unwrap();
        }
        let near = |base| rt::is_near(&File::open(path(base)).unwrap(), 0, 1 << 20);
        let in_memory = fstatfs(File::open(path(0)).unwrap()).unwrap().f_type as u64 == TMPFS;
        let mark = root.path().join(".kafka_cleanshutdown");
        std::fs::write(&mark, "").unwrap();
        distrust(root.path()).unwrap();
        assert!(near(0) && near(7));
        std::fs::remove_file(&mark).unwrap();
        distrust(root.path()).unwrap();
        assert!(near(0));
        // What somebody else has a hand on just now, the file system's journal for one, the system does not drop.
        let dropped = (0..200).any(|turn| {
            if turn > 0 {
                std::thread::sleep(Duration::from_millis(50));
                distrust(root.path()).unwrap();
            }
            near(7) == in_memory
        });
        assert!(dropped);
    }
}
