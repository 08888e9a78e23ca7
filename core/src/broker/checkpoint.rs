//! Kafka's checkpoint files of the data folder: a line `topic partition offset` for each partition (`CheckpointFile`).
//!
//! ```text
//! 0            version
//! 2            lines that follow
//! orders 0 17
//! orders 1 4
//! ```

use crate::id::Offset;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use bytes::Bytes;
use core::fmt::Write;

/// The name of a partition's folder.
pub(super) fn folder_name(topic: &str, partition: i32) -> String {
    format!("{topic}-{partition}")
}

/// Reads a checkpoint, by folder name. `None` where it is not one.
pub(super) fn read(bytes: &[u8]) -> Option<BTreeMap<String, Offset>> {
    let mut lines = core::str::from_utf8(bytes).ok()?.lines();
    if lines.next()?.trim() != "0" {
        return None;
    }
    let count: usize = lines.next()?.trim().parse().ok()?;
    let mut found = BTreeMap::new();
    for line in lines {
        let mut words = line.split_ascii_whitespace();
        let (topic, partition, offset) = (words.next()?, words.next()?, words.next()?);
        let partition: i32 = partition.parse().ok().filter(|number| *number >= 0)?;
        let offset: i64 = offset.parse().ok().filter(|number| *number >= 0)?;
        found.insert(folder_name(topic, partition), Offset(offset));
    }
    (found.len() == count).then_some(found)
}

/// Writes a checkpoint; `offsets` by folder name.
pub(super) fn write<'a>(offsets: impl Iterator<Item = (&'a str, Offset)>) -> Bytes {
    let mut lines = String::new();
    let mut count = 0usize;
    for (folder, offset) in offsets {
        let Some((topic, partition)) = folder.rsplit_once('-') else { continue };
        let _ = writeln!(lines, "{topic} {partition} {}", offset.0);
        count += 1;
    }
    let mut text = String::from("0\n");
    text.push_str(&count.to_string());
    text.push('\n');
    text.push_str(&lines);
    Bytes::from(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_is_read_back() {
        let offsets = [("a-b-0", Offset(17)), ("orders-11", Offset(4))];
        let bytes = write(offsets.into_iter());
        assert_eq!(&bytes[..], b"0\n2\na-b 0 17\norders 11 4\n");
        let back = read(&bytes).unwrap();
        assert_eq!(back.get("a-b-0"), Some(&Offset(17)));
        assert_eq!(back.get("orders-11"), Some(&Offset(4)));
    }

    #[test]
    fn what_is_no_checkpoint_is_none() {
        for bytes in [
            &b""[..],
            b"1\n0\n",
            b"0\n2\na 0 1\n",
            b"0\n1\na x 1\n",
            b"0\n1\na 0 -1\n",
            b"0\n1\n\xff 0 1\n",
            b"0\n1\na 0\n",
        ] {
            assert_eq!(read(bytes), None);
        }
    }
}
