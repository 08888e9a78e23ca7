//! Appending as the leader.

use super::machine::Quorum;
use crate::batch::Builder;
use crate::error::{ErrorCode, Refusal};
use crate::id::Offset;
use crate::io::Out;
use crate::mutant::{self, Mutant};
use crate::time::Now;
use alloc::vec::Vec;
use bytes::Bytes;

impl Quorum {
    /// Appends records as one batch, which is committed whole or not at all; answers the offset of the last one.
    ///
    /// # Errors
    /// `NOT_CONTROLLER` off the leader; what the log answers otherwise.
    ///
    /// # Panics
    /// If there are no records.
    pub fn append(&mut self, now: Now, records: Vec<Bytes>, out: &mut Out) -> Result<Offset, Refusal> {
        assert!(!records.is_empty(), "an append of nothing");
        if !self.is_leader() {
            return Err(ErrorCode::NotController.into());
        }
        let epoch = self.epoch();
        let Some(journal) = self.journal_mut() else { return Err(ErrorCode::NotController.into()) };
        let mut batch = Builder::new();
        for record in &records {
            batch.push(now.wall.0, None, Some(record), &[]);
        }
        let last = journal.append(now, epoch, batch, out)?;
        // Followers that wait for news get them now, while this node's own write is on its way.
        self.changes.ask_again = !mutant::is(Mutant::AppendWakesNobody);
        Ok(last)
    }
}
