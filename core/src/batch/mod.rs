//! Kafka's record batch v2, read in place from whatever bytes hold it.
//!
//! Batches of clients are checked once ([`verify`]), get base offset and leader epoch written into their header
//! ([`stamp`]), and are otherwise passed on untouched, compressed or not. Our own are made by [`build`].

mod build;
mod records;
mod stamp;
mod verify;
mod view;

pub use build::Builder;
pub use records::{Headers, Record, Records};
pub use stamp::{Stamp, stamp, with_max_timestamp};
pub use verify::{Limits, is_intact, is_one_batch, verify, verify_produced};
pub use view::{Batches, Codec, HEADER_BYTES, Header, MAGIC, PREFIX_BYTES, advance_sequence};
