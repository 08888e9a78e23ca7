//! Brokers register, heartbeat, are fenced and unfenced, shut down in order, and are struck off (KIP-631, KIP-841).

use super::{Controller, Decision};
use crate::error::{ErrorCode, Refusal};
use crate::id::{BrokerEpoch, ConnId, NodeId, Offset, Uuid};
use crate::metadata::{Broker, Endpoint, Record, Text};
use crate::mutant::{self, Mutant};
use crate::time::{Mono, Now};
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::vec::Vec;
use kafka_protocol::messages::broker_registration_request::Listener;
use kafka_protocol::messages::{
    BrokerHeartbeatRequest, BrokerHeartbeatResponse, BrokerRegistrationRequest, BrokerRegistrationResponse,
    UnregisterBrokerRequest, UnregisterBrokerResponse,
};

/// The tagged field of a heartbeat that says, by being there, that the broker's disk is full.
pub const FULL_TAG: i32 = 100;

/// Bounds of a registration: far above what anybody configures, far below the longest record.
const ENDPOINTS_MAX: usize = 64;
const DIRECTORIES_MAX: usize = 1024;
const TEXT_MAX: usize = 1024;

/// What a heartbeat does to its broker (`BrokerControlState`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Standing {
    Fenced,
    Unfenced,
    /// Leads nothing more; waits until all others know.
    Leaving,
    /// May stop, and is fenced from now on.
    Stopping,
}

impl Controller {
    /// BrokerRegistration: a process asks to be the broker of its id. Registered, it is fenced until it has caught up.
    pub fn decide_broker_registration(
        &self,
        now: Now,
        request: &BrokerRegistrationRequest,
    ) -> Decision<BrokerRegistrationResponse> {
        match self.register(now.mono, request) {
            Ok((records, epoch)) => {
                Decision { records, reply: BrokerRegistrationResponse::default().with_broker_epoch(epoch.0) }
            }
            Err(refusal) => {
                let reply =
                    BrokerRegistrationResponse::default().with_error_code(refusal.code.code()).with_broker_epoch(-1);
                Decision { records: Vec::new(), reply }
            }
        }
    }

    fn register(&self, now: Mono, request: &BrokerRegistrationRequest) -> Result<(Vec<Record>, BrokerEpoch), Refusal> {
        let id = NodeId(request.broker_id.0);
        if self.image.cluster_id().is_none_or(|cluster| *cluster != *request.cluster_id.as_str()) {
            return Err(ErrorCode::InconsistentClusterId.into());
        }
        let endpoints = endpoints_of(&request.listeners)?;
        let directories = self.directories_of(id, request)?;
        self.features_fit(request)?;
        let rack = request.rack.clone().map(Text::from);
        if id.0 < 0 || request.is_migrating_zk_broker || rack.as_ref().is_some_and(|rack| rack.len() > TEXT_MAX) {
            return Err(ErrorCode::InvalidRequest.into());
        }
        let incarnation = Uuid::from(request.incarnation_id);
        let known = self.image.broker(id);
        let mut records = Vec::new();
        let broker = match known {
            // The same process asks again: its first request's reply was lost, or its listeners changed.
            Some(known) if known.incarnation == incarnation => Broker { endpoints, rack, directories, ..known.clone() },
            Some(_) | None => {
                if known.is_some_and(|known| !known.fenced) && !mutant::is(Mutant::RebornKeepsLead) {
                    self.leader_updates(&[id], None, &mut records);
                }
                let epoch = BrokerEpoch(self.image.offset().plus(1 + records.len() as i64).0);
                let new = Broker {
                    id,
                    epoch,
                    incarnation,
                    endpoints,
                    rack,
                    directories,
                    fenced: !mutant::is(Mutant::BornUnfenced),
                    leaving: false,
                };
                if known.is_some_and(|known| self.is_guarded(now, known, &new)) {
                    return Err(ErrorCode::DuplicateBrokerRegistration.into());
                }
                new
            }
        };
        let epoch = broker.epoch;
        assert!(known.is_none_or(|known| known.epoch <= epoch), "a broker's epochs only rise");
        records.push(Record::Broker(broker));
        Ok((records, epoch))
    }

