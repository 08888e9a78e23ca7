//! Whose clock a record has: where a topic says `LogAppendTime` its leader's at the append, with the bit that says so; else the
//! producer's, as it came (KIP-32).

use super::Broken;
use super::shadow::Entry;

/// A leader whose wall clock stands at `wall` appends; `append_time`: its clock counts.
pub fn on_appended(folder: &str, appended: &[Entry], append_time: bool, wall: i64) -> Result<(), Broken> {
    let right = |entry: &&Entry| entry.append_time == append_time && (!append_time || entry.time == wall);
    match appended.iter().find(|entry| !right(entry)) {
        None => Ok(()),
        Some(wrong) => Err((
            "wrong-stamp",
            format!(
                "appends to {folder} at {} a batch with the time {}, its own clock's: {}; the clock stands at {wall}, and counts: {append_time}",
                wrong.base, wrong.time, wrong.append_time
            ),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::now::shadow::Shadow;

    #[test]
    fn the_wrong_clock_is_caught() {
        let judge = |own, time, append_time| {
            let mut log = Shadow::timed(&[(0, 0, time)]);
            log.entries[0].append_time = own;
            on_appended("t-0", &log.entries, append_time, 50).map_err(|broken| broken.0)
        };
        assert_eq!(judge(true, 50, true), Ok(()));
        assert_eq!(judge(true, 49, true), Err("wrong-stamp"));
        assert_eq!(judge(false, 50, true), Err("wrong-stamp"));
        assert_eq!(judge(false, 7, false), Ok(()));
        assert_eq!(judge(true, 50, false), Err("wrong-stamp"));
    }
}
