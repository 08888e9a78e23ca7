//! DescribeAcls (key 29, versions 1 to 3): there is no authorizer, so there are no rules to show: `SECURITY_DISABLED`, as Kafka answers where none
//! is configured.

use super::cluster_view::NO_AUTHORIZER;
use crate::error::ErrorCode;
use crate::io::Ask;
use crate::node::Node;
use crate::time::Now;
use kafka_protocol::messages::{DescribeAclsRequest, DescribeAclsResponse};

/// Answers at once.
pub fn on_describe_acls(node: &mut Node, _now: Now, ask: Ask, _request: DescribeAclsRequest) {
    let reply = DescribeAclsResponse::default()
        .with_error_code(ErrorCode::SecurityDisabled.code())
        .with_error_message(Some(NO_AUTHORIZER));
    ask.reply(&mut node.out, reply);
}
