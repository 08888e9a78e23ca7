//! The records of `__consumer_offsets`, in Kafka's formats (`OffsetCommitKey`, `OffsetCommitValue`, `GroupMetadataKey`,
//! `GroupMetadataValue` of the group coordinator's message definitions).
//!
//! A key opens with two bytes that say what the record is, a value with two that say its version:
//!
//! ```text
//! key   0, 1  group, topic, partition           value 0 … 4  offset, [3+ leader epoch], metadata, committed at, [1 expires at]
//! key   2     group                             value 0 … 4  protocol type, generation, protocol, leader, [2+ since], members
//! ```
//!
//! Versions 0 to 3 have fixed lengths before text (two bytes; four before bytes and lists), version 4 has varints and
//! tagged fields. Written are version 3; for an offset of a topic whose id is known version 4, the id in tag 0; for one
//! that expires on its own version 1: as Kafka does.

use super::decision::Record;
use super::wire::{Garbled, Reader, Writer};
use crate::id::Uuid;
use alloc::vec::Vec;
use bytes::Bytes;
use kafka_protocol::protocol::StrBytes;

/// What a record says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Entry {
    /// An offset was committed, or (`None`) is gone.
    Offset { group: StrBytes, topic: StrBytes, partition: i32, value: Option<Committed> },
    /// A group's generation, or (`None`) its end.
    Group { group: StrBytes, value: Option<Generation> },
}

/// A committed offset.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Committed {
    pub offset: i64,
    /// Leader epoch of the last record consumed; -1: not known.
    pub leader_epoch: i32,
    pub metadata: StrBytes,
    /// Wall time in milliseconds.
    pub committed_at: i64,
    /// Wall time in milliseconds at which it expires whatever the broker's retention is; `None`: by the broker's.
    pub expires_at: Option<i64>,
    /// The topic's id, where the record says it (version 4).
    pub topic_id: Uuid,
}

/// A generation of a group, as it is stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Generation {
    /// Empty: none.
    pub protocol_type: StrBytes,
    pub generation: i32,
    pub protocol: Option<StrBytes>,
    pub leader: Option<StrBytes>,
    /// Wall time in milliseconds since when the group is in its state; -1: not known.
    pub since: i64,
    pub members: Vec<StoredMember>,
}

/// A member as it is stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoredMember {
    pub member: StrBytes,
    pub instance: Option<StrBytes>,
    pub client_id: StrBytes,
    pub client_host: StrBytes,
    pub rebalance_timeout_ms: i32,
    pub session_timeout_ms: i32,
    pub subscription: Bytes,
    pub assignment: Bytes,
}

const OFFSET_KEY_LEGACY: i16 = 0;
const OFFSET_KEY: i16 = 1;
const GROUP_KEY: i16 = 2;
const EXPIRING_VERSION: i16 = 1;
const VERSION: i16 = 3;
const FLEXIBLE_VERSION: i16 = 4;

impl Entry {
    /// The record that says this.
    pub fn encode(&self) -> Record {
        let mut key = Writer::default();
        match self {
            Self::Offset { group, topic, partition, value } => {
                key.i16(OFFSET_KEY).text(group).text(topic).i32(*partition);
                Record { key: key.done(), value: value.as_ref().map(encode_offset) }
            }
            Self::Group { group, value } => {
                key.i16(GROUP_KEY).text(group);
                Record { key: key.done(), value: value.as_ref().map(encode_group) }
            }
        }
    }

    /// What a record says; `None`: something that the classic protocol does not know (KIP-848's records and others).
    pub fn decode(key: &[u8], value: Option<&[u8]>) -> Result<Option<Self>, Garbled> {
        let mut key = Reader::fixed(key);
        match key.i16()? {
            OFFSET_KEY_LEGACY | OFFSET_KEY => {
                let (group, topic, partition) = (key.text()?, key.text()?, key.i32()?);
                Ok(Some(Self::Offset { group, topic, partition, value: value.map(decode_offset).transpose()? }))
            }
            GROUP_KEY => {
                let group = key.text()?;
                Ok(Some(Self::Group { group, value: value.map(decode_group).transpose()? }))
            }
            _ => Ok(None),
        }
    }
}

