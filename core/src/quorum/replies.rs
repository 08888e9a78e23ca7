//! Replies to the quorum's own calls.

use super::calls::Asked;
use super::machine::Quorum;
use crate::error::Refusal;
use crate::id::CallId;
use crate::io::{CallFault, Out};
use crate::time::Now;
use alloc::boxed::Box;
use kafka_protocol::messages::ResponseKind;

impl Quorum {
    /// The reply to one of its calls, or its failure; `checks` as in `Input::CallDone`. Calls it does not know are ignored:
    /// they were made in another role, or given up.
    pub fn on_call_done(
        &mut self,
        now: Now,
        call: CallId,
        result: Result<Box<ResponseKind>, CallFault>,
        checks: &[Result<(), Refusal>],
        out: &mut Out,
    ) {
        if self.closing || self.journal().is_none() {
            return;
        }
        let Some(call) = self.calls.take(call) else { return };
        let (from, asked) = (call.to, call.asked);
        match (asked, result.as_deref()) {
            (_, Err(CallFault::Disconnected | CallFault::Garbled)) => self.on_call_failed(now, from, asked),
            (Asked::Vote { .. }, Ok(ResponseKind::Vote(reply))) => self.on_vote_reply(now, from, asked, reply, out),
            (Asked::Begin { epoch }, Ok(ResponseKind::BeginQuorumEpoch(reply))) => {
                self.on_begin_reply(now, from, epoch, reply, out);
            }
            (Asked::End { .. }, Ok(ResponseKind::EndQuorumEpoch(reply))) => self.on_end_reply(now, from, reply, out),
            (Asked::Fetch { .. }, Ok(ResponseKind::Fetch(reply))) => {
                self.on_fetch_reply(now, from, asked, reply, checks, out)
            }
            (Asked::Snapshot { .. }, Ok(ResponseKind::FetchSnapshot(reply))) => {
                self.on_snapshot_reply(now, from, asked, reply, out);
            }
            (_, Ok(_)) => self.on_call_failed(now, from, asked),
        }
        self.drive(now, out);
    }
}
