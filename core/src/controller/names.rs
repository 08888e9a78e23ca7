//! Which names a topic may have (`org.apache.kafka.common.internals.Topic`).

use crate::error::{ErrorCode, Refusal};
use alloc::format;
use alloc::string::String;

/// A folder's name, `name-12345`, must stay within the file system's 255 bytes.
pub const TOPIC_NAME_MAX: usize = 249;

/// Whether a topic may be called so; refuses with `INVALID_TOPIC_EXCEPTION` and the reason.
pub fn check_topic_name(name: &str) -> Result<(), Refusal> {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    let why = match name {
        "" => String::from("the empty string is not allowed"),
        "." => String::from("'.' is not allowed"),
        ".." => String::from("'..' is not allowed"),
        long if long.encode_utf16().count() > TOPIC_NAME_MAX => {
            format!("the length of '{long}' is longer than the max allowed length {TOPIC_NAME_MAX}")
        }
        bad if !bad.bytes().all(good) => {
            format!("'{bad}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'")
        }
        _ => return Ok(()),
    };
    Err(Refusal::because(ErrorCode::InvalidTopicException, format!("Topic name is invalid: {why}")))
}

/// Names that differ only in `.` and `_` share the names of their metrics: the second one is refused.
pub(super) fn collide(one: &str, other: &str) -> bool {
    let plain = |byte: u8| if byte == b'.' { b'_' } else { byte };
    one != other && one.len() == other.len() && one.bytes().map(plain).eq(other.bytes().map(plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked_as_kafka_does() {
        let why = |name: &str| check_topic_name(name).err().and_then(|refusal| refusal.message);
        assert_eq!(why("a.B_c-9"), None);
        assert_eq!(why(&"a".repeat(249)), None);
        assert_eq!(why("").as_deref(), Some("Topic name is invalid: the empty string is not allowed"));
        assert_eq!(why("..").as_deref(), Some("Topic name is invalid: '..' is not allowed"));
        assert!(why(&"a".repeat(250)).is_some_and(|why| why.ends_with("is longer than the max allowed length 249")));
        assert!(why("a b").is_some_and(|why| why.contains("ASCII alphanumerics")));
        assert!(why("ä").is_some());
    }

    #[test]
    fn dots_and_underscores_collide() {
        assert!(collide("a.b", "a_b") && !collide("a.b", "a.b") && !collide("a.b", "a-b") && !collide("a.b", "a.bc"));
    }
}
