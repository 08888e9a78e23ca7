//! A member of a classic consumer group: joins, takes its part, reads, commits, and heeds rebalances.
//!
//! ```text
//! Away ── coordinator found, JoinGroup answered ──▶ Syncing ── SyncGroup, offsets asked ──▶ Stable ── rebalance ──▶ Away
//! ```

mod answer;
mod ask;
mod unruly;

use super::subscription::Subscription;
use super::{Client, Ctx, Event, Heard, Link, Map, Me, Part, earliest};
use crate::net::Peer;
use crate::plan::{ClientPlan, Plan};
use kafka_protocol::messages::GroupId;
use kafka_protocol::messages::sync_group_request::SyncGroupRequestAssignment;
use kafka_protocol::protocol::StrBytes;
use std::collections::BTreeMap;

const RETRY_US: u64 = 60_000;
/// How long a member that leaves in order may take to say so.
const LEAVING_US: u64 = 2_000_000;

#[derive(Debug)]
enum Purpose {
    Map,
    Find,
    Join,
    Sync,
    Offsets {
        op: u64,
    },
    Start,
    Poll {
        op: u64,
        generation: i32,
    },
    Commit {
        op: u64,
        generation: i32,
    },
    Heartbeat,
    Leave,
    /// Whatever comes of it.
    Unruly,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    Away,
    Syncing,
    Offsets,
    Stable,
}

/// A member of a group.
#[derive(Debug)]
pub struct Member {
    me: Me,
    group: u32,
    name: GroupId,
    topics: Vec<u32>,
    session_ms: i32,
    rebalance_ms: i32,
    heartbeat_us: u64,
    commit_us: u64,
    rejoin_us: u64,
    request_timeout: u64,
    instance: Option<StrBytes>,
    link: Link<Purpose>,
    map: Map,
    coordinator: Option<Peer>,
    stage: Stage,
    id: StrBytes,
    generation: i32,
    /// As the group's leader: what each member gets.
    parts: Vec<SyncGroupRequestAssignment>,
    subscription: Subscription,
    committed: BTreeMap<u32, i64>,
    not_before: u64,
    poll_after: u64,
    next_heartbeat: u64,
    next_commit: u64,
    next_rejoin: u64,
    /// When it begins, and when it falls silent.
    from: u64,
    silent: u64,
    /// In order: it says so, if it can.
    leaves: bool,
    /// When another takes its place: then being fenced is its end.
    replaced_at: u64,
    gone: bool,
    late_commits: bool,
    /// As it likes them.
    assignors: Vec<String>,
    asks_all: bool,
    by_name: bool,
    /// The generation before this one, in which it commits once more.
    before: Option<i32>,
    /// So often it does what is out of turn, and when next.
    unruly_us: u64,
    next_unruly: u64,
    /// How often it has changed what it says to the assignors.
    words: u32,
    /// Until then it goes on as if the others did not join, or does not ask for its part.
    drags_until: u64,
    /// How long what it commits is to be kept, in ms; 0: it does not say.
    kept_ms: u64,
    /// All partitions of its topics.
    wanted: Vec<u32>,
}

/// A group that never has members: a stranger commits in its name.
pub const ORPHANS: &str = "orphans";

/// The name of a group of the plan.
pub fn group_name(group: u32) -> String {
    format!("g{group}")
}

