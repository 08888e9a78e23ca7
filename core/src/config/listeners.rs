//! Listeners and voters, as Kafka's properties write them.

use super::def::list_of;
use crate::id::NodeId;
use crate::io::{Address, Listener};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use kafka_protocol::protocol::StrBytes;

/// One of the node's listeners.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Door {
    /// `PLAINTEXT`, `CONTROLLER`, or whatever it is called.
    pub name: String,
    pub listener: Listener,
    /// Where the shell binds; an empty host: every address of the machine; port 0: any free one.
    pub bind: Address,
    /// What others are told to connect to.
    pub advertised: Address,
}

/// A voter of the metadata quorum.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Voter {
    pub node: NodeId,
    pub address: Address,
}

/// Reads `host:port`, `[::1]:port` or `:port`.
pub(super) fn address_of(text: &str) -> Result<Address, String> {
    let wrong = || format!("'{text}' is not host:port");
    let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
    let port = port.parse().map_err(|_| wrong())?;
    let host = match host.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']').ok_or_else(wrong)?,
        None if host.contains(':') => return Err(wrong()),
        None => host,
    };
    Ok(Address { host: StrBytes::from_string(host.to_string()), port })
}

/// Reads `1@host:port,2@host:port`.
pub(super) fn voters_of(text: &str) -> Result<Vec<Voter>, String> {
    let mut voters: Vec<Voter> = Vec::new();
    for entry in list_of(text) {
        let wrong = || format!("'{entry}' is not id@host:port");
        let (id, place) = entry.split_once('@').ok_or_else(wrong)?;
        let node = id.parse().ok().filter(|&id| id >= 0).map(NodeId).ok_or_else(wrong)?;
        if voters.iter().any(|voter| voter.node == node) {
            return Err(format!("voter {node} is named twice"));
        }
        voters.push(Voter { node, address: address_of(place)? });
    }
    Ok(voters)
}

/// Reads `NAME://host:port,...` into names and addresses.
fn named(text: &str) -> Result<Vec<(String, Address)>, String> {
    let mut found: Vec<(String, Address)> = Vec::new();
    for entry in list_of(text) {
        let (name, place) = entry.split_once("://").ok_or_else(|| format!("'{entry}' is not NAME://host:port"))?;
        if found.iter().any(|(other, _)| other.eq_ignore_ascii_case(name)) {
            return Err(format!("listener {name} is named twice"));
        }
        found.push((name.to_ascii_uppercase(), address_of(place)?));
    }
    Ok(found)
}

/// The four properties that describe a node's listeners, and who is to find it there.
pub(super) struct Written<'a> {
    pub listeners: &'a str,
    pub advertised: &'a str,
    pub controllers: &'a str,
    pub protocols: &'a str,
    pub reach: Reach<'a>,
}

/// From where a node is looked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Reach<'a> {
    /// It has no other nodes: as far as it knows its clients are on the same machine.
    Alone,
    /// Other machines look for it, by this name.
    Others(&'a str),
}

/// Puts the properties together. Every listener must be plain: TLS and SASL are not built.
pub(super) fn doors_of(written: &Written<'_>) -> Result<Vec<Door>, String> {
    let advertised = named(written.advertised)?;
    let mut doors = Vec::new();
    for (name, bind) in named(written.listeners)? {
        let protocol = protocol_of(&name, written.protocols)?;
        if protocol != "PLAINTEXT" {
            return Err(format!("listener {name} asks for {protocol}, which is not built; only PLAINTEXT is served"));
        }
        let is_controller = list_of(written.controllers).any(|other| other.eq_ignore_ascii_case(&name));
        let listener = if is_controller { Listener::Controller } else { Listener::Broker };
        let told = advertised.iter().find(|(other, _)| *other == name).map(|(_, address)| address);
        let advertised = reachable(&name, listener, told.unwrap_or(&bind), written.reach)?;
        doors.push(Door { name, listener, bind, advertised });
    }
    match advertised.iter().find(|(name, _)| !doors.iter().any(|door: &Door| door.name == *name)) {
        Some((name, _)) => Err(format!("advertised.listeners names {name}, which listeners does not")),
        None => Ok(doors),
    }
}

/// An address that others can use, for one on every address of the machine. As in Kafka, that is the machine's name for an empty host and
/// for controllers; a meta-address for clients is refused, because nobody gets anywhere with it. A node alone is on loopback.
fn reachable(name: &str, listener: Listener, address: &Address, reach: Reach<'_>) -> Result<Address, String> {
    let is_meta = matches!(address.host.as_str(), "0.0.0.0" | "::");
    let host = match reach {
        _ if !is_meta && !address.host.is_empty() => address.host.clone(),
        Reach::Alone => StrBytes::from_static_str("localhost"),
        Reach::Others(_) if is_meta && listener == Listener::Broker => {
            return Err(format!(
                "advertised.listeners cannot use the nonroutable meta-address {} for {name}: set advertised.listeners to an address \
                 by which clients and the other nodes reach this one",
                address.host
            ));
        }
        Reach::Others(machine) => StrBytes::from_string(machine.to_string()),
    };
    Ok(Address { host, port: address.port })
}

