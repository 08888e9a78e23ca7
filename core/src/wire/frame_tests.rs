//! Frames, byte by byte.

use super::decode::{BadFrame, Decoded, Slip, request};
use super::frame::{header, sealed};
use super::{Segment, calls, encode};
use crate::id::{DirId, Offset};
use crate::io::{FileId, FileName, FileRange, Listener, Records, Reply};
use alloc::boxed::Box;
use alloc::vec;
use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::fetch_response::{
    AbortedTransaction, EpochEndOffset, FetchableTopicResponse, LeaderIdAndEpoch, NodeEndpoint, PartitionData,
};
use kafka_protocol::messages::{
    ApiKey, ApiVersionsResponse, BrokerId, DescribeGroupsResponse, FetchResponse, HeartbeatResponse, MetadataRequest,
    MetadataResponse, ProducerId, TopicName,
};
use kafka_protocol::protocol::{Encodable, StrBytes};

fn frame(bytes: &'static [u8]) -> Bytes {
    Bytes::from_static(bytes)
}

fn slip(key: ApiKey, version: i16) -> Slip {
    Slip { key, version, correlation: 7 }
}

#[test]
fn headers_of_requests() {
    // ApiVersions v0: header 1, client id "rdkafka".
    let old = request(&frame(b"\x00\x12\x00\x00\x00\x00\x00\x07\x00\x07rdkafka"), Listener::Broker).unwrap();
    // ApiVersions v3: header 2, null client id, one tagged field in the header, then name and version of the client.
    let new = request(
        &frame(b"\x00\x12\x00\x03\x00\x00\x00\x07\xff\xff\x01\x05\x02zz\x05java\x061.2.3\x00"),
        Listener::Broker,
    )
    .unwrap();
    let Decoded::Request { slip: first, client_id, .. } = old else { panic!() };
    assert_eq!((first, client_id.as_str()), (slip(ApiKey::ApiVersions, 0), "rdkafka"));
    let Decoded::Request { slip: second, client_id, body, .. } = new else { panic!() };
    assert_eq!((second, client_id.as_str()), (slip(ApiKey::ApiVersions, 3), ""));
    let kafka_protocol::messages::RequestKind::ApiVersions(body) = body else { panic!() };
    assert_eq!(body.client_software_name.as_str(), "java");
}

#[test]
fn what_is_not_served_closes_the_connection() {
    let bad = |bytes| request(&frame(bytes), Listener::Broker).unwrap_err();
    assert!(matches!(bad(b"\x00\x12\x00"), BadFrame::Header(_)));
    assert!(matches!(bad(b""), BadFrame::Header(_)));
    assert_eq!(bad(b"\x03\xe7\x00\x00\x00\x00\x00\x07\xff\xff"), BadFrame::UnknownKey { key: 999 });
    assert_eq!(bad(b"\xff\xff\x00\x00\x00\x00\x00\x07\xff\xff"), BadFrame::UnknownKey { key: -1 });
    // Vote is the controller's.
    assert_eq!(bad(b"\x00\x34\x00\x00\x00\x00\x00\x07\xff\xff\x00"), BadFrame::UnknownKey { key: 52 });
    // Produce is listed from version 0, and not served below 3.
    let version = BadFrame::UnknownVersion { key: ApiKey::Produce, version: 2 };
    assert_eq!(bad(b"\x00\x00\x00\x02\x00\x00\x00\x07\xff\xff"), version);
    // A body that ends too early: Metadata v1 that promises a topic.
    assert!(matches!(bad(b"\x00\x03\x00\x01\x00\x00\x00\x07\xff\xff\x00\x00\x00\x01"), BadFrame::Body { .. }));
}

#[test]
fn bytes_behind_a_body_are_not_looked_at() {
    let read = |bytes| request(&frame(bytes), Listener::Broker).unwrap();
    let longer = read(b"\x00\x12\x00\x00\x00\x00\x00\x07\x00\x07rdkafka!");
    assert_eq!(longer, read(b"\x00\x12\x00\x00\x00\x00\x00\x07\x00\x07rdkafka"));
    let Decoded::Request { slip: told, .. } = longer else { panic!() };
    assert_eq!(told, slip(ApiKey::ApiVersions, 0));
}

