//! Bugs in what groups and administrators may ask for: planted by a review, and found only once a client asked for it.

macro_rules! asked {
    ($then:ident! $($before:tt)*) => {
        $then! {
            $($before)*
            /// DeleteGroups ends a group that has members.
            DeletedWithMembers = "deleted-with-members",
            /// OffsetDelete takes offsets of a topic that the group's members read.
            SubscribedOffsetsDeleted = "subscribed-offsets-deleted",
            /// Offsets expire of topics that the group's members read.
            ExpiresSubscribed = "expires-subscribed",
            /// A DeleteGroups that was not committed is answered as done.
            DeleteErrorSwallowed = "delete-error-swallowed",
            /// A heartbeat of any generation is answered as if all were well.
            HeartbeatAnyGeneration = "heartbeat-any-generation",
            /// A member commits before the partitions of its generation are settled.
            CommitWhileCompleting = "commit-while-completing",
            /// A group's leader that joins again because topics changed gets no rebalance.
            LeaderRejoinUnheard = "leader-rejoin-unheard",
            /// A member that joins a stable group again with another subscription is told the generation that is.
            SubscriptionChangeUnheard = "subscription-change-unheard",
            /// A group's leader that asks again for the generation is not told its members.
            LeaderRetryGetsNobody = "leader-retry-gets-nobody",
            /// A group takes more members than group.max.size.
            GroupMaxIgnored = "group-max-ignored",
            /// Of several members that leave at once the first one does.
            LeaveFirstOnly = "leave-first-only",
            /// A static member that starts anew is a member twice: as what it was it keeps its partitions.
            ReplacedKeepsOld = "replaced-keeps-old",
            /// A coordinator that takes over counts the generations of a group without members anew.
            EmptyGenerationLost = "empty-generation-lost",
            /// Settings that are only to be looked at are set.
            ValidateOnlyAlters = "validate-only-alters",
            /// An entry that is taken from a list stays.
            SubtractNothing = "subtract-nothing",
            /// A topic is given a setting that it cannot have.
            ConfigNotChecked = "config-not-checked",
            /// A reassignment changes the number of replicas though it may not (KIP-860).
            FactorNotChecked = "factor-not-checked",
            /// A Fetch waits for one byte more than it asks for.
            MinBytesStrict = "min-bytes-strict",
            /// A Fetch is answered with more than `fetch.max.bytes`.
            FetchMaxIgnored = "fetch-max-ignored",
            /// Only the newest record of a batch has to be of a time that the topic takes.
            EarlyRecordTaken = "early-record-taken",
            /// A producer may say that its times are the appends'.
            AppendBitTaken = "append-bit-taken",
            /// A Produce is taken when enough replicas are in sync or about to be.
            JoiningCountsEnough = "joining-counts-enough",
            /// A session goes on for who names topics in another way.
            SessionNamingUnchecked = "session-naming-unchecked",
            /// A new leader says that no record is so late before it knows what is committed.
            TimeNoneBeforeKnown = "time-none-before-known",
            /// A batch with a producer and no sequence number is taken.
            NoSequenceTaken = "no-sequence-taken",
            /// Two batches for a partition are taken.
            TwoBatchesTaken = "two-batches-taken",
            /// A batch that does not begin at 0 is taken.
            BaseOffsetTaken = "base-offset-taken",
            /// A CreateTopics does not say which topics it refused because they were named twice.
            CreateRefusedUntold = "create-refused-untold",
            /// Two topics that are made by one request have names that differ in a dot and an underscore.
            CollideInOneRequest = "collide-in-one-request",
            /// A topic is made whose assignments leave a partition out.
            AssignmentGapTaken = "assignment-gap-taken",
            /// A topic is made whose partitions have different numbers of replicas.
            UnequalFactorsTaken = "unequal-factors-taken",
            /// The configs of what a request names twice are altered twice.
            ResourceTwiceAltered = "resource-twice-altered",
            /// What a running broker cannot change is altered.
            StaticAltered = "static-altered",
            /// Who asks for an election that is not needed is told that it was held.
            ElectNotNeededIsDone = "elect-not-needed-is-done",
            /// A commit that is refused names the first partition of each topic alone.
            CommitRefusalLacksPartitions = "commit-refusal-lacks-partitions",
            /// An OffsetFetch tells the first partition of each topic alone.
            FetchFirstPartition = "fetch-first-partition",
            /// A SyncGroup for a group of another kind is answered.
            SyncAnyType = "sync-any-type",
            /// The topic of the coordinators is made without compaction.
            OffsetsTopicNotCompacted = "offsets-topic-not-compacted",
            /// The topic of the coordinators is made with one replica, whatever is set.
            OffsetsTopicFactorLost = "offsets-topic-factor-lost",
            /// Who is elected from outside the in-sync set does not recover.
            UncleanNotRecovering = "unclean-not-recovering",
            /// A leader that says that it has recovered goes on recovering.
            RecoveryNeverEnds = "recovery-never-ends",
            /// A move of replicas ends when one of those that it adds is in sync.
            CompletedByAny = "completed-by-any",
            /// A static member that starts anew while the others ask for their parts begins no generation, and waits for one.
            ReplacedWhileCompletingWaits = "replaced-while-completing-waits",
            /// A topic that is named by its name and by its id is refused, and deleted.
            DeletedThoughTwice = "deleted-though-twice",
        }
    };
}
