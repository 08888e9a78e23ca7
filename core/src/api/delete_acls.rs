//! DeleteAcls (key 31, versions 1 to 3): there is no authorizer, and so no rule to delete: `SECURITY_DISABLED` for each filter, as Kafka answers
//! where none is configured.

use super::cluster_view::NO_AUTHORIZER;
use crate::error::ErrorCode;
use crate::io::Ask;
use crate::node::Node;
use crate::time::Now;
use kafka_protocol::messages::delete_acls_response::DeleteAclsFilterResult;
use kafka_protocol::messages::{DeleteAclsRequest, DeleteAclsResponse};

/// Answers at once.
pub fn on_delete_acls(node: &mut Node, _now: Now, ask: Ask, request: DeleteAclsRequest) {
    let each = request.filters.iter().map(|_| {
        DeleteAclsFilterResult::default()
            .with_error_code(ErrorCode::SecurityDisabled.code())
            .with_error_message(Some(NO_AUTHORIZER))
    });
    let reply = DeleteAclsResponse::default().with_filter_results(each.collect());
    ask.reply(&mut node.out, reply);
}