#[test]
fn a_newer_client_is_told_what_is_served() {
    let decoded = request(&frame(b"\x00\x12\x00\x63\x00\x00\x00\x07\xff\xff\x00"), Listener::Broker).unwrap();
    assert_eq!(decoded, Decoded::UnsupportedVersion { correlation: 7 });
    let head = encode::unsupported_version(7).head;
    // Length, correlation, error 35, one key: 18 from 0 to 4.
    assert_eq!(&head[..], b"\x00\x00\x00\x10\x00\x00\x00\x07\x00\x23\x00\x00\x00\x01\x00\x12\x00\x00\x00\x04");
}

#[test]
fn headers_of_replies() {
    let head = |key, version, body: Reply| encode::reply(slip(key, version), &body).unwrap().unwrap().head;
    // Heartbeat v3: header 0; v4, flexible: header 1, with an empty list of tagged fields.
    let heartbeat = || Reply::plain(HeartbeatResponse::default());
    assert_eq!(&head(ApiKey::Heartbeat, 3, heartbeat())[..], b"\x00\x00\x00\x0a\x00\x00\x00\x07\0\0\0\0\0\0");
    assert_eq!(&head(ApiKey::Heartbeat, 4, heartbeat())[..], b"\x00\x00\x00\x0c\x00\x00\x00\x07\0\0\0\0\0\0\0\0");
    // ApiVersions keeps header 0 in every version: error, no keys, throttle time, no tagged fields.
    let versions = head(ApiKey::ApiVersions, 3, Reply::plain(ApiVersionsResponse::default()));
    assert_eq!(&versions[..12], b"\x00\x00\x00\x0c\x00\x00\x00\x07\0\0\x01\0");
    assert_eq!(encode::reply(slip(ApiKey::Produce, 9), &Reply::Silence), Ok(None));
}

#[test]
fn calls_come_back() {
    let mut asked = MetadataRequest::default();
    asked.topics = None;
    let sent = calls::encode(slip(ApiKey::Metadata, 12), "esker", &asked.clone().into()).unwrap();
    assert_eq!(sent.len(), 4 + i32::from_be_bytes(sent[..4].try_into().unwrap()) as usize);
    let Decoded::Request { body, client_id, .. } = request(&sent.slice(4..), Listener::Broker).unwrap() else {
        panic!()
    };
    assert_eq!((body, client_id.as_str()), (asked.into(), "esker"));

    let mut answer = MetadataResponse::default();
    answer.controller_id = BrokerId(3);
    let reply = encode::reply(slip(ApiKey::Metadata, 12), &Reply::plain(answer.clone())).unwrap().unwrap();
    let bytes = reply.in_memory().slice(4..);
    assert_eq!(calls::correlation(&bytes), Ok(7));
    assert_eq!(calls::decode(slip(ApiKey::Metadata, 12), &bytes), Ok(answer.into()));
    assert!(calls::decode(slip(ApiKey::Metadata, 12), &bytes.slice(..bytes.len() - 1)).is_err());
    let other = Slip { correlation: 8, ..slip(ApiKey::Metadata, 12) };
    assert!(calls::decode(other, &bytes).is_err());
}

/// A reply with everything in it that the version can carry.
fn full(version: i16) -> FetchResponse {
    let mut response = FetchResponse::default();
    response.throttle_time_ms = 5;
    if version >= 7 {
        response.session_id = 77;
    }
    if version >= 16 {
        let mut endpoint = NodeEndpoint::default();
        endpoint.node_id = BrokerId(2);
        endpoint.host = StrBytes::from_static_str("two");
        response.node_endpoints = vec![endpoint];
    }
    for name in ["a", "b"] {
        let mut topic = FetchableTopicResponse::default();
        if version >= 13 {
            topic.topic_id = crate::id::Uuid(name.len() as u128).into();
        } else {
            topic.topic = TopicName(StrBytes::from_static_str(name));
        }
        topic.partitions = vec![partition(version, 0), partition(version, 1)];
        response.responses.push(topic);
    }
    response
}

