//! The reply to DescribeLogDirs 5, which the codec does not know: version 4, and in each folder whether it is cordoned (KIP-1066).
//!
//! ```text
//! throttle_time i32 · error i16 · results: count+1 varint · { a result as in 4 without its tags · is_cordoned bool · tags } · tags
//! ```

use super::frame::varint;
use super::versions::CORDONED;
use alloc::string::{String, ToString};
use bytes::{BufMut, BytesMut};
use kafka_protocol::messages::DescribeLogDirsResponse;
use kafka_protocol::protocol::Encodable;

/// A list of no tagged fields.
const NO_TAGS: u8 = 0;

/// Writes the reply's body. No folder is cordoned here: there is one, and partitions have to go somewhere.
pub fn encode(buffer: &mut BytesMut, response: &DescribeLogDirsResponse) -> Result<(), String> {
    buffer.put_i32(response.throttle_time_ms);
    buffer.put_i16(response.error_code);
    varint(buffer, response.results.len() + 1);
    for result in &response.results {
        assert!(result.unknown_tagged_fields.is_empty(), "a reply of ours has no unknown fields");
        result.encode(buffer, CORDONED - 1).map_err(|why| why.to_string())?;
        buffer.truncate(buffer.len() - 1);
        buffer.put_u8(0);
        buffer.put_u8(NO_TAGS);
    }
    buffer.put_u8(NO_TAGS);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::Reply;
    use crate::wire::{Slip, encode};
    use alloc::vec;
    use kafka_protocol::messages::describe_log_dirs_response::{
        DescribeLogDirsPartition, DescribeLogDirsResult, DescribeLogDirsTopic,
    };
    use kafka_protocol::messages::{ApiKey, TopicName};
    use kafka_protocol::protocol::StrBytes;

    /// What Kafka 4.3.1 sent for a topic with one record: length, correlation, header's tags, body.
    const KAFKAS: &[u8] = b"\0\0\0\x54\0\0\0\x07\0\0\0\0\0\0\0\x02\0\0\x15/tmp/clients/k/data1\x02\x05gold\
        \x02\0\0\0\0\0\0\0\0\0\0\0\x49\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x3e\xfe\x39\xd0\0\0\0\0\x0e\xb8\x87\x20\0\0\0\0";

    #[test]
    fn kafkas_bytes() {
        let partition = DescribeLogDirsPartition::default().with_partition_size(0x49);
        let topic = DescribeLogDirsTopic::default()
            .with_name(TopicName(StrBytes::from_static_str("gold")))
            .with_partitions(vec![partition]);
        let result = DescribeLogDirsResult::default()
            .with_log_dir(StrBytes::from_static_str("/tmp/clients/k/data1"))
            .with_topics(vec![topic])
            .with_total_bytes(0x3e_fe39_d000)
            .with_usable_bytes(0x0e_b887_2000);
        let reply = Reply::plain(DescribeLogDirsResponse::default().with_results(vec![result]));
        let slip = Slip { key: ApiKey::DescribeLogDirs, version: CORDONED, correlation: 7 };
        let frame = encode::reply(slip, &reply).expect("encodes").expect("is sent");
        assert_eq!(frame.in_memory().as_ref(), KAFKAS);
    }
}
