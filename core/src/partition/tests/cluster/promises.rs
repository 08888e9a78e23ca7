//! The promises of replication, as they are looked at after every step.

use super::{Cluster, SETTINGS};
use crate::partition::Acks;
use alloc::vec::Vec;

impl Cluster {
    pub(super) fn complain(&mut self, wrong: bool, what: &'static str) {
        if wrong && self.broken.is_none() {
            self.broken = Some(what);
        }
    }

    /// What a leader's watermark has passed is committed, and on the disks of all that are in sync; nobody has anything
    /// else below its own watermark.
    pub(super) fn commit(&mut self, at: usize) {
        let Some(partition) = self.replicas[at].partition.as_ref() else { return };
        let watermark = partition.watermark();
        let current = partition.is_leader() && partition.leader_epoch() == self.state.leader_epoch;
        if partition.is_leader() && watermark > self.committed_end {
            let insync = partition.maximal_isr();
            let fresh: Vec<_> =
                self.replicas[at].holds.range(..watermark).map(|(base, batch)| (*base, batch.clone())).collect();
            let unsynced = insync.iter().any(|member| {
                let other = self.replicas[member.0 as usize - 1].partition.as_ref();
                other.is_some_and(|other| other.is_online() && other.log().synced() < watermark)
            });
            self.complain(unsynced && current, "the watermark passed what is on a disk in sync");
            self.complain(
                insync.len() < SETTINGS.min_insync && current,
                "the watermark moved below min.insync.replicas",
            );
            self.committed_end = watermark;
            for (base, batch) in fresh {
                let before = self.committed.insert(base, batch.clone());
                self.complain(before.is_some_and(|before| before != batch), "two values were committed at one offset");
            }
        }
        let holds = &self.replicas[at].holds;
        let differs = self
            .committed
            .range(..watermark.min(self.committed_end))
            .any(|(base, batch)| holds.get(base) != Some(batch));
        self.complain(differs, "a replica differs below its watermark");
        let wrong_read = self.seen.iter().any(|(base, batch)| self.committed.get(base).is_some_and(|one| one != batch));
        self.complain(wrong_read, "a consumer read what was not committed");
    }

    pub(super) fn acknowledge(&mut self) {
        let mut acked = Vec::new();
        let replicas = &self.replicas;
        self.waiting.retain(|(taker, appended, acks, batch)| {
            let Some(partition) = replicas[taker.0 as usize - 1].partition.as_ref() else { return false };
            match partition.acked(appended, *acks) {
                None => true,
                Some(Err(_)) => false,
                Some(Ok(())) => {
                    acked.push((appended.base, *acks, batch.clone(), appended.end <= partition.log().synced()));
                    false
                }
            }
        });
        for (base, acks, batch, durable) in acked {
            self.complain(!durable, "acknowledged before the leader's disk had it");
            if acks == Acks::All {
                let differs = self.committed.get(&base) != Some(&batch);
                self.complain(differs, "acknowledged by all, and not committed");
                self.acked.insert(base, batch);
            }
        }
    }
}
