//! The shell around `esker-core` on tokio: sockets, threads, files, clocks, and the command line.
//!
//! It decides nothing: no error code, no epoch, no offset is computed here. Bytes become inputs, outputs become bytes.
//!
//! # The map, from the top down
//!
//! | file | what it does |
//! |---|---|
//! | `cli` | one file a command |
//! | `client` | a small Kafka client for the commands, over the core's own `wire` |
//! | `serve` | puts a node together, and takes it apart |
//! | `drive` | the loop that owns the `Broker` |
//! | `listen` `conn` `outbox` | connections of clients: accept, read, decode, answer in order |
//! | `peers` | calls to other nodes |
//! | `disk` `commit` `files` `unpack` | disk operations: threads, group commit, files, decompression |
//! | `metrics` `notes` `admin` | what an operator sees |
//! | `format` `lock` `properties` | the data folder's identity, its lock, the configuration file |
//! | `exit` `clock` `rt` | the ground |

#![forbid(unsafe_code)]

pub mod cli;
mod client;

mod serve;

mod drive;
mod listen;

mod conn;
mod outbox;
mod peers;

mod commit;
mod disk;
mod files;
mod unpack;

mod admin;
mod metrics;
mod notes;

mod format;
mod lock;
mod properties;

mod clock;
mod exit;
mod rt;
