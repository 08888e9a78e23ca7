//! What proves Esker from outside: tidiness of the sources, the differential test against Apache Kafka, load and kills.
//!
//! Imports go down this list:
//!
//! | folder | what it does |
//! |---|---|
//! | `kill` | clients that remember what they were promised while nodes are killed |
//! | `load` | a load generator |
//! | `diff` | scripts, and what differs in two brokers' answers |
//! | `client` | requests and answers as values |
//! | `rpc` | typed requests, and what they ask of a cluster |
//! | `records` | Produce and Fetch as bytes |
//! | `codec` | messages between values and bytes |
//! | `conn` | a connection: frames out, frames in |
//! | `batch` | record batches, written and read |
//! | `bytes` | numbers and lengths as the protocol writes them |
//! | `notation` | JSON with less ink |
//! | `schema` | Kafka's message definitions |
//! | `source` | reads Rust sources for the tidy test |

#![forbid(unsafe_code)]

pub mod batch;
pub mod bytes;
pub mod client;
pub mod codec;
pub mod conn;
pub mod diff;
pub mod kill;
pub mod load;
pub mod notation;
pub mod records;
pub mod rpc;
pub mod schema;
pub mod source;
