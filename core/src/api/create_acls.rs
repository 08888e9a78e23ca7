//! CreateAcls (key 30, versions 1 to 3): there is no authorizer that would heed a rule, so none is taken: `SECURITY_DISABLED` for each, as Kafka
//! answers where none is configured.

use super::cluster_view::NO_AUTHORIZER;
use crate::error::ErrorCode;
use crate::io::Ask;
use crate::mutant::{self, Mutant};
use crate::node::Node;
use crate::time::Now;
use kafka_protocol::messages::create_acls_response::AclCreationResult;
use kafka_protocol::messages::{CreateAclsRequest, CreateAclsResponse};

/// Answers at once.
pub fn on_create_acls(node: &mut Node, _now: Now, ask: Ask, request: CreateAclsRequest) {
    let each = request.creations.iter().map(|_| {
        let code = if mutant::is(Mutant::AclsTaken) { 0 } else { ErrorCode::SecurityDisabled.code() };
        AclCreationResult::default().with_error_code(code).with_error_message(Some(NO_AUTHORIZER))
    });
    let reply = CreateAclsResponse::default().with_results(each.collect());
    ask.reply(&mut node.out, reply);
}
