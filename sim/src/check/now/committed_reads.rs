//! A consumer is given no record that is not committed: the watermark that stands in the answer lies behind all of them.

use super::shadow::Shadows;
use super::{At, Broken};
use crate::table::Set;
use bytes::Bytes;
use esker_core::batch::Batches;
use esker_core::io::{FileName, Records};
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

    pub fn on_reply(
        &mut self,
        at: At,
        response: &FetchResponse,
        records: &[Records],
        shadows: &Shadows,
    ) -> Result<(), Broken> {
        if !self.asked.remove(&at) {
            return Ok(());
        }
        let parts = response.responses.iter().flat_map(|topic| &topic.partitions);
        for (part, records) in parts.zip(records) {
            let last = match records {
                Records::Empty => None,
                Records::Memory(chunks) => chunks.last().and_then(last_offset),
                // What comes from the disk is read by the shell, when this is out: what stands there is known.
                Records::File(range) => {
                    let FileName::Log(base) = range.file.name else { continue };
                    let log = shadows.folder(range.file.dir).and_then(|folder| shadows.log(folder));
                    log.and_then(|log| log.last_before(base.0, range.at + u64::from(range.len)))
                }
            };
            if let Some(last) = last {
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
