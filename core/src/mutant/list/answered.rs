//! Bugs in what is answered: the group coordinator, the requests' handlers, the broker around them, and what is known of producers.

macro_rules! answered {
    ($then:ident! $($before:tt)*) => {
        $then! {
            $($before)*
            /// A member that is put out while it waits for its assignment is not told.
            DismissedSyncWaits = "dismissed-sync-waits",
            /// A member without an id is taken in at once, and not given one to come again with (KIP-394).
            MemberIdNotAsked = "member-id-not-asked",
            /// A member is taken in that knows no assignor of the others.
            OtherProtocolTaken = "other-protocol-taken",
            /// A member that joins again keeps the session time-out that it said first.
            RejoinKeepsSession = "rejoin-keeps-session",
            /// A member that asks to join again while it waits: its first request is never answered.
            FirstJoinUnanswered = "first-join-unanswered",
            /// A SyncGroup for another assignor than the one that is, is answered.
            SyncAnyProtocol = "sync-any-protocol",
            /// The assignments of a generation before are told to the one that is.
            AssignedOfOldGeneration = "assigned-of-old-generation",
            /// Members that did not join in time take part in the generation all the same.
            LateMembersStay = "late-members-stay",
            /// Members that never asked for their assignment are put out, and their group does not notice.
            SilentSyncsUnheard = "silent-syncs-unheard",
            /// A member that was told a generation is not excused while it waits for the next.
            NewForEver = "new-for-ever",
            /// A group that its last member left still reads what that one read.
            EmptyStillSubscribed = "empty-still-subscribed",
            /// Of a member's topics only the first counts as read.
            FirstTopicSubscribed = "first-topic-subscribed",
            /// A member may not commit while the others join.
            CommitWhileJoiningRefused = "commit-while-joining-refused",
            /// A static member that an administrator takes out by its name stays.
            NamedLeaveIgnored = "named-leave-ignored",
            /// When the last one leaves that the others wait for, they wait on.
            LeaveWhileJoiningUnheard = "leave-while-joining-unheard",
            /// A member of a group that is not there commits.
            UnknownGroupCommits = "unknown-group-commits",
            /// Offsets of a topic that is deleted stay.
            TopicLeavesOffsets = "topic-leaves-offsets",
            /// What the log says of an append is told to members as it is.
            AppendErrorRaw = "append-error-raw",
            /// An OffsetCommit that was not committed is answered as done.
            CommitErrorSwallowed = "commit-error-swallowed",
            /// A member may say any session time-out.
            AnySessionTaken = "any-session-taken",
            /// Before version 8 an OffsetFetch of who coordinates nothing is answered with nothing.
            FetchErrorLost = "fetch-error-lost",
            /// A Produce is taken that wants acknowledgements which there are not.
            AnyAcksTaken = "any-acks-taken",
            /// A client writes to the topic of the coordinators.
            InternalWritten = "internal-written",
            /// Where a topic says LogAppendTime its producers are not told it.
            AppendTimeUntold = "append-time-untold",
            /// A batch of a transaction is taken outside of one.
            TransactionalTaken = "transactional-taken",
            /// DeleteRecords deletes records of a topic whose policy is not to delete.
            CompactedDeleted = "compacted-deleted",
            /// DeleteRecords deletes records of the coordinators.
            InternalDeleted = "internal-deleted",
            /// ListOffsets by time tells what is not committed.
            TimeUncommitted = "time-uncommitted",
            /// Metadata of all topics lacks the last one.
            MetadataLacksLast = "metadata-lacks-last",
            /// InitProducerId takes an id without its epoch.
            HalfIdentityTaken = "half-identity-taken",
            /// A heartbeat says that the node knows all that it has, and not what it has applied.
            BeatsAhead = "beats-ahead",
            /// A broker whose registration is no longer known does not register anew.
            StaleEpochUnheard = "stale-epoch-unheard",
            /// A broker without room does not say so.
            FullUntold = "full-untold",
            /// The mark of a clean stop is taken away, and not durably.
            UnmarkNotSynced = "unmark-not-synced",
            /// A snapshot of the metadata is named one record short of what it has.
            SnapshotOneShort = "snapshot-one-short",
            /// A folder that nobody gave this node is deleted.
            StrayDeleted = "stray-deleted",
            /// A follower does not say of which epoch its last record is.
            LastEpochUnsaid = "last-epoch-unsaid",
            /// A decision is told to be committed one record before it is.
            CommitsOneEarly = "commits-one-early",
            /// A producer's later epoch is refused as an older one is.
            LaterEpochRefused = "later-epoch-refused",
            /// What a reader did not take for want of room does not count for `min_bytes`: it waits for what is there.
            RestNotCounted = "rest-not-counted",
            /// A producer's first epoch stays the one that is known.
            EpochNotEntered = "epoch-not-entered",
        }
    };
}
