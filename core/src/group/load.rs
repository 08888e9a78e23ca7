//! A shard's state, read from its partition of `__consumer_offsets`.

use super::records::{Committed, Entry};
use super::shard::Shard;
use crate::batch::{Batches, Header, Records};
use crate::mutant::{self, Mutant};
use crate::time::Now;

/// A control record's key: two bytes of version, two that say which (`ControlRecordType`).
const ABORT: i16 = 0;
const COMMIT: i16 = 1;

impl Shard {
    /// Applies the next batches of the log. Records that are not the classic protocol's are passed over, as are damaged ones:
    /// the log's own checks hold the bytes, so what cannot be read was never ours. Answers how many were damaged.
    pub fn on_loaded(&mut self, now: Now, bytes: &[u8]) -> u32 {
        let mut damaged = 0;
        let last = bytes.as_ptr_range().end;
        for (header, batch) in Batches::of(bytes) {
            if mutant::is(Mutant::LoadShort) && batch.as_ptr_range().end == last {
                // It is left out.
            } else if header.is_control() {
                self.end_transaction(&header, batch);
            } else {
                damaged += self.on_loaded_batch(now, &header, batch);
            }
            self.end = self.end.max(header.next_offset());
        }
        damaged
    }

    fn on_loaded_batch(&mut self, now: Now, header: &Header<'_>, batch: &[u8]) -> u32 {
        let Ok(records) = Records::of(batch) else { return 1 };
        let mut damaged = 0;
        for record in records {
            let entry = record.ok().and_then(|record| {
                let decoded = Entry::decode(record.key.unwrap_or_default(), record.value).ok()?;
                Some((record.offset, decoded))
            });
            match entry {
                Some((at, Some(entry))) if header.is_transactional() => {
                    self.apply_pending(now, header.producer_id(), at, entry);
                }
                Some((_, Some(Entry::Offset { value: None, .. }))) if mutant::is(Mutant::TombstonesNotLoaded) => {}
                Some((_, Some(Entry::Group { value: None, .. }))) if mutant::is(Mutant::GroupTombstoneNotLoaded) => {}
                Some((at, Some(Entry::Offset { group, topic, partition, value: Some(kept) })))
                    if mutant::is(Mutant::ReloadLosesExpiry) =>
                {
                    let value = Some(Committed { expires_at: None, ..kept });
                    self.apply(now, at, Entry::Offset { group, topic, partition, value });
                }
                Some((at, Some(entry))) => self.apply(now, at, entry),
                Some((_, None)) => {}
                None => damaged += 1,
            }
        }
        damaged
    }

    fn end_transaction(&mut self, header: &Header<'_>, batch: &[u8]) {
        let Ok(mut records) = Records::of(batch) else { return };
        let marker = records.next().and_then(Result::ok).and_then(|record| record.key?.get(2..4)?.try_into().ok());
        match marker.map(i16::from_be_bytes) {
            Some(COMMIT) => self.offsets.end_transaction(header.producer_id(), true),
            Some(ABORT) => self.offsets.end_transaction(header.producer_id(), false),
            Some(_) | None => {}
        }
    }
}