fn encode_offset(value: &Committed) -> Bytes {
    let mut out = Writer::default();
    if let Some(expires_at) = value.expires_at {
        out.i16(EXPIRING_VERSION).i64(value.offset).text(&value.metadata).i64(value.committed_at).i64(expires_at);
    } else if value.topic_id == Uuid::ZERO {
        out.i16(VERSION).i64(value.offset).i32(value.leader_epoch).text(&value.metadata).i64(value.committed_at);
    } else {
        out.i16(FLEXIBLE_VERSION).i64(value.offset).i32(value.leader_epoch);
        out.compact_text(&value.metadata).i64(value.committed_at).one_tag(0, &value.topic_id.0.to_be_bytes());
    }
    out.done()
}

fn decode_offset(bytes: &[u8]) -> Result<Committed, Garbled> {
    let (version, mut value) = Reader::of_value(bytes, FLEXIBLE_VERSION)?;
    let offset = value.i64()?;
    let leader_epoch = if version >= 3 { value.i32()? } else { -1 };
    let metadata = value.text()?;
    let committed_at = value.i64()?;
    let expires_at = if version == EXPIRING_VERSION { Some(value.i64()?).filter(|at| *at != -1) } else { None };
    let topic_id = Uuid(value.tag_u128(0)?.unwrap_or(0));
    Ok(Committed { offset, leader_epoch, metadata, committed_at, expires_at, topic_id })
}

fn encode_group(value: &Generation) -> Bytes {
    let mut out = Writer::default();
    out.i16(VERSION)
        .text(&value.protocol_type)
        .i32(value.generation)
        .text_opt(value.protocol.as_ref())
        .text_opt(value.leader.as_ref())
        .i64(value.since)
        .len(value.members.len());
    for member in &value.members {
        out.text(&member.member)
            .text_opt(member.instance.as_ref())
            .text(&member.client_id)
            .text(&member.client_host)
            .i32(member.rebalance_timeout_ms)
            .i32(member.session_timeout_ms)
            .bytes(&member.subscription)
            .bytes(&member.assignment);
    }
    out.done()
}

fn decode_group(bytes: &[u8]) -> Result<Generation, Garbled> {
    let (version, mut value) = Reader::of_value(bytes, FLEXIBLE_VERSION)?;
    let protocol_type = value.text()?;
    let generation = value.i32()?;
    let protocol = value.text_opt()?;
    let leader = value.text_opt()?;
    let since = if version >= 2 { value.i64()? } else { -1 };
    // The count is not trusted: each member takes at least a byte, and the list grows as they are read.
    let count = value.len()?;
    let mut members = Vec::new();
    for _ in 0..count {
        members.push(decode_member(version, &mut value)?);
    }
    value.tags()?;
    Ok(Generation { protocol_type, generation, protocol, leader, since, members })
}

fn decode_member(version: i16, value: &mut Reader<'_>) -> Result<StoredMember, Garbled> {
    let member = value.text()?;
    let instance = if version >= 3 { value.text_opt()? } else { None };
    let (client_id, client_host) = (value.text()?, value.text()?);
    let rebalance_timeout_ms = if version >= 1 { value.i32()? } else { -1 };
    let session_timeout_ms = value.i32()?;
    let stored = StoredMember {
        member,
        instance,
        client_id,
        client_host,
        rebalance_timeout_ms: if rebalance_timeout_ms == -1 { session_timeout_ms } else { rebalance_timeout_ms },
        session_timeout_ms,
        subscription: value.bytes()?,
        assignment: value.bytes()?,
    };
    value.tags()?;
    Ok(stored)
}
