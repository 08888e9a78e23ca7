//! What each idempotent producer wrote last: duplicates are found, gaps and old epochs refused
//! (KIP-98, KIP-360; Kafka: `ProducerStateManager`, `ProducerAppendInfo`).

use crate::batch::{Header, advance_sequence};
use crate::error::{ErrorCode, Refusal};
use crate::id::{Offset, ProducerId};
use crate::mutant::{self, Mutant};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// Batches of a producer that are remembered: as many as a client may have in flight.
pub const WINDOW: usize = 5;

/// One batch of a producer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Written {
    pub last_sequence: i32,
    pub last_offset: Offset,
    /// Last offset less first offset.
    pub delta: i32,
    /// Largest timestamp, in ms since 1970.
    pub timestamp: i64,
}

impl Written {
    pub fn first_offset(&self) -> Offset {
        Offset(self.last_offset.0.saturating_sub(i64::from(self.delta)))
    }

    fn first_sequence(&self) -> i32 {
        // Going back by `delta` is going forth by what is left of the cycle.
        if self.delta <= self.last_sequence {
            self.last_sequence - self.delta
        } else {
            i32::MAX - (self.delta - self.last_sequence) + 1
        }
    }
}

/// What is known of one producer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Producer {
    /// -1: only markers of it were seen.
    pub epoch: i16,
    /// Oldest first, at most [`WINDOW`], all of this epoch.
    pub window: Vec<Written>,
    /// Time of the newest batch, in ms since 1970: expiry counts from it.
    pub timestamp: i64,
    /// Epoch of the transaction coordinator that wrote the newest marker; -1: none.
    pub coordinator_epoch: i32,
    /// First offset of the transaction under way.
    pub transaction: Option<Offset>,
}

impl Producer {
    const NEW: Self = Self { epoch: -1, window: Vec::new(), timestamp: -1, coordinator_epoch: -1, transaction: None };

    fn last_sequence(&self) -> i32 {
        self.window.last().map_or(-1, |last| last.last_sequence)
    }

    fn enter_epoch(&mut self, epoch: i16) {
        if self.epoch != epoch {
            if !mutant::is(Mutant::WindowOutlivesEpoch) {
                self.window.clear();
            }
            if self.epoch < 0 || !mutant::is(Mutant::EpochNotEntered) {
                self.epoch = epoch;
            }
        }
    }
}

/// All producers of one log.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Producers {
    known: BTreeMap<ProducerId, Producer>,
}

