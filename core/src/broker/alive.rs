//! This node's registration with the active controller, its heartbeats, and its blocks of producer ids.
//!
//! ```text
//! Outside ─ registration granted ─▶ Inside ─ Stop, and the controller lets go ─▶ Left
//!    ▲                                │
//!    └──── epoch no longer known ─────┘
//! ```
//!
//! A heartbeat leaves every `broker.heartbeat.interval.ms`, and at once when it matters: to be unfenced, to leave, when the
//! controller has changed (a new one suspects whom it has not heard of), when another broker leaves (which waits for all to
//! have seen it), and when the disk is full, or is not any more.
//!
//! A node asks to be unfenced when all its logs are open: else it would be made a leader where another could lead at once.
//!
//! A node that stood still (a stopped process, a machine that slept) may have been fenced and followed meanwhile, and does not
//! know. Before it takes clients' requests again it hears the controller: else a group's coordinator would tell the offsets
//! of before (seed 3539294009; Kafka's does). The controller unfences nobody who does not know why it was fenced. It is waited
//! for no longer than a session: where no controller is, nobody was followed either.
//!
//! A node that is cut off from the controller, and not from its clients, goes on: what it writes needs its followers. What it
//! only tells does not. Each heartbeat that is answered vouches for it for two intervals from when it left, a session at most
//! ([`Node::vouched_until`]): by then the next one would have been answered. This bounds for how long it tells what a successor may
//! have changed, and does not exclude it: whom the controller cannot reach it fences sooner, a new controller above all; and a
//! controller that is cut off itself answers until it resigns.

use crate::config::NodeConfig;
use crate::controller::{FEATURES, FULL_TAG};
use crate::error::ErrorCode;
use crate::id::{BrokerEpoch, CallId, LeaderEpoch, NodeId, Uuid};
use crate::io::{Address, CallFault, ID_TAKEN, Lane, Listener, Note};
use crate::metadata::Broker;
use crate::mutant::{self, Mutant};
use crate::node::Node;
use crate::partition::Partition;
use crate::time::{Mono, Now, Span, earliest};
use alloc::boxed::Box;
use alloc::format;
use alloc::vec;
use alloc::vec::Vec;
use bytes::Bytes;
use kafka_protocol::messages::broker_registration_request::{Feature, Listener as Endpoint};
use kafka_protocol::messages::{
    AllocateProducerIdsRequest, ApiKey, BrokerHeartbeatRequest, BrokerId, BrokerRegistrationRequest, RequestKind,
    ResponseKind,
};
use kafka_protocol::protocol::StrBytes;

/// Between nodes the newest version that both the codec and Kafka 4.3 know is used.
const REGISTRATION_VERSION: i16 = 4;
const HEARTBEAT_VERSION: i16 = 1;
const PRODUCER_IDS_VERSION: i16 = 0;

/// How long until what was refused or lost is tried again, and until a fenced or leaving broker's next heartbeat.
const AGAIN: Span = Span::from_millis(50);
/// A second process with this node's id is no passing state: it is looked at again, but not in haste.
const DUPLICATE_AGAIN: Span = Span::from_millis(500);
/// How long a node that leaves looks for a controller to ask.
const NOBODY_TO_ASK: Span = Span::from_millis(1000);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Outside,
    Inside(BrokerEpoch),
    Left,
}

/// A request under way.
#[derive(Debug)]
struct Sent {
    call: CallId,
    to: Address,
    /// The epoch of the controller that was asked.
    epoch: LeaderEpoch,
    /// When it left.
    at: Mono,
    /// It is given up then; its late answer means nothing.
    until: Mono,
}

