//! What a crash leaves of a disk.

use super::loss::without_sync;
use super::{Disk, Loss};
use crate::dice::{Dice, Stream};
use esker_core::id::{DirId, Uuid};
use esker_core::io::DiskOp;
use esker_core::log::layout;

impl Disk {
    /// The node is gone. What was under way and what was not durable fares as `loss` says.
    pub fn crash(&mut self, loss: Loss) {
        self.crashes += 1;
        let mut dice = Dice::new(self.seed, Stream::Crash, self.node, self.crashes);
        for place in 0..self.slots.len() {
            let under_way = std::mem::take(&mut self.slots[place].under_way);
            let most = under_way.len() as u64;
            let done = if loss == Loss::All || self.failed { 0 } else { dice.below(most + 1) } as usize;
            for (turn, (_, op, _)) in under_way.into_iter().take(done).enumerate() {
                // They take effect one after the other: only of the last one the last step, making it durable, is missing.
                let last = turn + 1 == done;
                if let (true, DiskOp::RemoveDir { dir }) = (last, &op) {
                    self.remove_in_part(*dir, &mut dice);
                    continue;
                }
                let _ = self.take_effect(&if last { without_sync(op) } else { op });
            }
        }
        for folder in self.folders.values_mut() {
            folder.crash(loss, self.profile.page, &mut dice);
        }
        self.start();
    }

    /// A folder is renamed, and some of its files are deleted.
    fn remove_in_part(&mut self, dir: DirId, dice: &mut Dice) {
        let Some(name) = self.slot(dir).name.take() else { return };
        let Some(mut folder) = self.folders.remove(&name) else { return };
        folder.keep(|| dice.chance(1, 2));
        let unique = Uuid(u128::from(self.crashes) << 64 | u128::from(dir.0));
        self.folders.insert(layout::deleted_folder(&name, unique), folder);
    }
}
