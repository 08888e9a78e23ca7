//! What a classic consumer says in JoinGroup and SyncGroup: bytes that the broker only passes on.

use bytes::{Buf, BufMut, Bytes, BytesMut};

/// `ConsumerProtocolSubscription`, version 0, with a word to the assignor.
pub fn subscription_bytes(topics: &[String], word: &str) -> Bytes {
    let mut bytes = BytesMut::new();
    bytes.put_i16(0);
    bytes.put_i32(topics.len() as i32);
    for topic in topics {
        bytes.put_i16(topic.len() as i16);
        bytes.put_slice(topic.as_bytes());
    }
    bytes.put_i32(word.len() as i32);
    bytes.put_slice(word.as_bytes());
    bytes.freeze()
}

/// `ConsumerProtocolAssignment`, version 0.
pub fn assignment_bytes(part: &[(String, i32)]) -> Bytes {
    let mut bytes = BytesMut::new();
    bytes.put_i16(0);
    bytes.put_i32(part.len() as i32);
    for (topic, partition) in part {
        bytes.put_i16(topic.len() as i16);
        bytes.put_slice(topic.as_bytes());
        bytes.put_i32(1);
        bytes.put_i32(*partition);
    }
    bytes.put_i32(-1);
    bytes.freeze()
}

pub fn assignment_of(bytes: &Bytes) -> Option<Vec<(String, i32)>> {
    let mut bytes = bytes.clone();
    if bytes.is_empty() {
        return Some(Vec::new());
    }
    let mut part = Vec::new();
    bytes.try_get_i16().ok()?;
    for _ in 0..bytes.try_get_i32().ok()? {
        let len = usize::try_from(bytes.try_get_i16().ok()?).ok()?;
        if bytes.len() < len {
            return None;
        }
        let topic = String::from_utf8(bytes.split_to(len).to_vec()).ok()?;
        for _ in 0..bytes.try_get_i32().ok()? {
            part.push((topic.clone(), bytes.try_get_i32().ok()?));
        }
    }
    Some(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assignment_is_read_as_it_was_written() {
        let part = vec![("t0".to_string(), 1), ("t1".to_string(), 0)];
        assert_eq!(assignment_of(&assignment_bytes(&part)), Some(part));
        assert_eq!(assignment_of(&Bytes::new()), Some(Vec::new()));
        assert_eq!(assignment_of(&Bytes::from_static(&[0, 0, 0, 0, 0, 9])), None);
    }
}
