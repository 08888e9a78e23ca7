//! The fields of every message, as `shape` walks over them. Written by `ci/wire-shapes` from the definitions in
//! kafka-clients-4.3.1.jar; not edited by hand.

use super::field::{END, Field, Kind, Shape};
use Kind::{Array, Bytes, Fixed, Struct, Text};

const fn f(kind: Kind, since: i16, until: i16) -> Field {
    Field::new(kind, since, until)
}

#[rustfmt::skip]
pub(super) const REQUESTS: &[Shape] = &[
    // ProduceRequest
    Shape { key: 0, flexible: 9, fields: &[f(Text, 3, END).null(3, END), f(Fixed(2), 0, END), f(Fixed(4), 0, END), f(Array(120, &Struct(&[f(Text, 0, 12), f(Fixed(16), 13, END), f(Array(80, &Struct(&[f(Fixed(4), 0, END), f(Bytes, 0, END).null(0, END)])), 0, END)])), 0, END)] },
    // FetchRequest
    Shape { key: 1, flexible: 12, fields: &[f(Text, 12, END).null(12, END).tag(0, 12, END), f(Fixed(4), 0, 14), f(Struct(&[f(Fixed(4), 15, END), f(Fixed(8), 15, END)]), 15, END).tag(1, 15, END), f(Fixed(4), 0, END), f(Fixed(4), 0, END), f(Fixed(4), 3, END), f(Fixed(1), 4, END), f(Fixed(4), 7, END), f(Fixed(4), 7, END), f(Array(120, &Struct(&[f(Text, 0, 12), f(Fixed(16), 13, END), f(Array(104, &Struct(&[f(Fixed(4), 0, END), f(Fixed(4), 9, END), f(Fixed(8), 0, END), f(Fixed(4), 12, END), f(Fixed(8), 5, END), f(Fixed(4), 0, END), f(Fixed(16), 17, END).tag(0, 17, END), f(Fixed(8), 18, END).tag(1, 18, END)])), 0, END)])), 0, END), f(Array(120, &Struct(&[f(Text, 7, 12), f(Fixed(16), 13, END), f(Array(8, &Fixed(4)), 7, END)])), 7, END), f(Text, 11, END)] },
    // ListOffsetsRequest
    Shape { key: 2, flexible: 6, fields: &[f(Fixed(4), 0, END), f(Fixed(1), 2, END), f(Array(104, &Struct(&[f(Text, 0, END), f(Array(56, &Struct(&[f(Fixed(4), 0, END), f(Fixed(4), 4, END), f(Fixed(8), 0, END)])), 0, END)])), 0, END), f(Fixed(4), 10, END)] },
    // MetadataRequest
    Shape { key: 3, flexible: 9, fields: &[f(Array(88, &Struct(&[f(Fixed(16), 10, END), f(Text, 0, END).null(10, END)])), 0, END).null(1, END), f(Fixed(1), 4, END), f(Fixed(1), 8, 10), f(Fixed(1), 8, END)] },
    // OffsetCommitRequest
    Shape { key: 8, flexible: 8, fields: &[f(Text, 0, END), f(Fixed(4), 1, END), f(Text, 1, END), f(Text, 7, END).null(7, END), f(Fixed(8), 2, 4), f(Array(120, &Struct(&[f(Text, 0, 9), f(Fixed(16), 10, END), f(Array(96, &Struct(&[f(Fixed(4), 0, END), f(Fixed(8), 0, END), f(Fixed(4), 6, END), f(Text, 0, END).null(0, END)])), 0, END)])), 0, END)] },
    // OffsetFetchRequest
    Shape { key: 9, flexible: 6, fields: &[f(Text, 0, 7), f(Array(104, &Struct(&[f(Text, 0, 7), f(Array(8, &Fixed(4)), 0, 7)])), 0, 7).null(2, 7), f(Array(152, &Struct(&[f(Text, 8, END), f(Text, 9, END).null(9, END), f(Fixed(4), 9, END), f(Array(120, &Struct(&[f(Text, 8, 9), f(Fixed(16), 10, END), f(Array(8, &Fixed(4)), 8, END)])), 8, END).null(8, END)])), 8, END), f(Fixed(1), 7, END)] },
    // FindCoordinatorRequest
    Shape { key: 10, flexible: 3, fields: &[f(Text, 0, 3), f(Fixed(1), 1, END), f(Array(40, &Text), 4, END)] },
    // JoinGroupRequest
    Shape { key: 11, flexible: 6, fields: &[f(Text, 0, END), f(Fixed(4), 0, END), f(Fixed(4), 1, END), f(Text, 0, END), f(Text, 5, END).null(5, END), f(Text, 0, END), f(Array(112, &Struct(&[f(Text, 0, END), f(Bytes, 0, END)])), 0, END), f(Text, 8, END).null(8, END)] },
    // HeartbeatRequest
    Shape { key: 12, flexible: 4, fields: &[f(Text, 0, END), f(Fixed(4), 0, END), f(Text, 0, END), f(Text, 3, END).null(3, END)] },
    // LeaveGroupRequest
    Shape { key: 13, flexible: 4, fields: &[f(Text, 0, END), f(Text, 0, 2), f(Array(152, &Struct(&[f(Text, 3, END), f(Text, 3, END).null(3, END), f(Text, 5, END).null(5, END)])), 3, END)] },
    // SyncGroupRequest
    Shape { key: 14, flexible: 4, fields: &[f(Text, 0, END), f(Fixed(4), 0, END), f(Text, 0, END), f(Text, 3, END).null(3, END), f(Text, 5, END).null(5, END), f(Text, 5, END).null(5, END), f(Array(112, &Struct(&[f(Text, 0, END), f(Bytes, 0, END)])), 0, END)] },
    // DescribeGroupsRequest
    Shape { key: 15, flexible: 5, fields: &[f(Array(40, &Text), 0, END), f(Fixed(1), 3, END)] },
    // ListGroupsRequest
    Shape { key: 16, flexible: 3, fields: &[f(Array(40, &Text), 4, END), f(Array(40, &Text), 5, END)] },
    // SaslHandshakeRequest
    Shape { key: 17, flexible: END, fields: &[f(Text, 0, END)] },
    // ApiVersionsRequest
    Shape { key: 18, flexible: 3, fields: &[f(Text, 3, END), f(Text, 3, END)] },
    // CreateTopicsRequest
    Shape { key: 19, flexible: 5, fields: &[f(Array(152, &Struct(&[f(Text, 0, END), f(Fixed(4), 0, END), f(Fixed(2), 0, END), f(Array(72, &Struct(&[f(Fixed(4), 0, END), f(Array(8, &Fixed(4)), 0, END)])), 0, END), f(Array(112, &Struct(&[f(Text, 0, END), f(Text, 0, END).null(0, END)])), 0, END)])), 0, END), f(Fixed(4), 0, END), f(Fixed(1), 1, END)] },
    // DeleteTopicsRequest
    Shape { key: 20, flexible: 4, fields: &[f(Array(88, &Struct(&[f(Text, 6, END).null(6, END), f(Fixed(16), 6, END)])), 6, END), f(Array(40, &Text), 0, 5), f(Fixed(4), 0, END)] },
    // DeleteRecordsRequest
    Shape { key: 21, flexible: 2, fields: &[f(Array(104, &Struct(&[f(Text, 0, END), f(Array(48, &Struct(&[f(Fixed(4), 0, END), f(Fixed(8), 0, END)])), 0, END)])), 0, END), f(Fixed(4), 0, END)] },
    // InitProducerIdRequest
    Shape { key: 22, flexible: 2, fields: &[f(Text, 0, END).null(0, END), f(Fixed(4), 0, END), f(Fixed(8), 3, END), f(Fixed(2), 3, END), f(Fixed(1), 6, END), f(Fixed(1), 6, END)] },
    // OffsetForLeaderEpochRequest
    Shape { key: 23, flexible: 4, fields: &[f(Fixed(4), 3, END), f(Array(104, &Struct(&[f(Text, 0, END), f(Array(56, &Struct(&[f(Fixed(4), 0, END), f(Fixed(4), 2, END), f(Fixed(4), 0, END)])), 0, END)])), 0, END)] },
    // AddPartitionsToTxnRequest
    Shape { key: 24, flexible: 3, fields: &[f(Array(128, &Struct(&[f(Text, 4, END), f(Fixed(8), 4, END), f(Fixed(2), 4, END), f(Fixed(1), 4, END), f(Array(104, &Struct(&[f(Text, 0, END), f(Array(8, &Fixed(4)), 0, END)])), 4, END)])), 4, END), f(Text, 0, 3), f(Fixed(8), 0, 3), f(Fixed(2), 0, 3), f(Array(104, &Struct(&[f(Text, 0, END), f(Array(8, &Fixed(4)), 0, END)])), 0, 3)] },
    // AddOffsetsToTxnRequest
    Shape { key: 25, flexible: 3, fields: &[f(Text, 0, END), f(Fixed(8), 0, END), f(Fixed(2), 0, END), f(Text, 0, END)] },
    // EndTxnRequest
    Shape { key: 26, flexible: 3, fields: &[f(Text, 0, END), f(Fixed(8), 0, END), f(Fixed(2), 0, END), f(Fixed(1), 0, END)] },
    // WriteTxnMarkersRequest
    Shape { key: 27, flexible: 1, fields: &[f(Array(104, &Struct(&[f(Fixed(8), 0, END), f(Fixed(2), 0, END), f(Fixed(1), 0, END), f(Array(104, &Struct(&[f(Text, 0, END), f(Array(8, &Fixed(4)), 0, END)])), 0, END), f(Fixed(4), 0, END), f(Fixed(1), 2, END)])), 0, END)] },
    // TxnOffsetCommitRequest
    Shape { key: 28, flexible: 3, fields: &[f(Text, 0, END), f(Text, 0, END), f(Fixed(8), 0, END), f(Fixed(2), 0, END), f(Fixed(4), 3, END), f(Text, 3, END), f(Text, 3, END).null(3, END), f(Array(104, &Struct(&[f(Text, 0, END), f(Array(96, &Struct(&[f(Fixed(4), 0, END), f(Fixed(8), 0, END), f(Fixed(4), 2, END), f(Text, 0, END).null(0, END)])), 0, END)])), 0, END)] },
    // DescribeAclsRequest
    Shape { key: 29, flexible: 2, fields: &[f(Fixed(1), 0, END), f(Text, 0, END).null(0, END), f(Fixed(1), 1, END), f(Text, 0, END).null(0, END), f(Text, 0, END).null(0, END), f(Fixed(1), 0, END), f(Fixed(1), 0, END)] },
    // CreateAclsRequest
    Shape { key: 30, flexible: 2, fields: &[f(Array(184, &Struct(&[f(Fixed(1), 0, END), f(Text, 0, END), f(Fixed(1), 1, END), f(Text, 0, END), f(Text, 0, END), f(Fixed(1), 0, END), f(Fixed(1), 0, END)])), 0, END)] },
    // DeleteAclsRequest
    Shape { key: 31, flexible: 2, fields: &[f(Array(184, &Struct(&[f(Fixed(1), 0, END), f(Text, 0, END).null(0, END), f(Fixed(1), 1, END), f(Text, 0, END).null(0, END), f(Text, 0, END).null(0, END), f(Fixed(1), 0, END), f(Fixed(1), 0, END)])), 0, END)] },
    // DescribeConfigsRequest
    Shape { key: 32, flexible: 4, fields: &[f(Array(112, &Struct(&[f(Fixed(1), 0, END), f(Text, 0, END), f(Array(40, &Text), 0, END).null(0, END)])), 0, END), f(Fixed(1), 1, END), f(Fixed(1), 3, END)] },
    // AlterConfigsRequest
    Shape { key: 33, flexible: 2, fields: &[f(Array(112, &Struct(&[f(Fixed(1), 0, END), f(Text, 0, END), f(Array(112, &Struct(&[f(Text, 0, END), f(Text, 0, END).null(0, END)])), 0, END)])), 0, END), f(Fixed(1), 0, END)] },
    // AlterReplicaLogDirsRequest
    Shape { key: 34, flexible: 2, fields: &[f(Array(104, &Struct(&[f(Text, 0, END), f(Array(104, &Struct(&[f(Text, 0, END), f(Array(8, &Fixed(4)), 0, END)])), 0, END)])), 0, END)] },
    // DescribeLogDirsRequest
    Shape { key: 35, flexible: 2, fields: &[f(Array(104, &Struct(&[f(Text, 0, END), f(Array(8, &Fixed(4)), 0, END)])), 0, END).null(0, END)] },
    // SaslAuthenticateRequest
    Shape { key: 36, flexible: 2, fields: &[f(Bytes, 0, END)] },
    // CreatePartitionsRequest
    Shape { key: 37, flexible: 2, fields: &[f(Array(112, &Struct(&[f(Text, 0, END), f(Fixed(4), 0, END), f(Array(64, &Struct(&[f(Array(8, &Fixed(4)), 0, END)])), 0, END).null(0, END)])), 0, END), f(Fixed(4), 0, END), f(Fixed(1), 0, END)] },
    // CreateDelegationTokenRequest
    Shape { key: 38, flexible: 2, fields: &[f(Text, 3, END).null(3, END), f(Text, 3, END).null(3, END), f(Array(112, &Struct(&[f(Text, 0, END), f(Text, 0, END)])), 0, END), f(Fixed(8), 0, END)] },
    // RenewDelegationTokenRequest
    Shape { key: 39, flexible: 2, fields: &[f(Bytes, 0, END), f(Fixed(8), 0, END)] },
    // ExpireDelegationTokenRequest
    Shape { key: 40, flexible: 2, fields: &[f(Bytes, 0, END), f(Fixed(8), 0, END)] },
    // DescribeDelegationTokenRequest
    Shape { key: 41, flexible: 2, fields: &[f(Array(112, &Struct(&[f(Text, 0, END), f(Text, 0, END)])), 0, END).null(0, END)] },
    // DeleteGroupsRequest
    Shape { key: 42, flexible: 2, fields: &[f(Array(40, &Text), 0, END)] },
    // ElectLeadersRequest
    Shape { key: 43, flexible: 2, fields: &[f(Fixed(1), 1, END), f(Array(104, &Struct(&[f(Text, 0, END), f(Array(8, &Fixed(4)), 0, END)])), 0, END).null(0, END), f(Fixed(4), 0, END)] },
    // IncrementalAlterConfigsRequest
    Shape { key: 44, flexible: 1, fields: &[f(Array(112, &Struct(&[f(Fixed(1), 0, END), f(Text, 0, END), f(Array(120, &Struct(&[f(Text, 0, END), f(Fixed(1), 0, END), f(Text, 0, END).null(0, END)])), 0, END)])), 0, END), f(Fixed(1), 0, END)] },
    // AlterPartitionReassignmentsRequest
    Shape { key: 45, flexible: 0, fields: &[f(Fixed(4), 0, END), f(Fixed(1), 1, END), f(Array(104, &Struct(&[f(Text, 0, END), f(Array(72, &Struct(&[f(Fixed(4), 0, END), f(Array(8, &Fixed(4)), 0, END).null(0, END)])), 0, END)])), 0, END)] },
    // ListPartitionReassignmentsRequest
    Shape { key: 46, flexible: 0, fields: &[f(Fixed(4), 0, END), f(Array(104, &Struct(&[f(Text, 0, END), f(Array(8, &Fixed(4)), 0, END)])), 0, END).null(0, END)] },
    // OffsetDeleteRequest
    Shape { key: 47, flexible: END, fields: &[f(Text, 0, END), f(Array(104, &Struct(&[f(Text, 0, END), f(Array(40, &Struct(&[f(Fixed(4), 0, END)])), 0, END)])), 0, END)] },
    // DescribeClientQuotasRequest
    Shape { key: 48, flexible: 1, fields: &[f(Array(120, &Struct(&[f(Text, 0, END), f(Fixed(1), 0, END), f(Text, 0, END).null(0, END)])), 0, END), f(Fixed(1), 0, END)] },
    // AlterClientQuotasRequest
    Shape { key: 49, flexible: 1, fields: &[f(Array(96, &Struct(&[f(Array(112, &Struct(&[f(Text, 0, END), f(Text, 0, END).null(0, END)])), 0, END), f(Array(88, &Struct(&[f(Text, 0, END), f(Fixed(8), 0, END), f(Fixed(1), 0, END)])), 0, END)])), 0, END), f(Fixed(1), 0, END)] },
    // DescribeUserScramCredentialsRequest
    Shape { key: 50, flexible: 0, fields: &[f(Array(72, &Struct(&[f(Text, 0, END)])), 0, END).null(0, END)] },
    // AlterUserScramCredentialsRequest
    Shape { key: 51, flexible: 0, fields: &[f(Array(80, &Struct(&[f(Text, 0, END), f(Fixed(1), 0, END)])), 0, END), f(Array(168, &Struct(&[f(Text, 0, END), f(Fixed(1), 0, END), f(Fixed(4), 0, END), f(Bytes, 0, END), f(Bytes, 0, END)])), 0, END)] },
    // VoteRequest
    Shape { key: 52, flexible: 0, fields: &[f(Text, 0, END).null(0, END), f(Fixed(4), 1, END), f(Array(104, &Struct(&[f(Text, 0, END), f(Array(112, &Struct(&[f(Fixed(4), 0, END), f(Fixed(4), 0, END), f(Fixed(4), 0, END), f(Fixed(16), 1, END), f(Fixed(16), 1, END), f(Fixed(4), 0, END), f(Fixed(8), 0, END), f(Fixed(1), 2, END)])), 0, END)])), 0, END)] },
    // BeginQuorumEpochRequest
    Shape { key: 53, flexible: 1, fields: &[f(Text, 0, END).null(0, END), f(Fixed(4), 1, END), f(Array(104, &Struct(&[f(Text, 0, END), f(Array(72, &Struct(&[f(Fixed(4), 0, END), f(Fixed(16), 1, END), f(Fixed(4), 0, END), f(Fixed(4), 0, END)])), 0, END)])), 0, END), f(Array(120, &Struct(&[f(Text, 1, END), f(Text, 1, END), f(Fixed(2), 1, END)])), 1, END)] },
    // EndQuorumEpochRequest
    Shape { key: 54, flexible: 1, fields: &[f(Text, 0, END).null(0, END), f(Array(104, &Struct(&[f(Text, 0, END), f(Array(120, &Struct(&[f(Fixed(4), 0, END), f(Fixed(4), 0, END), f(Fixed(4), 0, END), f(Array(8, &Fixed(4)), 0, 0), f(Array(56, &Struct(&[f(Fixed(4), 1, END), f(Fixed(16), 1, END)])), 1, END)])), 0, END)])), 0, END), f(Array(120, &Struct(&[f(Text, 1, END), f(Text, 1, END), f(Fixed(2), 1, END)])), 1, END)] },
    // DescribeQuorumRequest
    Shape { key: 55, flexible: 0, fields: &[f(Array(104, &Struct(&[f(Text, 0, END), f(Array(40, &Struct(&[f(Fixed(4), 0, END)])), 0, END)])), 0, END)] },
    // AlterPartitionRequest
    Shape { key: 56, flexible: 0, fields: &[f(Fixed(4), 0, END), f(Fixed(8), 0, END), f(Array(80, &Struct(&[f(Fixed(16), 2, END), f(Array(128, &Struct(&[f(Fixed(4), 0, END), f(Fixed(4), 0, END), f(Array(8, &Fixed(4)), 0, 2), f(Array(48, &Struct(&[f(Fixed(4), 3, END), f(Fixed(8), 3, END)])), 3, END), f(Fixed(1), 1, END), f(Fixed(4), 0, END)])), 0, END)])), 0, END)] },
    // UpdateFeaturesRequest
    Shape { key: 57, flexible: 0, fields: &[f(Fixed(4), 0, END), f(Array(96, &Struct(&[f(Text, 0, END), f(Fixed(2), 0, END), f(Fixed(1), 0, 0), f(Fixed(1), 1, END)])), 0, END), f(Fixed(1), 1, END)] },
    // EnvelopeRequest
    Shape { key: 58, flexible: 0, fields: &[f(Bytes, 0, END), f(Bytes, 0, END).null(0, END), f(Bytes, 0, END)] },
    // FetchSnapshotRequest
    Shape { key: 59, flexible: 0, fields: &[f(Text, 0, END).null(0, END).tag(0, 0, END), f(Fixed(4), 0, END), f(Fixed(4), 0, END), f(Array(104, &Struct(&[f(Text, 0, END), f(Array(120, &Struct(&[f(Fixed(4), 0, END), f(Fixed(4), 0, END), f(Struct(&[f(Fixed(8), 0, END), f(Fixed(4), 0, END)]), 0, END), f(Fixed(8), 0, END), f(Fixed(16), 1, END).tag(0, 1, END)])), 0, END)])), 0, END)] },
    // DescribeClusterRequest
    Shape { key: 60, flexible: 0, fields: &[f(Fixed(1), 0, END), f(Fixed(1), 1, END), f(Fixed(1), 2, END)] },
    // DescribeProducersRequest
    Shape { key: 61, flexible: 0, fields: &[f(Array(104, &Struct(&[f(Text, 0, END), f(Array(8, &Fixed(4)), 0, END)])), 0, END)] },
    // BrokerRegistrationRequest
    Shape { key: 62, flexible: 0, fields: &[f(Fixed(4), 0, END), f(Text, 0, END), f(Fixed(16), 0, END), f(Array(128, &Struct(&[f(Text, 0, END), f(Text, 0, END), f(Fixed(2), 0, END), f(Fixed(2), 0, END)])), 0, END), f(Array(88, &Struct(&[f(Text, 0, END), f(Fixed(2), 0, END), f(Fixed(2), 0, END)])), 0, END), f(Text, 0, END).null(0, END), f(Fixed(1), 1, END), f(Array(16, &Fixed(16)), 2, END), f(Fixed(8), 3, END)] },
    // BrokerHeartbeatRequest
    Shape { key: 63, flexible: 0, fields: &[f(Fixed(4), 0, END), f(Fixed(8), 0, END), f(Fixed(8), 0, END), f(Fixed(1), 0, END), f(Fixed(1), 0, END), f(Array(16, &Fixed(16)), 1, END).tag(0, 1, END), f(Array(16, &Fixed(16)), 2, END).null(2, END).tag(1, 2, END)] },
    // UnregisterBrokerRequest
    Shape { key: 64, flexible: 0, fields: &[f(Fixed(4), 0, END)] },
    // DescribeTransactionsRequest
    Shape { key: 65, flexible: 0, fields: &[f(Array(40, &Text), 0, END)] },
    // ListTransactionsRequest
    Shape { key: 66, flexible: 0, fields: &[f(Array(40, &Text), 0, END), f(Array(8, &Fixed(8)), 0, END), f(Fixed(8), 1, END), f(Text, 2, END).null(2, END)] },
    // AllocateProducerIdsRequest
    Shape { key: 67, flexible: 0, fields: &[f(Fixed(4), 0, END), f(Fixed(8), 0, END)] },
    // ConsumerGroupHeartbeatRequest
    Shape { key: 68, flexible: 0, fields: &[f(Text, 0, END), f(Text, 0, END), f(Fixed(4), 0, END), f(Text, 0, END).null(0, END), f(Text, 0, END).null(0, END), f(Fixed(4), 0, END), f(Array(40, &Text), 0, END).null(0, END), f(Text, 1, END).null(1, END), f(Text, 0, END).null(0, END), f(Array(80, &Struct(&[f(Fixed(16), 0, END), f(Array(8, &Fixed(4)), 0, END)])), 0, END).null(0, END)] },
    // ConsumerGroupDescribeRequest
    Shape { key: 69, flexible: 0, fields: &[f(Array(40, &Text), 0, END), f(Fixed(1), 0, END)] },
    // ControllerRegistrationRequest
    Shape { key: 70, flexible: 0, fields: &[f(Fixed(4), 0, END), f(Fixed(16), 0, END), f(Fixed(1), 0, END), f(Array(128, &Struct(&[f(Text, 0, END), f(Text, 0, END), f(Fixed(2), 0, END), f(Fixed(2), 0, END)])), 0, END), f(Array(88, &Struct(&[f(Text, 0, END), f(Fixed(2), 0, END), f(Fixed(2), 0, END)])), 0, END)] },
    // GetTelemetrySubscriptionsRequest
    Shape { key: 71, flexible: 0, fields: &[f(Fixed(16), 0, END)] },
    // PushTelemetryRequest
    Shape { key: 72, flexible: 0, fields: &[f(Fixed(16), 0, END), f(Fixed(4), 0, END), f(Fixed(1), 0, END), f(Fixed(1), 0, END), f(Bytes, 0, END)] },
    // AssignReplicasToDirsRequest
    Shape { key: 73, flexible: 0, fields: &[f(Fixed(4), 0, END), f(Fixed(8), 0, END), f(Array(80, &Struct(&[f(Fixed(16), 0, END), f(Array(80, &Struct(&[f(Fixed(16), 0, END), f(Array(40, &Struct(&[f(Fixed(4), 0, END)])), 0, END)])), 0, END)])), 0, END)] },
    // ListConfigResourcesRequest
    Shape { key: 74, flexible: 0, fields: &[f(Array(8, &Fixed(1)), 1, END)] },
    // DescribeTopicPartitionsRequest
    Shape { key: 75, flexible: 0, fields: &[f(Array(72, &Struct(&[f(Text, 0, END)])), 0, END), f(Fixed(4), 0, END), f(Struct(&[f(Text, 0, END), f(Fixed(4), 0, END)]), 0, END).null(0, END)] },
    // ShareGroupHeartbeatRequest
    Shape { key: 76, flexible: 0, fields: &[f(Text, 0, END), f(Text, 0, END), f(Fixed(4), 0, END), f(Text, 0, END).null(0, END), f(Array(40, &Text), 0, END).null(0, END)] },
    // ShareGroupDescribeRequest
    Shape { key: 77, flexible: 0, fields: &[f(Array(40, &Text), 0, END), f(Fixed(1), 0, END)] },
    // ShareFetchRequest
    Shape { key: 78, flexible: 0, fields: &[f(Text, 0, END).null(0, END), f(Text, 0, END).null(0, END), f(Fixed(4), 0, END), f(Fixed(4), 0, END), f(Fixed(4), 0, END), f(Fixed(4), 0, END), f(Fixed(4), 1, END), f(Fixed(4), 1, END), f(Fixed(1), 2, END), f(Fixed(1), 2, END), f(Array(80, &Struct(&[f(Fixed(16), 0, END), f(Array(80, &Struct(&[f(Fixed(4), 0, END), f(Fixed(4), 0, 0), f(Array(80, &Struct(&[f(Fixed(8), 0, END), f(Fixed(8), 0, END), f(Array(8, &Fixed(1)), 0, END)])), 0, END)])), 0, END)])), 0, END), f(Array(80, &Struct(&[f(Fixed(16), 0, END), f(Array(8, &Fixed(4)), 0, END)])), 0, END)] },
    // ShareAcknowledgeRequest
    Shape { key: 79, flexible: 0, fields: &[f(Text, 0, END).null(0, END), f(Text, 0, END).null(0, END), f(Fixed(4), 0, END), f(Fixed(1), 2, END), f(Array(80, &Struct(&[f(Fixed(16), 0, END), f(Array(72, &Struct(&[f(Fixed(4), 0, END), f(Array(80, &Struct(&[f(Fixed(8), 0, END), f(Fixed(8), 0, END), f(Array(8, &Fixed(1)), 0, END)])), 0, END)])), 0, END)])), 0, END)] },
    // AddRaftVoterRequest
    Shape { key: 80, flexible: 0, fields: &[f(Text, 0, END).null(0, END), f(Fixed(4), 0, END), f(Fixed(4), 0, END), f(Fixed(16), 0, END), f(Array(120, &Struct(&[f(Text, 0, END), f(Text, 0, END), f(Fixed(2), 0, END)])), 0, END), f(Fixed(1), 1, END)] },
    // RemoveRaftVoterRequest
    Shape { key: 81, flexible: 0, fields: &[f(Text, 0, END).null(0, END), f(Fixed(4), 0, END), f(Fixed(16), 0, END)] },
    // UpdateRaftVoterRequest
    Shape { key: 82, flexible: 0, fields: &[f(Text, 0, END).null(0, END), f(Fixed(4), 0, END), f(Fixed(4), 0, END), f(Fixed(16), 0, END), f(Array(120, &Struct(&[f(Text, 0, END), f(Text, 0, END), f(Fixed(2), 0, END)])), 0, END), f(Struct(&[f(Fixed(2), 0, END), f(Fixed(2), 0, END)]), 0, END)] },
    // InitializeShareGroupStateRequest
    Shape { key: 83, flexible: 0, fields: &[f(Text, 0, END), f(Array(80, &Struct(&[f(Fixed(16), 0, END), f(Array(56, &Struct(&[f(Fixed(4), 0, END), f(Fixed(4), 0, END), f(Fixed(8), 0, END)])), 0, END)])), 0, END)] },
    // ReadShareGroupStateRequest
    Shape { key: 84, flexible: 0, fields: &[f(Text, 0, END), f(Array(80, &Struct(&[f(Fixed(16), 0, END), f(Array(48, &Struct(&[f(Fixed(4), 0, END), f(Fixed(4), 0, END)])), 0, END)])), 0, END)] },
    // WriteShareGroupStateRequest
    Shape { key: 85, flexible: 0, fields: &[f(Text, 0, END), f(Array(80, &Struct(&[f(Fixed(16), 0, END), f(Array(104, &Struct(&[f(Fixed(4), 0, END), f(Fixed(4), 0, END), f(Fixed(4), 0, END), f(Fixed(8), 0, END), f(Fixed(4), 1, END), f(Array(64, &Struct(&[f(Fixed(8), 0, END), f(Fixed(8), 0, END), f(Fixed(1), 0, END), f(Fixed(2), 0, END)])), 0, END)])), 0, END)])), 0, END)] },
    // DeleteShareGroupStateRequest
    Shape { key: 86, flexible: 0, fields: &[f(Text, 0, END), f(Array(80, &Struct(&[f(Fixed(16), 0, END), f(Array(40, &Struct(&[f(Fixed(4), 0, END)])), 0, END)])), 0, END)] },
    // ReadShareGroupStateSummaryRequest
    Shape { key: 87, flexible: 0, fields: &[f(Text, 0, END), f(Array(80, &Struct(&[f(Fixed(16), 0, END), f(Array(48, &Struct(&[f(Fixed(4), 0, END), f(Fixed(4), 0, END)])), 0, END)])), 0, END)] },
    // DescribeShareGroupOffsetsRequest
    Shape { key: 90, flexible: 0, fields: &[f(Array(104, &Struct(&[f(Text, 0, END), f(Array(104, &Struct(&[f(Text, 0, END), f(Array(8, &Fixed(4)), 0, END)])), 0, END).null(0, END)])), 0, END)] },
    // AlterShareGroupOffsetsRequest
    Shape { key: 91, flexible: 0, fields: &[f(Text, 0, END), f(Array(104, &Struct(&[f(Text, 0, END), f(Array(48, &Struct(&[f(Fixed(4), 0, END), f(Fixed(8), 0, END)])), 0, END)])), 0, END)] },
    // DeleteShareGroupOffsetsRequest
    Shape { key: 92, flexible: 0, fields: &[f(Text, 0, END), f(Array(72, &Struct(&[f(Text, 0, END)])), 0, END)] },
];

