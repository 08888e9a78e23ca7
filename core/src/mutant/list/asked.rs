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
        }
    };
}
