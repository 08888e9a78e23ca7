//! Replies leave a connection in the order of its requests, whatever the order in which they are decided.

use super::decode::Slip;
use super::encode;
use super::frame::{Frame, Unencodable};
use crate::io::Reply;
use crate::mutant::{self, Mutant};
use alloc::collections::VecDeque;

/// The requests of one connection that have no reply yet, and the replies that wait for them.
///
/// Invariant: `slots` begins with the request `first`, and a place stays until every earlier one has left.
#[derive(Debug, Default)]
pub struct Replies {
    first: u64,
    slots: VecDeque<Slot>,
}

#[derive(Debug)]
enum Slot {
    Open(Slip),
    /// `None`: nothing is sent.
    Done(Option<Frame>),
}

impl Replies {
    /// Takes a place for a request; the number is its `seq`.
    pub fn open(&mut self, slip: Slip) -> u64 {
        let seq = self.first + self.slots.len() as u64;
        self.slots.push_back(Slot::Open(slip));
        seq
    }

    /// Takes a place for a frame that is ready at once.
    pub fn ready(&mut self, frame: Frame) {
        self.slots.push_back(Slot::Done(Some(frame)));
    }

    /// Encodes the reply to request `seq`. A second reply to one request is dropped: the first one stands.
    pub fn done(&mut self, seq: u64, reply: &Reply) -> Result<(), Unencodable> {
        let place = seq.checked_sub(self.first).and_then(|place| usize::try_from(place).ok());
        let Some(slot) = place.and_then(|place| self.slots.get_mut(place)) else { return Ok(()) };
        if let Slot::Open(slip) = slot {
            *slot = Slot::Done(encode::reply(*slip, reply)?);
        }
        Ok(())
    }

    /// The next frame that may leave.
    pub fn pop(&mut self) -> Option<Frame> {
        if mutant::is(Mutant::SwapReplies)
            && let (Some(Slot::Done(Some(_))), Some(Slot::Done(Some(_)))) = (self.slots.front(), self.slots.get(1))
        {
            self.slots.swap(0, 1);
        }
        while let Some(Slot::Done(_)) = self.slots.front() {
            self.first += 1;
            if let Some(Slot::Done(Some(frame))) = self.slots.pop_front() {
                return Some(frame);
            }
        }
        None
    }

    /// Whether [`Replies::pop`] has something to look at.
    pub fn has_ready(&self) -> bool {
        matches!(self.slots.front(), Some(Slot::Done(_)))
    }

    /// Requests without a reply, and replies that wait for them.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kafka_protocol::messages::{ApiKey, HeartbeatResponse};

    fn slip(correlation: i32) -> Slip {
        Slip { key: ApiKey::Heartbeat, version: 0, correlation }
    }

    fn correlation(frame: &Frame) -> i32 {
        i32::from_be_bytes(frame.head[4..8].try_into().unwrap())
    }

    #[test]
    fn replies_leave_in_order() {
        let mut replies = Replies::default();
        let seqs: [u64; 4] = [10, 11, 12, 13].map(|number| replies.open(slip(number)));
        assert_eq!(seqs, [0, 1, 2, 3]);
        let heartbeat = || Reply::plain(HeartbeatResponse::default());
        replies.done(2, &heartbeat()).unwrap();
        assert!(!replies.has_ready() && replies.pop().is_none());
        replies.done(0, &heartbeat()).unwrap();
        assert!(replies.has_ready());
        assert_eq!(replies.pop().map(|frame| correlation(&frame)), Some(10));
        assert!(replies.pop().is_none());
        replies.done(1, &Reply::Silence).unwrap();
        assert_eq!(replies.pop().map(|frame| correlation(&frame)), Some(12));
        assert_eq!((replies.len(), replies.open(slip(14))), (1, 4));
    }

    #[test]
    fn a_second_reply_is_dropped() {
        let mut replies = Replies::default();
        replies.open(slip(1));
        replies.done(0, &Reply::Silence).unwrap();
        replies.done(0, &Reply::plain(HeartbeatResponse::default())).unwrap();
        replies.done(77, &Reply::Silence).unwrap();
        assert!(replies.pop().is_none() && replies.is_empty());
        replies.done(0, &Reply::Silence).unwrap();
    }
}
