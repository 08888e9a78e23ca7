//! A generation has an assignor that all its members know, of those the one that most like best, and its leader is told what each member
//! says to that one.

use super::{At, Broken};
use crate::table::{Map, Set};
use bytes::Bytes;
use kafka_protocol::messages::{JoinGroupRequest, JoinGroupResponse};
use std::collections::BTreeMap;

/// Assignors and what is said to each, as they are liked.
type Said = Vec<(String, Bytes)>;

/// What members say: they are known by their instance, or by their id. One that says something else later is not known to have been heard.
#[derive(Debug, Default)]
pub struct Joins {
    asked: Map<At, String>,
    said: Map<(String, String), Vec<Said>>,
    /// Who asked since the group's last generation. A static member that is silent is in the next one all the same: a coordinator that
    /// took over knows of it the assignor that was chosen, and no other (seed 77000001650).
    fresh: Set<(String, String)>,
}

impl Joins {
    pub fn on_request(&mut self, at: At, request: &JoinGroupRequest) {
        let group = request.group_id.0.to_string();
        let said: Said = request.protocols.iter().map(|one| (one.name.to_string(), one.metadata.clone())).collect();
        let name = request.group_instance_id.as_ref().unwrap_or(&request.member_id).to_string();
        self.fresh.insert((group.clone(), name.clone()));
        let known = self.said.entry((group.clone(), name)).or_default();
        if !known.contains(&said) {
            known.push(said);
        }
        self.asked.insert(at, group);
    }

    /// What a member, by its instance or its id, says to an assignor, if that was ever the same.
    pub fn words(&self, group: &str, name: &str, assignor: &str) -> Option<Bytes> {
        let [said] = self.said.get(&(group.to_string(), name.to_string()))?.as_slice() else { return None };
        said.iter().find(|(known, _)| known == assignor).map(|(_, words)| words.clone())
    }

    pub fn on_reply(&mut self, at: At, response: &JoinGroupResponse) -> Result<(), Broken> {
        let Some(group) = self.asked.remove(&at) else { return Ok(()) };
        if response.error_code != 0 || response.members.is_empty() {
            return Ok(());
        }
        let chosen = response.protocol_name.as_ref().map(|name| name.to_string()).unwrap_or_default();
        let mut members = Vec::new();
        let mut all_asked = true;
        for member in &response.members {
            let name = member.group_instance_id.as_ref().unwrap_or(&member.member_id).to_string();
            all_asked &= self.fresh.contains(&(group.clone(), name.clone()));
            // One that came before the coordinator did is not asked again.
            let Some(known) = self.said.get(&(group.clone(), name)) else { return Ok(()) };
            let meant = |said: &&Said| said.iter().any(|(name, words)| *name == chosen && *words == member.metadata);
            let Some(said) = known.iter().find(meant).or(known.last()) else { return Ok(()) };
            members.push((said, &member.metadata));
        }
        self.fresh.retain(|(known, _)| *known != group);
        heard(&group, &chosen, &members)?;
        if all_asked { liked(&group, &chosen, &members) } else { Ok(()) }
    }
}

fn heard(group: &str, chosen: &str, members: &[(&Said, &Bytes)]) -> Result<(), Broken> {
    let told = |said: &Said, told: &Bytes| said.iter().any(|(name, words)| name == chosen && words == told);
    if members.iter().all(|(said, words)| told(said, words)) {
        return Ok(());
    }
    Err(("told-another-word", format!("{group} has {chosen}, and its leader is told {members:?}")))
}

fn liked(group: &str, chosen: &str, members: &[(&Said, &Bytes)]) -> Result<(), Broken> {
    let all_know = |name: &str| members.iter().all(|(said, _)| said.iter().any(|(known, _)| known == name));
    let mut votes = BTreeMap::<&str, usize>::new();
    for (said, _) in members {
        if let Some((name, _)) = said.iter().find(|(name, _)| all_know(name)) {
            *votes.entry(name).or_default() += 1;
        }
    }
    let most = votes.values().max().copied().unwrap_or(0);
    if votes.get(chosen) == Some(&most) {
        return Ok(());
    }
    Err(("unliked-assignor", format!("{group} has {chosen}, and its members want {votes:?}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(names: &[&str]) -> Said {
        names.iter().map(|name| (name.to_string(), Bytes::from(format!("to {name}")))).collect()
    }

    #[test]
    fn the_assignor_is_everybodys_and_liked_best() {
        let (range, sticky) = (Bytes::from_static(b"to range"), Bytes::from_static(b"to sticky"));
        let (one, two, old) = (said(&["sticky", "range"]), said(&["range", "sticky"]), said(&["range"]));
        assert!(heard("g", "range", &[(&one, &range), (&old, &range)]).is_ok());
        assert_eq!(heard("g", "range", &[(&one, &sticky)]).unwrap_err().0, "told-another-word");
        assert!(heard("g", "sticky", &[(&one, &sticky), (&old, &range)]).is_err());
        assert!(liked("g", "range", &[(&one, &range), (&old, &range)]).is_ok());
        assert!(liked("g", "sticky", &[(&one, &sticky), (&two, &sticky), (&one, &sticky)]).is_ok());
        assert!(liked("g", "sticky", &[(&one, &sticky), (&old, &range)]).is_err());
        let fewest = [(&one, &range), (&two, &range), (&one, &range)];
        assert_eq!(liked("g", "range", &fewest).unwrap_err().0, "unliked-assignor");
    }
}
