//! The file `quorum-state`: JSON on one line, as Kafka writes it with static voters (`QuorumStateData`, data version 0).
//! Version 1 (KIP-853) is read as well; fields that are not ours are passed over. A voter's `directoryId` is one of Esker's own (`directories.rs`):
//! Kafka passes over it.

use super::config::Voter;
use super::election::Election;
use crate::id::{LeaderEpoch, NodeId, Uuid};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;

/// Longer than any such file: one of 10,000 voters takes less.
pub const STATE_BYTES_MAX: u32 = 256 << 10;

/// Arrays and objects within each other: Kafka's file has two.
const DEPTH_MAX: u8 = 8;

const ID_NONE: i64 = -1;

/// What the file says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct QuorumState {
    pub election: Election,
    /// The folder of each voter, as far as it is known.
    pub directories: BTreeMap<NodeId, Uuid>,
}

pub fn encode(state: &QuorumState, voters: &[Voter]) -> Bytes {
    let QuorumState { election, directories } = state;
    let id = |node: Option<NodeId>| node.map_or(-1, |n| n.0);
    let folder = |id| directories.get(&id).map_or_else(String::new, |folder| format!(",\"directoryId\":\"{folder}\""));
    let voters: Vec<String> = voters.iter().map(|v| format!("{{\"voterId\":{}{}}}", v.id, folder(v.id))).collect();
    let text = format!(
        "{{\"clusterId\":\"\",\"leaderId\":{},\"leaderEpoch\":{},\"votedId\":{},\"appliedOffset\":0,\"currentVoters\":[{}],\"data_version\":0}}",
        id(election.leader),
        election.epoch.0,
        id(election.voted),
        voters.join(",")
    );
    Bytes::from(text.into_bytes())
}

/// What the file says; `Err`: why it cannot be read.
pub fn decode(text: &[u8]) -> Result<QuorumState, &'static str> {
    let (mut leader, mut epoch, mut voted, mut version) = (None, None, None, None);
    let mut directories = BTreeMap::new();
    let mut reader = Reader { text, at: 0 };
    reader.object(|reader, name| {
        let field = match name {
            b"leaderId" => &mut leader,
            b"leaderEpoch" => &mut epoch,
            b"votedId" => &mut voted,
            b"data_version" => &mut version,
            b"currentVoters" if reader.is_next(b'[') => return reader.list(|reader| voter(reader, &mut directories)),
            _ => return reader.skip(0),
        };
        *field = Some(reader.number()?);
        Ok(())
    })?;
    reader.blanks();
    if reader.at != text.len() {
        return Err("something follows the object");
    }
    match version {
        Some(0 | 1) => {}
        Some(_) => return Err("its data_version is not 0 or 1"),
        None => return Err("data_version is missing"),
    }
    let epoch = i32::try_from(epoch.ok_or("leaderEpoch is missing")?).map_err(|_| "leaderEpoch is out of range")?;
    if epoch < 0 {
        return Err("leaderEpoch is negative");
    }
    let election = Election { epoch: LeaderEpoch(epoch), leader: node(leader)?, voted: node(voted)? };
    Ok(QuorumState { election, directories })
}

