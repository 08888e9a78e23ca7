//! Which promise hears which request, and judges which answer.

use super::{At, Watch, hints, offsets_topic, stamped, votes};
use esker_core::id::ConnId;
use esker_core::io::{Reply, Request};
use esker_core::node::Node as Core;
use esker_core::partition::Partition;
use kafka_protocol::messages::{RequestKind, ResponseKind};

impl Watch {
    /// A request is handed to a node.
    pub fn on_request(&mut self, node: usize, request: &Request, core: &Core) {
        if self.left_behind.on_request(node, request) {
            return;
        }
        let (at, body, of_version) = ((request.conn, request.seq), &request.body, request.version);
        self.votes.on_request(at, body);
        self.doubt.on_input(node, self.now.mono, core);
        self.doubt.on_request(node, at, body);
        self.followed.on_request(at, node, self.now.mono, body, core);
        if let Some(controller) = &core.controller {
            self.incarnations.on_request(at, body, controller.image());
            self.decided.on_request(at, body, controller.epoch());
            self.blamed.on_request(node, self.now.mono, body, controller.image());
            match body {
                RequestKind::BrokerHeartbeat(request) => {
                    self.doubt.on_beat(at, request);
                    let judged = self.full.on_request((node, controller.epoch()), request, controller.image());
                    self.broken = std::mem::take(&mut self.broken).or(judged.err());
                    self.leaves.on_request(at, request);
                    self.learnt.on_request(node, at, request, controller);
                    self.let_go.on_request(at, request, controller.image(), controller.epoch())
                }
                RequestKind::AlterPartition(request) => self.alters.on_request(at, request),
                RequestKind::AlterPartitionReassignments(request) => {
                    self.moved.on_request(request, controller.image());
                }
                _ => {}
            }
        }
        self.shown.on_request(at, body, core);
        self.asked.on_request(at, request, core);
        match body {
            RequestKind::Fetch(request) => {
                self.epochs.on_request(at, request, &core.image);
                self.committed_reads.on_request(at, request);
                self.reads.on_request(at, of_version, request, core);
                self.measure.on_request(at, self.now.mono, request, core);
                self.members.on_request(node, self.now.mono, request, core);
                self.hearsay.on_request(at, request);
                self.inherits.on_request(at, request);
                self.parts_ways.on_request(at, request, core);
                self.counted.on_request(node, request);
            }
            RequestKind::Produce(request) => {
                self.acked.on_request(at, request, core);
                self.enough.on_request(at, request, core);
                let shadows = &self.shadows[node];
                self.retries.on_request(at, request, core, &|folder| shadows.log(folder));
            }
            RequestKind::ListOffsets(request) => {
                self.epochs.on_list_offsets(at, request, core);
                self.latest.on_request(at, request);
                self.times.on_request(at, of_version, request);
                self.earliest.on_request(at, of_version, request);
            }
            RequestKind::OffsetForLeaderEpoch(request) => {
                self.epochs.on_epoch_ends(at, request, &core.image);
                self.epoch_ends.on_request(at, request);
            }
            RequestKind::DeleteRecords(request) => self.low_watermark.on_request(at, request, core),
            RequestKind::OffsetCommit(request) => {
                self.commits.on_request(at, request, core);
                self.told.on_commit(at, request, core);
                self.succeeded.on_commit(at, &request.group_id);
                self.outlived.on_commit(request, core);
                self.heard.on_commit(at, self.now.mono, request);
            }
            RequestKind::OffsetFetch(request) => {
                self.told.on_fetch(at, request, core);
                self.succeeded.on_fetch(at, request, core);
                self.outlived.on_fetch(at, request, core);
            }
            RequestKind::OffsetDelete(request) => self.told.on_delete(&request.group_id),
            RequestKind::DeleteGroups(request) => {
                request.groups_names.iter().for_each(|group| self.told.on_delete(group))
            }
            RequestKind::JoinGroup(request) => {
                self.joins.on_request(at, request);
                self.patience.on_join(at, request);
                self.heard.on_join(at, request);
                self.stays.on_join(at, request);
            }
            RequestKind::CreateTopics(request) => {
                self.made.on_request(at, self.now.mono, core);
                self.placed.on_request(request);
            }
            RequestKind::Heartbeat(request) => {
                self.heard.on_request(at, self.now.mono, request);
                self.stays.on_heartbeat(at, self.now.mono, request);
            }
            RequestKind::SyncGroup(request) => self.stays.on_sync(at, self.now.mono, request),
            RequestKind::LeaveGroup(request) => self.stays.on_leave(request),
            RequestKind::Metadata(request) => self.described.on_request(at, of_version, request, core),
            _ => {}
        }
    }

