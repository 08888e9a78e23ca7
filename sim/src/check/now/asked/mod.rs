//! What may be asked for: each request is judged by what was so when it came, inside the node that handles it, and by what is so when its
//! answer leaves. A group's requests by its members, its generation and its phase; an administrator's by what the controller has decided.

mod acts;
mod codes;
mod configs;
mod configured;
mod each;
mod ends;
mod enters;
mod factor;
mod goes;
mod improper;
mod left;
mod parts;
mod refusals;
mod sets;
mod topics;
mod whole;

use super::{At, Broken};
use crate::table::Map;
use bytes::Buf;
use esker_core::error::ErrorCode;
use esker_core::group::Sight;
use esker_core::id::NodeId;
use esker_core::io::{DiskOp, Request};
use esker_core::node::Node as Core;
use esker_core::time::Mono;
use kafka_protocol::messages::{RequestKind, ResponseKind};
use kafka_protocol::protocol::StrBytes;

/// Who acts in a group, who comes, who leaves; what is deleted of it; what is set, and moved.
#[derive(Debug, Default)]
pub struct Asked {
    acts: acts::Acts,
    enters: enters::Enters,
    left: left::Left,
    goes: goes::Goes,
    configs: configs::Configs,
    factor: factor::Factor,
    configured: configured::Configured,
    each: each::Each,
    parts: parts::Parts,
    refusals: refusals::Refusals,
    topics: topics::Topics,
    improper: improper::Improper,
    sets: sets::Sets,
    whole: whole::Whole,
    /// The group that each request without an answer is about.
    groups: Map<At, StrBytes>,
    /// The group that the present input is about.
    present: Option<StrBytes>,
    /// The present input asks for something to be deleted; one that did was put off, and nobody knows when it is heard.
    deletes: bool,
    deletes_later: bool,
}

impl Asked {
    pub fn on_request(&mut self, at: At, request: &Request, core: &Core) {
        let body = &request.body;
        self.improper.on_request(at, request, core);
        self.each.on_request(at, request);
        self.refusals.on_request(at, body, request.version, core);
        self.deletes = matches!(body, RequestKind::OffsetDelete(_) | RequestKind::DeleteGroups(_));
        if let Some(group) = group_of(body) {
            self.groups.insert(at, group.clone());
            self.present = Some(group.clone());
        }
        match body {
            RequestKind::Produce(produce) => self.sets.on_request(at, request.version, produce),
            RequestKind::Heartbeat(request) => self.acts.on_heartbeat(at, request, core),
            RequestKind::SyncGroup(sync) => {
                self.parts.on_request(at, sync, core);
                self.acts.on_sync(at, request.version, sync, core);
            }
            RequestKind::OffsetCommit(request) => self.acts.on_commit(at, request, core),
            RequestKind::JoinGroup(join) => {
                if let Some(sight) = core.groups.sight(&join.group_id) {
                    self.whole.on_join(join, &sight);
                }
                self.enters.on_request(at, join, request.version, core);
            }
            RequestKind::LeaveGroup(request) => {
                self.enters.on_leave(&request.group_id);
                self.whole.on_gone(&request.group_id);
                self.left.on_request(at, request, core);
            }
            RequestKind::DeleteGroups(request) => self.goes.on_groups(at, request, core),
            RequestKind::OffsetDelete(request) => self.goes.on_offsets(at, request, core),
            RequestKind::IncrementalAlterConfigs(request) => self.configs.on_some(at, request, core),
            RequestKind::AlterConfigs(request) => self.configs.on_all(at, request, core),
            RequestKind::CreateTopics(request) => self.topics.on_make(request, core),
            RequestKind::CreatePartitions(request) => self.topics.on_widen(request, core),
            RequestKind::DeleteTopics(request) => self.topics.on_delete(request, core),
            RequestKind::AlterPartitionReassignments(request) => self.factor.on_request(request, core),
            _ => {}
        }
    }

    /// It waits until its node takes clients: what is so by then nobody has seen.
    pub fn forget(&mut self, at: At) {
        self.improper.forget(at);
        self.deletes_later |= self.deletes;
        self.refusals.forget(at);
        if let Some(group) = self.groups.get(&at) {
            self.whole.forget(group);
        }
        self.acts.forget(at);
        self.enters.forget(at);
        self.left.forget(at);
        self.goes.forget(at);
        self.parts.forget(at);
    }

