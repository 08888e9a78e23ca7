//! Opening: the folder, the vote, the newest snapshot that is whole, the log.

use super::ballot::Ballot;
use super::election::Election;
use super::journal::{FOLDER, Journal};
use super::machine::Quorum;
use super::snapshot_file::{self, SnapshotId};
use super::stage::{Boot, DiskResult, Purpose, Stage};
use super::state_file::{self, QuorumState, STATE_BYTES_MAX};
use crate::id::{DirId, Offset};
use crate::io::{DiskDone, DiskOp, FileName, Note, Out};
use crate::log::LogEvent;
use crate::mutant::{self, Mutant};
use crate::time::{Now, Span};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;

/// What is lost with the file, and how to go on without it.
const STATE_LOST: &str = "whom this node voted for is forgotten, and it could vote for another one in the same epoch; put the file back, \
    or write one with a leaderEpoch that no node has seen yet";

impl Quorum {
    /// Opens the folder of the metadata log; `clean`: it was closed in order; `durable`: all below was committed, and durable here. Ends with
    /// [`Changes::opened`](super::Changes::opened).
    pub fn open(&mut self, clean: bool, durable: Offset, out: &mut Out) {
        assert!(matches!(self.stage, Stage::Closed), "it is opened once");
        self.recorded = durable;
        self.stage = Stage::Opening(Boot::new(clean, durable));
        self.disk(Purpose::OpenFolder, DiskOp::OpenDir { dir: DirId::METADATA, name: String::from(FOLDER) }, out);
    }

    pub(super) fn on_boot_disk(&mut self, now: Now, purpose: Purpose, done: DiskDone, out: &mut Out) {
        let Stage::Opening(boot) = &mut self.stage else { return };
        match (purpose, done) {
            (Purpose::OpenFolder, _) => self.disk(Purpose::List, DiskOp::List { dir: DirId::METADATA }, out),
            (Purpose::List, DiskDone::Files(files)) => {
                boot.on_files(&files);
                if boot.has_state {
                    let file = Self::file(FileName::QuorumState);
                    self.disk(Purpose::ReadState, DiskOp::Read { file, at: 0, len: STATE_BYTES_MAX }, out);
                } else {
                    self.read_newest_snapshot(now, out);
                }
            }
            (Purpose::ReadState, DiskDone::Bytes(bytes)) => match state_file::decode(&bytes) {
                Ok(QuorumState { election, directories }) => {
                    boot.directories = directories;
                    let voted = election.voted.filter(|_| !mutant::is(Mutant::VoteForgotten));
                    boot.election = Election { voted, ..election };
                    self.read_newest_snapshot(now, out);
                }
                Err(why) => self.fail(format!("{FOLDER}/quorum-state cannot be read: {why}")),
            },
            (Purpose::ReadSnapshot(id), DiskDone::Bytes(file)) => self.on_boot_snapshot(now, id, file, out),
            (purpose, done) => self.fail(format!("the disk answered {done} to {purpose:?}")),
        }
    }

    fn read_newest_snapshot(&mut self, now: Now, out: &mut Out) {
        let Stage::Opening(boot) = &self.stage else { return };
        match boot.snapshots.last_key_value().map(|(id, size)| (*id, *size)) {
            Some((id, _)) => self.read_snapshot(id, out),
            None => self.open_log(now, out),
        }
    }

    /// A damaged snapshot is passed over if an older one and the log between them are there.
    fn on_boot_snapshot(&mut self, now: Now, id: SnapshotId, file: Bytes, out: &mut Out) {
        let Stage::Opening(boot) = &mut self.stage else { return };
        match snapshot_file::unwrap(&file) {
            Ok(_) => {
                self.warm_snapshot = Some((id, file, now.mono));
                self.drain.begin_with(id);
                self.open_log(now, out);
            }
            Err(why) => {
                boot.snapshots.remove(&id);
                if boot.snapshots.is_empty() {
                    self.fail(format!("{FOLDER}: snapshot {id} is {why}; no older one is there"));
                } else {
                    out.note(Note::Text {
                        topic: "quorum",
                        text: format!("snapshot {id} is {why}: the one before it is taken"),
                    });
                    self.read_newest_snapshot(now, out);
                }
            }
        }
    }

    fn open_log(&mut self, now: Now, out: &mut Out) {
        let segment_bytes = self.config.segment_bytes;
        let Stage::Opening(boot) = &mut self.stage else { return };
        // A log that is there knows its own start; a new one begins where the snapshot ends.
        let newest = boot.snapshots.last_key_value().map_or(Offset::ZERO, |(id, _)| id.offset);
        let fresh_at = if boot.has_log { Offset::ZERO } else { newest };
        let journal =
            Journal::open(now, boot.clean, segment_bytes, fresh_at, boot.durable, boot.snapshots.clone(), out);
        let opened = journal.log.is_open();
        boot.journal = Some(journal);
        if opened {
            self.on_log_opened(now, out);
        }
    }

