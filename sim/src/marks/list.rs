//! Every mark, each with the reason why a run that never gets there has not tried the code.

macro_rules! marks {
    ($($(#[doc = $why:literal])+ $name:ident = $text:literal,)+) => {
        /// A rare place that a batch of runs has to reach.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(u8)]
        pub enum Mark {
            $($(#[doc = $why])+ $name,)+
        }

        /// Every mark, in the order of the list.
        pub const ALL: &[Mark] = &[$(Mark::$name,)+];

        impl Mark {
            /// Its name in tables.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }

            /// Why it has to be reached.
            pub const fn why(self) -> &'static str {
                match self { $(Self::$name => concat!($($why),+),)+ }
            }
        }
    };
}

marks! {
    /// A node served: without it nothing else means anything.
    NodeReady = "node-ready",
    /// A clean stop came to its end: leaders moved away, logs closed.
    NodeStopped = "node-stopped",
    /// A failed sync or write is final: the node stopped by itself.
    NodeGaveUp = "node-gave-up",
    /// A process died with bytes on its disk that were not synced: what durability is about.
    CrashUnsynced = "crash-unsynced",
    /// A process died while it led a partition.
    CrashLeader = "crash-leader",
    /// A process died while it was the active controller.
    CrashController = "crash-controller",

    /// A sync, write or read ended with an error of the medium.
    DiskError = "disk-error",
    /// A write of a partition's leader found no room, and waited for some.
    DiskFullLeader = "disk-full-leader",
    /// A write of a follower found no room, and waited for some.
    DiskFullFollower = "disk-full-follower",
    /// A write of a group coordinator found no room, and waited for some.
    DiskFullCoordinator = "disk-full-coordinator",
    /// A write of the metadata log, a vote or a checkpoint found no room, and waited for some.
    DiskFullNode = "disk-full-node",
    /// A folder was removed in which writes waited for room.
    DiskFullRemoved = "disk-full-removed",
    /// Produce was refused before it met the end of the medium.
    NoRoomForClient = "no-room-for-client",
    /// A follower did not take what its leader had.
    NoRoomForFollower = "no-room-for-follower",
    /// A group coordinator answered that it cannot write.
    NoRoomForCoordinator = "no-room-for-coordinator",
    /// A node that had refused appends found room again.
    RoomAgain = "room-again",
    /// A file or folder was not there.
    DiskMissing = "disk-missing",

    /// A log was opened after a clean stop, without a scan.
    LogOpenedClean = "log-opened-clean",
    /// A log was opened and scanned from its recovery point.
    LogScanned = "log-scanned",
    /// Recovery found a torn tail and cut it.
    LogTailCut = "log-tail-cut",
    /// A follower cut its log where it parted from the leader's (KIP-101, KIP-279).
    LogTruncated = "log-truncated",
    /// A log began anew at another offset: the leader has no more what came after its end.
    LogRestarted = "log-restarted",
    /// Bytes on disk were not what was written, and a reader or a recovery met them.
    DamageFound = "damage-found",
    /// A log ended below where it was known to have been.
    LogLost = "log-lost",
    /// A segment was full or old.
    SegmentRolled = "segment-rolled",
    /// Retention, or DeleteRecords, dropped segments.
    SegmentsDropped = "segments-dropped",
    /// The metadata log of a voter was cut back.
    MetadataTruncated = "metadata-truncated",
    /// The metadata log of a voter began anew behind a snapshot that it took over (KIP-630).
    SnapshotInstalled = "snapshot-installed",
    /// A snapshot of the metadata was written.
    SnapshotWritten = "snapshot-written",
    /// A piece of a snapshot was asked for.
    SnapshotAsked = "snapshot-asked",

    /// A replica began to lead.
    PartitionLeads = "partition-leads",
    /// A replica began to follow.
    PartitionFollows = "partition-follows",
    /// An in-sync set became smaller.
    IsrShrank = "isr-shrank",
    /// An in-sync set became larger.
    IsrGrew = "isr-grew",
    /// Only the leader was left in sync of a partition that has more replicas.
    IsrOne = "isr-one",
    /// Nobody who is in sync lived: the partition had no leader.
    PartitionLeaderless = "partition-leaderless",
    /// A partition got another leader.
    LeaderChanged = "leader-changed",
    /// The preferred leader took over from one that was well.
    LeaderPreferred = "leader-preferred",
    /// A broker was fenced.
    BrokerFenced = "broker-fenced",
    /// A fenced broker came back.
    BrokerUnfenced = "broker-unfenced",
    /// A reassignment had something to copy, or to wait for (KIP-455).
    MoveBegun = "move-begun",
    /// A reassignment ended: everybody who was to stay was in sync.
    MoveDone = "move-done",
    /// A reassignment was given up: the replicas of before stayed.
    MoveCancelled = "move-cancelled",
    /// The end of a reassignment gave the partition another leader.
    MoveChangedLeader = "move-changed-leader",
    /// A broker dropped a replica that was no longer its own, and removed the folder.
    ReplicaDropped = "replica-dropped",
    /// A broker that came back found a folder that is no longer its own, and put it aside.
    StrayPutAside = "stray-put-aside",
    /// A broker asked for its controlled shutdown.
    BrokerLeaving = "broker-leaving",

    /// A node did not know who leads the quorum.
    QuorumUnattached = "quorum-unattached",
    /// It gave its vote before it knew a leader.
    QuorumVoted = "quorum-voted",
    /// It asked for votes before it raised the epoch (KIP-996).
    QuorumProspective = "quorum-prospective",
    /// It asked for votes.
    QuorumCandidate = "quorum-candidate",
    /// It led the quorum.
    QuorumLeader = "quorum-leader",
    /// It followed.
    QuorumFollower = "quorum-follower",
    /// A leader gave up its lead: a clean stop, or a majority that fell silent.
    QuorumResigned = "quorum-resigned",
    /// A vote was refused.
    VoteRefused = "vote-refused",
    /// A vote was granted.
    VoteGranted = "vote-granted",

    /// A record was refused by a node that does not lead.
    ProduceNotLeader = "produce-not-leader",
    /// Too few were in sync to begin with.
    ProduceTooFew = "produce-too-few-in-sync",
    /// Too few were in sync once it was appended.
    ProduceTooFewAfter = "produce-too-few-after-append",
    /// A batch that was sent before was answered from the producer's window.
    ProduceDuplicate = "produce-duplicate",
    /// A batch left a gap behind the last sequence.
    ProduceOutOfOrder = "produce-out-of-order",
    /// A Produce that waited was released by its deadline.
    HoldProduce = "hold-produce-timed-out",
    /// A Fetch that waited for bytes was released by its deadline.
    HoldFetch = "hold-fetch-timed-out",
    /// A JoinGroup or SyncGroup that waited was released by a deadline: somebody did not come back.
    HoldGroup = "hold-group-timed-out",
    /// Any other reply that waited was released by a deadline.
    HoldOther = "hold-other-timed-out",
    /// A connection ended while a reply waited for it.
    HoldGone = "hold-connection-gone",

    /// A Fetch came with an epoch that is over: FENCED_LEADER_EPOCH.
    FetchFenced = "fetch-fenced",
    /// A Fetch came with an epoch that the node does not know yet: UNKNOWN_LEADER_EPOCH.
    FetchEpochUnknown = "fetch-epoch-unknown",
    /// A Fetch came to a node that does not lead.
    FetchNotLeader = "fetch-not-leader",
    /// A Fetch asked for what the log does not have.
    FetchOutOfRange = "fetch-out-of-range",
    /// A follower was told where its log parts from the leader's.
    FetchDiverging = "fetch-diverging",
    /// A fetch session was not known: the broker is another, or put it out.
    SessionUnknown = "fetch-session-unknown",
    /// A fetch session's epoch was not the next.
    SessionEpoch = "fetch-session-epoch",

    /// A leader's change of its in-sync set was granted.
    AlterGranted = "alter-partition-granted",
    /// It was refused, because the state it starts from is old.
    AlterOld = "alter-partition-old",
    /// It was refused, because somebody in the set is fenced, or is another incarnation (KIP-903).
    AlterIneligible = "alter-partition-ineligible",
    /// A broker's heartbeat or registration was of an incarnation that is over.
    BrokerStale = "broker-epoch-stale",
    /// A request came to a controller that is not active.
    NotController = "not-controller",
    /// A leader was elected because an admin asked.
    ElectionAsked = "election-asked",
    /// An admin asked for a leader that there already is, or that cannot be.
    ElectionRefused = "election-refused",
    /// A leader was elected that was not in sync, because the topic would rather lose records than wait.
    ElectionUnclean = "election-unclean",
    /// Records were deleted because an admin asked.
    RecordsDeleted = "records-deleted",

    /// A request of a generation that is over: ILLEGAL_GENERATION.
    GroupOldGeneration = "group-old-generation",
    /// A member that the group put out: UNKNOWN_MEMBER_ID.
    GroupUnknownMember = "group-unknown-member",
    /// A member was told to join again: REBALANCE_IN_PROGRESS.
    GroupRebalance = "group-rebalance-told",
    /// A static member that was replaced: FENCED_INSTANCE_ID.
    GroupFenced = "group-instance-fenced",
    /// A group had as many members as it may: GROUP_MAX_SIZE_REACHED.
    GroupFull = "group-full",
    /// A group was to be deleted that has members: NON_EMPTY_GROUP.
    GroupNotEmpty = "group-not-empty",
    /// Offsets were to be deleted of a topic that the members read: GROUP_SUBSCRIBED_TO_TOPIC.
    GroupSubscribed = "group-subscribed",
    /// A request came while the coordinator was loading.
    GroupLoading = "group-loading",
    /// A request came to a node that does not coordinate the group.
    GroupNotHere = "group-not-coordinator",
    /// The coordinator died with a group without members.
    CoordinatorLostEmpty = "coordinator-lost-empty",
    /// It died while members joined.
    CoordinatorLostPreparing = "coordinator-lost-preparing",
    /// It died while the leader's assignment was awaited.
    CoordinatorLostCompleting = "coordinator-lost-completing",
    /// It died with a group at rest.
    CoordinatorLostStable = "coordinator-lost-stable",
    /// It died while it was loading.
    CoordinatorLostLoading = "coordinator-lost-loading",

    /// A client never learnt what became of a send.
    ClientUnknown = "client-send-unknown",
    /// A client was told that a send failed.
    ClientRefused = "client-send-refused",
    /// A member was given partitions.
    ClientAssigned = "client-assigned",
    /// A commit was acknowledged.
    ClientCommitted = "client-committed",
}
