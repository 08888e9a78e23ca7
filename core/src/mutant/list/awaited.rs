//! Bugs in how long is waited, and in what is left over: found once somebody reckoned it apart.

macro_rules! awaited {
    ($then:ident! $($before:tt)*) => {
        $then! {
            $($before)*
            /// Where a follower outside the set is waited for, nobody looks when it has lagged for too long.
            OutsideNotTimed = "outside-not-timed",
            /// A rebalance waits as long as the least patient of its members.
            RebalanceTimeoutLeast = "rebalance-timeout-least",
            /// A member that joins again keeps the rebalance time-out that it said first.
            RejoinKeepsRebalance = "rejoin-keeps-rebalance",
            /// Who joins while others are waited for makes the wait begin anew.
            JoinRestartsWait = "join-restarts-wait",
            /// When one that was given an id and never came is given up, those that have joined wait on.
            PendingExpiryUnheard = "pending-expiry-unheard",
            /// A member that asks for its assignment again while it waits: its first request is never answered.
            FirstSyncUnanswered = "first-sync-unanswered",
            /// A DeleteGroups of several groups deletes the first one each time.
            DeletesFirstGroup = "deletes-first-group",
            /// Offsets expire while the members of their group join.
            ExpiresWithMembers = "expires-with-members",
            /// A leader of the quorum that stood still leads on.
            StandstillUnnoticed = "standstill-unnoticed",
            /// A voter that fetches a snapshot of the metadata counts as silent.
            SnapshotFetchNotAlive = "snapshot-fetch-not-alive",
            /// A leader goes by where an epoch ended, and not by which one it is, when a follower diverges.
            DivergenceByEnd = "divergence-by-end",
            /// A follower that begins anew takes nothing of what its leader knows of producers.
            ProducersNotTaken = "producers-not-taken",
            /// DescribeLogDirs tells of all logs, whichever it is asked for.
            LogDirsAllTold = "log-dirs-all-told",
            /// A Fetch whose time is up is answered without what is being read from the disk.
            DueWithoutCold = "due-without-cold",
            /// Old snapshots of the metadata stay.
            MetadataSnapshotsStay = "metadata-snapshots-stay",
            /// A leader does not look by itself who lags.
            LagNotTimed = "lag-not-timed",
            /// Replicas are placed on brokers that are down where others serve.
            FollowersOnFenced = "followers-on-fenced",
            /// Replicas are placed without a look at who has how many.
            ReplicasNotSpread = "replicas-not-spread",
            /// A leader whose in-sync set was refused asks for it again at once.
            RefusedAtOnceAgain = "refused-at-once-again",
            /// A group that a DeleteGroups names twice is deleted twice.
            GroupNamedTwice = "group-named-twice",
            /// A heartbeat is refused while its group is being read.
            HeartbeatLoadingRefused = "heartbeat-loading-refused",
            /// The first epoch of a log begins before the log.
            EpochStartNotRaised = "epoch-start-not-raised",
            /// A leader of the quorum gives up when a majority was silent for half of the time that it has.
            ResignsEarly = "resigns-early",
            /// A follower that is behind at each of its fetches, and never by more than a moment, counts as lagging.
            MarkNotMoved = "mark-not-moved",
            /// A static member's new id that is not committed is taken back in a later generation, too.
            ReplacedRevertsLater = "replaced-reverts-later",
            /// A broker asks to be let in while its logs are being opened.
            LetInOpening = "let-in-opening",
            /// A broker whose registration was taken away leads on what others lead by then.
            UnregisteredLeadsOn = "unregistered-leads-on",
            /// What a broker asked of the controller on a connection that it has left is done when it arrives.
            LateCopyHeeded = "late-copy-heeded",
            /// CreateAcls says that rules are taken, which nobody heeds.
            AclsTaken = "acls-taken",
            /// Who is away is shown to be in sync, where nobody leads for that.
            AwayInSync = "away-in-sync",
            /// The largest timestamp of a segment counts although the record that has it was deleted.
            MaxTimeOfDeleted = "max-time-of-deleted",
            /// A follower that got no session asks as fast as it is answered while it syncs.
            SessionlessSpins = "sessionless-spins",
            /// Where a log starts that has gone back counts as written down as it was before.
            SavedOutlivesStart = "saved-outlives-start",
            /// A coordinator that is cut off from the controller tells its offsets at once.
            CutOffTells = "cut-off-tells",
            /// Who asks for metadata in version 0, and names nothing, is told of no topic.
            EmptyNamesNone = "empty-names-none",
            /// A broker that does not lead the quorum never answers who asks about it.
            QuorumAskedInVain = "quorum-asked-in-vain",
        }
    };
}
