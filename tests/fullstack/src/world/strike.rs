//! Faults strike.

use super::{Step, World};
use crate::disk::lock;
use crate::record::{self, host, now};
use esker_server::simulated;
use esker_sim::dice::{Dice, Stream};
use esker_sim::disk::{Faults, Loss};
use esker_sim::plan::{Strike, Target};
use madsim::runtime::Handle;

impl World {
    pub(super) fn on_strike(&mut self, place: usize) {
        if self.healed {
            return;
        }
        let strike = self.plan.faults[place].strike.clone();
        // Their moment is seen in what the brokers' machines put out, at which nobody looks here.
        if strike.waits() {
            return;
        }
        record::with(|record| {
            record.tell(now(), "fault", format_args!("{strike:?}"));
            *record.faults.entry(strike.kind()).or_default() += 1;
        });
        let mut dice = Dice::new(self.plan.seed, Stream::Fault, 0, place as u64);
        match strike {
            Strike::Crash { target, loss, loud, down_us } => {
                for node in self.struck(&target) {
                    if !loud && loss != Loss::Nothing {
                        simulated::bury(host(0, node));
                    }
                    self.kill(node, loss);
                    self.steps.push(now() + down_us + dice.below(1_000), Step::Start(node));
                }
            }
            Strike::Stop { target, down_us } => {
                for node in self.running(&target) {
                    self.nodes[node].down_us = down_us;
                    Handle::current().send_ctrl_c(self.nodes[node].machine.id());
                }
            }
            Strike::Pause { target, for_us } => {
                for node in self.running(&target) {
                    self.nodes[node].paused = true;
                    Handle::current().pause(self.nodes[node].machine.id());
                    self.steps.push(now() + for_us, Step::Resume(node));
                }
            }
            Strike::Cut { from, to, both, for_us } => {
                let (from, to) = (from as usize - 1, to as usize - 1);
                let links = if both { vec![(from, to), (to, from)] } else { vec![(from, to)] };
                self.cut(links.into_iter().filter(|(from, to)| from != to).collect(), for_us);
            }
            Strike::Isolate { target, clients, for_us } => {
                let peers = if clients { self.machines.len() } else { self.nodes.len() };
                for node in self.struck(&target) {
                    let others = (0..peers).filter(|peer| *peer != node);
                    self.cut(others.flat_map(|peer| [(node, peer), (peer, node)]).collect(), for_us);
                }
            }
            // What a connection that carries nothing is to its ends when they give it up.
            Strike::Reset { target } | Strike::Stall { target, .. } => {
                for node in self.struck(&target) {
                    simulated::reset(host(0, node), || dice.chance(2, 3));
                }
            }
            Strike::Slow { target, times, for_us } => {
                for node in self.struck(&target) {
                    lock(&self.nodes[node].medium).slow = times;
                    self.steps.push(now() + for_us, Step::Faster(node));
                }
            }
            Strike::SyncFails { target } => self.fail_disks(&target, |faults| faults.sync += 1),
            Strike::WriteFails { target } => self.fail_disks(&target, |faults| faults.write += 1),
            Strike::ReadFails { target, count } => self.fail_disks(&target, |faults| faults.read += count),
            Strike::Full { target, room, for_us } => {
                self.fail_disks(&target, |faults| faults.room = Some(room));
                for node in self.struck(&target) {
                    self.steps.push(now() + for_us, Step::Room(node));
                }
            }
            // What others have as well is seen inside the brokers, at which nobody looks here: what is left is the restart.
            Strike::Rot { target, down_us, .. } | Strike::LoseDisk { target, down_us } => {
                for node in self.struck(&target) {
                    self.kill(node, Loss::Nothing);
                    self.steps.push(now() + down_us, Step::Start(node));
                }
            }
            Strike::CrashWriting { .. }
            | Strike::StopJoining { .. }
            | Strike::CutJoining { .. }
            | Strike::LateJoining { .. }
            | Strike::LostAnswer { .. }
            | Strike::CrashInstalling { .. }
            | Strike::Perish { .. } => {
                unreachable!("they do not strike here")
            }
            Strike::Step { target, ms } => {
                for node in self.struck(&target) {
                    let own = &mut self.nodes[node];
                    own.wall_off_ms = own.wall_off_ms.saturating_add(ms);
                    simulated::set_wall_offset(own.machine.id(), own.wall_off_ms);
                }
            }
        }
    }

    fn fail_disks(&mut self, target: &Target, how: impl Fn(&mut Faults)) {
        for node in self.struck(target) {
            self.nodes[node].disk_fails = true;
            how(&mut lock(&self.nodes[node].medium).faults);
        }
    }

    /// Those struck whose process runs and does not stand still.
    fn running(&self, target: &Target) -> Vec<usize> {
        self.struck(target).into_iter().filter(|node| self.nodes[*node].up && !self.nodes[*node].paused).collect()
    }

    /// Which nodes a fault strikes now.
    fn struck(&self, target: &Target) -> Vec<usize> {
        match target {
            Target::Nodes(nodes) => {
                nodes.iter().map(|node| *node as usize - 1).filter(|node| *node < self.nodes.len()).collect()
            }
            Target::All => (0..self.nodes.len()).collect(),
            Target::Leader(partition) => self.leader_of(*partition).into_iter().collect(),
            Target::Controller => record::with(|record| record.controller).into_iter().collect(),
        }
    }

    /// Whoever led a partition of that number last. Topics are known by their ids alone: which of several it is follows
    /// from the order in which they were led first.
    fn leader_of(&self, partition: u32) -> Option<usize> {
        let (topic, number) = self.plan.partitions().nth(partition as usize)?;
        let topic = self.plan.topics.iter().position(|known| known.name == topic.name)?;
        record::with(|record| {
            let alike: Vec<usize> = record
                .leaders
                .iter()
                .filter(|(key, _)| u32::try_from(key.partition) == Ok(number))
                .map(|(_, node)| *node)
                .collect();
            alike.get(topic.min(alike.len().saturating_sub(1))).copied()
        })
    }
}