    /// Whether the process that is registered may live, so that another one with its id has to wait. One that was let go in order
    /// does not come back, and its registration says so, whoever is the controller by then.
    fn is_guarded(&self, now: Mono, known: &Broker, new: &Broker) -> bool {
        let own_predecessor = new.id == self.settings.node && self.settings.alone == Some(new.incarnation);
        let same_address = known.endpoints == new.endpoints;
        let same_folder = known.directories == new.directories;
        !was_let_go(known) && !own_predecessor && self.sessions.guards(now, known.id, same_address, same_folder)
    }

    fn directories_of(&self, id: NodeId, request: &BrokerRegistrationRequest) -> Result<Vec<Uuid>, Refusal> {
        // The ids below 100 are reserved (`DirectoryId.reserved`).
        let directories: Vec<Uuid> = request.log_dirs.iter().map(|dir| Uuid::from(*dir)).collect();
        let once: BTreeSet<Uuid> = directories.iter().copied().collect();
        let reserved = directories.iter().any(|dir| dir.0 < 100);
        let taken =
            self.image.brokers().any(|other| other.id != id && other.directories.iter().any(|dir| once.contains(dir)));
        if directories.is_empty()
            || directories.len() > DIRECTORIES_MAX
            || once.len() < directories.len()
            || reserved
            || taken
        {
            return Err(ErrorCode::InvalidRegistration.into());
        }
        Ok(directories)
    }

    fn features_fit(&self, request: &BrokerRegistrationRequest) -> Result<(), Refusal> {
        for (name, level) in self.image.features() {
            let known = request.features.iter().find(|feature| *name == *feature.name.as_str());
            let fits = known.is_some_and(|f| f.min_supported_version <= *level && *level <= f.max_supported_version);
            if *level != 0 && !fits {
                return Err(ErrorCode::UnsupportedVersion.into());
            }
        }
        Ok(())
    }

    /// `Ok` if the broker is registered with that epoch: what else it says comes from an old incarnation.
    pub(super) fn broker_of_epoch(&self, node: NodeId, epoch: i64) -> Result<&Broker, Refusal> {
        self.image
            .broker(node)
            .filter(|broker| broker.epoch.0 == epoch || mutant::is(Mutant::AnyBrokerEpoch))
            .ok_or_else(|| ErrorCode::StaleBrokerEpoch.into())
    }

    /// BrokerHeartbeat: the broker is alive, says how far it has come, and what it wants. `conn` is where it came from: its end
    /// makes the broker suspected.
    pub fn on_broker_heartbeat(
        &mut self,
        now: Now,
        conn: ConnId,
        request: &BrokerHeartbeatRequest,
    ) -> Decision<BrokerHeartbeatResponse> {
        let (id, metadata) = (NodeId(request.broker_id.0), Offset(request.current_metadata_offset));
        let broker = match self.broker_of_epoch(id, request.broker_epoch) {
            Ok(broker) => broker.clone(),
            Err(refusal) => {
                let reply =
                    BrokerHeartbeatResponse::default().with_error_code(refusal.code.code()).with_is_fenced(true);
                return Decision { records: Vec::new(), reply };
            }
        };
        self.sessions.on_heard(now.mono, id, conn, metadata);
        let full = request.unknown_tagged_fields.contains_key(&FULL_TAG);
        self.sessions.set_full(id, full);
        let caught_up = metadata.0 >= broker.epoch.0
            && (self.sessions.has_learnt(id, metadata) || mutant::is(Mutant::UnfencedBeforeLearnt));
        let next = self.next_standing(&broker, request, caught_up);
        let mut records = Vec::new();
        match next {
            Standing::Fenced if !broker.fenced => {
                self.fence_records(&[id], &mut records);
                self.sessions.on_fenced(now.mono, id);
            }
            Standing::Stopping if !was_let_go(&broker) => {
                if !broker.fenced {
                    self.leave_records(&[id], &mut records);
                }
                records.push(Record::BrokerState { id, epoch: broker.epoch, fenced: true, leaving: true });
                self.sessions.on_fenced(now.mono, id);
            }
            Standing::Unfenced if broker.fenced => {
                records.push(Record::BrokerState { id, epoch: broker.epoch, fenced: false, leaving: false });
                self.leader_updates(&[], Some(id), &mut records);
            }
            Standing::Leaving if self.sessions.leaving(id).is_none() => {
                if !broker.leaving {
                    records.push(Record::BrokerState { id, epoch: broker.epoch, fenced: false, leaving: true });
                }
                if !mutant::is(Mutant::LeavingKeepsLead) {
                    self.leader_updates(&[id], None, &mut records);
                }
                self.sessions.leave_after(id, self.image.offset().plus(records.len() as i64));
            }
            Standing::Unfenced if full => self.hand_over(id, &mut records),
            Standing::Fenced | Standing::Unfenced | Standing::Leaving | Standing::Stopping => {}
        }
        let reply = BrokerHeartbeatResponse::default()
            .with_is_caught_up(caught_up)
            .with_is_fenced(matches!(next, Standing::Fenced | Standing::Stopping))
            .with_should_shut_down(next == Standing::Stopping);
        Decision { records, reply }
    }

