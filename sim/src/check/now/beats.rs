//! A broker's heartbeat says what is so: how far it has applied the metadata, and no further, for the controller lets it serve again, and others
//! stop, by that; whether it has room; and in whose name it speaks.

use super::Broken;
use esker_core::controller::FULL_TAG;
use esker_core::id::Offset;
use esker_core::node::Node as Core;
use kafka_protocol::messages::BrokerHeartbeatRequest;

/// A heartbeat leaves a node.
pub fn on_call(request: &BrokerHeartbeatRequest, core: &Core) -> Result<(), Broken> {
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
}
