//! What a member makes of answers, and of requests that were lost.

use super::{Member, Purpose, RETRY_US, Stage};
use crate::client::Ctx;
use crate::client::assignment::{assignment_bytes, assignment_of};
use crate::client::map::number;
use crate::client::subscription::Subscription;
use crate::history::{Act, State};
use crate::net::Peer;
use bytes::Bytes;
use kafka_protocol::ResponseError as Code;
use kafka_protocol::messages::sync_group_request::SyncGroupRequestAssignment;
use kafka_protocol::messages::{JoinGroupResponse, OffsetFetchResponse, ResponseKind};
use kafka_protocol::protocol::StrBytes;

impl Member {
    /// It is on its way out, in order and for good.
    pub(super) const fn is_leaving(&self, now: u64) -> bool {
        self.leaves && now >= self.silent
    }

    pub(super) fn rejoin(&mut self, ctx: &Ctx<'_>) {
        self.stage = Stage::Away;
        self.not_before = self.not_before.max(ctx.now + 5_000);
    }

    /// An error of the group's: what it means for the membership.
    fn on_error(&mut self, ctx: &Ctx<'_>, code: i16) {
        match Code::try_from_code(code) {
            None => {}
            // Old commits do not say which instance they are of, and are told that the member is unknown (seed 31200798).
            Some(Code::FencedInstanceId | Code::UnknownMemberId) if ctx.now >= self.replaced_at => self.gone = true,
            Some(Code::RebalanceInProgress) if self.drags(ctx) => {}
            Some(Code::UnknownMemberId | Code::FencedInstanceId) => {
                self.id = StrBytes::default();
                self.generation = -1;
                self.rejoin(ctx);
            }
            Some(Code::RebalanceInProgress | Code::IllegalGeneration) => self.rejoin(ctx),
            Some(Code::NotCoordinator | Code::CoordinatorNotAvailable) => {
                self.coordinator = None;
                self.not_before = ctx.now + RETRY_US;
            }
            Some(_) => self.not_before = ctx.now + RETRY_US,
        }
    }

    pub(super) fn on_lost(&mut self, ctx: &mut Ctx<'_>, purpose: Purpose) {
        match purpose {
            Purpose::Map => self.map.on_lost(ctx),
            Purpose::Start => {
                self.map.refresh(ctx);
                self.poll_after = ctx.now + RETRY_US;
            }
            Purpose::Poll { op, .. } => {
                self.me.unknown(ctx, op, "connection lost");
                self.map.refresh(ctx);
                self.poll_after = ctx.now + RETRY_US;
            }
            Purpose::Commit { op, .. } | Purpose::Offsets { op } => {
                self.me.unknown(ctx, op, "connection lost");
                self.lose_coordinator(ctx);
            }
            Purpose::Leave => {
                self.gone |= self.is_leaving(ctx.now);
                self.id = StrBytes::default();
                self.rejoin(ctx);
                self.lose_coordinator(ctx);
            }
            Purpose::Unruly => {}
            Purpose::Find | Purpose::Join | Purpose::Sync | Purpose::Heartbeat => self.lose_coordinator(ctx),
        }
    }

    fn lose_coordinator(&mut self, ctx: &Ctx<'_>) {
        self.coordinator = None;
        self.not_before = ctx.now + RETRY_US;
    }

    pub(super) fn on_answer(&mut self, ctx: &mut Ctx<'_>, purpose: Purpose, answer: ResponseKind) {
        match (purpose, answer) {
            (Purpose::Map, ResponseKind::Metadata(answer)) => self.map.on_answer(ctx, &answer),
            (Purpose::Find, ResponseKind::FindCoordinator(answer)) => {
                let known = (1..=ctx.plan.nodes.len() as i32).contains(&answer.node_id.0);
                self.coordinator = (answer.error_code == 0 && known).then(|| (answer.node_id.0 - 1) as Peer);
                if self.coordinator.is_none() {
                    self.not_before = ctx.now + RETRY_US;
                }
            }
            (Purpose::Join, ResponseKind::JoinGroup(answer)) => self.on_joined(ctx, &answer),
            (Purpose::Sync, ResponseKind::SyncGroup(answer)) if answer.error_code == 0 => {
                self.on_synced(ctx, &answer.assignment)
            }
            (Purpose::Sync, ResponseKind::SyncGroup(answer)) => self.on_error(ctx, answer.error_code),
            (Purpose::Offsets { op }, ResponseKind::OffsetFetch(answer)) => self.on_offsets(ctx, op, &answer),
            (Purpose::Start, ResponseKind::ListOffsets(answer)) => {
                // What was asked for an assignment that is over places nobody: what the group had committed is asked first.
                if self.stage != Stage::Stable {
                    return;
                }
                for (partition, offset) in self.subscription.on_listed(ctx, &mut self.map, &answer) {
                    self.me.tell(ctx, Act::Seek { partition, offset });
                }
                self.poll_after = ctx.now + 5_000;
            }
            (Purpose::Poll { op, generation }, ResponseKind::Fetch(answer)) => {
                // What was fetched for an assignment that is over is not handed to anybody.
                if generation != self.generation || self.stage != Stage::Stable {
                    self.me.unknown(ctx, op, "rebalanced");
                    return;
                }
                let fetched = self.subscription.on_fetched(ctx, &mut self.map, &answer);
                self.poll_after = ctx.now + 10_000;
                self.me.end(ctx, op, State::Ok, Act::Polled { reads: fetched.reads });
            }
            (Purpose::Commit { op, generation }, ResponseKind::OffsetCommit(answer)) => {
                let codes = answer.topics.iter().flat_map(|topic| &topic.partitions).map(|told| told.error_code);
                let wrong = codes.max_by_key(|code| code.unsigned_abs()).unwrap_or(0);
                if wrong != 0 {
                    self.me.unknown(ctx, op, &format!("{:?}", Code::try_from_code(wrong)));
                    // What is said of a generation that is over says nothing of this one.
                    if generation == self.generation {
                        self.on_error(ctx, wrong);
                    }
                    return;
                }
                self.me.end(ctx, op, State::Ok, Act::Done);
                if generation == self.generation {
                    self.committed = self
                        .subscription
                        .places
                        .iter()
                        .filter_map(|(partition, at)| Some((*partition, at.offset?)))
                        .collect();
                }
            }
            (Purpose::Heartbeat, ResponseKind::Heartbeat(answer)) => self.on_error(ctx, answer.error_code),
            (Purpose::Leave, ResponseKind::LeaveGroup(_)) => {
                self.gone |= self.is_leaving(ctx.now);
                self.id = StrBytes::default();
                self.generation = -1;
                self.rejoin(ctx);
            }
            _ => {}
        }
    }

