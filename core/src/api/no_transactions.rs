//! What a client is told that wants a transaction, while none are served: `TRANSACTIONAL_ID_AUTHORIZATION_FAILED`, from FindCoordinator,
//! InitProducerId and Produce alike.
//!
//! It is the one code at which each client gives up at once: librdkafka's `rd_kafka_init_transactions` and the Java client's
//! `initTransactions` take it for fatal, and retry most others until their own time is up. The message says what it is about.

use crate::error::{ErrorCode, Refusal};

pub(super) fn refusal() -> Refusal {
    Refusal::because(ErrorCode::TransactionalIdAuthorizationFailed, "transactions are not served yet")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::bench::Bench;
    use crate::api::{find_coordinator, init_producer_id};
    use alloc::vec;
    use kafka_protocol::messages::{FindCoordinatorRequest, InitProducerIdRequest, ResponseKind, TransactionalId};
    use kafka_protocol::protocol::StrBytes;

    #[test]
    fn who_wants_a_transaction_is_told_at_once() {
        let mut bench = Bench::new();
        let (id, want) = (StrBytes::from_static_str("tx"), refusal());
        for version in [1, 4, 6] {
            let request = FindCoordinatorRequest::default().with_key_type(1);
            let request = if version < 4 {
                request.with_key(id.clone())
            } else {
                request.with_coordinator_keys(vec![id.clone()])
            };
            let ask = bench.ask(version);
            find_coordinator::on_find_coordinator(&mut bench.node, bench.now, ask, request);
            bench.settle();
            let seq = bench.last();
            let ResponseKind::FindCoordinator(told) = bench.plain(seq) else { panic!("its response") };
            let (code, message) = match told.coordinators.first() {
                Some(one) => (one.error_code, one.error_message.clone()),
                None => (told.error_code, told.error_message),
            };
            assert_eq!((code, message), (want.code.code(), want.wire_message()), "version {version}");
        }
        let request = InitProducerIdRequest::default().with_transactional_id(Some(TransactionalId(id)));
        let ask = bench.ask(4);
        init_producer_id::on_init_producer_id(&mut bench.node, bench.now, ask, request);
        bench.settle();
        let seq = bench.last();
        let ResponseKind::InitProducerId(told) = bench.plain(seq) else { panic!("its response") };
        assert_eq!(told.error_code, want.code.code());
    }
}
