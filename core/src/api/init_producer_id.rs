//! InitProducerId (key 22, versions 0 to 5): an id for a producer, from this broker's block (`broker::alive` fetches blocks ahead).
//!
//! * Without a transactional id: a new id with epoch 0, whatever id the producer had before. While no block is there:
//!   `COORDINATOR_LOAD_IN_PROGRESS`, which the producer tries again.
//! * With an empty transactional id, or with only one of the id and the epoch that the producer had: `INVALID_REQUEST`.
//! * With a transactional id: **transactions are not built yet**, see [`super::no_transactions`].

use super::no_transactions;
use crate::error::ErrorCode;
use crate::io::Ask;
use crate::mutant::{self, Mutant};
use crate::node::Node;
use crate::time::Now;
use kafka_protocol::messages::{InitProducerIdRequest, InitProducerIdResponse, ProducerId};

/// Answers at once.
pub fn on_init_producer_id(node: &mut Node, _now: Now, ask: Ask, request: InitProducerIdRequest) {
    let half = (request.producer_id.0 == -1) != (request.producer_epoch == -1);
    let given = match &request.transactional_id {
        _ if half && !mutant::is(Mutant::HalfIdentityTaken) => Err(ErrorCode::InvalidRequest),
        Some(id) if id.is_empty() => Err(ErrorCode::InvalidRequest),
        Some(_) => Err(no_transactions::refusal().code),
        None => node.producer_ids.take().ok_or(ErrorCode::CoordinatorLoadInProgress),
    };
    let response = InitProducerIdResponse::default();
    let response = match given {
        Ok(id) => response.with_producer_id(ProducerId(id.0)).with_producer_epoch(0),
        Err(code) => response.with_error_code(code.code()).with_producer_id(ProducerId(-1)).with_producer_epoch(-1),
    };
    ask.reply(&mut node.out, response);
}
