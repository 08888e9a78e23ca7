//! A log promises no more than its disk would have after a crash: what it says is synced stands on the medium, under a name that does.
//! Not under `durability=os`, which says so as soon as it is written.

use super::Broken;
use super::shadow::Shadow;
use crate::disk::Disk;
use esker_core::id::Offset;
use esker_core::io::FileName;

/// A log says that all from `start` to below `synced` is on stable storage.
pub fn judge(folder: &str, log: &Shadow, (start, synced): (Offset, Offset), disk: &Disk) -> Result<(), Broken> {
    let below = log.entries.partition_point(|entry| entry.last < synced.0);
    let Some(last) = log.entries[..below].last().filter(|last| last.last >= start.0) else { return Ok(()) };
    let (segment, to) = last.place();
    let name = FileName::Log(Offset(segment));
    if disk.named(folder).is_some_and(|folder| folder.is_durable(name, to)) {
        return Ok(());
    }
    Err((
        "not-synced",
        format!(
            "{folder} says that it has all below {synced} durable; the batch {} to {} is not",
            last.base, last.last
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::DiskProfile;

    #[test]
    fn what_a_crash_would_take_is_not_synced() {
        let profile = DiskProfile { write_us: 1, sync_us: 1, read_us: 1, slow: 1, page: 4096 };
        let mut disk = Disk::new(1, 0, profile);
        disk.put("t-0", FileName::Log(Offset::ZERO), b"ab");
        let log = Shadow::in_segments(&[(0, 4, 0)]);
        let judge = |from, to, disk: &Disk| judge("t-0", &log, (Offset(from), Offset(to)), disk);
        assert!(judge(0, 5, &disk).is_ok());
        let file = disk.named_mut("t-0").unwrap().file_mut(FileName::Log(Offset::ZERO)).unwrap();
        file.write(0, b"x");
        assert!(judge(0, 4, &disk).is_ok(), "it is not said of the batch");
        assert!(judge(5, 5, &disk).is_ok(), "all of it was deleted");
        assert_eq!(judge(4, 5, &disk).unwrap_err().0, "not-synced");
    }
}
