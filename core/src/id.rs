//! Ids and units as types. What Kafka calls a thing is what it is called here.

use core::fmt;
use serde::{Deserialize, Serialize};

macro_rules! number {
    ($(#[$doc:meta])* $name:ident($inner:ty), $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    };
}

number!(
    /// `node.id`: a broker, a controller, or both. Not negative for a real node.
    NodeId(i32), ""
);
number!(
    /// Position of a record in a partition's log. Not negative for a real record.
    Offset(i64), ""
);
number!(
    /// Term of a partition's leader (KIP-101), or of the metadata quorum's leader.
    LeaderEpoch(i32), "e"
);
number!(
    /// Counts the changes of a partition's state that the controller granted (KIP-497).
    PartitionEpoch(i32), "pe"
);
number!(
    /// Incarnation of a registered broker: the offset of its registration record (KIP-631).
    BrokerEpoch(i64), "be"
);
number!(
    /// Id of an idempotent or transactional producer (KIP-98). Not negative for a real one.
    ProducerId(i64), "pid"
);
number!(
    /// A client's connection, named by the shell; never used twice in one process.
    ConnId(u64), "c"
);
number!(
    /// A call of ours to another node; never used twice in one process.
    CallId(u64), "call"
);
number!(
    /// A folder of the data folder, named by the core; never used twice in one process.
    /// [`DirId::ROOT`] is the data folder itself, [`DirId::METADATA`] that of the metadata log.
    DirId(u32), "d"
);
number!(
    /// A row of the table of waiting replies; never used twice in one process.
    HoldId(u64), "h"
);

impl NodeId {
    /// What the wire says where there is no node.
    pub const NONE: Self = Self(-1);
}

impl Offset {
    pub const ZERO: Self = Self(0);
    /// What the wire says where there is no offset.
    pub const NONE: Self = Self(-1);

    /// The offset `count` records further.
    pub const fn plus(self, count: i64) -> Self {
        Self(self.0.saturating_add(count))
    }
}

impl LeaderEpoch {
    /// What the wire says where the epoch is not known (`NO_PARTITION_LEADER_EPOCH`).
    pub const NONE: Self = Self(-1);
}

impl ProducerId {
    pub const NONE: Self = Self(-1);
}

impl ConnId {
    /// The connection of a node to itself.
    pub const LOCAL: Self = Self(0);
}

impl DirId {
    pub const ROOT: Self = Self(0);
    pub const METADATA: Self = Self(1);
    /// The first id for a partition's folder.
    pub const FIRST_PARTITION: Self = Self(2);
}

/// A 128-bit id as Kafka's `Uuid`: topic ids, directory ids, incarnation ids.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Uuid(pub u128);

impl Uuid {
    pub const ZERO: Self = Self(0);
    /// Kafka's `Uuid.ONE_UUID`, reserved, as is zero: the id of the metadata topic.
    pub const METADATA_TOPIC: Self = Self(1);

    /// Reads Kafka's text form: 22 characters of URL-safe base64 without padding.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != 22 {
            return None;
        }
        let mut value: u128 = 0;
        for (place, byte) in text.bytes().enumerate() {
            let six = match byte {
                b'A'..=b'Z' => byte - b'A',
                b'a'..=b'z' => byte - b'a' + 26,
                b'0'..=b'9' => byte - b'0' + 52,
                b'-' => 62,
                b'_' => 63,
                _ => return None,
            };
            // 21 characters hold 126 bits; the last one holds two, in its upper bits.
            if place < 21 {
                value = value << 6 | u128::from(six);
            } else {
                value = value << 2 | u128::from(six >> 4);
            }
        }
        Some(Self(value))
    }
}

/// The form that the wire's messages hold.
impl From<Uuid> for uuid::Uuid {
    fn from(id: Uuid) -> Self {
        Self::from_u128(id.0)
    }
}

impl From<uuid::Uuid> for Uuid {
    fn from(id: uuid::Uuid) -> Self {
        Self(id.as_u128())
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        for place in 0..22u32 {
            let six = if place < 21 { self.0 >> (122 - 6 * place) & 63 } else { (self.0 & 3) << 4 };
            let byte = ALPHABET.get(six as usize).copied().unwrap_or(b'A');
            fmt::Write::write_char(f, char::from(byte))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A partition by its topic's id: the name by which metadata and replicas know it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct PartitionKey {
    pub topic: Uuid,
    pub partition: i32,
}

impl PartitionKey {
    /// No partition comes before it.
    pub const FIRST: Self = Self { topic: Uuid::ZERO, partition: i32::MIN };
}

impl fmt::Display for PartitionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.topic, self.partition)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn uuid_text_is_kafkas() {
        // `Uuid.METADATA_TOPIC_ID.toString()` of Kafka.
        assert_eq!(Uuid::METADATA_TOPIC.to_string(), "AAAAAAAAAAAAAAAAAAAAAQ");
        assert_eq!(Uuid::parse("AAAAAAAAAAAAAAAAAAAAAQ"), Some(Uuid::METADATA_TOPIC));
        let id = Uuid(0xfedc_ba98_7654_3210_0123_4567_89ab_cdef);
        assert_eq!(Uuid::parse(&id.to_string()), Some(id));
        assert_eq!(Uuid::parse("too short"), None);
    }
}
