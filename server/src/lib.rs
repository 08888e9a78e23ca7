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
//! | `event` | what the loop and the tasks around it tell each other |
//! | `disk` | disk operations: threads, order, group commit |
//! | `format` `lock` | whose the data folder is, and that no other process has it |
//! | `files` `unpack` | the data folder's files, decompression |
//! | `admin` `notes` `metrics` | what an operator sees |
//! | `properties` | the configuration file |
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

mod event;

mod disk;

mod format;
mod lock;

mod files;
mod unpack;

mod admin;
mod notes;

mod metrics;

mod properties;

mod clock;
mod exit;
mod rt;