    pub fn on_reply(&mut self, at: At, now: Mono, body: &ResponseKind, core: &Core) -> Result<(), Broken> {
        codes::on_reply(body)?;
        self.improper.on_reply(at, body)?;
        self.each.on_reply(at, body)?;
        self.refusals.on_reply(at, body)?;
        if let Some(group) = self.groups.remove(&at) {
            if let ResponseKind::JoinGroup(response) = body {
                self.whole.on_joined(&group, response);
                if response.error_code == ErrorCode::GroupMaxSizeReached.code() {
                    self.whole.on_gone(&group);
                }
            }
            self.whole.look(&group, now, core)?;
        }
        match body {
            ResponseKind::Produce(response) => self.sets.on_reply(at, response),
            ResponseKind::Heartbeat(response) => self.acts.on_answer(at, &[response.error_code]),
            ResponseKind::SyncGroup(response) => {
                self.parts.on_reply(at, response).and(self.acts.on_answer(at, &[response.error_code]))
            }
            ResponseKind::OffsetCommit(response) => {
                let parts = response.topics.iter().flat_map(|topic| &topic.partitions);
                self.acts.on_answer(at, &parts.map(|part| part.error_code).collect::<Vec<_>>())
            }
            ResponseKind::JoinGroup(response) => self.enters.on_reply(at, response, core),
            ResponseKind::LeaveGroup(response) => self.left.on_reply(at, response, core),
            ResponseKind::IncrementalAlterConfigs(response) => {
                let done = response.responses.iter().filter(|told| told.error_code == 0);
                self.configs.on_reply(at, core, done.map(|told| (told.resource_type, told.resource_name.as_str())))
            }
            ResponseKind::AlterConfigs(response) => {
                let done = response.responses.iter().filter(|told| told.error_code == 0);
                self.configs.on_reply(at, core, done.map(|told| (told.resource_type, told.resource_name.as_str())))
            }
            ResponseKind::DeleteGroups(response) => self.goes.on_groups_gone(at, response, core),
            ResponseKind::OffsetDelete(response) => self.goes.on_offsets_gone(at, response, core),
            _ => Ok(()),
        }
    }

    /// A node writes; `gathered`: whether a group gathered its members before the input that it handles.
    pub fn on_disk_op(
        &self,
        folder: Option<&str>,
        op: &DiskOp,
        core: &Core,
        gathered: impl Fn(&StrBytes) -> bool,
    ) -> Result<(), Broken> {
        let asked = self.deletes || self.deletes_later;
        folder.map_or(Ok(()), |folder| ends::on_append(folder, op, asked, core, gathered))
    }

    /// The input is handled.
    pub fn look(&mut self, core: &Core) -> Result<(), Broken> {
        self.deletes = false;
        if let Some(group) = self.present.take() {
            whole::Whole::on_handled(&group, core)?;
        }
        let decided = core.controller.as_ref().map(|controller| controller.image());
        self.configs.look(decided)?;
        self.topics.look(decided)?;
        self.factor.look(decided)
    }

    /// A node has learnt more of the metadata.
    pub fn on_image(&mut self, node: NodeId, core: &Core) -> Result<(), Broken> {
        self.configured.look(node, core)
    }
}

fn group_of(body: &RequestKind) -> Option<&StrBytes> {
    match body {
        RequestKind::Heartbeat(request) => Some(&request.group_id.0),
        RequestKind::SyncGroup(request) => Some(&request.group_id.0),
        RequestKind::OffsetCommit(request) => Some(&request.group_id.0),
        RequestKind::JoinGroup(request) => Some(&request.group_id.0),
        RequestKind::LeaveGroup(request) => Some(&request.group_id.0),
        _ => None,
    }
}

/// The topics that the members of a group of consumers read; `None`: it is being put together anew, or nobody can tell.
fn subscribed(sight: &Sight) -> Option<Vec<StrBytes>> {
    let is_settled = matches!(sight.state, "Stable" | "CompletingRebalance" | "Empty" | "Dead");
    let mut topics = Vec::new();
    for member in Some(&sight.members).filter(|_| is_settled)? {
        let words = member.protocols.iter().find(|(name, _)| Some(name) == sight.protocol.as_ref());
        // `ConsumerProtocolSubscription`: a version, then in every version the topics.
        let mut words = words.map(|(_, words)| words.clone())?;
        words.try_get_i16().ok()?;
        for _ in 0..words.try_get_i32().ok()? {
            let len = usize::try_from(words.try_get_i16().ok()?).ok().filter(|len| *len <= words.len())?;
            topics.push(StrBytes::from_utf8(words.split_to(len)).ok()?);
        }
    }
    Some(topics)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use esker_core::group::SightOfMember;

    pub fn text(text: &'static str) -> StrBytes {
        StrBytes::from_static_str(text)
    }

    /// A group with these members and their instances; the first leads.
    pub fn sight(state: &'static str, generation: i32, members: &[(&'static str, Option<&'static str>)]) -> Sight {
        let one = |(id, instance): &(&'static str, Option<&'static str>)| SightOfMember {
            id: text(id),
            instance: instance.map(text),
            protocols: vec![(text("range"), Bytes::from_static(b"t"))],
            joins: false,
        };
        Sight {
            state,
            generation,
            protocol_type: Some(text("consumer")),
            protocol: Some(text("range")),
            leader: members.first().map(|(id, _)| text(id)),
            members: members.iter().map(one).collect(),
            delayed: false,
            expected: Vec::new(),
        }
    }

    #[test]
    fn what_members_read_is_what_they_say() {
        let mut group = sight("Stable", 4, &[("a", None)]);
        assert_eq!(subscribed(&group), None, "it cannot be read");
        group.members[0].protocols[0].1 = Bytes::from_static(&[0, 0, 0, 0, 0, 1, 0, 1, b't', 255, 255, 255, 255]);
        assert_eq!(subscribed(&group), Some(vec![text("t")]));
        group.state = "PreparingRebalance";
        assert_eq!(subscribed(&group), None);
    }
}
