//! Bugs that the design names, and those that were thought of while a promise was written.

macro_rules! named {
    ($then:ident! $($before:tt)*) => {
        $then! {
            $($before)*
            /// Produce is answered before the leader's own write is durable.
            AckBeforeSync = "ack-before-sync",
            /// The watermark counts bytes of followers (or of the leader) that are not yet durable.
            WatermarkUnsynced = "watermark-unsynced",
            /// A follower truncates to its watermark and not to the end of the common epoch.
            TruncateToWatermark = "truncate-to-watermark",
            /// A leader serves a replica's Fetch of any leader epoch.
            NoFetchFencing = "no-fetch-fencing",
            /// A vote leaves before it is durable.
            VoteBeforeSync = "vote-before-sync",
            /// A vote is granted to a candidate whose log is behind.
            VoteWithoutLogCheck = "vote-without-log-check",
            /// A leader shrinks its in-sync set without the controller's leave.
            ShrinkNotGranted = "shrink-not-granted",
            /// A replica outside the in-sync set is elected.
            ElectOutOfSync = "elect-out-of-sync",
            /// Recovery keeps a batch whose CRC is wrong.
            RecoverBadTail = "recover-bad-tail",
            /// Recovery drops the last good batch.
            DropGoodTail = "drop-good-tail",
            /// A new segment's name is not made durable.
            NoDirSyncOnRoll = "no-dir-sync-on-roll",
            /// A failed sync counts as done.
            IgnoreSyncFailure = "ignore-sync-failure",
            /// The offset index names the batch after the one that it should.
            IndexOffByOne = "index-off-by-one",
            /// Consumers read beyond the watermark.
            ReadBeyondWatermark = "read-beyond-watermark",
            /// The window of a producer's last batches is lost at a restart.
            LoseProducerWindow = "lose-producer-window",
            /// A batch of an old producer epoch is appended.
            NoProducerFencing = "no-producer-fencing",
            /// A batch that a producer sent before is appended again.
            AppendDuplicate = "append-duplicate",
            /// A group accepts commits and heartbeats of an old generation.
            OldGenerationCommits = "old-generation-commits",
            /// Two members are told the same partition (an assignment of the generation before).
            TwoOwners = "two-owners",
            /// An offset commit is answered before it is committed.
            CommitBeforeDurable = "commit-before-durable",
            /// A member that falls silent stays in its group for ever.
            NoSessionTimeout = "no-session-timeout",
            /// A static member that was replaced goes on as if it were not.
            NoStaticFencing = "no-static-fencing",
            /// A rebalance ends in the generation that was before.
            GenerationNotCounted = "generation-not-counted",
            /// The replies of two pipelined requests of one connection change places.
            SwapReplies = "swap-replies",
            /// The leader of the metadata quorum answers before its records are committed.
            MetadataBeforeCommit = "metadata-before-commit",
            /// A record of the metadata is committed by one voter alone.
            QuorumOfOne = "quorum-of-one",
            /// A leader commits records of older epochs by counting copies (figure 8 of the Raft paper).
            CommitOldEpoch = "commit-old-epoch",
            /// A new leader does not count an epoch of its own: it keeps the epoch that was.
            SameEpochElection = "same-epoch-election",
            /// A leader takes back a follower into the in-sync set that has not caught up.
            ExpandTooEarly = "expand-too-early",
            /// A partition's new leader gets the epoch of the old one.
            LeaderEpochKept = "leader-epoch-kept",
            /// An unclean election without `unclean.leader.election.enable`.
            UncleanUnasked = "unclean-unasked",
            /// The controller grants a change of the in-sync set, and does not write it down.
            IsrNotPersisted = "isr-not-persisted",
            /// The controller takes a fenced replica into the in-sync set.
            FencedIntoIsr = "fenced-into-isr",
            /// `min.insync.replicas` is not looked at.
            NoMinIsr = "no-min-isr",
            /// DeleteRecords is answered before the log's new start is on disk.
            DeleteBeforeSaved = "delete-before-saved",
            /// Produce with `acks=all` is answered when the leader alone has the records on its disk.
            AckAllAtLeader = "ack-all-at-leader",
            /// The controller gives the same block of producer ids to everybody.
            ProducerIdTwice = "producer-id-twice",
            /// A batch that leaves a gap behind its producer's last one is appended.
            SequenceGap = "sequence-gap",
            /// A follower does not remember who wrote what it copies.
            ReplicaForgetsProducers = "replica-forgets-producers",
            /// A leader says that an epoch ended one record later than it did.
            EpochEndWrong = "epoch-end-wrong",
            /// Epochs that began in what was cut away stay known.
            EpochsNotCut = "epochs-not-cut",
            /// A snapshot of the metadata is taken for read, and what was known before stays.
            SnapshotStale = "snapshot-stale",
            /// The checkpoint of watermarks holds the ends of the logs.
            WatermarkCheckpointAhead = "watermark-checkpoint-ahead",
            /// The first offset that a group commits stays, whatever it commits later.
            OlderCommitWins = "older-commit-wins",
            /// A reassignment ends before the replicas that it adds are in sync: they are taken for it.
            ReassignTooEarly = "reassign-too-early",
            /// A Produce whose time is up is answered as if all had gone well.
            AckOnTimeout = "ack-on-timeout",
            /// A group coordinator that takes over leaves out the last batch of what it reads.
            LoadShort = "load-short",
            /// What a truncation takes away is not taken from what is known of the producers.
            ProducersNotCut = "producers-not-cut",
            /// A batch that is in the log already is said to be at the log's end.
            DuplicateMisplaced = "duplicate-misplaced",
            /// ListOffsets tells where the log ends, and not where the watermark is.
            LatestIsEnd = "latest-is-end",
            /// A broker that is fenced stays where it leads and is in sync.
            FencedStays = "fenced-stays",
            /// A start of the log that was raised is forgotten at a restart.
            StartForgotten = "start-forgotten",
            /// The vote that was given is forgotten at a restart.
            VoteForgotten = "vote-forgotten",
            /// A follower's log that diverges is taken for a part of the leader's.
            DivergenceUnseen = "divergence-unseen",
            /// A replica that the leader asks to have in sync does not count for the watermark (no maximal in-sync set, KIP-497).
            MaximalIgnored = "maximal-ignored",
            /// A replica whose log lacks the last of what it had promised leads as if it were whole.
            ShortLogLeads = "short-log-leads",
            /// A replica whose log is gone, folder and all, leads as if nothing had ever been in it.
            BlankLogLeads = "blank-log-leads",
            /// The search for a time begins one entry of the time index too late.
            TimeFloorLate = "time-floor-late",
            /// A search for a time passes over a segment whose largest timestamp is the one that is sought.
            TimeSkipsSegment = "time-skips-segment",
            /// Retention drops segments that are not committed.
            RetentionUncommitted = "retention-uncommitted",
            /// Retention leaves less than `retention.bytes`.
            RetentionTooMuch = "retention-too-much",
            /// A segment is dropped when its last record is the log's start.
            SegmentDroppedEarly = "segment-dropped-early",
            /// A roll does not write down the leaders' epochs.
            EpochsNotWritten = "epochs-not-written",
            /// Snapshots of the producers stay that are of what was cut away.
            SnapshotsNotCut = "snapshots-not-cut",
            /// What recovery found after a crash of the process alone is promised without a sync.
            RecoveredNotSynced = "recovered-not-synced",
            /// What was read back from the disk is served after a truncation.
            StaleChunk = "stale-chunk",
            /// Producers are forgotten a thousand times earlier than `producer.id.expiration.ms` says.
            ProducersExpireEarly = "producers-expire-early",
            /// Only three batches of a producer are remembered, and a client may have five under way.
            WindowTooShort = "window-too-short",
            /// A follower joins the in-sync set that has not come to where the epoch began (KAFKA-7128).
            JoinsBeforeEpochStart = "joins-before-epoch-start",
            /// DeleteRecords deletes what is not committed.
            DeleteUncommitted = "delete-uncommitted",
            /// DeleteRecords does not wait for the followers.
            LowWatermarkAlone = "low-watermark-alone",
            /// A new leader tells where a partition ends before it knows (KIP-207).
            EndBeforeKnown = "end-before-known",
            /// A follower that lags stays in the in-sync set.
            LaggardStays = "laggard-stays",
            /// A follower whose place is not in the leader's log any more stays where it is.
            FollowerNeverRestarts = "follower-never-restarts",
            /// A follower does not follow the start of its leader's log.
            StartNotFollowed = "start-not-followed",
            /// A leader of the quorum that nobody follows any more leads on.
            NoCheckQuorum = "no-check-quorum",
            /// A broker that falls silent is never fenced.
            SilentNeverFenced = "silent-never-fenced",
            /// A change of the in-sync set is granted to a leader that knows an old one.
            AlterOldState = "alter-old-state",
            /// Leaders do not go back to where they are preferred.
            PreferredNever = "preferred-never",
            /// The settings that a topic is made with are not written down.
            TopicConfigLost = "topic-config-lost",
            /// A snapshot of the metadata does not say which producer ids were given.
            SnapshotLacksIds = "snapshot-lacks-ids",
            /// A member leaves, and its group does not notice.
            LeaveNotNoticed = "leave-not-noticed",
            /// Members are told their assignments before they are committed.
            AssignedBeforeCommitted = "assigned-before-committed",
            /// A heartbeat does not give a member its session time-out anew.
            HeartbeatNotCounted = "heartbeat-not-counted",
            /// A commit is answered when all before it is committed.
            PromiseOffByOne = "promise-off-by-one",
            /// A reader with a session is not told that the log's start moved.
            SessionHidesStart = "session-hides-start",
            /// A Produce to several partitions is woken by the first alone.
            ProduceWatchesFirst = "produce-watches-first",
            /// The mark of a clean stop stays when the node starts.
            CleanMarkStays = "clean-mark-stays",
            /// The mark of a clean stop is written before all logs are closed.
            MarkBeforeClosed = "mark-before-closed",
            /// Who does not lead answers where an epoch ended.
            EpochEndOfAnybody = "epoch-end-of-anybody",
            /// OffsetForLeaderEpoch tells where the epoch after the one asked for ended.
            EpochEndOfNext = "epoch-end-of-next",
            /// A broker gives the same producer id to two clients.
            ProducerIdOfBrokerTwice = "producer-id-of-broker-twice",
            /// A batch whose CRC is wrong is appended.
            BadCrcTaken = "bad-crc-taken",
            /// Where a topic says LogAppendTime records keep the producer's time.
            AppendTimeNotStamped = "append-time-not-stamped",
            /// Retention drops segments at half the age that `retention.ms` says.
            RetentionTooYoung = "retention-too-young",
            /// A group is told what another one committed.
            GroupsShareOffsets = "groups-share-offsets",
            /// What comes with `acks=0` is not appended.
            SilenceNotAppended = "silence-not-appended",
            /// A Produce with `acks=0` is answered.
            SilenceAnswered = "silence-answered",
            /// A topic that is named by its id is taken for the first one there is.
            TopicIdIgnored = "topic-id-ignored",
            /// ListOffsets by time tells where the batch begins, and not its record.
            TimeNamesBatch = "time-names-batch",
            /// A topic is said to be made before its logs are open.
            MadeBeforeOpen = "made-before-open",
            /// A follower joins the in-sync set by what it has written, not by what it has synced.
            JoinsByEnd = "joins-by-end",
            /// A follower joins the in-sync set whose log still has what was deleted.
            JoinsWithOldStart = "joins-with-old-start",
            /// A leader asks for a follower in sync that the metadata would refuse.
            JoinsIneligible = "joins-ineligible",
            /// acks=all is answered when all but the last record is committed.
            AckedOneEarly = "acked-one-early",
            /// A follower does not notice a new epoch of the same leader.
            SameLeaderOldEpoch = "same-leader-old-epoch",
            /// A follower cuts to its own end of the epoch, though the leader has less of it.
            CutToOwnEnd = "cut-to-own-end",
            /// A leader counts what a follower holds whose log diverges.
            DivergingCounted = "diverging-counted",
            /// A leader does not hear where followers' logs start.
            FollowerStartUnheard = "follower-start-unheard",
            /// DeleteRecords does not wait for the leader's own checkpoint.
            DeleteNotWritten = "delete-not-written",
            /// A follower leaves the in-sync set as soon as it does not have everything.
            CaughtUpOnlyNow = "caught-up-only-now",
            /// A leader does not count that a follower had everything until an append.
            AppendNotCounted = "append-not-counted",
            /// ListOffsets tells the leader's epoch for the log's start.
            EarliestEpochLatest = "earliest-epoch-latest",
            /// A reader beyond the watermark is told that it is out of range.
            OutOfRangeUncommitted = "out-of-range-uncommitted",
            /// A roll leaves the largest timestamp out of the time index.
            SealForgetsTime = "seal-forgets-time",
            /// A snapshot of the producers has no epochs.
            SnapshotForgetsEpoch = "snapshot-forgets-epoch",
            /// A snapshot of the producers lacks the oldest batch of each.
            SnapshotShortWindow = "snapshot-short-window",
            /// An epoch that began where the log was cut stays known.
            EpochAtEndStays = "epoch-at-end-stays",
            /// A write that was under way when the log was cut counts for what comes there later.
            CutForgetsPending = "cut-forgets-pending",
            /// Retention takes from a topic whose policy is not to delete.
            RetentionOfCompacted = "retention-of-compacted",
            /// Times of what was cut away stay in the time index.
            TimesNotCut = "times-not-cut",
            /// The largest timestamp stays that of a record that was cut away.
            LargestNotCut = "largest-not-cut",
            /// Index entries on disk are believed beyond a cut.
            IndexBelievedTooFar = "index-believed-too-far",
            /// The last record with the largest timestamp is named, not the first.
            MaxTimeIsLast = "max-time-is-last",
            /// A range of a file reaches beyond the watermark.
            FileReadsBeyond = "file-reads-beyond",
            /// A read takes a chunk that begins behind what is asked for.
            ChunkSkips = "chunk-skips",
            /// ListOffsets by time names a record that was deleted.
            TimeNamesDeleted = "time-names-deleted",
            /// A batch larger than max.message.bytes is taken.
            TooLargeTaken = "too-large-taken",
            /// Timestamps out of the topic's range are taken.
            OldStampsTaken = "old-stamps-taken",
            /// Batches larger than a segment are taken.
            BeyondSegmentTaken = "beyond-segment-taken",
            /// A batch of a producer's new epoch is taken for one of its epoch before.
            DuplicateOfOldEpoch = "duplicate-of-old-epoch",
            /// A producer's new epoch may begin with any sequence number.
            NewEpochAnySequence = "new-epoch-any-sequence",
            /// The producers read again after a cut lack the batch behind the snapshot.
            ReplaySkipsBatch = "replay-skips-batch",
            /// A Produce waits beyond its time.
            ProduceNeverDue = "produce-never-due",
            /// A consumer's session does not look again at a partition whose watermark moved.
            ConsumerSessionAsleep = "consumer-session-asleep",
            /// A session is not told that a partition changed its leader.
            SessionIgnoresRole = "session-ignores-role",
            /// A session serves a request of any epoch.
            SessionEpochIgnored = "session-epoch-ignored",
            /// Every partition of a Fetch gives a whole batch, whatever the limit.
            WholeEverywhere = "whole-everywhere",
            /// ListOffsets answers who believes in an old epoch.
            ListEpochIgnored = "list-epoch-ignored",
            /// OffsetForLeaderEpoch answers who believes in an old epoch.
            EpochEndUnfenced = "epoch-end-unfenced",
            /// A DeleteRecords whose time is up is answered as done.
            DeleteDoneOnTimeout = "delete-done-on-timeout",
            /// DeleteRecords up to the watermark (-1) deletes nothing.
            DeleteAllNothing = "delete-all-nothing",
            /// A start counts as written down when an earlier checkpoint is.
            SavedStartOfLater = "saved-start-of-later",
            /// A checkpoint leaves out the starts of logs that are not open yet.
            UnopenedStartsDropped = "unopened-starts-dropped",
            /// Who waits for a replica that is given up is not told.
            GivenUpNotWoken = "given-up-not-woken",
            /// The shell tells the core that a write is durable before it is.
            ShellAckBeforeSync = "shell-ack-before-sync",
            /// Now and then the shell sends a reply on the connection that was opened after the one it is for.
            ShellRepliesCrossed = "shell-replies-crossed",
            /// Now and then the loop is not told that a disk operation has ended.
            ShellLostWakeUp = "shell-lost-wake-up",
            /// What a full socket did not take of a reply is taken for sent.
            ShellNotFlushed = "shell-not-flushed",
            /// Once a stop was asked for, what is still to be written is taken for written.
            ShellStopDrops = "shell-stop-drops",
        }
    };
}