impl Producers {
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&ProducerId, &Producer)> {
        self.known.iter()
    }

    pub fn get(&self, id: ProducerId) -> Option<&Producer> {
        self.known.get(&id)
    }

    pub(super) fn insert(&mut self, id: ProducerId, producer: Producer) {
        self.known.insert(id, producer);
    }

    pub fn clear(&mut self) {
        self.known.clear();
    }

    /// What was known when the log ended at `offset`, as far as the windows tell: the batches that lie wholly before it.
    pub fn before(&self, offset: Offset) -> Self {
        let known = self.known.iter().filter_map(|(id, producer)| {
            let before = producer.window.iter().copied().filter(|batch| batch.last_offset < offset);
            let window: Vec<Written> = before.collect();
            let timestamp = window.last()?.timestamp;
            let transaction = producer.transaction.filter(|from| *from < offset);
            Some((*id, Producer { window, timestamp, transaction, ..*producer }))
        });
        Self { known: known.collect() }
    }

    /// Takes over what `other` knows later, or more, of a producer.
    pub fn supplement(&mut self, other: Self) {
        for (id, producer) in other.known {
            let reach = |producer: &Producer| {
                let last = producer.window.last().map_or(Offset::NONE, |last| last.last_offset);
                (last, producer.window.len())
            };
            let own = self.known.entry(id).or_insert(Producer::NEW);
            if reach(own) < reach(&producer) {
                *own = producer;
            }
        }
    }

    /// The `most` that wrote last, and no others.
    pub fn newest(mut self, most: usize) -> Self {
        if self.known.len() > most {
            let mut times: Vec<i64> = self.known.values().map(|producer| producer.timestamp).collect();
            times.sort_unstable_by(|one, other| other.cmp(one));
            let bound = times[most];
            self.known.retain(|_, producer| producer.timestamp > bound);
        }
        self
    }

    /// The batch of these sequence numbers that is in the log already.
    pub fn duplicate(&self, header: &Header<'_>) -> Option<Written> {
        if mutant::is(Mutant::AppendDuplicate) {
            return None;
        }
        let producer = self.known.get(&header.producer_id())?;
        if producer.epoch != header.producer_epoch() && !mutant::is(Mutant::DuplicateOfOldEpoch) {
            return None;
        }
        let range = (header.base_sequence(), header.last_sequence());
        producer
            .window
            .iter()
            .copied()
            .skip(if mutant::is(Mutant::DuplicateOfLastOnly) { producer.window.len() - 1 } else { 0 })
            .find(|batch| (batch.first_sequence(), batch.last_sequence) == range)
    }

    /// Whether a batch that is no duplicate may be appended. `sequences`: they count (a client's batch); the epoch always does.
    ///
    /// # Errors
    /// `INVALID_PRODUCER_EPOCH` for an epoch older than the newest known (-1 where none is); `OUT_OF_ORDER_SEQUENCE_NUMBER` for a gap.
    pub fn admit(&self, header: &Header<'_>, sequences: bool) -> Result<(), Refusal> {
        let Some(producer) = self.known.get(&header.producer_id()) else {
            if header.producer_epoch() < Producer::NEW.epoch {
                return Err(Refusal::because(ErrorCode::InvalidProducerEpoch, "no producer has such an epoch"));
            }
            // Nothing is known of it, perhaps because retention took all it wrote: any sequence is taken.
            if sequences && header.base_sequence() > 0 && mutant::is(Mutant::UnknownMustBegin) {
                return Err(Refusal::because(ErrorCode::OutOfOrderSequenceNumber, "unknown"));
            }
            return Ok(());
        };
        let later = mutant::is(Mutant::LaterEpochRefused) && header.producer_epoch() > producer.epoch;
        if (header.producer_epoch() < producer.epoch || later) && !mutant::is(Mutant::NoProducerFencing) {
            return Err(Refusal::because(ErrorCode::InvalidProducerEpoch, "a newer epoch of the producer has written"));
        }
        if !sequences || header.is_control() || mutant::is(Mutant::AppendDuplicate) || producer.epoch < 0 {
            return Ok(());
        }
        let first = header.base_sequence();
        let follows = if header.producer_epoch() == producer.epoch {
            let last = producer.last_sequence();
            if last < 0 {
                first == 0
            } else {
                first == advance_sequence(last, 1) && !(last == i32::MAX && mutant::is(Mutant::SequenceNeverWraps))
            }
        } else {
            first == 0 || mutant::is(Mutant::NewEpochAnySequence)
        };
        if follows || mutant::is(Mutant::SequenceGap) {
            Ok(())
        } else {
            Err(Refusal::because(
                ErrorCode::OutOfOrderSequenceNumber,
                "the batch does not follow the producer's last one",
            ))
        }
    }

    /// A batch of a producer is in the log. `marker`: the coordinator's epoch, if it ends a transaction.
    pub fn record(&mut self, header: &Header<'_>, marker: Option<i32>) {
        if !header.has_producer() {
            return;
        }
        let producer = self.known.entry(header.producer_id()).or_insert(Producer::NEW);
        producer.enter_epoch(header.producer_epoch());
        if producer.timestamp < 0 || !mutant::is(Mutant::ProducerTimeStays) {
            producer.timestamp = header.max_timestamp();
        }
        if header.is_control() {
            producer.transaction = None;
            producer.coordinator_epoch = marker.unwrap_or(producer.coordinator_epoch);
            return;
        }
        if producer.window.len() == if mutant::is(Mutant::WindowTooShort) { 3 } else { WINDOW } {
            producer.window.remove(0);
        }
        producer.window.push(Written {
            last_sequence: header.last_sequence(),
            last_offset: header.last_offset(),
            delta: header.last_offset_delta().max(0),
            timestamp: header.max_timestamp(),
        });
        if header.is_transactional() && producer.transaction.is_none() {
            producer.transaction = Some(header.base_offset());
        }
        assert!(producer.window.len() <= WINDOW, "the window is bounded");
    }

    /// Whether anything of what is known lies at `offset` or beyond.
    pub fn reach(&self, offset: Offset) -> bool {
        // Markers leave no offset behind: a producer without a batch may have had one there.
        self.known.values().any(|producer| producer.window.last().is_none_or(|last| last.last_offset >= offset))
    }

    /// Forgets who wrote nothing for `expiry_ms`, but for those with a transaction under way.
    pub fn expire(&mut self, wall: i64, expiry_ms: i64) {
        self.known.retain(|_, producer| {
            let expiry = if mutant::is(Mutant::ProducersExpireEarly) { expiry_ms / 1000 } else { expiry_ms };
            producer.transaction.is_some() || wall.saturating_sub(producer.timestamp) < expiry
        });
    }

    /// Asserts that nothing is known of what lies at `end` or beyond: it was cut away, and is no duplicate when it comes again.
    pub fn check_end(&self, end: Offset) {
        let last = self.known.values().filter_map(|producer| producer.window.last());
        assert!(last.into_iter().all(|last| last.last_offset < end), "a producer's batch beyond the end {end}");
    }

    pub fn check(&self) {
        for producer in self.known.values() {
            assert!(producer.window.len() <= WINDOW, "the window is bounded");
            assert!(producer.window.is_sorted_by_key(|batch| batch.last_offset), "the window is in the log's order");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::Builder;
    use bytes::Bytes;

    fn batch(id: i64, epoch: i16, sequence: i32, count: usize, base: i64) -> Bytes {
        let mut batch = Builder::new().base(Offset(base)).producer(ProducerId(id), epoch, sequence);
        for _ in 0..count {
            batch.push(1000 + base, None, Some(b"v"), &[]);
        }
        batch.finish()
    }

    fn written(batches: &[(i64, i16, i32, usize, i64)]) -> Producers {
        let mut producers = Producers::default();
        for (id, epoch, sequence, count, base) in batches {
            producers.record(&Header::read(&batch(*id, *epoch, *sequence, *count, *base)).unwrap(), None);
        }
        producers.check();
        producers
    }

    #[track_caller]
    fn admits(producers: &Producers, id: i64, epoch: i16, sequence: i32) -> Result<(), ErrorCode> {
        producers.admit(&Header::read(&batch(id, epoch, sequence, 1, 0)).unwrap(), true).map_err(|refusal| refusal.code)
    }

    #[test]
    fn sequences_follow_one_another_and_wrap() {
        let producers = written(&[(1, 0, 0, 3, 0)]);
        assert_eq!(admits(&producers, 1, 0, 3), Ok(()));
        assert_eq!(admits(&producers, 1, 0, 4), Err(ErrorCode::OutOfOrderSequenceNumber));
        assert_eq!(admits(&producers, 1, 0, 2), Err(ErrorCode::OutOfOrderSequenceNumber));
        let producers = written(&[(1, 0, i32::MAX - 1, 2, 0)]);
        assert_eq!(admits(&producers, 1, 0, 0), Ok(()));
        let producers = written(&[(1, 0, i32::MAX, 3, 0)]);
        assert_eq!(admits(&producers, 1, 0, 2), Ok(()));
        assert_eq!(producers.get(ProducerId(1)).unwrap().window[0].first_sequence(), i32::MAX);
    }

    #[test]
    fn the_newest_of_many_are_told() {
        let producers = written(&[(1, 0, 0, 1, 0), (2, 0, 0, 1, 1), (3, 0, 0, 1, 2), (2, 0, 1, 1, 3)]);
        let ids = |producers: Producers| producers.iter().map(|(id, _)| id.0).collect::<Vec<_>>();
        assert_eq!(ids(producers.clone().newest(3)), [1, 2, 3]);
        assert_eq!(ids(producers.clone().newest(2)), [2, 3]);
        assert_eq!(ids(producers.before(Offset(2))), [1, 2]);
    }

    #[test]
    fn an_unknown_producer_may_begin_anywhere() {
        assert_eq!(admits(&Producers::default(), 9, 3, 17), Ok(()));
        assert_eq!(admits(&Producers::default(), 9, -1, 17), Ok(()));
        // Kafka's `ProducerAppendInfo.checkProducerEpoch` compares with -1 then.
        for coordinators in [false, true] {
            let none = batch(9, -2, 0, 1, 0);
            let refused = Producers::default().admit(&Header::read(&none).unwrap(), !coordinators);
            assert_eq!(refused.map_err(|refusal| refusal.code), Err(ErrorCode::InvalidProducerEpoch));
        }
    }

    #[test]
    fn epochs_fence_and_a_new_one_begins_at_zero() {
        let producers = written(&[(1, 4, 0, 3, 0)]);
        assert_eq!(admits(&producers, 1, 3, 3), Err(ErrorCode::InvalidProducerEpoch));
        assert_eq!(admits(&producers, 1, 5, 3), Err(ErrorCode::OutOfOrderSequenceNumber));
        assert_eq!(admits(&producers, 1, 5, 0), Ok(()));
        let old = batch(1, 3, 0, 1, 0);
        assert!(producers.admit(&Header::read(&old).unwrap(), false).is_err());
        let gap = batch(1, 4, 50, 1, 0);
        assert!(producers.admit(&Header::read(&gap).unwrap(), false).is_ok());
    }

    #[test]
    fn the_last_five_batches_are_known_again() {
        let producers = written(&[
            (1, 0, 0, 2, 0),
            (1, 0, 2, 1, 2),
            (1, 0, 3, 1, 3),
            (1, 0, 4, 1, 4),
            (1, 0, 5, 1, 5),
            (1, 0, 6, 1, 6),
        ]);
        let find = |epoch, sequence, count| {
            producers
                .duplicate(&Header::read(&batch(1, epoch, sequence, count, 0)).unwrap())
                .map(|found| found.first_offset().0)
        };
        assert_eq!(find(0, 2, 1), Some(2));
        assert_eq!(find(0, 6, 1), Some(6));
        // Slid out, another length, another epoch, another producer.
        assert_eq!(find(0, 0, 2), None);
        assert_eq!(find(0, 5, 2), None);
        assert_eq!(find(1, 6, 1), None);
        assert!(producers.reach(Offset(6)) && !producers.reach(Offset(7)));
    }

    #[test]
    fn a_new_epoch_empties_the_window() {
        let producers = written(&[(1, 0, 0, 2, 0), (1, 1, 0, 1, 2)]);
        assert_eq!(producers.get(ProducerId(1)).unwrap().window.len(), 1);
    }

    #[test]
    fn the_silent_are_forgotten() {
        let mut producers = written(&[(1, 0, 0, 1, 0), (2, 0, 0, 1, 500)]);
        producers.expire(2000, 1000);
        assert!(producers.get(ProducerId(1)).is_none() && producers.get(ProducerId(2)).is_some());
    }
}