fn partition(version: i16, index: i32) -> PartitionData {
    let mut data = PartitionData::default();
    data.partition_index = index;
    data.high_watermark = 100;
    data.last_stable_offset = 90;
    data.log_start_offset = if version >= 5 { 3 } else { -1 };
    if index == 1 {
        let mut aborted = AbortedTransaction::default();
        aborted.producer_id = ProducerId(4);
        data.aborted_transactions = Some(vec![aborted]);
    } else {
        data.aborted_transactions = None;
    }
    if version >= 12 && index == 1 {
        data.diverging_epoch = EpochEndOffset::default().with_epoch(3).with_end_offset(9);
        data.current_leader = LeaderIdAndEpoch::default().with_leader_id(BrokerId(2)).with_leader_epoch(8);
        data.unknown_tagged_fields.insert(100, Bytes::from_static(b"ends"));
    }
    data
}

/// The codec's own encoding, which holds all records in memory, is the model.
#[test]
fn a_fetch_reply_is_what_the_codec_would_write() {
    let big = Bytes::from(vec![7; 5000]);
    let parts = [vec![], vec![big.clone(), big.slice(..10)], vec![Bytes::from_static(b"tiny")], vec![big]];
    for version in 4..=18 {
        let response = full(version);
        let records: vec::Vec<_> = parts
            .iter()
            .map(|list| if list.is_empty() { Records::Empty } else { Records::Memory(list.clone()) })
            .collect();
        let mut model = response.clone();
        let partitions = model.responses.iter_mut().flat_map(|topic| topic.partitions.iter_mut());
        for (partition, list) in partitions.zip(&parts) {
            partition.records = Some(list.concat().into());
        }
        let slip = slip(ApiKey::Fetch, version);
        let ours = encode::reply(slip, &Reply::Fetch { response: Box::new(response), records }).unwrap().unwrap();
        let mut theirs = BytesMut::new();
        header(&mut theirs, slip);
        model.encode(&mut theirs, version).unwrap();
        assert_eq!(ours.in_memory(), sealed(theirs, 0), "version {version}");
        assert_eq!(ours.len(), ours.in_memory().len());
    }
}

#[test]
fn a_place_on_disk_stays_on_disk() {
    let range = FileRange { file: FileId::new(DirId(5), FileName::Log(Offset(0))), at: 61, len: 9000 };
    let mut response = FetchResponse::default();
    let mut topic = FetchableTopicResponse::default();
    topic.partitions = vec![partition(12, 0)];
    response.responses = vec![topic];
    let reply = Reply::Fetch { response: Box::new(response), records: vec![Records::File(range)] };
    let frame = encode::reply(slip(ApiKey::Fetch, 12), &reply).unwrap().unwrap();
    assert_eq!(frame.rest[0], Segment::File(range));
    let said = i32::from_be_bytes(frame.head[..4].try_into().unwrap());
    assert_eq!(said as usize + 4, frame.len());
    // The length before the records: 9001 as a varint.
    assert!(frame.head.ends_with(&[0xa9, 0x46]));
}

#[test]
fn an_answer_without_end_is_not_written() {
    use kafka_protocol::messages::describe_groups_response::{DescribedGroup, DescribedGroupMember};
    let member = DescribedGroupMember::default().with_member_metadata(vec![0; 1 << 20].into());
    let group = DescribedGroup::default().with_members(vec![member]);
    let answer = |times| Reply::plain(DescribeGroupsResponse::default().with_groups(vec![group.clone(); times]));
    let slip = slip(ApiKey::DescribeGroups, 5);
    assert!(encode::reply(slip, &answer(2)).is_ok());
    let refused = encode::reply(slip, &answer(256)).unwrap_err();
    assert_eq!(refused.why, "it would have 256 MiB");
}
