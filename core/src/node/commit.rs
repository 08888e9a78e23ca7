//! Decided changes of the metadata: appended to the quorum's log, applied at once to the controller's image, and told to
//! the asker when the quorum has committed them.

use super::{Node, Waiting};
use crate::controller::{Controller, Decision};
use crate::id::Offset;
use crate::io::Ask;
use crate::limits;
use crate::metadata::{Record, encode};
use crate::mutant::{self, Mutant};
use crate::time::Now;
use alloc::boxed::Box;
use alloc::vec::Vec;
use kafka_protocol::messages::ResponseKind;

impl Node {
    /// The active controller, if it is this node, and it has taken over.
    pub fn controller(&self) -> Option<&Controller> {
        self.controller.as_ref()
    }

    /// Carries out what the active controller decided: the reply leaves once all that it rests on is committed. Where nothing can
    /// be appended the connection ends: the asker looks for another controller.
    pub fn commit<R: Into<ResponseKind>>(&mut self, now: Now, ask: Ask, decision: Decision<R>) {
        if !self.append_records(now, &decision.records) {
            return ask.close(&mut self.out);
        }
        let end = self.quorum.end();
        if self.quorum.watermark() >= end || mutant::is(Mutant::MetadataBeforeCommit) {
            ask.reply(&mut self.out, decision.reply);
            return;
        }
        let reply = Box::new(decision.reply.into());
        let hold = self.hold.insert(ask, now.mono, None, Waiting::Commit { reply });
        self.commits.insert((end, hold));
    }

    /// Appends records and applies them to the controller's image. `false`: neither was done. A node that has just lost the quorum
    /// appends nothing: its controller is dropped before the input's handling ends.
    #[must_use = "what was not appended was not decided"]
    pub fn append_records(&mut self, now: Now, records: &[Record]) -> bool {
        if records.is_empty() {
            return true;
        }
        if self.controller.is_none() {
            return false;
        }
        let encoded: Vec<_> = records.iter().map(encode).collect();
        // More would be taken for damage by whoever reads it. What a request makes is refused long before that.
        if encoded.iter().map(|record| record.len()).sum::<usize>() > limits::REQUEST_BYTES_MAX / 2 {
            return false;
        }
        let Ok(last) = self.quorum.append(now, encoded, &mut self.out) else { return false };
        let first = Offset(last.0 + 1 - records.len() as i64);
        let controller = self.controller.as_mut().expect("checked above");
        for (place, record) in records.iter().enumerate() {
            controller.apply(now, first.plus(place as i64), record);
        }
        true
    }

    /// Lets go the replies whose records the quorum has committed.
    pub fn release_commits(&mut self, now: Now) {
        let watermark = self.quorum.watermark();
        let mut early = Vec::new();
        while let Some((end, hold)) = self.commits.pop_first() {
            if end > watermark.plus(i64::from(mutant::is(Mutant::CommitsOneEarly))) {
                self.commits.insert((end, hold));
                break;
            }
            if self.is_blocked(now, hold) {
                early.push((end, hold));
                continue;
            }
            // The row is gone if its connection is.
            let Some(row) = self.hold.take(hold) else { continue };
            let Waiting::Commit { reply } = row.waiting else { unreachable!("{hold} waits for a commit") };
            self.reply_when_open(now, row.ask, reply);
        }
        self.commits.extend(early);
    }

    /// This node no longer decides: what was not committed may or may not come to be, so the askers' connections end.
    pub fn drop_commits(&mut self) {
        if mutant::is(Mutant::CommitsOutliveLead) {
            return;
        }
        for (_, hold) in core::mem::take(&mut self.commits) {
            if let Some(row) = self.hold.take(hold) {
                row.ask.close(&mut self.out);
            }
        }
    }
}