#[derive(Debug)]
pub(super) struct Alive {
    state: State,
    /// This process: a registration with another incarnation is another process's.
    incarnation: Uuid,
    /// Its registration has come back through the committed metadata, once.
    was_registered: bool,
    interval: Span,
    /// Registration or heartbeat.
    sent: Option<Sent>,
    /// When the next registration or heartbeat is due; `None`: at once.
    due: Option<Mono>,
    /// The controller that was asked last.
    asked: LeaderEpoch,
    /// It was told that another process is registered under this node's id.
    told_duplicate: bool,
    /// The node stops; since when no controller was there to let it go.
    leaving: bool,
    alone_since: Option<Mono>,
    controlled: bool,
    /// Something happened that the controller waits to hear that this node has seen.
    news: bool,
    /// Brokers that were seen leaving: each is news once.
    seen_leaving: Vec<NodeId>,
    /// It has asked to be unfenced, in this life.
    asked_in: bool,
    /// The last heartbeat did not, for its logs are being opened.
    told_opening: bool,
    /// The last heartbeat said that the node has no room.
    told_full: bool,
    /// When the last input came.
    awake: Mono,
    /// The node stood still, and until then waits for the controller to hear what became of it.
    doubt: Option<Mono>,
    /// AllocateProducerIds under way, and when it may be sent again.
    ids: Option<Sent>,
    ids_due: Option<Mono>,
}

impl Alive {
    pub fn new(config: &NodeConfig) -> Self {
        Self {
            state: if config.is_broker { State::Outside } else { State::Left },
            incarnation: config.identity.incarnation,
            was_registered: false,
            interval: config.brokers.heartbeat_interval,
            sent: None,
            due: None,
            asked: LeaderEpoch::NONE,
            told_duplicate: false,
            leaving: false,
            alone_since: None,
            controlled: config.brokers.controlled_shutdown,
            news: false,
            seen_leaving: Vec::new(),
            asked_in: false,
            told_opening: false,
            told_full: false,
            awake: Mono(0),
            doubt: None,
            ids: None,
            ids_due: None,
        }
    }

    /// The controller's answer to this incarnation's registration; what AlterPartition and fetches name.
    pub fn epoch(&self) -> Option<BrokerEpoch> {
        match self.state {
            State::Inside(epoch) => Some(epoch),
            State::Outside | State::Left => None,
        }
    }

