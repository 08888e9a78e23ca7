//! What is known of a broker.

use super::Text;
use crate::id::{BrokerEpoch, NodeId, Uuid};
use crate::io::Address;
use crate::mutant::{self, Mutant};
use alloc::vec::Vec;
use core::fmt;
use serde::{Deserialize, Serialize};

/// One advertised listener of a broker (`advertised.listeners`).
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Endpoint {
    /// The listener's name: `PLAINTEXT`.
    pub name: Text,
    pub host: Text,
    pub port: u16,
    /// Kafka's `SecurityProtocol` id: 0 plain text, 1 SSL, 2 SASL over plain text, 3 SASL over SSL.
    pub security: i16,
}

/// A registered broker (KIP-631). The registration stays when the broker dies: it is fenced then.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Broker {
    pub id: NodeId,
    /// Rises with every registration in the cluster: it is the offset that the registration's record was decided for.
    pub epoch: BrokerEpoch,
    /// Drawn by the broker's process as it starts: tells a restart from a request sent twice.
    pub incarnation: Uuid,
    /// Where clients and other brokers reach it; the first one is that of the brokers among themselves.
    pub endpoints: Vec<Endpoint>,
    pub rack: Option<Text>,
    /// Ids of its data folders (KIP-858).
    pub directories: Vec<Uuid>,
    /// Not to be trusted with leadership, in-sync sets or new replicas, and not shown to clients.
    pub fenced: bool,
    /// Shuts down in order: keeps serving, but leads nothing new (KIP-841).
    pub leaving: bool,
}

impl Broker {
    /// May lead partitions and be put into in-sync sets (KIP-841): neither fenced nor shutting down.
    pub fn active(&self) -> bool {
        !self.fenced && (!self.leaving || mutant::is(Mutant::LeavingCountsActive))
    }

    /// Where the listener of that name is reached.
    pub fn address(&self, listener: &str) -> Option<Address> {
        self.endpoints.iter().find(|e| e.name == *listener).map(Endpoint::address)
    }

    /// Where other brokers reach it.
    pub fn main_address(&self) -> Option<Address> {
        self.endpoints.first().map(Endpoint::address)
    }
}

impl Endpoint {
    pub fn address(&self) -> Address {
        Address { host: self.host.wire(), port: self.port }
    }
}

impl fmt::Display for Broker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "broker {} {} incarnation {}", self.id, self.epoch, self.incarnation)?;
        self.endpoints.iter().try_for_each(|e| write!(f, " {}://{}:{}", e.name, e.host, e.port))?;
        if self.fenced {
            write!(f, " fenced")?;
        }
        if self.leaving {
            write!(f, " leaving")?;
        }
        Ok(())
    }
}
