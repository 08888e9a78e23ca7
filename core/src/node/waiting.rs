//! The rows of the table of replies that wait.

use super::{DeletingRecords, Fetching, Forwarded, ListingOffsets, Producing};
use crate::id::DirId;
use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use kafka_protocol::messages::{RequestKind, ResponseKind};

/// What a reply in the table waits for. The rows of one kind are made, woken and ended by one file under `api/` or here.
#[derive(Debug)]
pub enum Waiting {
    /// Records of the metadata were appended: the reply leaves when the quorum has committed them (`node::commit`).
    Commit { reply: Box<ResponseKind> },
    /// What was asked is committed; these logs are still being opened (`node::opening`).
    Opening { reply: Box<ResponseKind>, left: BTreeSet<DirId> },
    /// The active controller has the request (`node::forward`).
    Forward(Forwarded),
    /// A request to the quorum: asked again when `quorum::Changes::ask_again` says so.
    Quorum { request: Box<RequestKind> },
    /// Records were appended: the reply leaves when they are where `acks` wants them (`api::produce`).
    Produce(Producing),
    /// A reader waits for more bytes (`api::fetch`).
    Fetch(Fetching),
    /// Lookups by time read the disk first (`api::list_offsets`).
    ListOffsets(ListingOffsets),
    /// Followers' logs have still to move their start (`api::delete_records`).
    DeleteRecords(DeletingRecords),
    /// The group coordinator has the request: it releases the row by its id (`group::Release`), whatever it waits for.
    Group,
}