    /// A completion of the log's while it opens.
    pub(super) fn on_boot_log(&mut self, now: Now, serial: u64, result: DiskResult, out: &mut Out) {
        let Stage::Opening(boot) = &mut self.stage else { return };
        let Some(journal) = &mut boot.journal else { return };
        match journal.log.on_disk(now, serial, result, out) {
            LogEvent::Opened => self.on_log_opened(now, out),
            LogEvent::Damaged { end } => {
                // What was committed may rest on this voter: it neither votes nor leads without.
                let (damaged, durable) = (journal.log.damaged(), boot.durable);
                self.fail(match damaged {
                    Some(base) => format!("{FOLDER} is damaged behind offset {base}, in what was committed"),
                    None => format!("{FOLDER} is damaged: it ends at {end}, and was committed up to {durable}"),
                });
            }
            LogEvent::Foreign => self.fail(format!("{FOLDER} is the folder of another topic")),
            LogEvent::Failed(fault) => self.fail(format!("{FOLDER} cannot be opened: {fault}")),
            LogEvent::Synced | LogEvent::Warm | LogEvent::StartMoved | LogEvent::Closed | LogEvent::Nothing => {}
        }
    }

    fn on_log_opened(&mut self, now: Now, out: &mut Out) {
        let Stage::Opening(boot) = core::mem::replace(&mut self.stage, Stage::Closed) else { return };
        let Some(mut journal) = boot.journal else { return };
        let covered = journal.newest_snapshot().map_or(Offset::ZERO, |id| id.offset);
        if !boot.has_state && (journal.log.end() > Offset::ZERO || journal.newest_snapshot().is_some()) {
            // No record comes in before an epoch was decided and written.
            return self.fail(format!("{FOLDER} has records and no quorum-state: {STATE_LOST}"));
        }
        let goes_on = journal.continues_snapshot();
        if !goes_on && covered < boot.durable {
            return self.fail(format!("{FOLDER} is damaged: its snapshot does not reach what was committed"));
        }
        if goes_on && journal.log.start() > covered {
            self.fail(format!("{FOLDER} starts at {} and has no snapshot of what was before", journal.log.start()));
            return;
        }
        let mut dropped = Vec::new();
        if let Some(newest) = journal.newest_snapshot() {
            if !goes_on {
                // It died between the snapshot's install and the log's new start.
                journal.log.restart_at(now, newest.offset, out);
            }
            self.watermark = newest.offset;
            dropped = journal.trim(now);
        }
        assert!(journal.log.end() >= boot.durable, "what was committed is there");
        // What a checkpoint says was committed is never cut, whoever leads.
        self.watermark = self.watermark.max(boot.durable);
        self.directories = boot.directories;
        self.tell_disbelief(out);
        let (saved, last) = (boot.election, journal.last_epoch());
        self.stage = Stage::Open(journal);
        self.delete_snapshots(dropped, out);
        // A vote may be older than the log: the epoch was learned from it, and its write was lost.
        let decided = if last > saved.epoch { Election::unknown(last) } else { saved };
        self.ballot = Ballot::new(saved, decided);
        self.changes.opened = true;
        self.begin_role(now, decided, out);
        self.drive(now, out);
    }

    /// The first role. Whoever led or stood for the epoch has voted in it, and is never its leader again: records that
    /// it did not sync may have been seen by others under the same offset and epoch.
    fn begin_role(&mut self, now: Now, election: Election, out: &mut Out) {
        let own = self.config.node;
        match election.leader {
            Some(leader) if leader != own && self.is_voter(leader) => {
                self.role = self.following(now, leader);
                self.note_role(out);
            }
            Some(_) | None => {
                if election.leader == Some(own) {
                    let voted = Election {
                        voted: if mutant::is(Mutant::OwnLeadForgotten) { None } else { Some(own) },
                        leader: None,
                        ..election
                    };
                    self.ballot = Ballot::new(voted, voted);
                }
                // A pre-vote disturbs nobody and finds the leader: no need to wait a whole time-out for it.
                let patience = if self.config.voters.len() == 1 { 0 } else { self.config.election_timeout.0 / 2 };
                let wait = Span(self.rng.below(patience));
                self.role = self.unattached(now.mono + wait);
                self.note_role(out);
            }
        }
    }
}
