//! Frames of Kafka's protocol: which versions are served, decoding, encoding, the order of replies.
//!
//! The types of messages and their codecs are those of the crate `kafka-protocol`. It trusts the lengths that it reads,
//! so every body is walked over first ([`shape`]): what the walk lets pass, the crate can decode without allocating
//! more than the walk counted.

pub mod calls;
pub mod decode;
pub mod encode;
mod fetch;
mod field;
mod frame;
mod log_dirs;
mod read;
pub mod replies;
pub mod shape;
mod shape_table;
pub mod versions;

pub use decode::{BadFrame, Decoded, Slip, request};
pub use frame::{Frame, Segment, Unencodable};
pub use replies::Replies;

#[cfg(test)]
mod frame_tests;
