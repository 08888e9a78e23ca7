//! Promises judged by looking inside the brokers, after every event.
//!
//! A new promise is a new file with its words at the top, what it remembers, a look that it takes, what it catches and a near
//! miss; and a call in [`Watch`].

mod acked;
mod active;
mod admitted;
mod alters;
mod anew;
mod asked;
mod beats;
mod behind;
mod beside;
mod beyond;
mod blamed;
mod blocks;
mod commits;
mod committed_reads;
mod complete;
mod coordinates;
mod counted;
mod decided;
mod described;
mod doubt;
mod earliest;
mod enough;
mod epoch_ends;
mod epochs;
mod finished;
mod flushed;
mod followed;
mod full;
mod granted;
mod heard;
mod hearsay;
mod hints;
mod incarnations;
mod inherits;
mod joins;
mod kept;
mod keyed;
mod late;
mod latest;
mod learnt;
mod leaves;
mod left_behind;
mod let_go;
mod loads;
mod look;
mod low_watermark;
mod made;
mod majority;
mod measure;
mod members;
mod moved;
mod offsets_topic;
mod one_leader;
mod outlived;
mod parts_ways;
mod patience;
mod placed;
mod prefix;
mod producers;
mod reads;
mod reloaded;
mod remembers;
mod retained;
mod retired;
mod retries;
mod rolled;
mod same_image;
mod shadow;
mod shown;
mod stamped;
mod stays;
mod succeeded;
mod synced;
mod talk;
mod times;
mod told;
mod trimmed;
mod unclean;
mod votes;
mod vouched;
mod watermark;
mod woken;
mod written;

use crate::client::KEPT;
use crate::disk::{Disk, dir_of};
use crate::table::Map;
use esker_core::id::{ConnId, DirId, LeaderEpoch, NodeId, Offset, PartitionEpoch, Uuid};
use esker_core::io::{DiskOp, DiskTag, Note};
use esker_core::log::TimestampType;
use esker_core::metadata::Image;
use esker_core::node::Node as Core;
use esker_core::partition::Partition;
use esker_core::time::Now;
use kafka_protocol::messages::TopicName;

/// A request: its connection, whose number no other has in a run, and its place there.
pub type At = (ConnId, u64);

/// The id of a topic that a message names, or names by its id.
fn id_of(image: &Image, name: &TopicName, id: Uuid) -> Option<Uuid> {
    if name.is_empty() { Some(id) } else { image.topic_named(name).map(|topic| topic.id) }
}