    fn own<'a>(&self, node: &'a Node) -> Option<&'a Broker> {
        node.image.broker(node.config.node).filter(|broker| broker.incarnation == self.incarnation)
    }

    /// Whether this incarnation's registration has come back through the committed metadata.
    pub fn is_registered(&self, node: &Node) -> bool {
        self.own(node).is_some()
    }

    /// Whether what the metadata says of this node's replicas is said to this process: since its registration came back, and also when
    /// that was taken away again (UnregisterBroker, or another process of this id), for then others lead what it led.
    pub fn has_roles(&mut self, node: &Node) -> bool {
        let registered = self.is_registered(node);
        self.was_registered |= registered;
        registered || self.was_registered && !mutant::is(Mutant::UnregisteredLeadsOn)
    }

    /// Whether another process is registered under this node's id: what that id leads is not for this one to lead.
    pub fn is_replaced(&self, node: &Node) -> bool {
        node.image.broker(node.config.node).is_some_and(|broker| broker.incarnation != self.incarnation)
    }

    /// Whether this node is registered and not fenced: clients may be served. A controller alone serves nobody.
    pub fn is_serving(&self, node: &Node) -> bool {
        !node.config.is_broker || self.own(node).is_some_and(|broker| !broker.fenced)
    }

    /// Before every input. A heartbeat and its answer would have come between two of them: if they did not, the node stood still.
    /// Answers whether it did.
    pub fn notice_standstill(&mut self, now: Mono, session: Span) -> bool {
        let still = now.since(self.awake) > self.patience();
        self.awake = now;
        if still && matches!(self.state, State::Inside(_)) && !mutant::is(Mutant::NoDoubt) {
            self.doubt = Some(now + session);
            // What is answered now was asked before.
            self.sent = None;
            self.due = None;
        }
        still
    }

    /// Whether clients wait until the controller was heard.
    pub const fn is_in_doubt(&self) -> bool {
        self.doubt.is_some()
    }

    /// The node wants to stop: from now on heartbeats ask the controller to move its leaders away.
    pub fn begin_leaving(&mut self, node: &mut Node) {
        self.leaving = true;
        node.vouched_until = Mono(0);
        self.due = None;
        if !self.controlled || self.state == State::Outside {
            self.state = State::Left;
        }
    }

    /// The controller let this node go (or there is nobody to ask).
    pub fn has_left(&self) -> bool {
        self.state == State::Left
    }

    /// After every input: registers when a controller is known, heartbeats at once when the state asks for it. Whether it did anything.
    pub fn settle(&mut self, node: &mut Node, now: Now) -> bool {
        if self.state == State::Left {
            return false;
        }
        self.notice_leaving(node);
        self.news |= self.told_opening && self.can_serve(node);
        self.news |= node.room.is_full() != self.told_full;
        let Some((to, epoch)) = controller_of(node) else {
            return self.nobody(now);
        };
        self.alone_since = None;
        if epoch != self.asked {
            self.asked = epoch;
            self.due = None;
        }
        let mut moved = self.settle_ids(node, now, &to, epoch);
        let waits = self.sent.as_ref().is_some_and(|sent| sent.epoch == epoch && sent.to == to);
        if waits || !(self.news || self.due.is_none_or(|at| at <= now.mono)) {
            return moved;
        }
        self.news = false;
        self.told_full = node.room.is_full();
        let request: Option<(ApiKey, i16, RequestKind)> = match self.state {
            State::Outside => {
                self.registration(node).map(|r| (ApiKey::BrokerRegistration, REGISTRATION_VERSION, r.into()))
            }
            State::Inside(epoch) => {
                Some((ApiKey::BrokerHeartbeat, HEARTBEAT_VERSION, self.heartbeat(node, epoch).into()))
            }
            State::Left => None,
        };
        if let Some((key, version, body)) = request {
            let call = node.out.call(to.clone(), Lane::Control, key, version, body);
            self.sent = Some(Sent { call, to, epoch, at: now.mono, until: now.mono + self.patience() });
            self.due = Some(now.mono + self.interval);
            moved = true;
        }
        moved
    }

    /// No controller is known: one that leaves waits a while for one.
    fn nobody(&mut self, now: Now) -> bool {
        if !self.leaving {
            return false;
        }
        let since = *self.alone_since.get_or_insert(now.mono);
        if now.mono < since + NOBODY_TO_ASK {
            return false;
        }
        self.state = State::Left;
        true
    }

    /// Whether the node can serve: it has seen its registration, and, for the first time in this life, all its logs are open. Logs that come
    /// later open while it serves.
    fn can_serve(&self, node: &Node) -> bool {
        let opens = || node.partitions.iter().any(Partition::is_opening) && !mutant::is(Mutant::LetInOpening);
        self.is_registered(node) && (self.asked_in || !opens())
    }

    /// A broker that leaves waits until all others have applied what moved its leaders: it is told at once.
    fn notice_leaving(&mut self, node: &Node) {
        let leaving = || node.image.brokers().filter(|broker| broker.leaving && !broker.fenced).map(|broker| broker.id);
        // After every input: nothing is collected where nothing is new.
        if leaving().eq(self.seen_leaving.iter().copied()) {
            return;
        }
        let leaving: Vec<NodeId> = leaving().collect();
        self.news |= leaving.iter().any(|id| !self.seen_leaving.contains(id));
        self.seen_leaving = leaving;
    }

    fn patience(&self) -> Span {
        Span(self.interval.0.saturating_mul(2))
    }

    fn registration(&self, node: &Node) -> Option<BrokerRegistrationRequest> {
        let cluster = node.image.cluster_id()?.wire();
        let config = &node.config;
        // The listener of the brokers among themselves comes first (`metadata::Broker::main_address`).
        let mut doors: Vec<_> = config.doors.iter().filter(|door| door.listener == Listener::Broker).collect();
        doors.sort_by_key(|door| !door.name.eq_ignore_ascii_case(&config.inter_broker));
        let listeners = doors.into_iter().map(|door| {
            Endpoint::default()
                .with_name(StrBytes::from_string(door.name.clone()))
                .with_host(door.advertised.host.clone())
                .with_port(door.advertised.port)
        });
        let features = FEATURES.iter().map(|(name, level)| {
            Feature::default().with_name(StrBytes::from_static_str(name)).with_max_supported_version(*level)
        });
        let request = BrokerRegistrationRequest::default()
            .with_broker_id(BrokerId(config.node.0))
            .with_cluster_id(cluster)
            .with_incarnation_id(self.incarnation.into())
            .with_listeners(listeners.collect())
            .with_features(features.collect())
            .with_rack(config.rack.clone().map(StrBytes::from_string))
            .with_log_dirs(vec![config.identity.directory.into()]);
        Some(request)
    }

    fn heartbeat(&mut self, node: &Node, epoch: BrokerEpoch) -> BrokerHeartbeatRequest {
        self.asked_in = self.can_serve(node);
        self.told_opening = self.is_registered(node) && !self.asked_in;
        let mut request = BrokerHeartbeatRequest::default();
        if node.room.is_full() && !mutant::is(Mutant::FullUntold) {
            request.unknown_tagged_fields.insert(FULL_TAG, Bytes::new());
        }
        request
            .with_broker_id(BrokerId(node.config.node.0))
            .with_broker_epoch(epoch.0)
            .with_current_metadata_offset(if mutant::is(Mutant::BeatsAhead) {
                node.quorum.end().0 - 1
            } else {
                node.image.offset().0
            })
            // A broker that has not seen its own registration has not caught up: it stays fenced until it has, and its logs are open
            // (as Kafka's, whose `BrokerLifecycleManager` waits for the log manager).
            .with_want_fence(!self.asked_in && !self.leaving)
            .with_want_shut_down(self.leaving)
    }

    pub fn on_tick(&mut self, now: Now) {
        for sent in [&mut self.sent, &mut self.ids] {
            if sent.as_ref().is_some_and(|sent| sent.until <= now.mono) {
                *sent = None;
            }
        }
        // What is due stays due, without a deadline, until there is a controller.
        for due in [&mut self.due, &mut self.ids_due, &mut self.doubt] {
            if due.is_some_and(|at| at <= now.mono) {
                *due = None;
            }
        }
    }

    pub fn next_deadline(&self) -> Option<Mono> {
        if self.state == State::Left {
            return None;
        }
        let until = self.sent.as_ref().map(|sent| sent.until);
        let next = until.or(self.due);
        let ids = self.ids.as_ref().map(|sent| sent.until).or(self.ids_due);
        let alone = self.alone_since.map(|since| since + NOBODY_TO_ASK);
        earliest([next, ids, alone, self.doubt])
    }

    pub fn owns_call(&self, call: CallId) -> bool {
        [&self.sent, &self.ids].into_iter().flatten().any(|sent| sent.call == call)
    }

    pub fn on_call_done(
        &mut self,
        node: &mut Node,
        now: Now,
        call: CallId,
        result: Result<Box<ResponseKind>, CallFault>,
    ) {
        if self.ids.as_ref().is_some_and(|sent| sent.call == call) {
            self.ids = None;
            self.on_ids(node, now, result);
            return;
        }
        let sent_at = self.sent.take().map_or(Mono(0), |sent| sent.at);
        self.due = Some(now.mono + AGAIN);
        // Whatever else comes (a lost connection, another kind of reply) means: once more.
        match (self.state, result.map(|body| *body)) {
            (State::Outside, Ok(ResponseKind::BrokerRegistration(response))) => {
                match ErrorCode::try_from_code(response.error_code) {
                    None => {
                        self.state = State::Inside(BrokerEpoch(response.broker_epoch));
                        self.due = None;
                        self.told_duplicate = false;
                    }
                    Some(ErrorCode::DuplicateBrokerRegistration) => {
                        self.due = Some(now.mono + DUPLICATE_AGAIN);
                        self.tell_duplicate(node);
                    }
                    Some(_) => {}
                }
            }
            (State::Inside(_), Ok(ResponseKind::BrokerHeartbeat(response))) => {
                match ErrorCode::try_from_code(response.error_code) {
                    None if response.should_shut_down => self.state = State::Left,
                    None if response.is_fenced && mutant::is(Mutant::DoubtEndsFenced) => self.doubt = None,
                    None if response.is_fenced || self.leaving => node.vouched_until = Mono(0),
                    None => {
                        self.due = Some(now.mono + self.interval);
                        self.doubt = None;
                        node.vouched_until = sent_at + self.patience().min(node.config.brokers.session_timeout);
                    }
                    Some(ErrorCode::StaleBrokerEpoch) if self.leaving => self.state = State::Left,
                    Some(ErrorCode::StaleBrokerEpoch) if mutant::is(Mutant::StaleEpochUnheard) => {}
                    Some(ErrorCode::StaleBrokerEpoch) => {
                        self.state = State::Outside;
                        node.vouched_until = Mono(0);
                    }
                    Some(_) => {}
                }
            }
            (State::Outside | State::Inside(_) | State::Left, _) => {}
        }
    }

    /// Says once why this node does not serve: a wait without a word looks like a fault.
    fn tell_duplicate(&mut self, node: &mut Node) {
        if core::mem::replace(&mut self.told_duplicate, true) {
            return;
        }
        let id = node.config.node;
        let holder = node.image.broker(id).and_then(Broker::main_address);
        let holder = holder.map_or_else(|| "another process".into(), |address| format!("a process at {address}"));
        let text = format!(
            "node {id} does not serve yet: {holder} is registered under this id and may live; it is waited for until it has been \
             silent for {} ms (broker.session.timeout.ms), and as long as it lives",
            node.config.brokers.session_timeout.0 / 1000
        );
        node.out.note(Note::Text { topic: ID_TAKEN, text });
    }

    /// Sees to it that producers find an id when they ask for one.
    fn settle_ids(&mut self, node: &mut Node, now: Now, to: &Address, epoch: LeaderEpoch) -> bool {
        let State::Inside(broker_epoch) = self.state else { return false };
        let asked = self.ids.as_ref().is_some_and(|sent| sent.epoch == epoch);
        if asked
            || !node.producer_ids.wants_block()
            || self.ids_due.is_some_and(|at| at > now.mono)
            || !self.is_registered(node)
        {
            return false;
        }
        let request = AllocateProducerIdsRequest::default()
            .with_broker_id(BrokerId(node.config.node.0))
            .with_broker_epoch(broker_epoch.0);
        let call =
            node.out.call(to.clone(), Lane::Control, ApiKey::AllocateProducerIds, PRODUCER_IDS_VERSION, request.into());
        self.ids = Some(Sent { call, to: to.clone(), epoch, at: now.mono, until: now.mono + self.patience() });
        true
    }

    fn on_ids(&mut self, node: &mut Node, now: Now, result: Result<Box<ResponseKind>, CallFault>) {
        self.ids_due = Some(now.mono + AGAIN);
        if let Ok(ResponseKind::AllocateProducerIds(response)) = result.map(|body| *body)
            && response.error_code == 0
        {
            self.ids_due = None;
            node.producer_ids.on_block(response.producer_id_start.0, response.producer_id_len);
        }
    }
}

/// The active controller: where it is called, and its epoch. This very node counts when it has taken over.
fn controller_of(node: &Node) -> Option<(Address, LeaderEpoch)> {
    let (leader, epoch) = node.quorum.leader()?;
    if leader == node.config.node && node.controller.is_none() {
        return None;
    }
    node.controller_address().map(|to| (to, epoch))
}
