//! Room taken ahead of a log's end. An append whose blocks are there already is durable sooner, and costs the file system less: it
//! has nothing to allocate (measured with 1 MiB each: a sixth less time, a quarter less processor).
//!
//! The file's length does not change by it. What is not used is given back when the log is synced because it is full or closed; a
//! cut gives it back too.

use std::fs::File;
use std::os::unix::fs::MetadataExt as _;

/// So much is taken at a time at most, and not more than a part of what the file has. Up to two of these are ahead.
const STEP_MAX: u64 = 8 << 20;
const PART: u64 = 16;
/// Below this it is not worth a call.
const STEP_MIN: u64 = 1 << 20;
/// Room has to be plenty: so many steps.
const PLENTY: u64 = 64;

/// How much is taken ahead where `at` is the file's end. A power of two, or nothing.
const fn step(at: u64) -> u64 {
    let most = at / PART;
    if most < STEP_MIN {
        0
    } else if most > STEP_MAX {
        STEP_MAX
    } else {
        1 << most.ilog2()
    }
}

/// What is to be taken before `len` bytes are appended at `at`: from where, how much. Each step that is passed takes the next one.
fn wanted(at: u64, len: u64) -> Option<(u64, u64)> {
    let step = step(at);
    let to = at + len;
    (step > 0 && at / step != to / step).then(|| (at, (to / step + 2) * step - at))
}

/// Before `len` bytes are appended to the file at its end. It is no more than a help: where it fails nothing is lost.
pub fn take(file: &File, at: u64, len: u64) {
    let Some((from, bytes)) = wanted(at, len) else { return };
    if is_plenty(file, bytes) {
        let _ = rustix::fs::fallocate(file, rustix::fs::FallocateFlags::KEEP_SIZE, from, bytes);
    }
}

fn is_plenty(file: &File, bytes: u64) -> bool {
    rustix::fs::fstatvfs(file)
        .is_ok_and(|stat| stat.f_bavail.saturating_mul(stat.f_frsize) > bytes.saturating_mul(PLENTY))
}

/// Gives back what was taken and is not used, by this process or by one before it. Where it fails the room comes back with the file.
pub fn give_back(file: &File) {
    // Of the last block only a part is used, and some file systems count their own in: less than a step is nobody's.
    if let Ok(meta) = file.metadata()
        && meta.blocks().saturating_mul(512) >= meta.len() + STEP_MIN
    {
        let _ = file.set_len(meta.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::FileExt as _;

    #[test]
    fn never_more_than_a_part_is_ahead_and_what_comes_next_is_there() {
        for len in [4096, 100_000, 3 << 20, 40 << 20] {
            let (mut at, mut there) = (0, 0);
            while at < 600 << 20 {
                if let Some((from, bytes)) = wanted(at, len) {
                    assert_eq!(from, at);
                    there = from + bytes;
                }
                if there > 0 {
                    assert!(there >= at + len, "{len} bytes at {at} are there");
                    assert!(
                        there - (at + len) <= (2 * (at + len) / PART).min(2 * STEP_MAX),
                        "{there} is far ahead of {at}"
                    );
                }
                at += len;
            }
            assert!(there > 0, "something was taken");
        }
    }

    #[test]
    fn what_was_taken_shows_in_no_length_and_is_given_back() {
        let file = tempfile::tempfile().unwrap();
        let (at, len) = (67 << 20, 1 << 20);
        file.set_len(at).unwrap();
        let (_, bytes) = wanted(at, len).unwrap();
        let is_known = rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::KEEP_SIZE, 0, at).is_ok();
        take(&file, at, len);
        file.write_all_at(&vec![7; len as usize], at).unwrap();
        let meta = file.metadata().unwrap();
        assert_eq!(meta.len(), at + len);
        assert!(meta.blocks() * 512 >= at + bytes || !is_known || !is_plenty(&file, bytes), "it is taken");
        give_back(&file);
        let meta = file.metadata().unwrap();
        assert_eq!(meta.len(), at + len);
        assert!(meta.blocks() * 512 < at + len + STEP_MIN, "{} blocks are left", meta.blocks());
    }
}
