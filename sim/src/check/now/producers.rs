//! What a producer has written is committed in its order, once: in a log its epochs never fall, and in an epoch its sequences neither
//! repeat nor leave a gap (KIP-98, KIP-360).

use super::Broken;
use super::shadow::{Entry, Stamp};
use crate::table::Map;
use esker_core::batch::advance_sequence;

/// The last batch of each producer in one log, as far as it is committed.
#[derive(Debug, Default)]
pub struct Producers {
    last: Map<i64, (i16, i32)>,
}

impl Producers {
    /// A batch is committed that stands behind all that were before.
    pub fn take(&mut self, folder: &str, entry: &Entry) -> Result<(), Broken> {
        let Some(Stamp { id, epoch, first, last }) = entry.producer else { return Ok(()) };
        let Some((was_epoch, was)) = self.last.insert(id, (epoch, last)) else { return Ok(()) };
        let told = format!("{folder} has at {} sequence {first} of producer {id} in epoch {epoch}", entry.base);
        if epoch < was_epoch {
            return Err(("producer-fenced", format!("{told}, behind a batch of epoch {was_epoch}")));
        }
        let follows = if epoch == was_epoch { first == advance_sequence(was, 1) } else { first == 0 };
        if follows {
            return Ok(());
        }
        Err(("producer-order", format!("{told}, behind sequence {was} of epoch {was_epoch}")))
    }
}

#[cfg(test)]
mod tests {
    use super::super::shadow::Shadow;
    use super::*;

    #[track_caller]
    fn judge(batches: &[(i16, i32, i32)], caught: Option<&str>) {
        let mut seen = Producers::default();
        let mut entry = Shadow::of(&[(0, 0, 1)]).entries[0];
        let judged = batches.iter().try_for_each(|(epoch, first, last)| {
            entry.producer = Some(Stamp { id: 7, epoch: *epoch, first: *first, last: *last });
            seen.take("t-0", &entry)
        });
        assert_eq!(judged.err().map(|broken| broken.0), caught);
    }

    #[test]
    fn gaps_repeats_and_old_epochs_are_caught() {
        judge(&[(0, 0, 2), (0, 3, 3), (1, 0, 0), (1, 1, 4)], None);
        judge(&[(0, i32::MAX, i32::MAX), (0, 0, 1)], None);
        judge(&[(0, 17, 17), (0, 18, 18)], None);
        judge(&[(0, 0, 2), (0, 4, 4)], Some("producer-order"));
        judge(&[(0, 0, 2), (0, 0, 2)], Some("producer-order"));
        judge(&[(0, 0, 2), (1, 3, 3)], Some("producer-order"));
        judge(&[(1, 0, 2), (0, 3, 3)], Some("producer-fenced"));
    }
}
