//! The file of a log ends where the log does: behind what is appended nothing is left of what was there before. A crash would find it again, behind what
//! was appended since, and take it for what comes next.

use super::Broken;
use esker_core::id::DirId;

/// An append to the folder took effect, and the file has so many bytes behind it.
pub fn judge(dir: DirId, left: u64) -> Result<(), Broken> {
    match left {
        0 => Ok(()),
        left => Err(("left-behind", format!("appends to a log in {dir}, and leaves {left} bytes behind that"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_behind_an_append_is_caught() {
        assert!(judge(DirId(2), 0).is_ok());
        assert_eq!(judge(DirId(2), 7).unwrap_err().0, "left-behind");
    }
}
