//! The bugs, each with what it breaks and its name.

macro_rules! mutants {
    ($($(#[doc = $what:literal])+ $name:ident = $text:literal,)+) => {
        /// A named bug.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
        #[repr(u16)]
        pub enum Mutant {
            $($(#[doc = $what])+ $name,)+
        }

        /// Every named bug, in the order of the list.
        pub const ALL: &[Mutant] = &[$(Mutant::$name,)+];

        impl Mutant {
            /// Its name on the command line and in plans.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }

            /// What it breaks, in a sentence.
            pub const fn breaks(self) -> &'static str {
                match self { $(Self::$name => concat!($($what),+),)+ }
            }
        }
    };
}

mutants! {
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
    // Of the quorum, the controller, the metadata, the groups and the node itself.
    /// A follower that hears of its leader wants another one all the same (no KIP-996).
    PreVoteWhileLed = "pre-vote-while-led",
    /// A node says that it could vote for one whose log is behind.
    PreVoteAnyLog = "pre-vote-any-log",
    /// A vote goes to whoever has a record of the last epoch, however short its log.
    VoteEpochAlone = "vote-epoch-alone",
    /// A vote that is refused counts.
    RefusalCounts = "refusal-counts",
    /// A leader of the quorum commits what was before its epoch, and nothing of its own.
    CommitAtEpochStart = "commit-at-epoch-start",
    /// A new controller decides before it has read all that was decided.
    ActivateBeforeDrained = "activate-before-drained",
    /// A snapshot of the metadata is taken for one record longer than it is.
    SnapshotOneFurther = "snapshot-one-further",
    /// A snapshot of the metadata lacks what is set for all brokers.
    SnapshotLacksDefaults = "snapshot-lacks-defaults",
    /// Followers of the quorum that wait for news do not get them.
    AppendWakesNobody = "append-wakes-nobody",
    /// The preferred replica is elected though it is not in sync.
    PreferredOutOfSync = "preferred-out-of-sync",
    /// A broker that started anew is still heeded as what it was.
    AnyBrokerEpoch = "any-broker-epoch",
    /// A broker may stop before the others know who leads in its place.
    LetGoBeforeKnown = "let-go-before-known",
    /// A broker that leaves may be elected, and be taken into sync.
    LeavingCountsActive = "leaving-counts-active",
    /// A block of producer ids has the first id of the next.
    BlockOneTooLong = "block-one-too-long",
    /// Who is no replica any more still knows the epoch that is.
    DropKeepsEpoch = "drop-keeps-epoch",
    /// A move that is given up leaves what it added.
    RevertKeepsAdded = "revert-keeps-added",
    /// A broker that starts anew goes on leading what it led.
    RebornKeepsLead = "reborn-keeps-lead",
    /// The name of a deleted topic is not free again.
    DeletedNameStays = "deleted-name-stays",
    /// A CreateTopics that is only to be looked at makes its topics.
    ValidateOnlyMakes = "validate-only-makes",
    /// New partitions of a topic take the places of its first ones.
    WidenFromZero = "widen-from-zero",
    /// A setting that is taken back stays.
    ConfigDeleteIgnored = "config-delete-ignored",
    /// A setting that changes is not told to those who go by it.
    ConfigNotApplied = "config-not-applied",
    /// An entry that is added to a list is all that the list has.
    AppendReplacesList = "append-replaces-list",
    /// AlterConfigs leaves what it does not name.
    AlterAllKeeps = "alter-all-keeps",
    /// What is set for all brokers outweighs what is set for one.
    DefaultOverBroker = "default-over-broker",
    /// What waits for a decision to be committed waits on when the lead is lost.
    CommitsOutliveLead = "commits-outlive-lead",
    /// A request for the controller that did not get there is not sent again.
    ForwardNotAgain = "forward-not-again",
    /// A node leads what it led before it is registered anew.
    RolesBeforeRegistered = "roles-before-registered",
    /// A topic that is made anew gets its folder before the old one is gone.
    NameNotAwaited = "name-not-awaited",
    /// A setting of a log that changes counts at the next start alone.
    LogConfigNotApplied = "log-config-not-applied",
    /// The records of a deleted topic are those of one that is made under its name.
    ForeignKept = "foreign-kept",
    /// Who made a topic is told so a second later.
    OpeningNotWoken = "opening-not-woken",
    /// All groups are said to be coordinated by the leader of the first partition.
    CoordinatorOfFirst = "coordinator-of-first",
    /// A coordinator that leads in a later epoch goes on with what it had.
    NewEpochNotLoaded = "new-epoch-not-loaded",
    /// Who waits for a coordinator is not told that it is none any more.
    UnloadTellsNobody = "unload-tells-nobody",
    /// A group takes the assignor that the fewest want.
    ProtocolLeastLiked = "protocol-least-liked",
    /// The leader of a group is told what members say to their first assignor.
    FirstSubscriptionTold = "first-subscription-told",
    /// A group is stored with the generation before.
    StoredGenerationOld = "stored-generation-old",
    /// What is committed beside an offset is not kept.
    CommitMetadataLost = "commit-metadata-lost",
    /// The leader epoch of a committed offset is not kept.
    CommitEpochLost = "commit-epoch-lost",
    /// Who is no member commits in the name of a group that has some.
    StrangersCommit = "strangers-commit",
    /// An OffsetFetch of all that a group has lacks the last topic.
    FetchAllLacksLast = "fetch-all-lacks-last",
    /// Offsets are told before they are committed.
    OffsetsToldUncommitted = "offsets-told-uncommitted",
    /// Heartbeats do not tell that the group rebalances.
    RebalanceNotTold = "rebalance-not-told",
    /// OffsetFetch of several groups tells them in the order in which their parts came.
    GatherInAnyOrder = "gather-in-any-order",
    // Behind promises that few checkers looked at.
    /// A follower asks again at once after an error.
    ErrorWithoutPause = "error-without-pause",
    /// A node that stood still takes clients before it has heard the controller.
    NoDoubt = "no-doubt",
    /// A node that stood still takes clients again when the controller says that it is fenced.
    DoubtEndsFenced = "doubt-ends-fenced",
    /// A leader does not hear that a broker is back, or gone.
    BackNotHeard = "back-not-heard",
    /// Watermarks are written down when the node stops, and not before.
    WatermarksNotWritten = "watermarks-not-written",
    /// A snapshot of the metadata is named after the epoch that is, and not after that of its last record.
    SnapshotOfLaterEpoch = "snapshot-of-later-epoch",
    /// A coordinator speaks before what it has read of its log is committed.
    LoadedBeforeCommitted = "loaded-before-committed",
    /// A node that stops before it has opened what a crash left marks all of it as closed in order.
    MarksUnopened = "marks-unopened",
    /// A node that is stopped does not wait until its leaders have moved away.
    StopsWithoutLeave = "stops-without-leave",
    /// Who does not lead tells producers that it does.
    HintNamesSelf = "hint-names-self",
    /// A Produce is told its own offset for where the log starts.
    ProduceStartIsBase = "produce-start-is-base",
    /// A Fetch is answered at once, also where there is nothing new.
    FetchNeverWaits = "fetch-never-waits",
    /// A session goes on with a partition that its reader has taken out.
    ForgottenStillRead = "forgotten-still-read",
    /// ListOffsets by time tells the leader's epoch, and not the record's.
    TimeEpochOfLeader = "time-epoch-of-leader",
    /// DeleteRecords waits for replicas that are down.
    DeleteWaitsForDead = "delete-waits-for-dead",
    /// An offset is committed for a partition behind the last that the topic has.
    CommitsBeyondTopic = "commits-beyond-topic",
    /// Metadata tells all replicas for those in sync.
    IsrToldIsReplicas = "isr-told-is-replicas",
    /// Who is to leave the in-sync set counts no more before the controller has granted it.
    LeavingNotWaitedFor = "leaving-not-waited-for",
    /// Who was just taken into the in-sync set may be dropped at the next append.
    WelcomeForgotten = "welcome-forgotten",
    /// A follower says that its log starts where no checkpoint on its disk says so yet.
    StartToldUnsaved = "start-told-unsaved",
    /// A replica that lost its end leads before it has heard all others.
    ShortLeadsUnheard = "short-leads-unheard",
    /// An epoch in which nothing was appended yet is not known.
    EpochBeginsUnmarked = "epoch-begins-unmarked",
    /// Recovery does not learn of the producer of the first batch behind a snapshot.
    ScanSkipsBatch = "scan-skips-batch",
    /// A log that begins anew knows batches of producers that it does not have any more.
    RestartKeepsAll = "restart-keeps-all",
    /// A search for a time goes on where one for another time stopped.
    WalkOfAnotherTime = "walk-of-another-time",
    /// The batches of a producer's epoch before are known as those of its new one.
    WindowOutlivesEpoch = "window-outlives-epoch",
    /// A leader answers for an epoch that its log never had as if it had had it.
    EpochFloorAsked = "epoch-floor-asked",
    /// Followers of the quorum are not told that records are committed before there are more.
    CommitNotTold = "commit-not-told",
    /// The leader of the quorum counts what a voter holds before it knows whether that is what it has itself.
    DivergingVoterCounted = "diverging-voter-counted",
    /// A follower of the quorum that needs what only a snapshot has does not get one.
    BehindStartNoSnapshot = "behind-start-no-snapshot",
    /// A fenced broker serves again before it knows what was decided while it was fenced.
    UnfencedBeforeLearnt = "unfenced-before-learnt",
    /// A CreatePartitions that is only to be looked at makes its partitions.
    ValidateOnlyWidens = "validate-only-widens",
    /// A replica on a broker that is down is in sync when its partition is made.
    MadeWithFenced = "made-with-fenced",
    /// A commit does not give a member its session time-out anew.
    CommitGivesNoTime = "commit-gives-no-time",
    /// A member that has got its assignment is put out for not having asked for it.
    SyncNotNoted = "sync-not-noted",
    /// A coordinator that takes over takes members' time to join for their session time-outs, and the other way round.
    TimeoutsSwapped = "timeouts-swapped",
    /// A batch is appended that has fewer records than offsets.
    CountNotChecked = "count-not-checked",
    /// A broker that is back does not take what nobody leads.
    BackLeadsNothing = "back-leads-nothing",
}
