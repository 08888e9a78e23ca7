//! A replica that is named leader and stands back: what the other replicas say of their logs, and who is to lead.
//!
//! Whose log is the best is as in Raft: the later last epoch, then the higher end; but none that ends below where another starts, because
//! only what is committed is deleted. The best of all replicas has every committed record that any of them has. It takes all of them to
//! know, because a single one may hold something else of an older epoch there.

use crate::id::{BrokerEpoch, LeaderEpoch, NodeId, Offset};
use crate::metadata;
use crate::mutant::{self, Mutant};
use crate::time::Mono;
use alloc::vec::Vec;

/// A replica that is named leader, and stands back.
#[derive(Debug)]
pub(super) struct Short {
    pub epoch: LeaderEpoch,
    /// What the others said in this epoch.
    heard: Vec<(NodeId, Heard)>,
    /// When the controller may be asked again.
    pub turn: Mono,
}

/// Where another replica's log ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Heard {
    /// Its last epoch, and its end.
    pub end: (LeaderEpoch, Offset),
    /// Where it starts; `Offset::NONE`: it does not say.
    pub start: Offset,
    pub broker_epoch: BrokerEpoch,
    /// The metadata would let it into the in-sync set.
    pub eligible: bool,
}

/// What is to be done about the lead.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Next {
    /// Not all were heard, or the one to lead is not there just now.
    Wait,
    /// These are to be the in-sync set, and lead.
    Yield(Vec<(NodeId, BrokerEpoch)>),
    /// Nobody has more.
    Lead,
}

impl Short {
    pub const fn new(epoch: LeaderEpoch) -> Self {
        Self { epoch, heard: Vec::new(), turn: Mono(0) }
    }

    /// `start`, `own`: where the own log starts, and its last epoch and end. `holed`: it lacks something before its end, and one that ends
    /// there too has more.
    pub fn next(
        &self,
        me: NodeId,
        (start, own): (Offset, (LeaderEpoch, Offset)),
        holed: bool,
        state: &metadata::Partition,
    ) -> Next {
        let in_sync = state.isr.iter().filter(|node| **node != me);
        let in_sync: Vec<_> = in_sync.map(|node| (*node, BrokerEpoch(-1))).collect();
        if !in_sync.is_empty() {
            return Next::Yield(in_sync);
        }
        // Who is being taken off is not waited for.
        let others = state.replicas.iter().filter(|node| **node != me && !state.removing.contains(node));
        let heard = |node: &NodeId| self.heard.iter().find(|(id, _)| id == node).copied();
        if others.clone().any(|node| heard(node).is_none()) && !mutant::is(Mutant::ShortLeadsUnheard) {
            return Next::Wait;
        }
        let others: Vec<(NodeId, Heard)> = others.filter_map(heard).collect();
        // A log without records may have forgotten its epoch, but not where it starts.
        let committed = others.iter().map(|(_, one)| one.start).fold(start, Offset::max);
        let worth = |end: (LeaderEpoch, Offset)| (end.1 >= committed, end);
        let best = others.into_iter().rev().max_by_key(|(_, one)| (worth(one.end), one.eligible));
        match best.filter(|(_, best)| worth(best.end) > worth(own) || holed && best.end == own) {
            None => Next::Lead,
            Some((node, best)) if best.eligible => Next::Yield(alloc::vec![(node, best.broker_epoch)]),
            Some(_) => Next::Wait,
        }
    }

    /// A replica says where its log ends; an earlier incarnation of it says nothing.
    pub fn hear(&mut self, node: NodeId, heard: Heard) {
        match self.heard.iter_mut().find(|(id, _)| *id == node) {
            Some((_, known)) if heard.broker_epoch.0 < 0 || known.broker_epoch <= heard.broker_epoch => *known = heard,
            Some(_) => {}
            None => self.heard.push((node, heard)),
        }
    }

