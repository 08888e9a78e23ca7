//! Producer ids are given to brokers in blocks, never twice (KIP-730).

use super::{Controller, Decision};
use crate::error::{ErrorCode, Refusal};
use crate::id::NodeId;
use crate::metadata::Record;
use crate::mutant::{self, Mutant};
use kafka_protocol::messages::{AllocateProducerIdsRequest, AllocateProducerIdsResponse, ProducerId};

/// Ids of one block (`ProducerIdsBlock.PRODUCER_ID_BLOCK_SIZE`).
pub const BLOCK: i32 = 1000;

impl Controller {
    /// AllocateProducerIds: the next block, to a broker that is registered.
    pub fn decide_allocate_producer_ids(
        &self,
        request: &AllocateProducerIdsRequest,
    ) -> Decision<AllocateProducerIdsResponse> {
        let start = self.image.next_producer_id();
        let next = self.broker_of_epoch(NodeId(request.broker_id.0), request.broker_epoch).and_then(|_| {
            start.checked_add(i64::from(BLOCK)).ok_or_else(|| Refusal::new(ErrorCode::UnknownServerError))
        });
        match next {
            Ok(next) => Decision {
                records: [Record::ProducerIds { next: if mutant::is(Mutant::ProducerIdTwice) { start } else { next } }]
                    .into(),
                reply: AllocateProducerIdsResponse::default()
                    .with_producer_id_start(ProducerId(start))
                    .with_producer_id_len(BLOCK + i32::from(mutant::is(Mutant::BlockOneTooLong))),
            },
            Err(refusal) => Decision::only(AllocateProducerIdsResponse::default().with_error_code(refusal.code.code())),
        }
    }
}