impl Member {
    pub fn new(plan: &Plan, client: ClientPlan, me: Me) -> Self {
        let ClientPlan::Member {
            group,
            topics,
            session_ms,
            rebalance_ms,
            heartbeat_us,
            commit_us,
            request_timeout_us,
            instance,
            rejoin_us,
            from_us,
            silent_us,
            leaves,
            late_commits,
            assignors,
            asks_all,
            by_name,
            unruly_us,
            kept_ms,
        } = client
        else {
            unreachable!("a member's plan")
        };
        let wanted = (0..).zip(plan.partitions());
        let mine = |topic: &str| topics.iter().any(|number| plan.topics[*number as usize].name == topic);
        Self {
            wanted: wanted.filter(|(_, (topic, _))| mine(&topic.name)).map(|(partition, _)| partition).collect(),
            from: from_us,
            silent: if silent_us > 0 { silent_us } else { u64::MAX },
            leaves,
            replaced_at: replaced_at(plan, group, instance.as_deref(), from_us),
            gone: false,
            late_commits,
            assignors: if assignors.is_empty() { vec!["range".into()] } else { assignors },
            asks_all,
            by_name,
            before: None,
            unruly_us,
            next_unruly: if unruly_us > 0 { unruly_us } else { u64::MAX },
            words: 0,
            drags_until: 0,
            kept_ms,
            group,
            name: GroupId(StrBytes::from(group_name(group))),
            topics,
            session_ms,
            rebalance_ms,
            heartbeat_us,
            commit_us,
            rejoin_us,
            request_timeout: request_timeout_us,
            instance: instance.map(StrBytes::from),
            link: Link::new(me.peer, &format!("member-{}", me.number)),
            map: Map::new(plan, me.peer),
            coordinator: None,
            stage: Stage::Away,
            id: StrBytes::default(),
            generation: -1,
            parts: Vec::new(),
            subscription: Subscription::default(),
            committed: BTreeMap::new(),
            not_before: 0,
            poll_after: 0,
            next_heartbeat: u64::MAX,
            next_commit: u64::MAX,
            next_rejoin: if rejoin_us > 0 { rejoin_us } else { u64::MAX },
            me,
        }
    }
}

/// When another begins to be the same instance of the group; never, if it began before.
fn replaced_at(plan: &Plan, group: u32, instance: Option<&str>, from: u64) -> u64 {
    let later = plan.clients.iter().filter_map(|client| match client {
        ClientPlan::Member { group: other, instance: Some(name), from_us, .. }
            if *other == group && instance == Some(name) && *from_us > from =>
        {
            Some(*from_us)
        }
        _ => None,
    });
    later.min().unwrap_or(u64::MAX)
}

impl Client for Member {
    fn on_event(&mut self, ctx: &mut Ctx<'_>, event: Event) {
        let patience = if self.leaves { LEAVING_US } else { 0 };
        self.gone |= ctx.now >= self.silent.saturating_add(patience);
        if self.gone || ctx.now < self.from {
            return;
        }
        match self.link.hear(ctx, event) {
            Heard::Answer(purpose, answer) => self.on_answer(ctx, purpose, answer),
            Heard::Lost(lost) => lost.into_iter().for_each(|purpose| self.on_lost(ctx, purpose)),
            // Members that come and go would keep the group from its end.
            Heard::Quiet => (self.next_rejoin, self.next_unruly, self.drags_until) = (u64::MAX, u64::MAX, 0),
            Heard::Nothing => {}
        }
        self.advance(ctx);
    }

    fn next_wake(&self) -> Option<u64> {
        if self.gone {
            return None;
        }
        let polling = self.link.open().any(|purpose| matches!(purpose, Purpose::Poll { .. } | Purpose::Start));
        let stable = self.stage == Stage::Stable;
        let can_read = self.subscription.places.keys().any(|partition| self.map.leader(*partition).is_some());
        let reads = (stable && !polling && can_read).then_some(self.poll_after);
        let commits = self.has_news().then_some(self.next_commit);
        let next = if stable && self.coordinator.is_some() {
            let leaves = if self.leaves { self.silent } else { u64::MAX };
            earliest([commits, Some(self.next_heartbeat), Some(self.next_rejoin), Some(self.next_unruly), Some(leaves)])
        } else {
            Some(0)
        };
        let steps = next.filter(|_| !self.is_asking()).map(|at| at.max(self.not_before));
        let next = earliest([self.link.next_deadline(), self.map.next_wake(), reads, steps]);
        next.map(|at| at.max(self.from))
    }

    fn part(&self) -> Option<Part> {
        let has = self.subscription.places.keys().copied().collect();
        (!self.gone).then(|| Part { group: self.group, wanted: self.wanted.clone(), has })
    }

    fn settled(&self, _gone: Option<Peer>) -> Result<(), String> {
        if self.gone {
            return Ok(());
        }
        if self.stage != Stage::Stable {
            return Err(format!("member {} is {:?} in generation {}", self.me.number, self.stage, self.generation));
        }
        let behind = self
            .subscription
            .places
            .iter()
            .find(|(_, at)| at.offset.is_none() || at.end.is_none() || at.offset < at.end);
        behind.map_or(Ok(()), |(partition, at)| {
            Err(format!("member {} stands at {:?} of {:?} in partition {partition}", self.me.number, at.offset, at.end))
        })
    }
}
