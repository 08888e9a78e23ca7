//! The machines of one node side by side: what an `api` handler may look at and change.
//!
//! A handler is `on_<request>(node: &mut Node, now: Now, ask: Ask, request: XRequest)`. It answers with
//! [`Ask::reply`](crate::io::Ask::reply) on `node.out`, or puts a row into `node.hold` that says what the reply waits for.

mod asked;
mod automatic;
mod commit;
mod coordinate;
mod fetching;
mod forward;
mod forwarding;
mod machine;
pub mod opening;
mod partitions;
mod producer_ids;
mod producing;
mod room;
mod sessions;
mod status;
mod tails;
mod waiting;

pub use asked::{DeleteWait, DeletingRecords, ListingOffsets, OffsetWait};
pub use automatic::Automatic;
pub use fetching::{FetchSet, Fetching, Found, Reader, Rewatch, Slot, SlotKey, Source, Wanted};
pub use forwarding::{Forwarded, Forwards, Newest};
pub use machine::Node;
pub use partitions::Partitions;
pub use producer_ids::ProducerIds;
pub use producing::{ProduceWait, Producing};
pub use room::{Appender, Room};
pub use sessions::{Session, Sessions, next_epoch};
pub use status::Status;
pub use waiting::Waiting;