/// A property that was broken, and how.
pub type Broken = (&'static str, String);

/// Whether a folder is of a topic that comes and goes: a name that means one thing now and another later is none to go by here.
fn comes_and_goes(folder: &str) -> bool {
    folder.starts_with(KEPT)
}

/// The folder of the metadata log.
const METADATA: &str = "__cluster_metadata-0";

/// All that is watched while a run goes on.
#[derive(Debug)]
pub struct Watch {
    shadows: Vec<shadow::Shadows>,
    one_leader: one_leader::OneLeader,
    outlived: outlived::Outlived,
    inherits: inherits::Inherits,
    parts_ways: parts_ways::PartsWays,
    patience: patience::Patience,
    late: late::Late,
    trimmed: trimmed::Trimmed,
    watermark: watermark::Watermark,
    prefix: prefix::Prefix,
    granted: granted::Granted,
    same_image: same_image::SameImage,
    committed_reads: committed_reads::CommittedReads,
    reads: reads::Reads,
    complete: complete::Complete,
    votes: votes::Votes,
    epochs: epochs::Epochs,
    enough: enough::Enough,
    epoch_ends: epoch_ends::EpochEnds,
    latest: latest::Latest,
    low_watermark: low_watermark::LowWatermark,
    times: times::Times,
    earliest: earliest::Earliest,
    retired: retired::Retired,
    retries: retries::Retries,
    rolled: rolled::Rolled,
    heard: heard::Heard,
    hearsay: hearsay::Hearsay,
    beats: beats::Beats,
    counted: counted::Counted,
    blamed: blamed::Blamed,
    placed: placed::Placed,
    commits: commits::Commits,
    flushed: flushed::Flushed,
    followed: followed::Followed,
    full: full::Full,
    incarnations: incarnations::Incarnations,
    acked: acked::Acked,
    made: made::Made,
    measure: measure::Measure,
    members: members::Members,
    active: active::Active,
    alters: alters::Alters,
    blocks: blocks::Blocks,
    learnt: learnt::Learnt,
    leaves: leaves::Leaves,
    kept: kept::Kept,
    left_behind: left_behind::LeftBehind,
    let_go: let_go::LetGo,
    loads: loads::Loads,
    anew: anew::Anew,
    asked: asked::Asked,
    stays: stays::Stays,
    succeeded: succeeded::Succeeded,
    told: told::Told,
    unclean: unclean::Unclean,
    joins: joins::Joins,
    decided: decided::Decided,
    described: described::Described,
    shown: shown::Shown,
    doubt: doubt::Doubt,
    moved: moved::Moved,
    vouched: vouched::Vouched,
    woken: woken::Woken,
    written: written::Written,
    /// What was looked at last, so that what did not change is not looked at again.
    seen: Map<(usize, DirId), Glance>,
    quorum_seen: Vec<(LeaderEpoch, bool, Offset, Offset)>,
    /// How far each node's controller has decided.
    controller_seen: Vec<Offset>,
    /// The clock of the node that handles an input.
    now: Now,
    /// The node on whose disk bits flipped: what it holds is not what it wrote.
    rotten: Option<usize>,
    /// The same, if its disk was lost: it may hold nothing of what it held.
    gone: Option<usize>,
    /// What an operation or a note showed to be broken.
    broken: Option<Broken>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Glance {
    leads: bool,
    epoch: LeaderEpoch,
    state: Option<PartitionEpoch>,
    in_sync: usize,
    watermark: Offset,
    start: Offset,
    end: Offset,
    synced: Offset,
}

impl Watch {
    pub fn new(nodes: usize) -> Self {
        Self {
            shadows: vec![shadow::Shadows::default(); nodes],
            one_leader: one_leader::OneLeader::default(),
            outlived: outlived::Outlived::default(),
            inherits: inherits::Inherits::default(),
            parts_ways: parts_ways::PartsWays::default(),
            patience: patience::Patience::default(),
            late: late::Late::default(),
            trimmed: trimmed::Trimmed::default(),
            watermark: watermark::Watermark::default(),
            prefix: prefix::Prefix::default(),
            granted: granted::Granted::default(),
            same_image: same_image::SameImage::default(),
            committed_reads: committed_reads::CommittedReads::default(),
            reads: reads::Reads::default(),
            complete: complete::Complete::default(),
            votes: votes::Votes::new(nodes),
            epochs: epochs::Epochs::default(),
            enough: enough::Enough::default(),
            epoch_ends: epoch_ends::EpochEnds::default(),
            latest: latest::Latest::default(),
            low_watermark: low_watermark::LowWatermark::default(),
            times: times::Times::default(),
            earliest: earliest::Earliest::default(),
            retired: retired::Retired::default(),
            retries: retries::Retries::default(),
            rolled: rolled::Rolled::default(),
            heard: heard::Heard::default(),
            hearsay: hearsay::Hearsay::default(),
            beats: beats::Beats::default(),
            counted: counted::Counted::default(),
            blamed: blamed::Blamed::default(),
            placed: placed::Placed::default(),
            commits: commits::Commits::default(),
            flushed: flushed::Flushed::default(),
            followed: followed::Followed::default(),
            full: full::Full::default(),
            incarnations: incarnations::Incarnations::default(),
            now: Now::default(),
            acked: acked::Acked::default(),
            made: made::Made::default(),
            measure: measure::Measure::default(),
            members: members::Members::default(),
            active: active::Active::default(),
            alters: alters::Alters::default(),
            blocks: blocks::Blocks::default(),
            learnt: learnt::Learnt::default(),
            leaves: leaves::Leaves::new(nodes),
            kept: kept::Kept::default(),
            left_behind: left_behind::LeftBehind::default(),
            let_go: let_go::LetGo::default(),
            loads: loads::Loads::default(),
            anew: anew::Anew::default(),
            asked: asked::Asked::default(),
            stays: stays::Stays::default(),
            succeeded: succeeded::Succeeded::default(),
            told: told::Told::default(),
            unclean: unclean::Unclean::default(),
            joins: joins::Joins::default(),
            decided: decided::Decided::default(),
            described: described::Described::default(),
            shown: shown::Shown::default(),
            doubt: doubt::Doubt::new(nodes),
            moved: moved::Moved::default(),
            vouched: vouched::Vouched::new(nodes),
            woken: woken::Woken::default(),
            written: written::Written::new(nodes),
            seen: Map::default(),
            quorum_seen: vec![(LeaderEpoch::NONE, false, Offset::NONE, Offset::NONE); nodes],
            controller_seen: vec![Offset::NONE; nodes],
            rotten: None,
            gone: None,
            broken: None,
        }
    }

    pub fn on_start(&mut self, node: usize, disk: &Disk) {
        self.shadows[node].on_start();
        self.votes.on_start(node, disk);
        self.flushed.on_start(node);
        self.retired.on_start(node);
        self.rolled.on_start(node);
        self.followed.on_start(node);
        self.patience.on_start(node);
        self.late.on_start(node);
        self.trimmed.on_start(node);
        self.inherits.on_start(node);
        self.members.on_start(node);
        self.hearsay.on_start(node);
        self.beats.on_start(node);
        self.counted.on_start(node);
        self.blamed.on_start(node);
        self.woken.on_start(node);
        self.written.on_start(node, disk);
        self.doubt.on_start(node);
        self.leaves.on_start(node);
        self.vouched.on_start(node, disk);
        self.loads.on_start(node);
        self.learnt.on_start(node);
        self.left_behind.on_start(node);
        self.watermark.forget(node);
        self.seen.retain(|(of, _), _| *of != node);
        self.controller_seen[node] = Offset::NONE;
        self.quorum_seen[node] = (LeaderEpoch::NONE, false, Offset::NONE, Offset::NONE);
    }

    /// A node begins to handle an input.
    pub fn begin(&mut self, node: usize, now: Now) {
        self.now = now;
        self.followed.on_input(node, now.mono);
        self.blamed.on_input(node, now.mono);
    }

    /// A disk operation is done, or has failed; `left`: an append that took effect, and bytes behind it.
    pub fn on_disk_done(&mut self, node: usize, tag: DiskTag, done: bool, left: Option<(DirId, u64)>) {
        self.votes.on_disk_done(node, tag, done);
        let judged = self.trimmed.on_disk_done(node, tag, done);
        self.note_broken(judged);
        if let Some((dir, left)) = left {
            self.note_broken(behind::judge(dir, left));
        }
    }

    pub fn on_disk_op(&mut self, node: usize, tag: DiskTag, op: &DiskOp, disk: &Disk, core: &Core) {
        self.votes.on_disk_op(node, tag, op);
        let folder = if let DiskOp::RemoveDir { dir } | DiskOp::RenameDir { dir, .. } = op {
            self.shadows[node].folder(*dir)
        } else {
            None
        };
        self.trimmed.on_disk_op(node, tag, op);
        let judged = self.written.on_disk_op(node, op, folder);
        let folder = folder.filter(|_| matches!(op, DiskOp::RemoveDir { .. }));
        self.broken = std::mem::take(&mut self.broken).or(judged.err());
        let judged = self.vouched.on_disk_op(node, tag, op, folder, disk);
        self.note_broken(judged);
        let judged = self.look_at_drop(node, op, core);
        self.note_broken(judged);
        let cut = self.shadows[node].on_op(op, disk);
        let folder = self.shadows[node].appended(op).map(|(folder, _)| folder);
        let judged = self.asked.on_disk_op(folder, op, core, |group| self.patience.gathered(node, group));
        self.note_broken(judged);
        let judged = self.look_at_files(node, op, core);
        self.note_broken(judged);
        if let Some((folder, appended)) = self.shadows[node].appended(op) {
            let judged = match core.partitions.iter().find(|replica| replica.folder() == folder) {
                Some(replica) => {
                    let own = replica.log().config().timestamp_type == TimestampType::LogAppendTime;
                    let wall = self.now.wall.0;
                    let as_leader = || {
                        stamped::on_appended(folder, appended, own, wall)
                            .and_then(|()| admitted::on_appended(folder, appended, replica.log().config(), wall))
                            .and_then(|()| keyed::on_appended(folder, op, replica.log().config()))
                    };
                    if replica.is_leader() {
                        self.retries.on_appended(folder, appended);
                    }
                    let as_leader = if replica.is_leader() { as_leader() } else { Ok(()) };
                    epochs::on_appended(folder, appended, replica.leader_epoch()).and(as_leader)
                }
                None if folder == METADATA => epochs::on_appended(folder, appended, core.quorum.epoch()),
                None => Ok(()),
            };
            self.note_broken(judged);
        }
        if let Some(cut) = cut.filter(|cut| !comes_and_goes(&cut.folder)) {
            // Damaged bytes are cut away by who is not in sync any more, and fetched anew.
            let of = |replica: &&Partition| replica.folder() == cut.folder;
            let in_sync = |replica: &Partition| replica.state().is_none_or(|state| state.in_sync(replica.me()));
            if self.rotten == Some(node) && !core.partitions.iter().find(of).is_none_or(in_sync) {
                self.watermark.forget(node);
                return self.prefix.forget(node, &cut.folder);
            }
            // What a snapshot has the log may begin behind.
            let covered = if cut.folder == METADATA { self.trimmed.newest(node) } else { Offset::ZERO };
            let judged = self.prefix.on_cut(node, &cut, covered);
            self.note_broken(judged);
        }
    }

    /// What the settings of a topic say of its files.
    fn look_at_files(&mut self, node: usize, op: &DiskOp, core: &Core) -> Result<(), Broken> {
        let replica = core.partitions.key_of(dir_of(op)).and_then(|key| core.partitions.get(key));
        let Some(replica) = replica.filter(|replica| !comes_and_goes(replica.folder())) else { return Ok(()) };
        let (config, now) = (replica.log().config(), self.now.mono);
        let appended = self.shadows[node].appended(op).map_or(&[][..], |(_, appended)| appended);
        let records = appended.iter().map(|entry| entry.last - entry.base + 1).sum();
        self.flushed.on_disk_op((node, now), op, records, config.sync)?;
        self.retired.on_disk_op((node, now), op, config.file_delete_delay)?;
        let log = self.shadows[node].log(replica.folder()).filter(|_| self.rotten != Some(node));
        self.rolled.on_disk_op(node, op, log, config.segment)
    }

    pub fn on_note(&mut self, node: usize, note: &Note, disk: &Disk) {
        if let Note::LogTruncated { dir, from, to } = note
            && let Some(folder) = self.shadows[node].folder(*dir).map(str::to_string)
        {
            let none = self.shadows[node].log(&folder).is_none_or(|log| log.entries.is_empty());
            let empty = none || self.seen.get(&(node, *dir)).is_some_and(|seen| seen.start >= *from);
            if to >= from {
                self.inherits.on_begun(node, *dir, *to);
                self.shadows[node].on_restart_at(*dir);
            } else if empty {
                // It has no record, and begins in the middle of a batch: it goes back to where that begins.
                self.watermark.forget_log(node, &folder);
            }
        }
        if let Note::Quorum { role, epoch, .. } = note {
            let judged = self.votes.on_role(node, role, *epoch);
            self.note_broken(judged);
        }
        let Note::LogOpened { dir, start, end, .. } = note else { return };
        self.shadows[node].on_opened(*dir, (*start, *end), disk);
        let Some(folder) = self.shadows[node].folder(*dir).map(str::to_string) else { return };
        self.vouched.on_opened(node, &folder);
        if comes_and_goes(&folder) {
            return;
        }
        if let Some(shadow) = self.shadows[node].log(&folder) {
            let judged = prefix::Prefix::on_recovered(&folder, shadow, self.rotten == Some(node));
            self.note_broken(judged);
        }
        // Where bits flipped the last batches may be gone: who lacks them does not lead.
        let in_sync = self.rotten != Some(node) && self.granted.in_sync(&folder, NodeId(node as i32 + 1));
        let judged = self.prefix.on_opened(node, &folder, end.0, in_sync);
        self.note_broken(judged);
    }

    /// A bit flipped on the node's disk.
    pub fn on_rot(&mut self, node: usize) {
        self.rotten = Some(node);
    }

    /// The node's disk is gone, and what was promised of it.
    pub fn on_disk_lost(&mut self, node: usize) {
        (self.rotten, self.gone) = (Some(node), Some(node));
        self.shadows[node] = shadow::Shadows::default();
        self.prefix.forget_all(node);
    }

    fn note_broken(&mut self, judged: Result<(), Broken>) {
        if let Err(broken) = judged {
            self.broken.get_or_insert(broken);
        }
    }
}
