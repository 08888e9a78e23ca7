//! A Produce that waits for disks.

use crate::error::ErrorCode;
use crate::id::{DirId, PartitionKey};
use crate::partition::{Acks, Appended};
use alloc::vec::Vec;
use kafka_protocol::messages::ProduceResponse;
use kafka_protocol::messages::produce_response::PartitionProduceResponse;

/// A Produce whose records are appended, and not yet where `acks` wants them.
#[derive(Debug)]
pub struct Producing {
    pub acks: Acks,
    /// The client's time is over: only this node's own disk is waited for.
    pub overdue: bool,
    /// The answer: complete but for the errors that may still come.
    pub response: ProduceResponse,
    pub waits: Vec<ProduceWait>,
}

/// One partition of it that is waited for.
#[derive(Clone, Copy, Debug)]
pub struct ProduceWait {
    /// Its place in the answer: topic, and partition in the topic.
    pub place: (u32, u32),
    pub partition: PartitionKey,
    pub dir: DirId,
    pub appended: Appended,
}

impl Producing {
    /// The partition's part of the answer.
    pub fn answer_mut(&mut self, place: (u32, u32)) -> Option<&mut PartitionProduceResponse> {
        let topic = self.response.responses.get_mut(place.0 as usize)?;
        topic.partition_responses.get_mut(place.1 as usize)
    }

    /// Ends the waits of which `ended` tells how: `None` keeps waiting.
    pub fn end(&mut self, mut ended: impl FnMut(&ProduceWait) -> Option<Result<(), ErrorCode>>) {
        let mut waits = core::mem::take(&mut self.waits);
        waits.retain(|wait| match ended(wait) {
            None => true,
            Some(Ok(())) => false,
            Some(Err(code)) => {
                if let Some(answer) = self.answer_mut(wait.place) {
                    answer.error_code = code.code();
                }
                false
            }
        });
        self.waits = waits;
    }
}