    /// The metadata says whether the node is there, in the incarnation `epoch`.
    pub fn on_broker(&mut self, node: NodeId, epoch: Option<BrokerEpoch>, active: bool) {
        for (_, heard) in self.heard.iter_mut().filter(|(id, _)| *id == node) {
            heard.eligible = active && (heard.broker_epoch.0 < 0 || epoch == Some(heard.broker_epoch));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn heard(epoch: i32, end: i64) -> Heard {
        Heard { end: (LeaderEpoch(epoch), Offset(end)), start: Offset(0), broker_epoch: BrokerEpoch(7), eligible: true }
    }

    fn three(isr: &[i32]) -> metadata::Partition {
        let nodes = |ids: &[i32]| ids.iter().copied().map(NodeId).collect();
        metadata::Partition::new(nodes(&[1, 2, 3]), nodes(isr))
    }

    #[test]
    fn the_best_of_all_logs_leads() {
        let (me, own, state) = (NodeId(1), (LeaderEpoch(1), Offset(8)), three(&[1]));
        let mut short = Short::new(LeaderEpoch(4));
        short.hear(NodeId(2), heard(1, 10));
        assert_eq!(
            short.next(me, (Offset(0), own), false, &state),
            Next::Wait,
            "what it holds may never have been committed"
        );
        short.hear(NodeId(3), heard(2, 9));
        assert_eq!(short.next(me, (Offset(0), own), false, &state), Next::Yield(vec![(NodeId(3), BrokerEpoch(7))]));
        short.on_broker(NodeId(3), Some(BrokerEpoch(8)), true);
        assert_eq!(short.next(me, (Offset(0), own), false, &state), Next::Wait, "it is about to be heard again");
        short.hear(NodeId(3), Heard { broker_epoch: BrokerEpoch(6), ..heard(2, 9) });
        assert_eq!(short.next(me, (Offset(0), own), false, &state), Next::Wait, "that was an earlier incarnation");
        short.hear(NodeId(3), heard(0, 20));
        assert_eq!(short.next(me, (Offset(0), (LeaderEpoch(1), Offset(10))), false, &state), Next::Lead);
        let holed = short.next(me, (Offset(0), (LeaderEpoch(2), Offset(9))), true, &state);
        assert_eq!(holed, Next::Lead, "nobody ends there");
        short.hear(NodeId(3), heard(2, 9));
        let holed = short.next(me, (Offset(0), (LeaderEpoch(2), Offset(9))), true, &state);
        assert_eq!(holed, Next::Yield(vec![(NodeId(3), BrokerEpoch(7))]), "what is missing here is whole there");
        assert_eq!(short.next(me, (Offset(0), (LeaderEpoch(2), Offset(9))), false, &state), Next::Lead);
    }

    #[test]
    fn who_ends_below_where_another_starts_lacks_what_was_committed() {
        // Seed 1795816103500: all records of one log were deleted, and with them what it knew of epochs.
        let (me, state) = (NodeId(1), three(&[1]));
        let mut short = Short::new(LeaderEpoch(4));
        short.hear(NodeId(2), heard(0, 2));
        short.hear(NodeId(3), Heard { start: Offset(3), ..heard(-1, 3) });
        let next = |own| short.next(me, (Offset(0), own), false, &state);
        assert_eq!(next((LeaderEpoch(-1), Offset(0))), Next::Yield(vec![(NodeId(3), BrokerEpoch(7))]));
        assert_eq!(next((LeaderEpoch(2), Offset(2))), Next::Yield(vec![(NodeId(3), BrokerEpoch(7))]), "its own too");
        assert_eq!(next((LeaderEpoch(0), Offset(3))), Next::Lead);
        let next = short.next(me, (Offset(4), (LeaderEpoch(-1), Offset(4))), false, &state);
        assert_eq!(next, Next::Lead, "nobody comes to where the own log starts");
    }

    #[test]
    fn who_is_taken_off_is_not_waited_for() {
        let (me, own, mut state) = (NodeId(1), (LeaderEpoch(1), Offset(8)), three(&[1]));
        let mut short = Short::new(LeaderEpoch(4));
        short.hear(NodeId(2), heard(1, 10));
        assert_eq!(short.next(me, (Offset(0), own), false, &state), Next::Wait);
        state.removing = vec![NodeId(3)];
        assert_eq!(short.next(me, (Offset(0), own), false, &state), Next::Yield(vec![(NodeId(2), BrokerEpoch(7))]));
    }

    #[test]
    fn who_is_in_sync_leads_unheard() {
        let next = Short::new(LeaderEpoch(4)).next(
            NodeId(1),
            (Offset(0), (LeaderEpoch(1), Offset(8))),
            false,
            &three(&[1, 3]),
        );
        assert_eq!(next, Next::Yield(vec![(NodeId(3), BrokerEpoch(-1))]));
    }
}