    /// A request waits until its node takes clients: what was when it came says nothing of its answer.
    pub fn on_put_off(&mut self, at: At) {
        self.decided.forget(at);
        self.described.forget(at);
        self.shown.forget(at);
        self.doubt.on_put_off(at);
        self.heard.forget(at);
        self.stays.put_off(at);
        self.retries.put_off(at);
        self.made.forget(at);
        self.told.forget(at);
        self.enough.forget(at);
        self.outlived.forget(at);
        self.asked.forget(at);
    }

    /// A node closes a connection of its: it takes nothing that came on it.
    pub fn on_close(&mut self, conn: ConnId) {
        self.doubt.on_close(conn);
    }

    /// An answer leaves a node.
    pub fn on_reply(&mut self, node: usize, at: At, reply: &Reply, core: &Core) {
        let judged = self.left_behind.on_reply(node, at);
        self.note_broken(judged);
        let (seen, shadows) = (&self.seen, &self.shadows[node]);
        let before = |replica: &Partition| seen.get(&(node, replica.dir())).copied();
        let led_in = |replica: &Partition| before(replica).filter(|seen| seen.leads).map(|seen| seen.epoch);
        // What bits that flipped did to a log it is not judged by.
        let log = |folder: &str| shadows.log(folder).filter(|_| self.rotten != Some(node));
        if let Reply::Plain(body) = reply {
            let judged = self.shown.on_reply(at, body, core, &self.joins, &log);
            let judged = judged.and(self.asked.on_reply(at, self.now.mono, body, core));
            self.broken = std::mem::take(&mut self.broken).or(judged.err());
        }
        let judged = match reply {
            Reply::Plain(body) => match &**body {
                ResponseKind::Produce(response) => self
                    .acked
                    .on_reply(at, response, core, &mut self.latest)
                    .and_then(|()| self.retries.on_reply(at, response, core, &log))
                    .and_then(|()| stamped::on_produced(response, core))
                    .and_then(|()| self.enough.on_reply(at, response, core))
                    .and_then(|()| hints::on_produced(response, core)),
                // What bits that flipped took away from a replica, it does not tell.
                ResponseKind::ListOffsets(_) if self.rotten == Some(node) => Ok(()),
                ResponseKind::ListOffsets(response) => {
                    let known = |replica: &Partition| self.complete.before(replica.folder(), replica.leader_epoch());
                    self.epochs
                        .on_listed(at, response, core, &led_in)
                        .and_then(|()| self.latest.on_reply(at, response, core, &known))
                        .and_then(|()| self.times.on_reply(at, response, core, &log, (&before, &known)))
                        .and_then(|()| self.earliest.on_reply(at, response, core, &log, &before))
                }
                ResponseKind::DeleteRecords(response) => self.low_watermark.on_reply(at, response, core),
                ResponseKind::OffsetForLeaderEpoch(response) => {
                    let led = |replica: &Partition| before(replica).is_some_and(|seen| seen.leads);
                    self.epochs
                        .on_epoch_ends_told(at, response, core, &led_in)
                        .and_then(|()| self.epoch_ends.on_reply(at, response, core, &log, &led))
                }
                ResponseKind::CreateTopics(response) => self.made.on_reply(at, self.now.mono, response, core),
                ResponseKind::Heartbeat(response) => {
                    self.heard.on_reply(at, response, core).and_then(|()| self.stays.on_reply(node, at, response, core))
                }
                ResponseKind::OffsetCommit(response) => {
                    self.succeeded.on_committed(at, response, core);
                    self.heard
                        .on_committed(at, response, core)
                        .and_then(|()| self.commits.on_reply(at, response, core))
                        .and_then(|()| self.told.on_committed(at, response, core))
                }
                ResponseKind::OffsetFetch(response) => self
                    .outlived
                    .on_fetched(at, response)
                    .and_then(|()| self.succeeded.on_fetched(at, response, core))
                    .and_then(|()| self.told.on_fetched(at, response, core)),
                ResponseKind::JoinGroup(response) => {
                    self.heard.on_joined(at, response, core);
                    self.patience.on_joined(node, at, response, core);
                    self.stays.on_joined(at, response);
                    self.joins.on_reply(at, response)
                }
                ResponseKind::SyncGroup(response) => {
                    self.stays.on_synced(node, at, response, core);
                    Ok(())
                }
                ResponseKind::Metadata(response) => self.described.on_reply(at, response, core),
                ResponseKind::FetchSnapshot(response) => self.followed.on_snapshot(at, response, core),
                body => {
                    if let ResponseKind::BrokerHeartbeat(response) = body {
                        self.let_go.on_reply(at, response);
                        self.doubt.on_beat_answered(at, response);
                        self.leaves.on_reply(at, response);
                    }
                    let led = Some(self.quorum_seen[node]).filter(|(_, leads, ..)| *leads).map(|(epoch, ..)| epoch);
                    let quorum = &core.quorum;
                    let voter = votes::Voter { last: quorum.last(), hears_leader: quorum.hears_leader() };
                    let learnt = match body {
                        ResponseKind::BrokerHeartbeat(response) => self.learnt.on_reply(at, response),
                        ResponseKind::AlterPartition(response) => self.alters.on_reply(at, response),
                        _ => Ok(()),
                    };
                    learnt
                        .and_then(|()| self.incarnations.on_reply(at, body))
                        .and_then(|()| self.decided.on_reply(at, body, core, led))
                        .and_then(|()| self.blocks.on_reply(body))
                        .and_then(|()| self.votes.on_reply(node, at, body, voter))
                }
            },
            Reply::Fetch { response, records } => {
                self.followed.on_fetched(at, response);
                self.inherits.on_reply(at, response);
                let has = |replica: &Partition, epoch: i32| {
                    let Some(log) = log(replica.folder()) else { return true };
                    let start = replica.log_start().0;
                    let mut epochs = log.entries.iter().filter(|entry| entry.last >= start).map(|entry| entry.epoch);
                    epochs.clone().all(|other| other >= epoch) || epochs.any(|other| other == epoch)
                };
                self.hearsay.on_reply(at, response, core);
                self.epochs
                    .on_reply(at, response, core, &led_in)
                    .and_then(|()| self.committed_reads.on_reply(at, response, records, shadows))
                    .and_then(|()| self.reads.on_reply(at, response, records, core, &before))
                    .and_then(|()| self.parts_ways.on_reply(at, response, core, &has))
                    .and_then(|()| self.measure.on_reply(at, self.now.mono, response, records, core))
                    .and_then(|()| hints::on_fetched(response, core))
            }
            Reply::Silence => self.acked.on_silence(at, core),
        };
        self.note_broken(judged);
    }

    /// A call leaves a node.
    pub fn on_call(&mut self, node: usize, body: &RequestKind, core: &Core) {
        if let RequestKind::BrokerHeartbeat(request) = body {
            self.leaves.on_call(node, self.now.mono, request);
            let judged = self.beats.on_call(node, request, core);
            self.note_broken(judged);
        }
        let judged = match body {
            RequestKind::AlterPartition(request) => self.members.on_call(node, self.now.mono, request, core),
            RequestKind::CreateTopics(request) => offsets_topic::on_call(request, &core.config.file),
            body => self.votes.on_call(node, body),
        };
        self.note_broken(judged);
    }
}
