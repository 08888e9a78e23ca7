//! What a node shows to who only looks is so: its groups and what their members were told, topics and their configs, the brokers, the coordinator
//! of a group, moves under way, its logs and who writes to them, and the metadata's quorum.

mod cluster;
mod groups;
mod logs;
mod topics;
mod voters;

use super::joins::Joins;
use super::shadow::Shadow;
use super::{At, Broken};
use crate::table::Map;
use esker_core::id::{LeaderEpoch, Offset};
use esker_core::node::Node as Core;
use kafka_protocol::messages::{RequestKind, ResponseKind};

/// A question, and what the node that is asked knew then: it may know more when the answer leaves.
#[derive(Debug)]
struct Asked {
    body: RequestKind,
    /// How far it had the metadata, and how far its controller had decided, if it is the one.
    known: (Offset, Option<Offset>),
    /// Its epoch, and the end and the watermark of its metadata log, if it leads the quorum.
    quorum: Option<(LeaderEpoch, Offset, Offset)>,
    /// The members of each group that is asked for.
    members: Vec<usize>,
}

#[derive(Debug, Default)]
pub struct Shown {
    asked: Map<At, Asked>,
    told: groups::Told,
    said: voters::Said,
}

fn known(core: &Core) -> (Offset, Option<Offset>) {
    (core.image.offset(), core.controller.as_ref().map(|controller| controller.image().offset()))
}

impl Shown {
    pub fn on_request(&mut self, at: At, body: &RequestKind, core: &Core) {
        let mut members = Vec::new();
        match body {
            RequestKind::JoinGroup(request) => return self.told.on_join(request),
            RequestKind::SyncGroup(request) => return self.told.on_sync(at, request),
            RequestKind::Fetch(request) => return self.said.on_request(request, core),
            RequestKind::DescribeGroups(request) => {
                members.extend(request.groups.iter().map(|group| core.groups.members_of(&group.0)));
            }
            RequestKind::ListGroups(_)
            | RequestKind::DescribeQuorum(_)
            | RequestKind::DescribeLogDirs(_)
            | RequestKind::DescribeCluster(_)
            | RequestKind::DescribeTopicPartitions(_)
            | RequestKind::DescribeConfigs(_)
            | RequestKind::FindCoordinator(_)
            | RequestKind::ListPartitionReassignments(_) => {}
            _ => return,
        }
        let quorum = Some(&core.quorum).filter(|quorum| quorum.is_leader());
        let quorum = quorum.map(|quorum| (quorum.epoch(), quorum.end(), quorum.watermark()));
        self.asked.insert(at, Asked { body: body.clone(), known: known(core), quorum, members });
    }

    /// It is asked when the node takes clients, which knows more by then.
    pub fn forget(&mut self, at: At) {
        self.asked.remove(&at);
    }

    /// `log`: what stands in a folder of the node's; `None` where nobody knows.
    pub fn on_reply<'a>(
        &mut self,
        at: At,
        body: &ResponseKind,
        core: &Core,
        joins: &Joins,
        log: &dyn Fn(&str) -> Option<&'a Shadow>,
    ) -> Result<(), Broken> {
        match body {
            ResponseKind::SyncGroup(response) => {
                self.told.on_synced(at, response, core);
                return Ok(());
            }
            ResponseKind::DescribeProducers(response) => return logs::on_producers(response, core, log),
            _ => {}
        }
        let Some(asked) = self.asked.remove(&at) else { return Ok(()) };
        if let ResponseKind::DescribeQuorum(response) = body {
            return asked.quorum.map_or(Ok(()), |led| self.said.on_described(response, led, core));
        }
        // What was committed with the same input is known already, and not in the answer.
        if asked.known != known(core) {
            return Ok(());
        }
        match (&asked.body, body) {
            (RequestKind::DescribeGroups(_), ResponseKind::DescribeGroups(response)) => {
                self.told.on_described(response, &asked.members, core, joins)
            }
            (RequestKind::DescribeLogDirs(request), ResponseKind::DescribeLogDirs(response)) => {
                logs::on_described(request, response, core, log)
            }
            (RequestKind::ListGroups(request), ResponseKind::ListGroups(response)) => {
                self.told.on_listed(request, response, core)
            }
            (RequestKind::DescribeCluster(request), ResponseKind::DescribeCluster(response)) => {
                cluster::on_described(request, response, core)
            }
            (RequestKind::FindCoordinator(request), ResponseKind::FindCoordinator(response)) => {
                cluster::on_found(request, response, core)
            }
            (RequestKind::ListPartitionReassignments(_), ResponseKind::ListPartitionReassignments(response)) => {
                cluster::on_moves(response, core)
            }
            (RequestKind::DescribeTopicPartitions(request), ResponseKind::DescribeTopicPartitions(response)) => {
                topics::on_described(request, response, &core.image)
            }
            (RequestKind::DescribeConfigs(request), ResponseKind::DescribeConfigs(response)) => {
                topics::on_configs(request, response, &core.image)
            }
            _ => Ok(()),
        }
    }
}

/// What is shown is not so.
fn wrong(what: String) -> Result<(), Broken> {
    Err(("shown-wrong", what))
}
