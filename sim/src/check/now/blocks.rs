//! The controller gives each producer id to one broker alone: blocks have nothing in common, whoever the controller is (KIP-730). And a broker gives
//! each to one producer: two with the same id would be refused what is new, and be told that it is there.

use super::Broken;
use kafka_protocol::messages::ResponseKind;
use std::collections::{BTreeMap, BTreeSet};

/// The blocks that were given: where each begins, and where it ends.
#[derive(Debug, Default)]
pub struct Blocks {
    given: BTreeMap<i64, i64>,
    /// The ids that producers were given.
    used: BTreeSet<i64>,
}

impl Blocks {
    pub fn on_reply(&mut self, body: &ResponseKind) -> Result<(), Broken> {
        match body {
            ResponseKind::AllocateProducerIds(response) if response.error_code == 0 => {
                let start = response.producer_id_start.0;
                self.give(start, start + i64::from(response.producer_id_len))
            }
            ResponseKind::InitProducerId(response) if response.error_code == 0 => self.take(response.producer_id.0),
            _ => Ok(()),
        }
    }

    fn take(&mut self, id: i64) -> Result<(), Broken> {
        if self.used.insert(id) {
            Ok(())
        } else {
            Err(("ids-twice", format!("gives the producer id {id} to a second producer")))
        }
    }

    fn give(&mut self, start: i64, end: i64) -> Result<(), Broken> {
        // What begins before this one ends, and ends behind its start.
        if let Some((other, until)) = self.given.range(..end).next_back().filter(|(_, until)| **until > start) {
            return Err((
                "ids-twice",
                format!("gives the producer ids from {start} to {end}, and gave those from {other} to {until}"),
            ));
        }
        self.given.insert(start, end);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_of_two_producers_is_caught() {
        let mut blocks = Blocks::default();
        assert!(blocks.take(7).is_ok() && blocks.take(8).is_ok());
        assert_eq!(blocks.take(7).unwrap_err().0, "ids-twice");
    }

    #[test]
    fn an_id_in_two_blocks_is_caught() {
        let mut blocks = Blocks::default();
        assert!(blocks.give(1000, 2000).is_ok());
        assert!(blocks.give(0, 1000).is_ok());
        assert!(blocks.give(2000, 3000).is_ok());
        assert_eq!(blocks.give(2999, 3999).unwrap_err().0, "ids-twice");
        assert_eq!(blocks.give(1500, 1600).unwrap_err().0, "ids-twice");
    }
}
