//! A consumer is given no record that is not committed: the watermark that stands in the answer lies behind all of them.

use super::{At, Broken};
use crate::table::Set;
use bytes::Bytes;
use esker_core::batch::Batches;
use esker_core::io::Records;
use kafka_protocol::messages::{FetchRequest, FetchResponse};

/// Consumers' Fetch requests without an answer.
#[derive(Debug, Default)]
pub struct CommittedReads {
    asked: Set<At>,
}

impl CommittedReads {
    pub fn on_request(&mut self, at: At, request: &FetchRequest) {
        if request.replica_id.0 < 0 && request.replica_state.replica_id.0 < 0 {
            self.asked.insert(at);
        }
    }

    pub fn on_reply(&mut self, at: At, response: &FetchResponse, records: &[Records]) -> Result<(), Broken> {
        if !self.asked.remove(&at) {
            return Ok(());
        }
        let parts = response.responses.iter().flat_map(|topic| &topic.partitions);
        for (part, records) in parts.zip(records) {
            // What comes from the disk is read by the shell, when this is out: the histories judge that.
            let Records::Memory(chunks) = records else { continue };
            if let Some(last) = chunks.last().and_then(last_offset) {
                judge(part.high_watermark, last)?;
            }
        }
        Ok(())
    }
}

fn last_offset(chunk: &Bytes) -> Option<i64> {
    Batches::of(chunk).last().map(|(batch, _)| batch.last_offset().0)
}

fn judge(watermark: i64, last: i64) -> Result<(), Broken> {
    if last < watermark {
        return Ok(());
    }
    Err(("read-uncommitted", format!("gives a consumer records up to {last} with the watermark {watermark}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_that_is_not_committed_is_caught() {
        assert!(judge(5, 4).is_ok());
        assert_eq!(judge(5, 5).unwrap_err().0, "read-uncommitted");
    }
}
