//! From a frame to what the broker is handed: the pure work that a connection's own task does, off the drive loop.
//!
//! Decoding, and the check of every produced or replicated byte, whose verdicts travel beside the request as `checks`.

use crate::batch::{Limits, verify, verify_produced, with_max_timestamp};
use crate::error::Refusal;
use crate::id::ConnId;
use crate::io::{Listener, Request};
use crate::mutant::{self, Mutant};
use crate::wire::{self, BadFrame, Decoded, Slip};
use alloc::boxed::Box;
use alloc::vec::Vec;
use bytes::Bytes;
use kafka_protocol::messages::produce_request::PartitionProduceData;
use kafka_protocol::messages::{RequestKind, ResponseKind};
use kafka_protocol::protocol::StrBytes;

/// What a frame is.
#[derive(Clone, PartialEq, Debug)]
pub enum Received {
    /// For [`crate::io::Input::Request`], once `seq` is set to what [`wire::Replies::open`] gave for the slip, and `door` where
    /// a node has several. `cost`: what
    /// it takes in memory at most, beside the frame.
    Request { slip: Slip, request: Box<Request>, cost: usize },
    /// Answered at once, with [`wire::encode::unsupported_version`].
    UnsupportedVersion { correlation: i32 },
}

/// Reads a request's frame (without its length), and checks the batches in it.
///
/// # Errors
/// The connection is to be closed.
pub fn request(frame: &Bytes, listener: Listener, conn: ConnId, client_host: &StrBytes) -> Result<Received, BadFrame> {
    match wire::request(frame, listener)? {
        Decoded::UnsupportedVersion { correlation } => Ok(Received::UnsupportedVersion { correlation }),
        Decoded::Request { slip, client_id, mut body, cost } => {
            let checks = produced(&mut body, slip.version);
            let request = Request {
                conn,
                seq: 0,
                listener,
                door: 0,
                client_id,
                client_host: client_host.clone(),
                key: slip.key,
                version: slip.version,
                body,
                checks,
            };
            Ok(Received::Request { slip, request: Box::new(request), cost })
        }
    }
}

/// Reads the frame (without its length) that answers a call of ours, and checks the batches in it: for
/// [`crate::io::Input::CallDone`].
///
/// # Errors
/// The answer cannot be used: [`crate::io::CallFault::Garbled`].
pub fn reply(slip: Slip, frame: &Bytes) -> Result<(ResponseKind, Vec<Result<(), Refusal>>), BadFrame> {
    let body = wire::calls::decode(slip, frame)?;
    let checks = replicated(&body);
    Ok((body, checks))
}

/// The verdict on each partition's bytes of a Produce, in the order of the request; nothing for other requests. A batch whose header does not
/// have the largest timestamp of its records gets it: retention, lookups by time and the memory of producers go by it.
fn produced(body: &mut RequestKind, version: i16) -> Vec<Result<(), Refusal>> {
    let RequestKind::Produce(request) = body else { return Vec::new() };
    let partitions = request.topic_data.iter_mut().flat_map(|topic| &mut topic.partition_data);
    let limits = Limits::produce(version);
    let verdict = |found: Result<(), Refusal>| {
        found.or_else(|why| {
            if mutant::is(Mutant::BadCrcTaken) && why.code == crate::error::ErrorCode::CorruptMessage {
                Ok(())
            } else {
                Err(why)
            }
        })
    };
    let check = |data: &mut PartitionProduceData| {
        let bytes = data.records.as_deref().unwrap_or_default();
        let latest = verify_produced(bytes, limits)?;
        if let Some(latest) = latest.filter(|_| !mutant::is(Mutant::HeaderTimeBelieved)) {
            data.records = Some(with_max_timestamp(bytes, latest));
        }
        Ok(())
    };
    partitions.map(|data| verdict(check(data))).collect()
}

