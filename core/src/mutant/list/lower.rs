//! Bugs in logs, partitions, the quorum and the controller: planted by a review that took functions at random.

macro_rules! lower {
    ($then:ident! $($before:tt)*) => {
        $then! {
            $($before)*
            /// A log that begins anew keeps the snapshots of its producers.
            RestartKeepsSnapshots = "restart-keeps-snapshots",
            /// Retention goes by when a segment was begun, and not by its newest record.
            RetentionByCreation = "retention-by-creation",
            /// Where `flush.messages` asks for a sync there is none.
            FlushForgotten = "flush-forgotten",
            /// Where `flush.ms` asks for a sync there is none.
            FlushNeverDue = "flush-never-due",
            /// A read of what is in memory takes the batch at which it was to end.
            TailReadsOneMore = "tail-reads-one-more",
            /// A read of what was read back takes the batch at which it was to end.
            ColdReadsOneMore = "cold-reads-one-more",
            /// A producer counts as silent since its first batch.
            ProducerTimeStays = "producer-time-stays",
            /// Only the last batch of a producer is known when it comes again.
            DuplicateOfLastOnly = "duplicate-of-last-only",
            /// Recovery takes what a snapshot of the producers has a second time.
            ScanCountsAgain = "scan-counts-again",
            /// A segment is not synced when the next one begins.
            RollUnsynced = "roll-unsynced",
            /// A segment is never closed for its age (`segment.ms`).
            SegmentNeverAges = "segment-never-ages",
            /// The indexes of a segment that retention has dropped stay on the disk.
            RetiredIndexStays = "retired-index-stays",
            /// Snapshots of producers stay on the disk when their segments are dropped.
            OldSnapshotsStay = "old-snapshots-stay",
            /// Files of dropped segments do not stay for `file.delete.delay.ms`.
            RetiredDeletedAtOnce = "retired-deleted-at-once",
            /// A log that closes in order does not write its epochs down.
            CloseEpochsUnwritten = "close-epochs-unwritten",
            /// A leader takes an older in-sync set for the one that is.
            OldGrantHeeded = "old-grant-heeded",
            /// A leader heeds what was granted in an earlier epoch.
            GrantOfOldEpoch = "grant-of-old-epoch",
            /// A leader serves who knows of a later epoch.
            FutureEpochServed = "future-epoch-served",
            /// Half of the voters elect a leader.
            HalfIsMajority = "half-is-majority",
            /// A voter that led its epoch starts anew as if it had not voted in it.
            OwnLeadForgotten = "own-lead-forgotten",
            /// A snapshot of the metadata that ends early is taken for whole.
            InstallCutShortBelieved = "install-cut-short-believed",
            /// A FetchSnapshot is answered from the start of the snapshot, wherever it is to go on.
            SnapshotFromStart = "snapshot-from-start",
            /// Of several brokers that are fenced at once only the first leaves the in-sync sets.
            DeadStayInSync = "dead-stay-in-sync",
            /// An unclean election leaves those in sync that were.
            UncleanKeepsIsr = "unclean-keeps-isr",
            /// The last one in sync leaves the set when it is fenced.
            LastInSyncForgotten = "last-in-sync-forgotten",
            /// A reassignment that is complete goes on being told.
            AddingStays = "adding-stays",
            /// A broker whose disk is full goes on leading where another could.
            FullKeepsLead = "full-keeps-lead",
            /// A broker serves from when it registers.
            BornUnfenced = "born-unfenced",
            /// A broker that asks to leave keeps its leaders.
            LeavingKeepsLead = "leaving-keeps-lead",
            /// Two topics have names that differ in a dot and an underscore.
            NamesCollide = "names-collide",
            /// A replica that was asked for on a broker that is down is in sync when its partition is made.
            AssignedWithFenced = "assigned-with-fenced",
            /// A topic for which no number of partitions is asked gets one.
            DefaultCountIgnored = "default-count-ignored",
            /// Topics are deleted where `delete.topic.enable` forbids it.
            DeletionAlways = "deletion-always",
            /// Of batches with the same largest timestamp the last is remembered.
            LargestOfLast = "largest-of-last",
            /// What is torn stays in the file behind the end.
            TornTailLeft = "torn-tail-left",
            /// A checkpoint leaves out the watermarks of logs that are not open yet.
            UnopenedWatermarksDropped = "unopened-watermarks-dropped",
            /// A Fetch that comes late takes back what its follower had said since.
            LateFetchLowers = "late-fetch-lowers",
            /// A broker takes a block of producer ids for one longer than it is.
            GrantedOneLonger = "granted-one-longer",
        }
    };
}
