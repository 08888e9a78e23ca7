//! A topic that is made under the name of one that was deleted has none of its records.

use super::Broken;
use crate::table::Set;
use esker_core::id::PartitionKey;
use esker_core::partition::Partition;

/// The replicas that each node was seen to have.
#[derive(Debug, Default)]
pub struct Anew {
    known: Set<(usize, PartitionKey)>,
}

impl Anew {
    /// A replica is open: where it is new, nobody has written to it yet.
    pub fn look(&mut self, node: usize, replica: &Partition) -> Result<(), Broken> {
        if !self.known.insert((node, replica.key())) {
            return Ok(());
        }
        judge(replica.folder(), replica.log_start().0, replica.log_end().0)
    }
}

fn judge(folder: &str, start: i64, end: i64) -> Result<(), Broken> {
    if start == 0 && end == 0 {
        return Ok(());
    }
    Err(("risen-again", format!("{folder} is new, and begins with the records from {start} to {end}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_of_one_before_are_caught() {
        assert!(judge("kept-0-0", 0, 0).is_ok());
        assert_eq!(judge("kept-0-0", 0, 3).unwrap_err().0, "risen-again");
        assert_eq!(judge("kept-0-0", 3, 3).unwrap_err().0, "risen-again");
    }
}