/// The verdict on each partition's bytes of a Fetch's answer, in its order; nothing for other answers.
pub fn replicated(body: &ResponseKind) -> Vec<Result<(), Refusal>> {
    let ResponseKind::Fetch(response) = body else { return Vec::new() };
    let partitions = response.responses.iter().flat_map(|topic| &topic.partitions);
    partitions.map(|data| verify(data.records.as_deref().unwrap_or_default(), Limits::REPLICA)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::Builder;
    use crate::error::ErrorCode;
    use kafka_protocol::messages::fetch_response::{FetchableTopicResponse, PartitionData};
    use kafka_protocol::messages::produce_request::TopicProduceData;
    use kafka_protocol::messages::{ApiKey, FetchResponse, ProduceRequest};

    fn batch() -> Bytes {
        let mut builder = Builder::new();
        builder.push(1, None, Some(b"value"), &[]);
        builder.finish()
    }

    fn flipped(bytes: &Bytes) -> Bytes {
        let mut bytes = bytes.to_vec();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        bytes.into()
    }

    #[test]
    fn a_produce_carries_a_verdict_for_each_partition() {
        let data = |index, records| PartitionProduceData::default().with_index(index).with_records(records);
        let topic = |partitions| TopicProduceData::default().with_partition_data(partitions);
        let body = ProduceRequest::default().with_acks(1).with_topic_data(alloc::vec![
            topic(alloc::vec![data(0, Some(batch())), data(1, Some(flipped(&batch())))]),
            topic(alloc::vec![data(2, None), data(3, Some(batch()))]),
        ]);
        let slip = Slip { key: ApiKey::Produce, version: 9, correlation: 7 };
        let frame = wire::calls::encode(slip, "me", &RequestKind::Produce(body)).expect("encodes").slice(4..);
        let received = request(&frame, Listener::Broker, ConnId(3), &StrBytes::new()).expect("a good frame");
        let Received::Request { slip: got, request, .. } = received else { panic!("a request") };
        assert_eq!((got, request.client_id.as_str(), request.conn), (slip, "me", ConnId(3)));
        assert_eq!(request.stay(), crate::io::Stay::Write);
        let codes: Vec<_> = request.checks.iter().map(|check| check.as_ref().err().map(|r| r.code)).collect();
        assert_eq!(codes, [None, Some(ErrorCode::CorruptMessage), Some(ErrorCode::InvalidRecord), None]);
    }

    /// Sarama before 1.45.1 says -1.
    #[test]
    fn a_header_gets_the_largest_timestamp_of_its_records() {
        let mut builder = Builder::new();
        builder.push(40, None, Some(b"value"), &[]);
        builder.push(70, None, Some(b"value"), &[]);
        builder.push(50, None, Some(b"value"), &[]);
        let right = builder.finish();
        for said in [-1, 40, 69, 70, 1 << 50] {
            let data = PartitionProduceData::default().with_records(Some(with_max_timestamp(&right, said)));
            let topic = TopicProduceData::default().with_partition_data(alloc::vec![data]);
            let mut body = ProduceRequest::default().with_topic_data(alloc::vec![topic]).into();
            assert_eq!(produced(&mut body, 9), [Ok(())]);
            let RequestKind::Produce(body) = body else { panic!("a Produce") };
            assert_eq!(body.topic_data[0].partition_data[0].records.as_ref(), Some(&right), "{said}");
        }
    }

    #[test]
    fn a_followers_bytes_are_checked_and_none_are_fine() {
        let data = |records| PartitionData::default().with_records(records);
        let topic = FetchableTopicResponse::default().with_partitions(alloc::vec![
            data(None),
            data(Some(batch())),
            data(Some(flipped(&batch())))
        ]);
        let body = ResponseKind::Fetch(FetchResponse::default().with_responses(alloc::vec![topic]));
        let codes: Vec<_> = replicated(&body).into_iter().map(|check| check.err().map(|r| r.code)).collect();
        assert_eq!(codes, [None, None, Some(ErrorCode::CorruptMessage)]);
    }

    #[test]
    fn a_bad_frame_is_an_error() {
        assert!(request(&Bytes::from_static(b"\0"), Listener::Broker, ConnId(1), &StrBytes::new()).is_err());
    }
}