    fn next_standing(&self, broker: &Broker, request: &BrokerHeartbeatRequest, caught_up: bool) -> Standing {
        if broker.fenced {
            return match (request.want_shut_down, request.want_fence) {
                (true, _) => Standing::Stopping,
                (false, false) if caught_up => Standing::Unfenced,
                (false, _) => Standing::Fenced,
            };
        }
        if request.want_fence {
            return if request.want_shut_down { Standing::Stopping } else { Standing::Fenced };
        }
        if !request.want_shut_down {
            return Standing::Unfenced;
        }
        let all_know =
            self.sessions.leaving(broker.id).is_none_or(|offset| self.applied_by_all_but(broker.id) >= offset);
        if self.leads_any(broker.id) || !all_know && !mutant::is(Mutant::LetGoBeforeKnown) {
            Standing::Leaving
        } else {
            Standing::Stopping
        }
    }

    /// How far every other active broker has applied the metadata.
    fn applied_by_all_but(&self, id: NodeId) -> Offset {
        let others = self.image.brokers().filter(|other| other.id != id && other.active());
        others.filter_map(|other| self.sessions.metadata(other.id)).min().unwrap_or(Offset(i64::MAX))
    }

    /// The brokers leave leaderships and in-sync sets, and are not shown to clients any more.
    pub(super) fn fence_records(&self, ids: &[NodeId], records: &mut Vec<Record>) {
        self.leave_records(if mutant::is(Mutant::DeadStayInSync) { &ids[..1] } else { ids }, records);
        for broker in ids.iter().filter_map(|id| self.image.broker(*id)) {
            let (id, epoch, leaving) = (broker.id, broker.epoch, broker.leaving);
            records.push(Record::BrokerState { id, epoch, fenced: true, leaving });
        }
    }

    fn leave_records(&self, ids: &[NodeId], records: &mut Vec<Record>) {
        if !mutant::is(Mutant::FencedStays) {
            self.leader_updates(ids, None, records);
        }
    }

    /// UnregisterBroker: the broker is struck off.
    pub fn decide_unregister_broker(&self, request: &UnregisterBrokerRequest) -> Decision<UnregisterBrokerResponse> {
        let id = NodeId(request.broker_id.0);
        let Some(broker) = self.image.broker(id) else {
            let reply = UnregisterBrokerResponse::default()
                .with_error_code(ErrorCode::BrokerIdNotRegistered.code())
                .with_error_message(Some(format!("Broker ID {id} is not currently registered").into()));
            return Decision { records: Vec::new(), reply };
        };
        let mut records = Vec::new();
        if !mutant::is(Mutant::StruckOffLeads) {
            self.leader_updates(&[id], None, &mut records);
        }
        records.push(Record::BrokerRemoved { id, epoch: broker.epoch });
        Decision { records, reply: UnregisterBrokerResponse::default().with_error_message(None) }
    }
}

/// Whether a broker asked to stop and was let go: its registration stands, and no process is behind it any more.
const fn was_let_go(broker: &Broker) -> bool {
    broker.fenced && broker.leaving
}

fn endpoints_of(listeners: &[Listener]) -> Result<Vec<Endpoint>, Refusal> {
    let long = |listener: &Listener| listener.name.len() > TEXT_MAX || listener.host.len() > TEXT_MAX;
    if listeners.len() > ENDPOINTS_MAX || listeners.iter().any(long) {
        return Err(ErrorCode::InvalidRegistration.into());
    }
    let endpoint = |listener: &Listener| Endpoint {
        name: listener.name.clone().into(),
        host: listener.host.clone().into(),
        port: listener.port,
        security: listener.security_protocol,
    };
    Ok(listeners.iter().map(endpoint).collect())
}
