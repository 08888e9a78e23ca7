//! Which promise looks at what, once a node has handled an input.

use super::{
    Broken, Glance, METADATA, Watch, beside, beyond, comes_and_goes, complete, coordinates, granted, majority,
    reloaded, remembers, synced, watermark,
};
use crate::node::Node;
use esker_core::id::{LeaderEpoch, Offset};
use esker_core::log::SyncPolicy;
use esker_core::partition::Partition;

impl Watch {
    /// A node has handled an input.
    pub fn after(&mut self, node: usize, nodes: &[Node]) -> Result<(), Broken> {
        self.broken.take().map_or(Ok(()), Err)?;
        let Some(process) = &nodes[node].process else { return Ok(()) };
        let core = process.broker.node();
        let new = self.loads.look(node, core, &self.seen)?;
        for replica in new.into_iter().filter(|_| self.rotten != Some(node)) {
            reloaded::look(core, replica, &nodes[node].disk)?;
        }
        for partition in core.partitions.recent().filter(|partition| partition.is_open() && partition.is_online()) {
            self.look(node, partition, nodes)?;
            self.counted.look(node, partition)?;
            self.flushed.look(node, self.now.mono, partition)?;
        }
        self.woken.look(node, core)?;
        self.written.look(node, self.now.mono, core)?;
        self.doubt.look()?;
        self.vouched.look(node, core);
        self.leaves.look(node, self.now.mono, core)?;
        self.doubt.on_input(node, self.now.mono, core);
        coordinates::look(core)?;
        let decided = core.controller.as_ref().map(|controller| controller.image());
        self.let_go.look(decided, nodes)?;
        self.moved.look(decided)?;
        self.asked.look(core)?;
        self.low_watermark.look(node, core, self.gone, nodes, &self.counted)?;
        self.followed.look(node, self.now.mono, core)?;
        self.patience.look(node, self.now.mono, core)?;
        self.late.look(node, self.now.mono, core)?;
        let quorum = &core.quorum;
        if quorum.leader().is_none() {
            self.members.is_alone(node, self.now.mono);
        }
        if quorum.is_leader() {
            self.members.controls(node, self.now.mono);
        }
        if let Some(controller) = &core.controller {
            self.blamed.controls(node, self.now.mono, controller);
            let ahead = controller.image().offset();
            if std::mem::replace(&mut self.controller_seen[node], ahead) != ahead {
                controller.check_image();
                self.learnt.look(node, controller);
                self.blamed.look(node, self.now.mono, controller, core.config.brokers.session_timeout)?;
                self.placed.look(node, controller.epoch(), controller.image())?;
                self.active.look(controller.image(), quorum.epoch(), quorum.watermark())?;
                self.unclean.look(controller.image(), quorum.epoch())?;
            }
        }
        let glance = (quorum.epoch(), quorum.is_leader(), quorum.watermark(), core.image.offset());
        let before = std::mem::replace(&mut self.quorum_seen[node], glance);
        if before == glance {
            return Ok(());
        }
        if quorum.is_leader() {
            self.one_leader.leads_quorum(node, quorum.epoch())?;
            if !(before.1 && before.0 == glance.0) {
                self.begins_to_lead(node, METADATA, glance.0, quorum.end())?;
            }
            if let Some(shadow) = self.shadows[node].log(METADATA).filter(|_| before.1 && before.2 < glance.2) {
                complete::Complete::own_epoch(shadow, glance.0, glance.2)?;
            }
            self.complete.on_committed(METADATA, glance.0, glance.2);
            if before.2 < glance.2 && self.gone.is_none() {
                majority::look(node, glance.2, quorum.voters().iter().map(|voter| voter.id), &self.shadows)?;
            }
        }
        if before.2 != glance.2
            && let Some(shadow) = self.shadows[node].log(METADATA)
        {
            self.prefix.on_watermark(node, METADATA, shadow, (quorum.start().0, quorum.watermark().0))?;
        }
        if before.3 != glance.3 {
            core.image.check();
            self.kept.look(node, core)?;
            self.learnt.on_image(node, &core.image);
            self.asked.on_image(core.config.node, core)?;
            self.same_image.look(&core.image)?;
        }
        Ok(())
    }

