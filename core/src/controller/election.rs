//! Who leads a partition: one change of a partition, worked out whole (Kafka's `PartitionChangeBuilder`).

use crate::id::{LeaderEpoch, NodeId, PartitionEpoch};
use crate::metadata::Partition;
use crate::mutant::{self, Mutant};
use alloc::vec::Vec;

/// Who may be elected.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Election {
    /// The first replica if it is in sync, else as [`Election::Online`].
    Preferred,
    /// The leader that is, else the first replica of the in-sync set.
    Online,
    /// As [`Election::Online`], else any replica: committed records may be lost.
    Unclean,
}

/// The partition with the in-sync set `isr`, and a leader elected among those whom `acceptable` allows to lead; `None`: nothing changes.
///
/// An empty `isr` leaves the in-sync set as it was, without a leader: its members alone have every committed record,
/// and whoever of them comes back leads on.
pub fn change(
    was: &Partition,
    isr: Vec<NodeId>,
    recovering: bool,
    election: Election,
    acceptable: &dyn Fn(NodeId) -> bool,
) -> Option<Partition> {
    change_to(was, Partition { isr, recovering, ..was.clone() }, election, acceptable)
}

/// The same where the replicas may change as well: `aim` has those that are wanted, and what a reassignment adds and removes.
/// Whatever the change was made for, a reassignment that can end ends with it.
pub fn change_to(
    was: &Partition,
    mut aim: Partition,
    election: Election,
    acceptable: &dyn Fn(NodeId) -> bool,
) -> Option<Partition> {
    assert!(aim.isr.iter().all(|node| aim.has_replica(*node)), "the in-sync set stays within the replicas");
    complete(&mut aim);
    let electable = |node: NodeId| {
        let preferred =
            mutant::is(Mutant::PreferredOutOfSync) && election == Election::Preferred && aim.preferred() == Some(node);
        let in_sync = aim.in_sync(node) || preferred || mutant::is(Mutant::ElectOutOfSync) && aim.has_replica(node);
        in_sync && acceptable(node)
    };
    let leader = elect(was.leader, &aim, election, &electable);
    let unclean = match election {
        Election::Unclean if leader.is_none() => aim.replicas.iter().copied().find(|node| acceptable(*node)),
        Election::Preferred | Election::Online | Election::Unclean => None,
    };
    let mut next = aim;
    if let Some(node) = unclean {
        next.isr.retain(|other| mutant::is(Mutant::UncleanKeepsIsr) && *other != node);
        next.isr.push(node);
        next.recovering = !mutant::is(Mutant::UncleanNotRecovering);
    } else if next.isr.is_empty() && !mutant::is(Mutant::LastInSyncForgotten) {
        next.isr.clone_from(&was.isr);
    }
    if let Some(node) = leader
        && !next.in_sync(node)
    {
        next.isr.push(node);
    }
    next.leader = leader.or(unclean);
    if next == *was {
        return None;
    }
    // Who is no replica any more must not pass for one: the epoch that it knows ends (Kafka's
    // `triggerLeaderEpochBumpForReplicaReassignmentIfNeeded`).
    let dropped = was.replicas.iter().any(|node| !next.has_replica(*node));
    if (next.leader != was.leader || dropped && !mutant::is(Mutant::DropKeepsEpoch))
        && !mutant::is(Mutant::LeaderEpochKept)
    {
        next.leader_epoch = LeaderEpoch(was.leader_epoch.0.checked_add(1)?);
    }
    next.epoch = PartitionEpoch(was.epoch.0.checked_add(1)?);
    assert!(next.leader.is_none_or(acceptable), "who leads may lead: {next}");
    next.check();
    Some(next)
}

/// Ends the reassignment if everybody who is to stay is in sync (Kafka's `PartitionReassignmentReplicas.maybeCompleteReassignment`).
fn complete(aim: &mut Partition) {
    if !aim.is_reassigning() {
        return;
    }
    let stay = |nodes: &[NodeId]| nodes.iter().copied().filter(|node| !aim.removing.contains(node)).collect();
    let (replicas, mut isr): (Vec<NodeId>, Vec<NodeId>) = (stay(&aim.replicas), stay(&aim.isr));
    if mutant::is(Mutant::ReassignTooEarly) {
        isr.clone_from(&replicas);
    }
    let any = mutant::is(Mutant::CompletedByAny) && aim.adding.iter().any(|node| isr.contains(node));
    if isr.is_empty() || !any && !replicas.iter().all(|node| isr.contains(node)) {
        return;
    }
    aim.replicas = replicas;
    aim.isr = isr;
    if !mutant::is(Mutant::AddingStays) {
        aim.adding.clear();
    }
    aim.removing.clear();
}