#[rustfmt::skip]
pub(super) const RESPONSES: &[Shape] = &[
    // ProduceResponse
    Shape { key: 0, flexible: 9, fields: &[f(Array(120, &Struct(&[f(Text, 0, 12), f(Fixed(16), 13, END), f(Array(192, &Struct(&[f(Fixed(4), 0, END), f(Fixed(2), 0, END), f(Fixed(8), 0, END), f(Fixed(8), 2, END), f(Fixed(8), 5, END), f(Array(80, &Struct(&[f(Fixed(4), 8, END), f(Text, 8, END).null(8, END)])), 8, END), f(Text, 8, END).null(8, END), f(Struct(&[f(Fixed(4), 10, END), f(Fixed(4), 10, END)]), 10, END).tag(0, 10, END)])), 0, END)])), 0, END), f(Fixed(4), 1, END), f(Array(128, &Struct(&[f(Fixed(4), 10, END), f(Text, 10, END), f(Fixed(4), 10, END), f(Text, 10, END).null(10, END)])), 10, END).tag(0, 10, END)] },
    // FetchResponse
    Shape { key: 1, flexible: 12, fields: &[f(Fixed(4), 1, END), f(Fixed(2), 7, END), f(Fixed(4), 7, END), f(Array(120, &Struct(&[f(Text, 0, 12), f(Fixed(16), 13, END), f(Array(296, &Struct(&[f(Fixed(4), 0, END), f(Fixed(2), 0, END), f(Fixed(8), 0, END), f(Fixed(8), 4, END), f(Fixed(8), 5, END), f(Struct(&[f(Fixed(4), 12, END), f(Fixed(8), 12, END)]), 12, END).tag(0, 12, END), f(Struct(&[f(Fixed(4), 12, END), f(Fixed(4), 12, END)]), 12, END).tag(1, 12, END), f(Struct(&[f(Fixed(8), 0, END), f(Fixed(4), 0, END)]), 12, END).tag(2, 12, END), f(Array(48, &Struct(&[f(Fixed(8), 4, END), f(Fixed(8), 4, END)])), 4, END).null(4, END), f(Fixed(4), 11, END), f(Bytes, 0, END).null(0, END)])), 0, END)])), 0, END), f(Array(128, &Struct(&[f(Fixed(4), 16, END), f(Text, 16, END), f(Fixed(4), 16, END), f(Text, 16, END).null(16, END)])), 16, END).tag(0, 16, END)] },
    // ListOffsetsResponse
    Shape { key: 2, flexible: 6, fields: &[f(Fixed(4), 2, END), f(Array(104, &Struct(&[f(Text, 0, END), f(Array(72, &Struct(&[f(Fixed(4), 0, END), f(Fixed(2), 0, END), f(Fixed(8), 1, END), f(Fixed(8), 1, END), f(Fixed(4), 4, END)])), 0, END)])), 0, END)] },
    // MetadataResponse
    Shape { key: 3, flexible: 9, fields: &[f(Fixed(4), 3, END), f(Array(128, &Struct(&[f(Fixed(4), 0, END), f(Text, 0, END), f(Fixed(4), 0, END), f(Text, 1, END).null(1, END)])), 0, END), f(Text, 2, END).null(2, END), f(Fixed(4), 1, END), f(Array(144, &Struct(&[f(Fixed(2), 0, END), f(Text, 0, END).null(12, END), f(Fixed(16), 10, END), f(Fixed(1), 1, END), f(Array(160, &Struct(&[f(Fixed(2), 0, END), f(Fixed(4), 0, END), f(Fixed(4), 0, END), f(Fixed(4), 7, END), f(Array(8, &Fixed(4)), 0, END), f(Array(8, &Fixed(4)), 0, END), f(Array(8, &Fixed(4)), 5, END)])), 0, END), f(Fixed(4), 8, END)])), 0, END), f(Fixed(4), 8, 10), f(Fixed(2), 13, END)] },
    // OffsetCommitResponse
    Shape { key: 8, flexible: 8, fields: &[f(Fixed(4), 3, END), f(Array(120, &Struct(&[f(Text, 0, 9), f(Fixed(16), 10, END), f(Array(48, &Struct(&[f(Fixed(4), 0, END), f(Fixed(2), 0, END)])), 0, END)])), 0, END)] },
    // OffsetFetchResponse
    Shape { key: 9, flexible: 6, fields: &[f(Fixed(4), 3, END), f(Array(104, &Struct(&[f(Text, 0, 7), f(Array(104, &Struct(&[f(Fixed(4), 0, 7), f(Fixed(8), 0, 7), f(Fixed(4), 5, 7), f(Text, 0, 7).null(0, 7), f(Fixed(2), 0, 7)])), 0, 7)])), 0, 7), f(Fixed(2), 2, 7), f(Array(112, &Struct(&[f(Text, 8, END), f(Array(120, &Struct(&[f(Text, 8, 9), f(Fixed(16), 10, END), f(Array(104, &Struct(&[f(Fixed(4), 8, END), f(Fixed(8), 8, END), f(Fixed(4), 8, END), f(Text, 8, END).null(8, END), f(Fixed(2), 8, END)])), 8, END)])), 8, END), f(Fixed(2), 8, END)])), 8, END)] },
    // FindCoordinatorResponse
    Shape { key: 10, flexible: 3, fields: &[f(Fixed(4), 1, END), f(Fixed(2), 0, 3), f(Text, 1, 3).null(1, 3), f(Fixed(4), 0, 3), f(Text, 0, 3), f(Fixed(4), 0, 3), f(Array(176, &Struct(&[f(Text, 4, END), f(Fixed(4), 4, END), f(Text, 4, END), f(Fixed(4), 4, END), f(Fixed(2), 4, END), f(Text, 4, END).null(4, END)])), 4, END)] },
    // JoinGroupResponse
    Shape { key: 11, flexible: 6, fields: &[f(Fixed(4), 2, END), f(Fixed(2), 0, END), f(Fixed(4), 0, END), f(Text, 7, END).null(7, END), f(Text, 0, END).null(7, END), f(Text, 0, END), f(Fixed(1), 9, END), f(Text, 0, END), f(Array(152, &Struct(&[f(Text, 0, END), f(Text, 5, END).null(5, END), f(Bytes, 0, END)])), 0, END)] },
    // HeartbeatResponse
    Shape { key: 12, flexible: 4, fields: &[f(Fixed(4), 1, END), f(Fixed(2), 0, END)] },
    // LeaveGroupResponse
    Shape { key: 13, flexible: 4, fields: &[f(Fixed(4), 1, END), f(Fixed(2), 0, END), f(Array(120, &Struct(&[f(Text, 3, END), f(Text, 3, END).null(3, END), f(Fixed(2), 3, END)])), 3, END)] },
    // SyncGroupResponse
    Shape { key: 14, flexible: 4, fields: &[f(Fixed(4), 1, END), f(Fixed(2), 0, END), f(Text, 5, END).null(5, END), f(Text, 5, END).null(5, END), f(Bytes, 0, END)] },
    // DescribeGroupsResponse
    Shape { key: 15, flexible: 5, fields: &[f(Fixed(4), 1, END), f(Array(280, &Struct(&[f(Fixed(2), 0, END), f(Text, 6, END).null(6, END), f(Text, 0, END), f(Text, 0, END), f(Text, 0, END), f(Text, 0, END), f(Array(272, &Struct(&[f(Text, 0, END), f(Text, 4, END).null(4, END), f(Text, 0, END), f(Text, 0, END), f(Bytes, 0, END), f(Bytes, 0, END)])), 0, END), f(Fixed(4), 3, END)])), 0, END)] },
    // ListGroupsResponse
    Shape { key: 16, flexible: 3, fields: &[f(Fixed(4), 1, END), f(Fixed(2), 0, END), f(Array(192, &Struct(&[f(Text, 0, END), f(Text, 0, END), f(Text, 4, END), f(Text, 5, END)])), 0, END)] },
    // SaslHandshakeResponse
    Shape { key: 17, flexible: END, fields: &[f(Fixed(2), 0, END), f(Array(40, &Text), 0, END)] },
    // ApiVersionsResponse
    Shape { key: 18, flexible: 3, fields: &[f(Fixed(2), 0, END), f(Array(56, &Struct(&[f(Fixed(2), 0, END), f(Fixed(2), 0, END), f(Fixed(2), 0, END)])), 0, END), f(Fixed(4), 1, END), f(Array(88, &Struct(&[f(Text, 3, END), f(Fixed(2), 3, END), f(Fixed(2), 3, END)])), 3, END).tag(0, 3, END), f(Fixed(8), 3, END).tag(1, 3, END), f(Array(88, &Struct(&[f(Text, 3, END), f(Fixed(2), 3, END), f(Fixed(2), 3, END)])), 3, END).tag(2, 3, END), f(Fixed(1), 3, END).tag(3, 3, END)] },
    // CreateTopicsResponse
    Shape { key: 19, flexible: 5, fields: &[f(Fixed(4), 2, END), f(Array(192, &Struct(&[f(Text, 0, END), f(Fixed(16), 7, END), f(Fixed(2), 0, END), f(Text, 1, END).null(0, END), f(Fixed(2), 5, END).tag(0, 5, END), f(Fixed(4), 5, END), f(Fixed(2), 5, END), f(Array(136, &Struct(&[f(Text, 5, END), f(Text, 5, END).null(5, END), f(Fixed(1), 5, END), f(Fixed(1), 5, END), f(Fixed(1), 5, END)])), 5, END).null(5, END)])), 0, END)] },
    // DeleteTopicsResponse
    Shape { key: 20, flexible: 4, fields: &[f(Fixed(4), 1, END), f(Array(136, &Struct(&[f(Text, 0, END).null(6, END), f(Fixed(16), 6, END), f(Fixed(2), 0, END), f(Text, 5, END).null(5, END)])), 0, END)] },
    // DeleteRecordsResponse
    Shape { key: 21, flexible: 2, fields: &[f(Fixed(4), 0, END), f(Array(104, &Struct(&[f(Text, 0, END), f(Array(56, &Struct(&[f(Fixed(4), 0, END), f(Fixed(8), 0, END), f(Fixed(2), 0, END)])), 0, END)])), 0, END)] },
    // InitProducerIdResponse
    Shape { key: 22, flexible: 2, fields: &[f(Fixed(4), 0, END), f(Fixed(2), 0, END), f(Fixed(8), 0, END), f(Fixed(2), 0, END), f(Fixed(8), 6, END), f(Fixed(2), 6, END)] },
    // OffsetForLeaderEpochResponse
    Shape { key: 23, flexible: 4, fields: &[f(Fixed(4), 2, END), f(Array(104, &Struct(&[f(Text, 0, END), f(Array(64, &Struct(&[f(Fixed(2), 0, END), f(Fixed(4), 0, END), f(Fixed(4), 1, END), f(Fixed(8), 0, END)])), 0, END)])), 0, END)] },
    // AddPartitionsToTxnResponse
    Shape { key: 24, flexible: 3, fields: &[f(Fixed(4), 0, END), f(Fixed(2), 4, END), f(Array(104, &Struct(&[f(Text, 4, END), f(Array(104, &Struct(&[f(Text, 0, END), f(Array(48, &Struct(&[f(Fixed(4), 0, END), f(Fixed(2), 0, END)])), 0, END)])), 4, END)])), 4, END), f(Array(104, &Struct(&[f(Text, 0, END), f(Array(48, &Struct(&[f(Fixed(4), 0, END), f(Fixed(2), 0, END)])), 0, END)])), 0, 3)] },
    // AddOffsetsToTxnResponse
    Shape { key: 25, flexible: 3, fields: &[f(Fixed(4), 0, END), f(Fixed(2), 0, END)] },
    // EndTxnResponse
    Shape { key: 26, flexible: 3, fields: &[f(Fixed(4), 0, END), f(Fixed(2), 0, END), f(Fixed(8), 5, END), f(Fixed(2), 5, END)] },
    // WriteTxnMarkersResponse
    Shape { key: 27, flexible: 1, fields: &[f(Array(72, &Struct(&[f(Fixed(8), 0, END), f(Array(104, &Struct(&[f(Text, 0, END), f(Array(48, &Struct(&[f(Fixed(4), 0, END), f(Fixed(2), 0, END)])), 0, END)])), 0, END)])), 0, END)] },
    // TxnOffsetCommitResponse
    Shape { key: 28, flexible: 3, fields: &[f(Fixed(4), 0, END), f(Array(104, &Struct(&[f(Text, 0, END), f(Array(48, &Struct(&[f(Fixed(4), 0, END), f(Fixed(2), 0, END)])), 0, END)])), 0, END)] },
    // DescribeAclsResponse
    Shape { key: 29, flexible: 2, fields: &[f(Fixed(4), 0, END), f(Fixed(2), 0, END), f(Text, 0, END).null(0, END), f(Array(120, &Struct(&[f(Fixed(1), 0, END), f(Text, 0, END), f(Fixed(1), 1, END), f(Array(128, &Struct(&[f(Text, 0, END), f(Text, 0, END), f(Fixed(1), 0, END), f(Fixed(1), 0, END)])), 0, END)])), 0, END)] },
    // CreateAclsResponse
    Shape { key: 30, flexible: 2, fields: &[f(Fixed(4), 0, END), f(Array(80, &Struct(&[f(Fixed(2), 0, END), f(Text, 0, END).null(0, END)])), 0, END)] },
    // DeleteAclsResponse
    Shape { key: 31, flexible: 2, fields: &[f(Fixed(4), 0, END), f(Array(112, &Struct(&[f(Fixed(2), 0, END), f(Text, 0, END).null(0, END), f(Array(232, &Struct(&[f(Fixed(2), 0, END), f(Text, 0, END).null(0, END), f(Fixed(1), 0, END), f(Text, 0, END), f(Fixed(1), 1, END), f(Text, 0, END), f(Text, 0, END), f(Fixed(1), 0, END), f(Fixed(1), 0, END)])), 0, END)])), 0, END)] },
    // DescribeConfigsResponse
    Shape { key: 32, flexible: 4, fields: &[f(Fixed(4), 0, END), f(Array(160, &Struct(&[f(Fixed(2), 0, END), f(Text, 0, END).null(0, END), f(Fixed(1), 0, END), f(Text, 0, END), f(Array(216, &Struct(&[f(Text, 0, END), f(Text, 0, END).null(0, END), f(Fixed(1), 0, END), f(Fixed(1), 1, END), f(Fixed(1), 0, END), f(Array(120, &Struct(&[f(Text, 1, END), f(Text, 1, END).null(0, END), f(Fixed(1), 1, END)])), 1, END), f(Fixed(1), 3, END), f(Text, 3, END).null(0, END)])), 0, END)])), 0, END)] },
    // AlterConfigsResponse
    Shape { key: 33, flexible: 2, fields: &[f(Fixed(4), 0, END), f(Array(128, &Struct(&[f(Fixed(2), 0, END), f(Text, 0, END).null(0, END), f(Fixed(1), 0, END), f(Text, 0, END)])), 0, END)] },
    // AlterReplicaLogDirsResponse
    Shape { key: 34, flexible: 2, fields: &[f(Fixed(4), 0, END), f(Array(104, &Struct(&[f(Text, 0, END), f(Array(48, &Struct(&[f(Fixed(4), 0, END), f(Fixed(2), 0, END)])), 0, END)])), 0, END)] },
    // DescribeLogDirsResponse
    Shape { key: 35, flexible: 2, fields: &[f(Fixed(4), 0, END), f(Fixed(2), 3, END), f(Array(136, &Struct(&[f(Fixed(2), 0, END), f(Text, 0, END), f(Array(104, &Struct(&[f(Text, 0, END), f(Array(64, &Struct(&[f(Fixed(4), 0, END), f(Fixed(8), 0, END), f(Fixed(8), 0, END), f(Fixed(1), 0, END)])), 0, END)])), 0, END), f(Fixed(8), 4, END), f(Fixed(8), 4, END), f(Fixed(1), 5, END)])), 0, END)] },
    // SaslAuthenticateResponse
    Shape { key: 36, flexible: 2, fields: &[f(Fixed(2), 0, END), f(Text, 0, END).null(0, END), f(Bytes, 0, END), f(Fixed(8), 1, END)] },
    // CreatePartitionsResponse
    Shape { key: 37, flexible: 2, fields: &[f(Fixed(4), 0, END), f(Array(120, &Struct(&[f(Text, 0, END), f(Fixed(2), 0, END), f(Text, 0, END).null(0, END)])), 0, END)] },
    // CreateDelegationTokenResponse
    Shape { key: 38, flexible: 2, fields: &[f(Fixed(2), 0, END), f(Text, 0, END), f(Text, 0, END), f(Text, 3, END), f(Text, 3, END), f(Fixed(8), 0, END), f(Fixed(8), 0, END), f(Fixed(8), 0, END), f(Text, 0, END), f(Bytes, 0, END), f(Fixed(4), 0, END)] },
    // RenewDelegationTokenResponse
    Shape { key: 39, flexible: 2, fields: &[f(Fixed(2), 0, END), f(Fixed(8), 0, END), f(Fixed(4), 0, END)] },
    // ExpireDelegationTokenResponse
    Shape { key: 40, flexible: 2, fields: &[f(Fixed(2), 0, END), f(Fixed(8), 0, END), f(Fixed(4), 0, END)] },
    // DescribeDelegationTokenResponse
    Shape { key: 41, flexible: 2, fields: &[f(Fixed(2), 0, END), f(Array(328, &Struct(&[f(Text, 0, END), f(Text, 0, END), f(Text, 3, END), f(Text, 3, END), f(Fixed(8), 0, END), f(Fixed(8), 0, END), f(Fixed(8), 0, END), f(Text, 0, END), f(Bytes, 0, END), f(Array(112, &Struct(&[f(Text, 0, END), f(Text, 0, END)])), 0, END)])), 0, END), f(Fixed(4), 0, END)] },
    // DeleteGroupsResponse
    Shape { key: 42, flexible: 2, fields: &[f(Fixed(4), 0, END), f(Array(80, &Struct(&[f(Text, 0, END), f(Fixed(2), 0, END)])), 0, END)] },
    // ElectLeadersResponse
    Shape { key: 43, flexible: 2, fields: &[f(Fixed(4), 0, END), f(Fixed(2), 1, END), f(Array(104, &Struct(&[f(Text, 0, END), f(Array(88, &Struct(&[f(Fixed(4), 0, END), f(Fixed(2), 0, END), f(Text, 0, END).null(0, END)])), 0, END)])), 0, END)] },
    // IncrementalAlterConfigsResponse
    Shape { key: 44, flexible: 1, fields: &[f(Fixed(4), 0, END), f(Array(128, &Struct(&[f(Fixed(2), 0, END), f(Text, 0, END).null(0, END), f(Fixed(1), 0, END), f(Text, 0, END)])), 0, END)] },
    // AlterPartitionReassignmentsResponse
    Shape { key: 45, flexible: 0, fields: &[f(Fixed(4), 0, END), f(Fixed(1), 1, END), f(Fixed(2), 0, END), f(Text, 0, END).null(0, END), f(Array(104, &Struct(&[f(Text, 0, END), f(Array(88, &Struct(&[f(Fixed(4), 0, END), f(Fixed(2), 0, END), f(Text, 0, END).null(0, END)])), 0, END)])), 0, END)] },
    // ListPartitionReassignmentsResponse
    Shape { key: 46, flexible: 0, fields: &[f(Fixed(4), 0, END), f(Fixed(2), 0, END), f(Text, 0, END).null(0, END), f(Array(104, &Struct(&[f(Text, 0, END), f(Array(136, &Struct(&[f(Fixed(4), 0, END), f(Array(8, &Fixed(4)), 0, END), f(Array(8, &Fixed(4)), 0, END), f(Array(8, &Fixed(4)), 0, END)])), 0, END)])), 0, END)] },
    // OffsetDeleteResponse
    Shape { key: 47, flexible: END, fields: &[f(Fixed(2), 0, END), f(Fixed(4), 0, END), f(Array(104, &Struct(&[f(Text, 0, END), f(Array(48, &Struct(&[f(Fixed(4), 0, END), f(Fixed(2), 0, END)])), 0, END)])), 0, END)] },
    // DescribeClientQuotasResponse
    Shape { key: 48, flexible: 1, fields: &[f(Fixed(4), 0, END), f(Fixed(2), 0, END), f(Text, 0, END).null(0, END), f(Array(96, &Struct(&[f(Array(112, &Struct(&[f(Text, 0, END), f(Text, 0, END).null(0, END)])), 0, END), f(Array(80, &Struct(&[f(Text, 0, END), f(Fixed(8), 0, END)])), 0, END)])), 0, END).null(0, END)] },
    // AlterClientQuotasResponse
    Shape { key: 49, flexible: 1, fields: &[f(Fixed(4), 0, END), f(Array(112, &Struct(&[f(Fixed(2), 0, END), f(Text, 0, END).null(0, END), f(Array(112, &Struct(&[f(Text, 0, END), f(Text, 0, END).null(0, END)])), 0, END)])), 0, END)] },
    // DescribeUserScramCredentialsResponse
    Shape { key: 50, flexible: 0, fields: &[f(Fixed(4), 0, END), f(Fixed(2), 0, END), f(Text, 0, END).null(0, END), f(Array(152, &Struct(&[f(Text, 0, END), f(Fixed(2), 0, END), f(Text, 0, END).null(0, END), f(Array(48, &Struct(&[f(Fixed(1), 0, END), f(Fixed(4), 0, END)])), 0, END)])), 0, END)] },
    // AlterUserScramCredentialsResponse
    Shape { key: 51, flexible: 0, fields: &[f(Fixed(4), 0, END), f(Array(120, &Struct(&[f(Text, 0, END), f(Fixed(2), 0, END), f(Text, 0, END).null(0, END)])), 0, END)] },
    // VoteResponse
    Shape { key: 52, flexible: 0, fields: &[f(Fixed(2), 0, END), f(Array(104, &Struct(&[f(Text, 0, END), f(Array(72, &Struct(&[f(Fixed(4), 0, END), f(Fixed(2), 0, END), f(Fixed(4), 0, END), f(Fixed(4), 0, END), f(Fixed(1), 0, END)])), 0, END)])), 0, END), f(Array(88, &Struct(&[f(Fixed(4), 1, END), f(Text, 1, END), f(Fixed(2), 1, END)])), 1, END).tag(0, 1, END)] },
    // BeginQuorumEpochResponse
    Shape { key: 53, flexible: 1, fields: &[f(Fixed(2), 0, END), f(Array(104, &Struct(&[f(Text, 0, END), f(Array(64, &Struct(&[f(Fixed(4), 0, END), f(Fixed(2), 0, END), f(Fixed(4), 0, END), f(Fixed(4), 0, END)])), 0, END)])), 0, END), f(Array(88, &Struct(&[f(Fixed(4), 1, END), f(Text, 1, END), f(Fixed(2), 1, END)])), 1, END).tag(0, 1, END)] },
    // EndQuorumEpochResponse
    Shape { key: 54, flexible: 1, fields: &[f(Fixed(2), 0, END), f(Array(104, &Struct(&[f(Text, 0, END), f(Array(64, &Struct(&[f(Fixed(4), 0, END), f(Fixed(2), 0, END), f(Fixed(4), 0, END), f(Fixed(4), 0, END)])), 0, END)])), 0, END), f(Array(88, &Struct(&[f(Fixed(4), 1, END), f(Text, 1, END), f(Fixed(2), 1, END)])), 1, END).tag(0, 1, END)] },
    // DescribeQuorumResponse
    Shape { key: 55, flexible: 0, fields: &[f(Fixed(2), 0, END), f(Text, 2, END).null(2, END), f(Array(104, &Struct(&[f(Text, 0, END), f(Array(176, &Struct(&[f(Fixed(4), 0, END), f(Fixed(2), 0, END), f(Text, 2, END).null(2, END), f(Fixed(4), 0, END), f(Fixed(4), 0, END), f(Fixed(8), 0, END), f(Array(80, &Struct(&[f(Fixed(4), 0, END), f(Fixed(16), 2, END), f(Fixed(8), 0, END), f(Fixed(8), 1, END), f(Fixed(8), 1, END)])), 0, END), f(Array(80, &Struct(&[f(Fixed(4), 0, END), f(Fixed(16), 2, END), f(Fixed(8), 0, END), f(Fixed(8), 1, END), f(Fixed(8), 1, END)])), 0, END)])), 0, END)])), 0, END), f(Array(72, &Struct(&[f(Fixed(4), 2, END), f(Array(120, &Struct(&[f(Text, 2, END), f(Text, 2, END), f(Fixed(2), 2, END)])), 2, END)])), 2, END)] },
    // AlterPartitionResponse
    Shape { key: 56, flexible: 0, fields: &[f(Fixed(4), 0, END), f(Fixed(2), 0, END), f(Array(80, &Struct(&[f(Fixed(16), 2, END), f(Array(112, &Struct(&[f(Fixed(4), 0, END), f(Fixed(2), 0, END), f(Fixed(4), 0, END), f(Fixed(4), 0, END), f(Array(8, &Fixed(4)), 0, END), f(Fixed(1), 1, END), f(Fixed(4), 0, END)])), 0, END)])), 0, END)] },
    // UpdateFeaturesResponse
    Shape { key: 57, flexible: 0, fields: &[f(Fixed(4), 0, END), f(Fixed(2), 0, END), f(Text, 0, END).null(0, END), f(Array(120, &Struct(&[f(Text, 0, END), f(Fixed(2), 0, END), f(Text, 0, END).null(0, END)])), 0, 1)] },
    // EnvelopeResponse
    Shape { key: 58, flexible: 0, fields: &[f(Bytes, 0, END).null(0, END), f(Fixed(2), 0, END)] },
    // FetchSnapshotResponse
    Shape { key: 59, flexible: 0, fields: &[f(Fixed(4), 0, END), f(Fixed(2), 0, END), f(Array(104, &Struct(&[f(Text, 0, END), f(Array(200, &Struct(&[f(Fixed(4), 0, END), f(Fixed(2), 0, END), f(Struct(&[f(Fixed(8), 0, END), f(Fixed(4), 0, END)]), 0, END), f(Struct(&[f(Fixed(4), 0, END), f(Fixed(4), 0, END)]), 0, END).tag(0, 0, END), f(Fixed(8), 0, END), f(Fixed(8), 0, END), f(Bytes, 0, END)])), 0, END)])), 0, END), f(Array(88, &Struct(&[f(Fixed(4), 1, END), f(Text, 1, END), f(Fixed(2), 1, END)])), 1, END).tag(0, 1, END)] },
    // DescribeClusterResponse
    Shape { key: 60, flexible: 0, fields: &[f(Fixed(4), 0, END), f(Fixed(2), 0, END), f(Text, 0, END).null(0, END), f(Fixed(1), 1, END), f(Text, 0, END), f(Fixed(4), 0, END), f(Array(136, &Struct(&[f(Fixed(4), 0, END), f(Text, 0, END), f(Fixed(4), 0, END), f(Text, 0, END).null(0, END), f(Fixed(1), 2, END)])), 0, END), f(Fixed(4), 0, END)] },
    // DescribeProducersResponse
    Shape { key: 61, flexible: 0, fields: &[f(Fixed(4), 0, END), f(Array(104, &Struct(&[f(Text, 0, END), f(Array(120, &Struct(&[f(Fixed(4), 0, END), f(Fixed(2), 0, END), f(Text, 0, END).null(0, END), f(Array(80, &Struct(&[f(Fixed(8), 0, END), f(Fixed(4), 0, END), f(Fixed(4), 0, END), f(Fixed(8), 0, END), f(Fixed(4), 0, END), f(Fixed(8), 0, END)])), 0, END)])), 0, END)])), 0, END)] },
    // BrokerRegistrationResponse
    Shape { key: 62, flexible: 0, fields: &[f(Fixed(4), 0, END), f(Fixed(2), 0, END), f(Fixed(8), 0, END)] },
    // BrokerHeartbeatResponse
    Shape { key: 63, flexible: 0, fields: &[f(Fixed(4), 0, END), f(Fixed(2), 0, END), f(Fixed(1), 0, END), f(Fixed(1), 0, END), f(Fixed(1), 0, END)] },
    // UnregisterBrokerResponse
    Shape { key: 64, flexible: 0, fields: &[f(Fixed(4), 0, END), f(Fixed(2), 0, END), f(Text, 0, END).null(0, END)] },
    // DescribeTransactionsResponse
    Shape { key: 65, flexible: 0, fields: &[f(Fixed(4), 0, END), f(Array(184, &Struct(&[f(Fixed(2), 0, END), f(Text, 0, END), f(Text, 0, END), f(Fixed(4), 0, END), f(Fixed(8), 0, END), f(Fixed(8), 0, END), f(Fixed(2), 0, END), f(Array(104, &Struct(&[f(Text, 0, END), f(Array(8, &Fixed(4)), 0, END)])), 0, END)])), 0, END)] },
    // ListTransactionsResponse
    Shape { key: 66, flexible: 0, fields: &[f(Fixed(4), 0, END), f(Fixed(2), 0, END), f(Array(40, &Text), 0, END), f(Array(120, &Struct(&[f(Text, 0, END), f(Fixed(8), 0, END), f(Text, 0, END)])), 0, END)] },
    // AllocateProducerIdsResponse
    Shape { key: 67, flexible: 0, fields: &[f(Fixed(4), 0, END), f(Fixed(2), 0, END), f(Fixed(8), 0, END), f(Fixed(4), 0, END)] },
    // ConsumerGroupHeartbeatResponse
    Shape { key: 68, flexible: 0, fields: &[f(Fixed(4), 0, END), f(Fixed(2), 0, END), f(Text, 0, END).null(0, END), f(Text, 0, END).null(0, END), f(Fixed(4), 0, END), f(Fixed(4), 0, END), f(Struct(&[f(Array(80, &Struct(&[f(Fixed(16), 0, END), f(Array(8, &Fixed(4)), 0, END)])), 0, END)]), 0, END).null(0, END)] },
    // ConsumerGroupDescribeResponse
    Shape { key: 69, flexible: 0, fields: &[f(Fixed(4), 0, END), f(Array(256, &Struct(&[f(Fixed(2), 0, END), f(Text, 0, END).null(0, END), f(Text, 0, END), f(Text, 0, END), f(Fixed(4), 0, END), f(Fixed(4), 0, END), f(Text, 0, END), f(Array(448, &Struct(&[f(Text, 0, END), f(Text, 0, END).null(0, END), f(Text, 0, END).null(0, END), f(Fixed(4), 0, END), f(Text, 0, END), f(Text, 0, END), f(Array(40, &Text), 0, END), f(Text, 0, END).null(0, END), f(Struct(&[f(Array(120, &Struct(&[f(Fixed(16), 0, END), f(Text, 0, END), f(Array(8, &Fixed(4)), 0, END)])), 0, END)]), 0, END), f(Struct(&[f(Array(120, &Struct(&[f(Fixed(16), 0, END), f(Text, 0, END), f(Array(8, &Fixed(4)), 0, END)])), 0, END)]), 0, END), f(Fixed(1), 1, END)])), 0, END), f(Fixed(4), 0, END)])), 0, END)] },
    // ControllerRegistrationResponse
    Shape { key: 70, flexible: 0, fields: &[f(Fixed(4), 0, END), f(Fixed(2), 0, END), f(Text, 0, END).null(0, END)] },
    // GetTelemetrySubscriptionsResponse
    Shape { key: 71, flexible: 0, fields: &[f(Fixed(4), 0, END), f(Fixed(2), 0, END), f(Fixed(16), 0, END), f(Fixed(4), 0, END), f(Array(8, &Fixed(1)), 0, END), f(Fixed(4), 0, END), f(Fixed(4), 0, END), f(Fixed(1), 0, END), f(Array(40, &Text), 0, END)] },
    // PushTelemetryResponse
    Shape { key: 72, flexible: 0, fields: &[f(Fixed(4), 0, END), f(Fixed(2), 0, END)] },
    // AssignReplicasToDirsResponse
    Shape { key: 73, flexible: 0, fields: &[f(Fixed(4), 0, END), f(Fixed(2), 0, END), f(Array(80, &Struct(&[f(Fixed(16), 0, END), f(Array(80, &Struct(&[f(Fixed(16), 0, END), f(Array(48, &Struct(&[f(Fixed(4), 0, END), f(Fixed(2), 0, END)])), 0, END)])), 0, END)])), 0, END)] },
    // ListConfigResourcesResponse
    Shape { key: 74, flexible: 0, fields: &[f(Fixed(4), 0, END), f(Fixed(2), 0, END), f(Array(80, &Struct(&[f(Text, 0, END), f(Fixed(1), 1, END)])), 0, END)] },
    // DescribeTopicPartitionsResponse
    Shape { key: 75, flexible: 0, fields: &[f(Fixed(4), 0, END), f(Array(144, &Struct(&[f(Fixed(2), 0, END), f(Text, 0, END).null(0, END), f(Fixed(16), 0, END), f(Fixed(1), 0, END), f(Array(224, &Struct(&[f(Fixed(2), 0, END), f(Fixed(4), 0, END), f(Fixed(4), 0, END), f(Fixed(4), 0, END), f(Array(8, &Fixed(4)), 0, END), f(Array(8, &Fixed(4)), 0, END), f(Array(8, &Fixed(4)), 0, END).null(0, END), f(Array(8, &Fixed(4)), 0, END).null(0, END), f(Array(8, &Fixed(4)), 0, END)])), 0, END), f(Fixed(4), 0, END)])), 0, END), f(Struct(&[f(Text, 0, END), f(Fixed(4), 0, END)]), 0, END).null(0, END)] },
    // ShareGroupHeartbeatResponse
    Shape { key: 76, flexible: 0, fields: &[f(Fixed(4), 0, END), f(Fixed(2), 0, END), f(Text, 0, END).null(0, END), f(Text, 0, END).null(0, END), f(Fixed(4), 0, END), f(Fixed(4), 0, END), f(Struct(&[f(Array(80, &Struct(&[f(Fixed(16), 0, END), f(Array(8, &Fixed(4)), 0, END)])), 0, END)]), 0, END).null(0, END)] },
    // ShareGroupDescribeResponse
    Shape { key: 77, flexible: 0, fields: &[f(Fixed(4), 0, END), f(Array(256, &Struct(&[f(Fixed(2), 0, END), f(Text, 0, END).null(0, END), f(Text, 0, END), f(Text, 0, END), f(Fixed(4), 0, END), f(Fixed(4), 0, END), f(Text, 0, END), f(Array(296, &Struct(&[f(Text, 0, END), f(Text, 0, END).null(0, END), f(Fixed(4), 0, END), f(Text, 0, END), f(Text, 0, END), f(Array(40, &Text), 0, END), f(Struct(&[f(Array(120, &Struct(&[f(Fixed(16), 0, END), f(Text, 0, END), f(Array(8, &Fixed(4)), 0, END)])), 0, END)]), 0, END)])), 0, END), f(Fixed(4), 0, END)])), 0, END)] },
    // ShareFetchResponse
    Shape { key: 78, flexible: 0, fields: &[f(Fixed(4), 0, END), f(Fixed(2), 0, END), f(Text, 0, END).null(0, END), f(Fixed(4), 1, END), f(Array(80, &Struct(&[f(Fixed(16), 0, END), f(Array(256, &Struct(&[f(Fixed(4), 0, END), f(Fixed(2), 0, END), f(Text, 0, END).null(0, END), f(Fixed(2), 0, END), f(Text, 0, END).null(0, END), f(Struct(&[f(Fixed(4), 0, END), f(Fixed(4), 0, END)]), 0, END), f(Bytes, 0, END).null(0, 0), f(Array(56, &Struct(&[f(Fixed(8), 0, END), f(Fixed(8), 0, END), f(Fixed(2), 0, END)])), 0, END)])), 0, END)])), 0, END), f(Array(128, &Struct(&[f(Fixed(4), 0, END), f(Text, 0, END), f(Fixed(4), 0, END), f(Text, 0, END).null(0, END)])), 0, END)] },
    // ShareAcknowledgeResponse
    Shape { key: 79, flexible: 0, fields: &[f(Fixed(4), 0, END), f(Fixed(2), 0, END), f(Text, 0, END).null(0, END), f(Fixed(4), 2, END), f(Array(80, &Struct(&[f(Fixed(16), 0, END), f(Array(136, &Struct(&[f(Fixed(4), 0, END), f(Fixed(2), 0, END), f(Text, 0, END).null(0, END), f(Struct(&[f(Fixed(4), 0, END), f(Fixed(4), 0, END)]), 0, END)])), 0, END)])), 0, END), f(Array(128, &Struct(&[f(Fixed(4), 0, END), f(Text, 0, END), f(Fixed(4), 0, END), f(Text, 0, END).null(0, END)])), 0, END)] },
    // AddRaftVoterResponse
    Shape { key: 80, flexible: 0, fields: &[f(Fixed(4), 0, END), f(Fixed(2), 0, END), f(Text, 0, END).null(0, END)] },
    // RemoveRaftVoterResponse
    Shape { key: 81, flexible: 0, fields: &[f(Fixed(4), 0, END), f(Fixed(2), 0, END), f(Text, 0, END).null(0, END)] },
    // UpdateRaftVoterResponse
    Shape { key: 82, flexible: 0, fields: &[f(Fixed(4), 0, END), f(Fixed(2), 0, END), f(Struct(&[f(Fixed(4), 0, END), f(Fixed(4), 0, END), f(Text, 0, END), f(Fixed(4), 0, END)]), 0, END).tag(0, 0, END)] },
    // InitializeShareGroupStateResponse
    Shape { key: 83, flexible: 0, fields: &[f(Array(80, &Struct(&[f(Fixed(16), 0, END), f(Array(88, &Struct(&[f(Fixed(4), 0, END), f(Fixed(2), 0, END), f(Text, 0, END).null(0, END)])), 0, END)])), 0, END)] },
    // ReadShareGroupStateResponse
    Shape { key: 84, flexible: 0, fields: &[f(Array(80, &Struct(&[f(Fixed(16), 0, END), f(Array(136, &Struct(&[f(Fixed(4), 0, END), f(Fixed(2), 0, END), f(Text, 0, END).null(0, END), f(Fixed(4), 0, END), f(Fixed(8), 0, END), f(Array(64, &Struct(&[f(Fixed(8), 0, END), f(Fixed(8), 0, END), f(Fixed(1), 0, END), f(Fixed(2), 0, END)])), 0, END)])), 0, END)])), 0, END)] },
    // WriteShareGroupStateResponse
    Shape { key: 85, flexible: 0, fields: &[f(Array(80, &Struct(&[f(Fixed(16), 0, END), f(Array(88, &Struct(&[f(Fixed(4), 0, END), f(Fixed(2), 0, END), f(Text, 0, END).null(0, END)])), 0, END)])), 0, END)] },
    // DeleteShareGroupStateResponse
    Shape { key: 86, flexible: 0, fields: &[f(Array(80, &Struct(&[f(Fixed(16), 0, END), f(Array(88, &Struct(&[f(Fixed(4), 0, END), f(Fixed(2), 0, END), f(Text, 0, END).null(0, END)])), 0, END)])), 0, END)] },
    // ReadShareGroupStateSummaryResponse
    Shape { key: 87, flexible: 0, fields: &[f(Array(80, &Struct(&[f(Fixed(16), 0, END), f(Array(120, &Struct(&[f(Fixed(4), 0, END), f(Fixed(2), 0, END), f(Text, 0, END).null(0, END), f(Fixed(4), 0, END), f(Fixed(4), 0, END), f(Fixed(8), 0, END), f(Fixed(4), 1, END)])), 0, END)])), 0, END)] },
    // DescribeShareGroupOffsetsResponse
    Shape { key: 90, flexible: 0, fields: &[f(Fixed(4), 0, END), f(Array(152, &Struct(&[f(Text, 0, END), f(Array(120, &Struct(&[f(Text, 0, END), f(Fixed(16), 0, END), f(Array(112, &Struct(&[f(Fixed(4), 0, END), f(Fixed(8), 0, END), f(Fixed(4), 0, END), f(Fixed(8), 1, END), f(Fixed(2), 0, END), f(Text, 0, END).null(0, END)])), 0, END)])), 0, END), f(Fixed(2), 0, END), f(Text, 0, END).null(0, END)])), 0, END)] },
    // AlterShareGroupOffsetsResponse
    Shape { key: 91, flexible: 0, fields: &[f(Fixed(4), 0, END), f(Fixed(2), 0, END), f(Text, 0, END).null(0, END), f(Array(120, &Struct(&[f(Text, 0, END), f(Fixed(16), 0, END), f(Array(88, &Struct(&[f(Fixed(4), 0, END), f(Fixed(2), 0, END), f(Text, 0, END).null(0, END)])), 0, END)])), 0, END)] },
    // DeleteShareGroupOffsetsResponse
    Shape { key: 92, flexible: 0, fields: &[f(Fixed(4), 0, END), f(Fixed(2), 0, END), f(Text, 0, END).null(0, END), f(Array(136, &Struct(&[f(Text, 0, END), f(Fixed(16), 0, END), f(Fixed(2), 0, END), f(Text, 0, END).null(0, END)])), 0, END)] },
];
