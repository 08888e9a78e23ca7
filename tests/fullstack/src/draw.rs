//! From a seed to a plan: the simulator's own, with the bounds of the shell drawn as well.

use esker_sim::dice::{Dice, Stream};
use esker_sim::plan::{Plan, TopicPlan, plan_of};

/// Names these draws, apart from those of the simulator's parts of a plan.
const SHELL: u64 = 100;
/// No request of a simulated node or client has so many bytes: a batch has eight records of 400 bytes at most.
const REQUEST_MAX: u64 = 16_000;

/// Draws the plan of a seed. Bounds are often near what is needed, so that they are met.
pub fn draw(seed: u64) -> Plan {
    let mut plan = plan_of(seed, None);
    // What retention took is seen inside the brokers only: here a record that is gone is lost.
    plan.topics.iter_mut().for_each(TopicPlan::unbind);
    let mut dice = Dice::new(seed, Stream::Plan, SHELL, 0);
    let mut set = |name: &str, value: u64| plan.settings.insert(name.into(), value.to_string());
    if dice.chance(1, 2) {
        set("connection.requests.max", dice.between(1, 6));
    }
    if dice.chance(1, 3) {
        let room = dice.skewed(REQUEST_MAX, 1_000_000);
        set("queued.max.request.bytes", room);
        set("socket.request.max.bytes", room);
    }
    if dice.chance(1, 3) {
        set("connections.max.idle.ms", dice.between(700, 8_000));
    }
    if dice.chance(1, 4) {
        // Less than this is no more than its peers and clients need.
        set("max.connections", dice.between(40, 100));
    }
    plan
}
