//! When a controller says that a topic is made, its own node serves what it leads of it, unless a log takes longer than a second to open.

use super::{At, Broken};
use crate::table::Map;
use esker_core::metadata::Partition as State;
use esker_core::node::Node as Core;
use esker_core::partition::Partition as Replica;
use esker_core::time::Mono;
use kafka_protocol::messages::CreateTopicsResponse;

/// How long an answer waits for logs.
const PATIENCE_US: u64 = 1_000_000;

/// When what has no answer came to a node that decides.
#[derive(Debug, Default)]
pub struct Made {
    asked: Map<At, Mono>,
}

impl Made {
    pub fn on_request(&mut self, at: At, now: Mono, core: &Core) {
        if core.controller.is_some() {
            self.asked.insert(at, now);
        }
    }

    pub fn forget(&mut self, at: At) {
        self.asked.remove(&at);
    }

    pub fn on_reply(&mut self, at: At, now: Mono, response: &CreateTopicsResponse, core: &Core) -> Result<(), Broken> {
        let Some(since) = self.asked.remove(&at) else { return Ok(()) };
        let made = response.topics.iter().filter(|made| made.error_code == 0);
        for topic in made.filter_map(|made| core.image.topic_named(&made.name)) {
            // A replica that is added meanwhile leads nothing yet.
            let led = |replica: &&Replica, state: &State| state.leader == Some(replica.me());
            let mut own = topic.each_partition().filter_map(|(key, state)| Some((core.partitions.get(key)?, state)));
            if let Some((opening, _)) = own.find(|(replica, state)| led(replica, state) && replica.is_opening()) {
                judge(opening.folder(), now.0.saturating_sub(since.0))?;
            }
        }
        Ok(())
    }
}

fn judge(folder: &str, after_us: u64) -> Result<(), Broken> {
    if after_us >= PATIENCE_US {
        return Ok(());
    }
    Err(("made-not-open", format!("says after {after_us} us that {folder} is made, and its log is not open yet")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_before_the_log_is_open_is_caught() {
        assert!(judge("t-0", PATIENCE_US).is_ok());
        assert_eq!(judge("t-0", PATIENCE_US - 1).unwrap_err().0, "made-not-open");
    }
}