    fn on_joined(&mut self, ctx: &mut Ctx<'_>, answer: &JoinGroupResponse) {
        match Code::try_from_code(answer.error_code) {
            None => {}
            Some(Code::MemberIdRequired) => {
                self.id = answer.member_id.clone();
                return;
            }
            Some(_) => return self.on_error(ctx, answer.error_code),
        }
        let known = self.generation >= 0 && self.id == answer.member_id && self.generation < answer.generation_id;
        self.before = (self.late_commits && known).then_some(self.generation);
        self.id = answer.member_id.clone();
        self.generation = answer.generation_id;
        self.stage = Stage::Syncing;
        self.parts = Vec::new();
        if answer.leader == answer.member_id {
            let members: Vec<StrBytes> = answer.members.iter().map(|member| member.member_id.clone()).collect();
            self.parts = self.divide(ctx, &members);
        }
        self.ask_again(ctx);
        self.dawdle(ctx);
    }

    /// Gives the partitions to the members in turn.
    fn divide(&self, ctx: &Ctx<'_>, members: &[StrBytes]) -> Vec<SyncGroupRequestAssignment> {
        let mine = |topic: usize| self.topics.contains(&(topic as u32));
        let mut parts: Vec<Vec<(String, i32)>> = vec![Vec::new(); members.len()];
        let all = ctx
            .plan
            .partitions()
            .filter(|(topic, _)| ctx.plan.topics.iter().position(|known| known.name == topic.name).is_some_and(mine));
        for (turn, (topic, partition)) in all.enumerate() {
            parts[turn % members.len()].push((topic.name.clone(), partition as i32));
        }
        let assign = |(member, part): (&StrBytes, &Vec<(String, i32)>)| {
            let mut assignment = SyncGroupRequestAssignment::default();
            assignment.member_id = member.clone();
            assignment.assignment = assignment_bytes(part);
            assignment
        };
        members.iter().zip(&parts).map(assign).collect()
    }

    fn on_synced(&mut self, ctx: &mut Ctx<'_>, assignment: &Bytes) {
        let Some(part) = assignment_of(assignment) else {
            ctx.corrupt.push(format!("member {} is told an assignment that cannot be read", self.me.number));
            return;
        };
        let partitions: Vec<u32> = part
            .iter()
            .filter_map(|(topic, partition)| number(ctx.plan, &StrBytes::from(topic.clone()).into(), *partition))
            .collect();
        self.subscription = Subscription::new(partitions.iter().copied());
        self.committed.clear();
        let instance = self.instance.as_ref().map(StrBytes::to_string);
        self.me.tell(ctx, Act::Assigned { group: self.group, generation: self.generation, partitions, instance });
        self.stage = Stage::Offsets;
        self.next_heartbeat = ctx.now + self.heartbeat_us;
        self.next_commit = ctx.now + self.commit_us;
    }

    fn on_offsets(&mut self, ctx: &mut Ctx<'_>, op: u64, answer: &OffsetFetchResponse) {
        let all: Vec<_> = answer
            .topics
            .iter()
            .flat_map(|topic| topic.partitions.iter().map(move |told| (&topic.name, told)))
            .collect();
        let wrong = all.iter().map(|(_, told)| told.error_code).chain([answer.error_code]).find(|code| *code != 0);
        if let Some(code) = wrong {
            self.me.unknown(ctx, op, "refused");
            return self.on_error(ctx, code);
        }
        // A leader of an epoch before this one may not have that offset yet (KIP-320).
        let epochs = all.iter().filter_map(|(name, told)| {
            Some((number(ctx.plan, name, told.partition_index)?, told.committed_leader_epoch))
        });
        epochs.for_each(|(partition, epoch)| self.map.learn(ctx, partition, epoch));
        let mut offsets: Vec<(u32, i64)> = all
            .iter()
            .filter_map(|(name, told)| Some((number(ctx.plan, name, told.partition_index)?, told.committed_offset)))
            // Asked for all it is told what others have, too.
            .filter(|(partition, _)| self.subscription.places.contains_key(partition))
            .collect();
        for (partition, offset) in offsets.iter().filter(|(_, offset)| *offset >= 0) {
            if let Some(at) = self.subscription.places.get_mut(partition) {
                at.offset = Some(*offset);
                self.committed.insert(*partition, *offset);
            }
        }
        // Asked for all, of what nothing is committed for it is told nothing.
        let told: Vec<u32> = offsets.iter().map(|(partition, _)| *partition).collect();
        offsets.extend(self.subscription.places.keys().filter(|own| !told.contains(own)).map(|own| (*own, -1)));
        self.me.end(ctx, op, State::Ok, Act::Told { offsets });
        self.stage = Stage::Stable;
    }
}