/// A listener that the map does not name is a protocol's own name, or, as in Kafka, plain if it serves controllers.
fn protocol_of(name: &str, protocols: &str) -> Result<String, String> {
    for entry in list_of(protocols) {
        let (other, protocol) = entry
            .split_once(':')
            .ok_or_else(|| format!("listener.security.protocol.map: '{entry}' is not NAME:PROTOCOL"))?;
        if other.trim().eq_ignore_ascii_case(name) {
            return Ok(protocol.trim().to_ascii_uppercase());
        }
    }
    match name {
        "CONTROLLER" => Ok("PLAINTEXT".to_string()),
        "PLAINTEXT" | "SSL" | "SASL_PLAINTEXT" | "SASL_SSL" => Ok(name.to_string()),
        _ => Err(format!("listener {name} has no protocol in listener.security.protocol.map")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doors(listeners: &str, advertised: &str) -> Result<Vec<Door>, String> {
        reached(listeners, advertised, Reach::Alone)
    }

    fn reached(listeners: &str, advertised: &str, reach: Reach<'_>) -> Result<Vec<Door>, String> {
        let protocols = "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,TLS:SSL";
        doors_of(&Written { listeners, advertised, controllers: "CONTROLLER", protocols, reach })
    }

    #[test]
    fn two_listeners() {
        let found = doors("PLAINTEXT://0.0.0.0:9092,CONTROLLER://127.0.0.1:9093", "PLAINTEXT://one:19092").unwrap();
        assert_eq!(found[0].bind.to_string(), "0.0.0.0:9092");
        assert_eq!(found[0].advertised.to_string(), "one:19092");
        assert_eq!((found[0].listener, found[1].listener), (Listener::Broker, Listener::Controller));
        assert_eq!(found[1].advertised.to_string(), "127.0.0.1:9093");
        assert_eq!(doors("PLAINTEXT://:9092", "").unwrap()[0].advertised.to_string(), "localhost:9092");
        assert_eq!(doors("PLAINTEXT://[::1]:9092", "").unwrap()[0].bind.host.as_str(), "::1");
    }

    #[test]
    fn others_are_told_an_address_that_leads_there() {
        let told = |listeners: &str, advertised: &str, reach| {
            reached(listeners, advertised, reach).map(|doors| doors[0].advertised.to_string())
        };
        for everywhere in ["PLAINTEXT://:1", "PLAINTEXT://0.0.0.0:1", "PLAINTEXT://[::]:1"] {
            assert_eq!(told(everywhere, "", Reach::Alone).unwrap(), "localhost:1");
            assert_eq!(told(everywhere, "PLAINTEXT://a:2", Reach::Others("me")).unwrap(), "a:2");
            assert_eq!(told(everywhere, "PLAINTEXT://:2", Reach::Others("me")).unwrap(), "me:2");
            let nowhere = told("PLAINTEXT://a:1", everywhere, Reach::Others("me"));
            assert_eq!(nowhere.is_ok(), everywhere == "PLAINTEXT://:1");
        }
        assert_eq!(told("PLAINTEXT://:1", "", Reach::Others("me")).unwrap(), "me:1");
        let line = told("PLAINTEXT://0.0.0.0:1", "", Reach::Others("me")).unwrap_err();
        assert!(line.contains("cannot use the nonroutable meta-address 0.0.0.0") && line.contains("set adv"), "{line}");
        assert!(told("PLAINTEXT://[::]:1", "", Reach::Others("me")).unwrap_err().contains("meta-address ::"));
        assert_eq!(told("CONTROLLER://0.0.0.0:1", "", Reach::Others("me")).unwrap(), "me:1");
    }

    #[test]
    fn what_is_not_served_is_an_error() {
        assert!(doors("TLS://:9092", "").unwrap_err().contains("SSL"));
        assert!(doors("OTHER://:9092", "").is_err());
        assert!(doors("PLAINTEXT://:9092,PLAINTEXT://:9094", "").is_err());
        assert!(doors("PLAINTEXT://:9092", "X://:1").is_err());
        assert!(doors("PLAINTEXT://:port", "").is_err());
        assert!(doors("localhost:9092", "").is_err());
    }

    #[test]
    fn voters() {
        let found = voters_of("1@127.0.0.1:19091, 2@[::1]:19092").unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!((found[1].node, found[1].address.port), (NodeId(2), 19092));
        assert!(voters_of("1@a:1,1@b:2").is_err());
        assert!(voters_of("-1@a:1").is_err());
        assert!(voters_of("a:1").is_err());
        assert!(voters_of("").unwrap().is_empty());
    }
}