fn voter(reader: &mut Reader<'_>, directories: &mut BTreeMap<NodeId, Uuid>) -> Result<(), &'static str> {
    let (mut id, mut directory) = (None, None);
    reader.object(|reader, name| {
        match name {
            b"voterId" => id = Some(reader.number()?),
            b"directoryId" => directory = Some(reader.string()?),
            _ => reader.skip(0)?,
        }
        Ok(())
    })?;
    if let (Some(id), Some(text)) = (node(id)?, directory) {
        let parsed = core::str::from_utf8(text).ok().and_then(Uuid::parse);
        directories.insert(id, parsed.ok_or("a directoryId is no id")?);
    }
    Ok(())
}

fn node(id: Option<i64>) -> Result<Option<NodeId>, &'static str> {
    match id {
        None | Some(ID_NONE) => Ok(None),
        Some(id) => match i32::try_from(id) {
            Ok(id) if id >= 0 => Ok(Some(NodeId(id))),
            _ => Err("a node's id is out of range"),
        },
    }
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    fn is_next(&mut self, byte: u8) -> bool {
        self.blanks();
        self.peek() == Some(byte)
    }

    /// Whether the next visible byte is `byte`; it is taken then.
    fn take(&mut self, byte: u8) -> bool {
        let found = self.is_next(byte);
        self.at += usize::from(found);
        found
    }

    /// Takes an object; `each` takes the value of a name.
    fn object(
        &mut self,
        mut each: impl FnMut(&mut Self, &'a [u8]) -> Result<(), &'static str>,
    ) -> Result<(), &'static str> {
        if !self.take(b'{') {
            return Err("it is not a JSON object");
        }
        self.parts(b'}', |reader| {
            let name = reader.string()?;
            if !reader.take(b':') {
                return Err("a colon is missing");
            }
            each(reader, name)
        })
    }

    /// Takes a list; `each` takes an element.
    fn list(&mut self, each: impl FnMut(&mut Self) -> Result<(), &'static str>) -> Result<(), &'static str> {
        if !self.take(b'[') {
            return Err("it is not a list");
        }
        self.parts(b']', each)
    }

    fn parts(
        &mut self,
        close: u8,
        mut each: impl FnMut(&mut Self) -> Result<(), &'static str>,
    ) -> Result<(), &'static str> {
        if self.take(close) {
            return Ok(());
        }
        loop {
            each(self)?;
            if self.take(close) {
                return Ok(());
            }
            if !self.take(b',') {
                return Err("a comma is missing");
            }
        }
    }

    /// The text between two quotes. Escapes are passed over, not resolved: no name of ours has one.
    fn string(&mut self) -> Result<&'a [u8], &'static str> {
        if !self.take(b'"') {
            return Err("a name is missing");
        }
        let start = self.at;
        while let Some(byte) = self.peek() {
            match byte {
                b'"' => {
                    self.at += 1;
                    return Ok(self.text.get(start..self.at - 1).unwrap_or_default());
                }
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
        Err("a text has no end")
    }

    fn number(&mut self) -> Result<i64, &'static str> {
        self.blanks();
        let negative = self.peek() == Some(b'-');
        self.at += usize::from(negative);
        let start = self.at;
        let mut value: i64 = 0;
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            value = value
                .checked_mul(10)
                .and_then(|v| v.checked_add(i64::from(digit - b'0')))
                .ok_or("a number is too large")?;
            self.at += 1;
        }
        if self.at == start {
            return Err("a number is missing");
        }
        Ok(if negative { -value } else { value })
    }

    fn skip(&mut self, depth: u8) -> Result<(), &'static str> {
        if depth > DEPTH_MAX {
            return Err("it is nested too deep");
        }
        self.blanks();
        match self.peek() {
            Some(b'"') => self.string().map(|_| ()),
            Some(b'[') => self.list(|reader| reader.skip(depth + 1)),
            Some(b'{') => self.object(|reader, _| reader.skip(depth + 1)),
            Some(b't' | b'f' | b'n') => {
                while matches!(self.peek(), Some(b'a'..=b'z')) {
                    self.at += 1;
                }
                Ok(())
            }
            _ => self.number().map(|_| ()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::Address;
    use crate::rng::Rng;
    use kafka_protocol::protocol::StrBytes;

    fn voters() -> Vec<Voter> {
        let at = |id| Voter { id: NodeId(id), address: Address { host: StrBytes::from_static_str("h"), port: 1 } };
        alloc::vec![at(1), at(2)]
    }

    #[test]
    fn what_is_written_is_kafkas_line() {
        let election = Election { epoch: LeaderEpoch(7), leader: Some(NodeId(2)), voted: None };
        let state = |election| QuorumState { election, directories: BTreeMap::new() };
        let line = encode(&state(election), &voters());
        assert_eq!(
            core::str::from_utf8(&line).unwrap(),
            r#"{"clusterId":"","leaderId":2,"leaderEpoch":7,"votedId":-1,"appliedOffset":0,"currentVoters":[{"voterId":1},{"voterId":2}],"data_version":0}"#
        );
        assert_eq!(decode(&line), Ok(state(election)));
        let voted = Election::standing(LeaderEpoch(i32::MAX), NodeId(1));
        assert_eq!(decode(&encode(&state(voted), &[])), Ok(state(voted)));
        let known = QuorumState { directories: BTreeMap::from([(NodeId(2), Uuid(77))]), ..state(election) };
        let line = encode(&known, &voters());
        assert_eq!(decode(&line), Ok(known));
        let text = core::str::from_utf8(&line).unwrap();
        assert!(text.contains(r#"[{"voterId":1},{"voterId":2,"directoryId":"AAAAAAAAAAAAAAAAAAAATQ"}]"#), "{text}");
    }

    #[test]
    fn version_1_and_unknown_fields_are_read() {
        let text = br#" { "leaderId":-1, "leaderEpoch":2,"votedId":1,"votedDirectoryId":"J8aAPcfLQt2bqs1JT_rMgQ","more":{"a":[1,{"b":null}],"c":"\"}"},"data_version":1}
"#;
        let election = Election::standing(LeaderEpoch(2), NodeId(1));
        assert_eq!(decode(text), Ok(QuorumState { election, directories: BTreeMap::new() }));
    }

    #[test]
    fn what_is_damaged_is_refused() {
        for bad in [
            &b""[..],
            b"{",
            b"{}",
            b"[]",
            b"{\"leaderEpoch\":1}",
            b"{\"leaderEpoch\":1,\"data_version\":9}",
            b"{\"leaderEpoch\":-5,\"data_version\":0}",
            b"{\"leaderEpoch\":99999999999,\"data_version\":0}",
            b"{\"leaderEpoch\":1,\"leaderId\":-2,\"data_version\":0}",
            b"{\"leaderEpoch\":999999999999999999999999,\"data_version\":0}",
            b"{\"leaderEpoch\":1,\"data_version\":0} x",
            b"{\"leaderEpoch\":1,\"currentVoters\":[{\"voterId\":1,\"directoryId\":\"x\"}],\"data_version\":0}",
            b"{\"x\":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]],\"leaderEpoch\":1,\"data_version\":0}",
        ] {
            assert!(decode(bad).is_err(), "{:?}", core::str::from_utf8(bad));
        }
    }

    /// Nothing that lies on the disk makes it panic or loop.
    #[test]
    fn flipped_and_cut_bytes_never_panic() {
        let directories = BTreeMap::from([(NodeId(2), Uuid(u128::MAX))]);
        let state = QuorumState { election: Election::standing(LeaderEpoch(41), NodeId(2)), directories };
        let line = encode(&state, &voters());
        let mut rng = Rng::new(5, 5);
        for _ in 0..20_000 {
            let mut bytes = line.to_vec();
            for _ in 0..=rng.below(3) {
                let at = rng.below(bytes.len() as u64) as usize;
                bytes[at] = rng.below(256) as u8;
            }
            bytes.truncate(rng.below(bytes.len() as u64 + 1) as usize);
            let _ = decode(&bytes);
        }
    }
}
