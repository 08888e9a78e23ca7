//! A broker's heartbeat says what is so: how far it has applied the metadata, and no further, for the controller lets it serve again, and others
//! stop, by that; whether it has room; and in whose name it speaks. It asks to be let in for the first time when all its logs are open.

use super::Broken;
use crate::table::Set;
use esker_core::controller::FULL_TAG;
use esker_core::id::Offset;
use esker_core::node::Node as Core;
use esker_core::partition::Partition;
use kafka_protocol::messages::BrokerHeartbeatRequest;

/// Which nodes have asked to be let in, in this life.
#[derive(Debug, Default)]
pub struct Beats {
    asked: Set<usize>,
}

impl Beats {
    pub fn on_start(&mut self, node: usize) {
        self.asked.remove(&node);
    }

    /// A heartbeat leaves a node.
    pub fn on_call(&mut self, node: usize, request: &BrokerHeartbeatRequest, core: &Core) -> Result<(), Broken> {
        let asks = !request.want_fence && !request.want_shut_down;
        let own = core.image.broker(core.config.node);
        let is_out = own.is_some_and(|own| own.fenced && own.incarnation == core.config.identity.incarnation);
        if asks && self.asked.insert(node) && is_out {
            judge_open(core.partitions.iter().filter(|replica| replica.is_opening()).map(Partition::folder).next())?;
        }
        says(request, core)
    }
}

fn judge_open(opening: Option<&str>) -> Result<(), Broken> {
    let Some(folder) = opening else { return Ok(()) };
    Err(("let-in-early", format!("asks to be let in, and {folder} is being opened")))
}

fn says(request: &BrokerHeartbeatRequest, core: &Core) -> Result<(), Broken> {
    let full = request.unknown_tagged_fields.contains_key(&FULL_TAG);
    judge((Offset(request.current_metadata_offset), core.image.offset()), (full, core.room.is_full()))?;
    if request.broker_id.0 == core.config.node.0 {
        return Ok(());
    }
    Err(("says-otherwise", format!("speaks for broker {}", request.broker_id.0)))
}

/// What is said, and what is so.
fn judge((said, known): (Offset, Offset), (full, is_full): (bool, bool)) -> Result<(), Broken> {
    if said <= known && full == is_full {
        return Ok(());
    }
    let what = format!("says that it has applied {said}, and is full: {full}; it has {known}, and is full: {is_full}");
    Err(("says-otherwise", what))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_is_known_and_room_that_is_not_there_are_caught() {
        let judge = |said, full| judge((Offset(said), Offset(5)), (full, true)).is_ok();
        assert!(judge(5, true) && judge(4, true));
        assert!(!judge(6, true) && !judge(5, false));
    }

    #[test]
    fn who_asks_to_be_let_in_before_it_can_serve_is_caught() {
        assert!(judge_open(None).is_ok());
        assert_eq!(judge_open(Some("t-0")).unwrap_err().0, "let-in-early");
    }
}
