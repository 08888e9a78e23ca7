//! What a leader takes from a producer is within its topic's bounds: no batch is larger than `max.message.bytes`, none lies beyond
//! `segment.bytes` of its segment, and no record is of a time that `message.timestamp.before.max.ms` and `after.max.ms` exclude.
//! Each has a record for every offset that it takes.

use super::Broken;
use super::shadow::Entry;
use esker_core::log::{LogConfig, TimestampType};

/// A leader whose wall clock stands at `wall` appends.
pub fn on_appended(folder: &str, appended: &[Entry], config: &LogConfig, wall: i64) -> Result<(), Broken> {
    // What a coordinator writes has its own clock's time.
    let timed = config.timestamp_type == TimestampType::CreateTime && !folder.starts_with("__");
    let strays = |time: i64| {
        let age = wall.saturating_sub(time);
        age > config.timestamp_before_max_ms || age.saturating_neg() > config.timestamp_after_max_ms
    };
    for entry in appended {
        let why = if entry.size() > u64::from(config.max_message_bytes) {
            "is larger than max.message.bytes"
        } else if entry.place().1 > u64::from(config.segment_bytes) {
            "ends beyond segment.bytes"
        } else if timed && (strays(entry.first_time) || strays(entry.time)) {
            "is of a time that is not taken"
        } else if i64::from(entry.records) != entry.last - entry.base + 1 {
            "has not as many records as offsets"
        } else {
            continue;
        };
        let (bytes, to) = (entry.size(), entry.place().1);
        return Err((
            "not-admitted",
            format!("appends to {folder} at {} a batch that {why}: {bytes} to {to}", entry.base),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::shadow::Shadow;
    use super::*;

    #[test]
    fn what_is_beyond_a_bound_is_caught() {
        let log = Shadow::timed(&[(0, 0, 1_000)]);
        let bounds = |max_message_bytes, segment_bytes| LogConfig {
            max_message_bytes,
            segment_bytes,
            timestamp_before_max_ms: 100,
            ..LogConfig::default()
        };
        let judge =
            |config: LogConfig, wall| on_appended("t-0", &log.entries, &config, wall).map_err(|broken| broken.0);
        assert_eq!(judge(bounds(1, 1), 1_100), Ok(()));
        assert_eq!(judge(bounds(0, 1), 1_100), Err("not-admitted"));
        assert_eq!(judge(bounds(1, 0), 1_100), Err("not-admitted"));
        assert_eq!(judge(bounds(1, 1), 1_101), Err("not-admitted"));
        let mut log = Shadow::of(&[(4, 6, 1)]);
        let judge = |log: &Shadow| on_appended("__t-0", &log.entries, &bounds(1, 1), 0).map_err(|broken| broken.0);
        assert_eq!(judge(&log), Ok(()));
        log.entries[0].records = 2;
        assert_eq!(judge(&log), Err("not-admitted"));
    }
}
