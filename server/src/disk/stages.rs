//! Syncs of many logs are one: a node that stops closes all that it has, and each by itself takes the medium milliseconds.
//!
//! A sync stands in its folder between what comes before it and what comes behind; folders do not wait for each other. So what
//! comes before the first sync of each is carried out in all of them, then these syncs together, and so on with the next.

use super::ahead;
use super::commit::{Done, Round};
use super::kind::dir_of;
use super::write::Writer;
use crate::durable;
use esker_core::id::DirId;
use esker_core::io::{DiskDone, DiskOp, DiskTag, FileId, FileName};
use std::collections::{BTreeMap, VecDeque};
use std::io;

impl Writer {
    pub(super) fn carry_out(&mut self, ops: Vec<(DiskTag, DiskOp)>, round: &mut Round) {
        if !ops.iter().any(|(_, op)| matches!(op, DiskOp::Sync { .. })) {
            return self.carry_out_stage(ops, round);
        }
        let mut folders = BTreeMap::<DirId, VecDeque<_>>::new();
        for (tag, op) in ops {
            folders.entry(dir_of(&op)).or_default().push_back((tag, op));
        }
        while !folders.is_empty() {
            let (mut stage, mut syncs) = (Vec::new(), Vec::new());
            folders.retain(|_, ops| {
                while let Some((tag, op)) = ops.pop_front() {
                    if let DiskOp::Sync { file } = op {
                        syncs.push((tag, file));
                        break;
                    }
                    stage.push((tag, op));
                }
                !ops.is_empty()
            });
            self.carry_out_stage(stage, round);
            self.sync_together(syncs, round);
        }
    }

    /// Here and now, and not with the round: a segment is durable before the name of the next one can be.
    fn sync_together(&mut self, syncs: Vec<(DiskTag, FileId)>, round: &mut Round) {
        let is_settled = |writer: &Self, file: &FileId| writer.commit.has_journal() && writer.settled.contains(*file);
        if syncs.iter().any(|(_, file)| is_settled(self, file)) {
            // Durable in the journal, or in the file, with the last of the rounds so far.
            self.commit.take(std::mem::take(round), true);
            self.commit.drain();
        }
        let first = round.done.len();
        let mut unsettled = Vec::new();
        for (tag, file) in syncs {
            if self.waiting.holds(file.dir) {
                self.waiting.hold(file.dir, tag, DiskOp::Sync { file });
                continue;
            }
            if matches!(file.name, FileName::Log(_))
                && let Ok(open) = self.files.open(file)
            {
                ahead::give_back(&open);
            }
            let result = self.poison.fault().map_or(Ok(DiskDone::Done), Err);
            round.done.push(Done { tag, dir: file.dir, result, durable: true, waits: false });
            if self.poison.fault().is_none() && !is_settled(self, &file) {
                unsettled.push(file);
            }
        }
        if !unsettled.is_empty() {
            // Rounds under way may sync the same open files.
            self.commit.drain();
        }
        match self.sync(&unsettled) {
            Ok(()) => unsettled.into_iter().for_each(|file| self.settle_log(file)),
            Err(why) => {
                let fault = self.poison.set("a sync of whole files", &why);
                round.done.iter_mut().skip(first).for_each(|done| done.result = Err(fault));
            }
        }
    }

    fn sync(&self, files: &[FileId]) -> io::Result<()> {
        if files.len() > durable::EACH_MAX {
            return durable::sync_all(self.files.root_dir());
        }
        files.iter().try_for_each(|file| durable::sync_file(&*self.files.open(*file)?))
    }
}
