//! Bugs that reviews planted to see whether the net holds.

macro_rules! planted {
    ($then:ident! $($before:tt)*) => {
        $then! {
            $($before)*
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
            // Of offsets without members, and of what is lost.
            /// A voter whose disk was lost votes for who knows it by the one that it had.
            LostVoterVotes = "lost-voter-votes",
            /// A leader takes an AlterPartition that had no answer for refused.
            UnknownAnswerIsNo = "unknown-answer-is-no",
            /// OffsetDelete answers, and deletes nothing.
            OffsetStays = "offset-stays",
            /// DeleteGroups ends the group and not its offsets.
            GroupLeavesOffsets = "group-leaves-offsets",
            /// A coordinator that takes over does not read that offsets were deleted.
            TombstonesNotLoaded = "tombstones-not-loaded",
            /// Offsets that have a time of their own are kept.
            NeverExpires = "never-expires",
            /// Offsets expire a hundred thousand times earlier than they say.
            ExpiresEarly = "expires-early",
            /// A broker that is struck off leads on.
            StruckOffLeads = "struck-off-leads",
            /// A follower that registered anew does not name anew what it follows.
            SessionOutlivesRegistration = "session-outlives-registration",
            /// Retention takes nothing that is too much, or too old.
            RetentionNever = "retention-never",
            // Of what is read on takeover, shown, and dropped.
            /// Segments that retention has dropped stay on the disk under their other name.
            RetiredStay = "retired-stay",
            /// A coordinator that takes over takes the first member for the one that leads the group.
            StoredLeaderLost = "stored-leader-lost",
            /// A coordinator that takes over takes static members for dynamic ones.
            StoredInstanceLost = "stored-instance-lost",
            /// A coordinator that takes over has lost when offsets expire.
            ReloadLosesExpiry = "reload-loses-expiry",
            /// A coordinator that takes over does not know since when a group has no members.
            ReloadLosesSince = "reload-loses-since",
            /// A coordinator that takes over does not read that groups were deleted.
            GroupTombstoneNotLoaded = "group-tombstone-not-loaded",
            /// What is committed beside an offset may be of any length.
            MetadataAnyLength = "metadata-any-length",
            /// ListGroups leaves out groups without members.
            ListLacksEmpty = "list-lacks-empty",
            // Of incarnations and epochs: what comes late, and what is refused.
            /// The controller takes a replica into sync in whatever incarnation it was asked for.
            MemberEpochIgnored = "member-epoch-ignored",
            /// A follower that started anew may join for what it was before: neither the leader nor what it asks names the incarnation.
            RejoinUnchecked = "rejoin-unchecked",
            /// What a follower had synced before it started anew still counts.
            IncarnationKeepsSynced = "incarnation-keeps-synced",
            /// The header of a batch is believed that does not have the largest timestamp of its records.
            HeaderTimeBelieved = "header-time-believed",
            /// A Fetch of a follower as it was before it started anew counts.
            OldIncarnationCounted = "old-incarnation-counted",
            /// DeleteRecords does not wait for followers that have not said where their logs start.
            UnheardStartsCount = "unheard-starts-count",
            /// The watermark that a leader told in an earlier epoch counts in the next one.
            ToldOutlivesEpoch = "told-outlives-epoch",
            /// What followers said counts in the next epoch of the same leader.
            FollowersOutliveEpoch = "followers-outlive-epoch",
            /// A compacted topic takes records without a key.
            KeylessTaken = "keyless-taken",
            /// A client writes control records.
            ControlTaken = "control-taken",
            /// All partitions of a topic are placed with the same broker as their preferred leader.
            PlacedOnOne = "placed-on-one",
            /// A DeleteRecords of several partitions is woken by the first alone.
            DeleteWatchesFirst = "delete-watches-first",
            /// Behind the last sequence number there is none.
            SequenceNeverWraps = "sequence-never-wraps",
            /// A producer of which nothing is known has to begin with sequence number 0 (as before KIP-360).
            UnknownMustBegin = "unknown-must-begin",
        }
    };
}
