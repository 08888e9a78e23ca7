//! A producer may have five batches under way, and sends them again when it does not know what became of them (KIP-98): one that is
//! among its last five in the log is known there, and not refused as out of order.

use super::shadow::{Shadow, Stamp, stamp};
use super::{At, Broken, id_of};
use crate::table::Map;
use esker_core::batch::Header;
use esker_core::error::ErrorCode;
use esker_core::id::PartitionKey;
use esker_core::node::Node as Core;
use kafka_protocol::messages::{ProduceRequest, ProduceResponse};

/// How many of its last batches a producer may send again.
const KNOWN: usize = 5;

/// The batches of Produce requests without an answer, in their order; those without a producer are `None`.
#[derive(Debug, Default)]
pub struct Retries {
    asked: Map<At, Vec<Option<Stamp>>>,
}

impl Retries {
    pub fn on_request(&mut self, at: At, request: &ProduceRequest) {
        let parts = request.topic_data.iter().flat_map(|topic| &topic.partition_data);
        let of = |records: &[u8]| Header::read(records).and_then(|header| stamp(&header));
        let stamps: Vec<_> = parts.map(|part| of(part.records.as_deref().unwrap_or_default())).collect();
        if stamps.iter().any(Option::is_some) {
            self.asked.insert(at, stamps);
        }
    }

    pub fn on_reply<'a>(
        &mut self,
        at: At,
        response: &ProduceResponse,
        core: &Core,
        log: &dyn Fn(&str) -> Option<&'a Shadow>,
    ) -> Result<(), Broken> {
        let Some(asked) = self.asked.remove(&at) else { return Ok(()) };
        let parts =
            response.responses.iter().flat_map(|topic| topic.partition_responses.iter().map(move |one| (topic, one)));
        for ((topic, told), stamp) in parts.zip(asked) {
            let Some(stamp) = stamp.filter(|_| told.error_code == ErrorCode::OutOfOrderSequenceNumber.code()) else {
                continue;
            };
            let Some(id) = id_of(&core.image, &topic.name, topic.topic_id.into()) else { continue };
            let replica = core.partitions.get(PartitionKey { topic: id, partition: told.index });
            if let Some(log) = replica.and_then(|replica| log(replica.folder())) {
                judge(replica.map_or("?", |replica| replica.folder()), log, stamp)?;
            }
        }
        Ok(())
    }
}

/// A batch of this stamp was refused as out of order.
fn judge(folder: &str, log: &Shadow, refused: Stamp) -> Result<(), Broken> {
    let own = log.entries.iter().rev().filter(|entry| entry.producer.is_some_and(|stamp| stamp.id == refused.id));
    match own.take(KNOWN).find(|entry| entry.producer == Some(refused)) {
        None => Ok(()),
        Some(there) => Err((
            "retry-refused",
            format!("refuses {refused:?} as out of order, which stands at {} of {folder}", there.base),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_that_may_be_sent_again_is_known() {
        let stamp = |first| Stamp { id: 7, epoch: 0, first, last: first };
        let log = Shadow::sent(&[stamp(0), stamp(1), stamp(2), stamp(3), stamp(4), stamp(5)]);
        assert!(judge("t-0", &log, stamp(9)).is_ok(), "it is not there");
        assert!(judge("t-0", &log, stamp(0)).is_ok(), "five are behind it");
        assert_eq!(judge("t-0", &log, stamp(1)).unwrap_err().0, "retry-refused");
    }
}
