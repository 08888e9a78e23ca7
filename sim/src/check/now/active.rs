//! Who leads or is in sync is a broker that may: registered, not fenced, not leaving (KIP-841). Only the last of a set stays in it whatever
//! becomes of it: with it would go what it alone has.

use super::Broken;
use esker_core::id::NodeId;
use esker_core::metadata::{Image, Partition};

/// Looks at the cluster's state after records of the metadata.
pub fn look(image: &Image) -> Result<(), Broken> {
    for topic in image.topics() {
        for (key, state) in topic.each_partition() {
            judge(&key.to_string(), state, &|node| image.active(node))?;
        }
    }
    Ok(())
}

fn judge(name: &str, state: &Partition, active: &dyn Fn(NodeId) -> bool) -> Result<(), Broken> {
    let idle = state.isr.iter().find(|node| state.isr.len() > 1 && !active(**node));
    if let Some(node) = idle {
        return Err(("idle-in-sync", format!("{name} has {node} in sync, which is fenced or leaves: {:?}", state.isr)));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fenced_one_in_sync_is_caught_unless_it_is_the_last() {
        let (one, two) = (NodeId(1), NodeId(2));
        let mut state = Partition::new(vec![one, two], vec![one, two]);
        assert!(judge("t-0", &state, &|_| true).is_ok());
        assert_eq!(judge("t-0", &state, &|node| node == one).unwrap_err().0, "idle-in-sync");
        state.isr = vec![two];
        assert!(judge("t-0", &state, &|node| node == one).is_ok());
    }
}