fn elect(
    leads: Option<NodeId>,
    aim: &Partition,
    election: Election,
    electable: &dyn Fn(NodeId) -> bool,
) -> Option<NodeId> {
    let preferred = match election {
        Election::Preferred => aim.preferred(),
        Election::Online | Election::Unclean => None,
    };
    let mut in_order = preferred.into_iter().chain(leads).chain(aim.replicas.iter().copied());
    in_order.find(|node| electable(*node))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn nodes(ids: &[i32]) -> Vec<NodeId> {
        ids.iter().map(|id| NodeId(*id)).collect()
    }

    fn partition() -> Partition {
        Partition::new(nodes(&[1, 2, 3]), nodes(&[1, 2, 3]))
    }

    #[test]
    fn a_leader_that_left_is_followed_by_the_next_replica_in_sync() {
        let next =
            change(&partition(), nodes(&[2, 3]), false, Election::Online, &|n| n != NodeId(1)).expect("a change");
        assert_eq!((next.leader, &next.isr), (Some(NodeId(2)), &nodes(&[2, 3])));
        assert_eq!((next.leader_epoch, next.epoch), (LeaderEpoch(1), PartitionEpoch(1)));
    }

    #[test]
    fn a_shrink_that_keeps_the_leader_keeps_its_epoch() {
        let next =
            change(&partition(), nodes(&[1, 3]), false, Election::Online, &|n| n != NodeId(2)).expect("a change");
        assert_eq!((next.leader, next.leader_epoch, next.epoch), (Some(NodeId(1)), LeaderEpoch(0), PartitionEpoch(1)));
    }

    #[test]
    fn the_last_of_the_in_sync_set_stays_in_it_without_leading() {
        let mut was = partition();
        was.isr = nodes(&[1]);
        let next = change(&was, vec![], false, Election::Online, &|n| n != NodeId(1)).expect("a change");
        assert_eq!((next.leader, next.isr.clone(), next.leader_epoch), (None, nodes(&[1]), LeaderEpoch(1)));
        // Nobody else may lead, however alive: only 1 has every committed record.
        assert_eq!(change(&next, nodes(&[1]), false, Election::Online, &|n| n != NodeId(1)), None);
        assert_eq!(change(&next, nodes(&[1]), false, Election::Preferred, &|n| n != NodeId(1)), None);
        let back = change(&next, nodes(&[1]), false, Election::Online, &|_| true).expect("a change");
        assert_eq!((back.leader, back.leader_epoch), (Some(NodeId(1)), LeaderEpoch(2)));
    }

    #[test]
    fn an_unclean_election_makes_the_new_leader_the_whole_in_sync_set() {
        let mut was = partition();
        was.isr = nodes(&[1]);
        let next = change(&was, vec![], false, Election::Unclean, &|n| n != NodeId(1)).expect("a change");
        assert_eq!((next.leader, next.isr.clone(), next.recovering), (Some(NodeId(2)), nodes(&[2]), true));
        assert_eq!(next.leader_epoch, LeaderEpoch(1));
        // With somebody in sync it is an election like any other.
        was.isr = nodes(&[1, 3]);
        let next = change(&was, nodes(&[3]), false, Election::Unclean, &|n| n != NodeId(1)).expect("a change");
        assert_eq!((next.leader, next.isr, next.recovering), (Some(NodeId(3)), nodes(&[3]), false));
    }

    #[test]
    fn the_preferred_leader_leads_again_only_in_sync_and_allowed() {
        let mut was = partition();
        was.leader = Some(NodeId(2));
        let lead =
            |was: &Partition, bad: i32| change(was, was.isr.clone(), false, Election::Preferred, &|n| n != NodeId(bad));
        assert_eq!(lead(&was, 9).and_then(|p| p.leader), Some(NodeId(1)));
        assert_eq!(lead(&was, 1), None, "the leader that is stays");
        was.isr = nodes(&[2, 3]);
        assert_eq!(lead(&was, 9), None);
        assert_eq!(change(&was, was.isr.clone(), false, Election::Online, &|_| true), None, "nothing to change");
    }
}
