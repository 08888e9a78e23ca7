//! DescribeCluster (key 60, versions 0 to 2): the brokers, the controller, the cluster's id.
//!
//! * `endpoint_type` 1 asks for brokers, 2 for controllers: each is answered on its own listener, on the other one with
//!   `MISMATCHED_ENDPOINT_TYPE`; anything else is `UNSUPPORTED_ENDPOINT_TYPE`.
//! * Fenced brokers are shown where the request says so (version 2).

use super::cluster_view::{CLUSTER_OPERATIONS, NOT_ASKED, controller_id, operations, visible};
use super::place::{self, ListenerName};
use crate::error::{ErrorCode, Refusal};
use crate::id::NodeId;
use crate::io::{Ask, Listener};
use crate::node::Node;
use crate::time::Now;
use alloc::format;
use alloc::vec::Vec;
use kafka_protocol::messages::describe_cluster_response::DescribeClusterBroker;
use kafka_protocol::messages::{BrokerId, DescribeClusterRequest, DescribeClusterResponse};

const BROKERS: i8 = 1;
const CONTROLLERS: i8 = 2;

/// Answers at once.
pub fn on_describe_cluster(node: &mut Node, _now: Now, ask: Ask, request: DescribeClusterRequest) {
    if let Err(refusal) = fits(&ask, request.endpoint_type) {
        let response = DescribeClusterResponse::default()
            .with_error_code(refusal.code.code())
            .with_error_message(refusal.wire_message())
            .with_controller_id(BrokerId(NodeId::NONE.0))
            .with_cluster_authorized_operations(NOT_ASKED);
        return ask.reply(&mut node.out, response);
    }
    let (brokers, controller) = match ask.listener {
        Listener::Broker => {
            let at = place::listener(node, &ask);
            (brokers(node, at, request.include_fenced_brokers), controller_id(node, at))
        }
        Listener::Controller => {
            let active = node.quorum.leader().map_or(NodeId::NONE, |(leader, _)| leader);
            (voters(node), BrokerId(active.0))
        }
    };
    let response = DescribeClusterResponse::default()
        .with_error_message(None)
        .with_endpoint_type(request.endpoint_type)
        .with_cluster_id(node.image.cluster_id().map(|id| id.wire()).unwrap_or_default())
        .with_controller_id(controller)
        .with_brokers(brokers)
        .with_cluster_authorized_operations(operations(
            request.include_cluster_authorized_operations,
            CLUSTER_OPERATIONS,
        ));
    ask.reply(&mut node.out, response);
}

fn fits(ask: &Ask, endpoint: i8) -> Result<(), Refusal> {
    let (own, name, other) = match ask.listener {
        Listener::Broker => (BROKERS, "BROKER", "CONTROLLER"),
        Listener::Controller => (CONTROLLERS, "CONTROLLER", "BROKER"),
    };
    match endpoint {
        good if good == own => Ok(()),
        BROKERS | CONTROLLERS => {
            let why = format!(
                "The request was sent to an endpoint of type {name}, but we wanted an endpoint of type {other}"
            );
            Err(Refusal::because(ErrorCode::MismatchedEndpointType, why))
        }
        unknown => {
            Err(Refusal::because(ErrorCode::UnsupportedEndpointType, format!("Unsupported endpoint type {unknown}")))
        }
    }
}

fn brokers(node: &Node, at: ListenerName<'_>, fenced_too: bool) -> Vec<DescribeClusterBroker> {
    let fenced = node.image.brokers().filter(|broker| broker.fenced && fenced_too);
    let fenced = fenced.filter_map(|broker| Some((broker, at.address(broker)?)));
    let mut all: Vec<_> = visible(&node.image, at).chain(fenced).collect();
    all.sort_by_key(|(broker, _)| broker.id);
    let each = all.into_iter().map(|(broker, address)| {
        DescribeClusterBroker::default()
            .with_broker_id(BrokerId(broker.id.0))
            .with_host(address.host)
            .with_port(address.port.into())
            .with_rack(broker.rack.as_ref().map(|rack| rack.wire()))
            .with_is_fenced(broker.fenced)
    });
    each.collect()
}

fn voters(node: &Node) -> Vec<DescribeClusterBroker> {
    let each = node.quorum.voters().iter().map(|voter| {
        DescribeClusterBroker::default()
            .with_broker_id(BrokerId(voter.id.0))
            .with_host(voter.address.host.clone())
            .with_port(voter.address.port.into())
            .with_rack(None)
    });
    each.collect()
}