    /// A node was not seen to lead in this epoch before; its log ends at `end`.
    fn begins_to_lead(&self, node: usize, folder: &str, epoch: LeaderEpoch, end: Offset) -> Result<(), Broken> {
        // What bits that flipped took away from a replica it fetches again, out of the set: what it led before it may have lost.
        if self.rotten == Some(node) && folder != METADATA {
            return Ok(());
        }
        // It may have appended already, at once.
        let start = self.shadows[node].log(folder).and_then(|shadow| shadow.start_of(epoch.0));
        self.complete.on_leads(folder, epoch, start.map_or(end, Offset))
    }

    fn look(&mut self, node: usize, partition: &Partition, nodes: &[Node]) -> Result<(), Broken> {
        let glance = Glance {
            leads: partition.is_leader(),
            epoch: partition.leader_epoch(),
            state: partition.state().map(|state| state.epoch),
            in_sync: partition.state().map_or(0, |state| state.isr.len()),
            watermark: partition.watermark(),
            start: partition.log_start(),
            end: partition.log_end(),
            synced: partition.log().synced(),
        };
        let before = self.seen.insert((node, partition.dir()), glance);
        if before == Some(glance) {
            return Ok(());
        }
        self.members.look(node, self.now.mono, partition, before, glance);
        granted::rises(partition.folder(), before.and_then(|before| before.state), glance.state)?;
        if before.is_none_or(|before| before.watermark != glance.watermark) {
            self.written.moved(node, self.now.mono, partition);
        }
        let folder = partition.folder();
        self.inherits.look(node, partition)?;
        if comes_and_goes(folder) {
            self.anew.look(node, partition)?;
            return if glance.leads { self.one_leader.leads(node, partition.key(), glance.epoch) } else { Ok(()) };
        }
        // In which epochs it leads is heard of it, whatever its log has lost.
        if self.rotten != Some(node) || glance.leads {
            self.hearsay.look(partition, before.map(|before| before.watermark))?;
        }
        let begins = before.is_none_or(|was| was.end > glance.end || glance.leads && !was.leads);
        if let Some(log) = self.shadows[node].log(folder).filter(|_| begins && self.rotten != Some(node))
            && partition.log().is_settled()
        {
            remembers::look(folder, log, partition.log())?;
        }
        let grown = before.is_none_or(|was| was.synced < glance.synced);
        let promises = partition.log().config().sync == SyncPolicy::Always;
        if let Some(log) = self.shadows[node].log(folder).filter(|_| grown && promises) {
            synced::judge(folder, log, (glance.start, glance.synced), &nodes[node].disk)?;
        }
        if glance.leads {
            self.one_leader.leads(node, partition.key(), glance.epoch)?;
            if !before.is_some_and(|before| before.leads && before.epoch == glance.epoch) {
                self.begins_to_lead(node, folder, glance.epoch, glance.end)?;
            }
            self.complete.on_committed(folder, glance.epoch, glance.watermark);
        }
        if let Some(state) =
            partition.state().filter(|state| before.and_then(|before| before.state) != Some(state.epoch))
        {
            self.granted.look(folder, state)?;
        }
        let Glance { leads, epoch, watermark, start, end, .. } = glance;
        let moved = self.watermark.look(node, watermark::Sight { folder, leads, epoch, watermark, start, end })?;
        let led = before.filter(|before| leads && before.leads && before.epoch == epoch);
        if let Some(before) = led.filter(|before| before.watermark < watermark) {
            watermark::enough_in_sync(partition, before.watermark, before.in_sync)?;
            beyond::look(partition, self.gone, nodes)?;
        }
        let reshaped = before.is_none_or(|before| before.state != glance.state);
        if !moved && !reshaped {
            return Ok(());
        }
        if let Some(shadow) = self.shadows[node].log(folder) {
            self.prefix.on_watermark(node, folder, shadow, (start.0, watermark.0))?;
        }
        let known = self.complete.before(folder, epoch).unwrap_or(watermark);
        if leads { beside::compare(partition, watermark.max(known), self.gone, nodes) } else { Ok(()) }
    }
}
