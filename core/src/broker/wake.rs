//! Which handler looks again at which waiting reply: when a folder that it watches moved, when its time is up, when the
//! quorum has news. Every kind of row that waits for one of these has its lines here.

use super::Broker;
use crate::api::{self, quorum_asks};
use crate::id::{DirId, HoldId};
use crate::mutant::{self, Mutant};
use crate::node::{Node, Waiting, opening};
use crate::time::Now;

/// The log of `dir`, which the row watches, has moved.
pub(super) fn on_moved(node: &mut Node, now: Now, hold: HoldId, dir: DirId) {
    let Some(row) = node.hold.get(hold) else { return };
    match &row.waiting {
        Waiting::Produce(_) => api::produce::on_moved(node, hold, dir),
        Waiting::Fetch(_) => api::fetch::on_moved(node, now, hold, dir),
        Waiting::ListOffsets(_) => api::list_offsets::on_moved(node, now, hold, dir),
        Waiting::DeleteRecords(_) => api::delete_records::on_moved(node, hold, dir),
        Waiting::Opening { .. } if mutant::is(Mutant::OpeningNotWoken) => {}
        Waiting::Opening { .. } => opening::on_moved(node, hold, dir),
        // These watch no folder.
        Waiting::Commit { .. } | Waiting::Forward(_) | Waiting::Quorum { .. } | Waiting::Group => {}
    }
}

impl Broker {
    /// Rows whose time is up.
    pub(super) fn on_hold_due(&mut self, now: Now) {
        while let Some(hold) = self.node.hold.due(now.mono) {
            self.on_due(now, hold);
            assert!(
                self.node.hold.get(hold).is_none_or(|row| row.deadline.is_none_or(|at| at > now.mono)),
                "{hold} stays due"
            );
        }
    }

    fn on_due(&mut self, now: Now, hold: HoldId) {
        let node = &mut self.node;
        let Some(row) = node.hold.get(hold) else { return };
        match &row.waiting {
            // Who forwarded it gave up: the client asks again.
            Waiting::Forward(_) => {
                if let Some(row) = node.hold.take(hold) {
                    row.ask.close(&mut node.out);
                }
            }
            Waiting::Produce(_) => api::produce::on_due(node, now, hold),
            Waiting::Fetch(_) => api::fetch::on_due(node, now, hold),
            Waiting::ListOffsets(_) => api::list_offsets::on_due(node, hold),
            Waiting::DeleteRecords(_) => api::delete_records::on_due(node, hold),
            Waiting::Opening { .. } => opening::on_due(node, hold),
            Waiting::Quorum { .. } => quorum_asks::last(node, now, hold),
            // Their owners keep the time.
            Waiting::Commit { .. } | Waiting::Group => {}
        }
    }

    /// The quorum has news for the requests that wait for it.
    pub(super) fn ask_quorum_again(&mut self, now: Now) {
        quorum_asks::again(&mut self.node, now);
    }
}
