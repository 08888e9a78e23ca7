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
//! | `serve` | puts a node together on a data folder |
//! | `simulated` | puts a node together in the full-stack simulation (`tests/fullstack`) |
//! | `node` | runs a node: its loop, its listeners, what watches over them |
//! | `drive` | the loop that owns the `Broker` |
//! | `listen` `conn` `cold` `outbox` `room` | connections of clients: accept, read, decode, answer in order, within bounds |
//! | `peers` | calls to other nodes |
//! | `event` | what the loop and the tasks around it tell each other |
//! | `disk` | disk operations: threads, order, group commit |
//! | `journal` | where writes become durable before their files do |
//! | `format` `lock` | whose the data folder is, and that no other process has it |
//! | `files` `durable` `unpack` | the data folder's files, syncs, decompression |
//! | `admin` `notes` `metrics` | what an operator sees |
//! | `properties` | the configuration file |
//! | `exit` `clock` `rt` | the ground |

#![forbid(unsafe_code)]

#[cfg(not(madsim))]
pub mod cli;
#[cfg(not(madsim))]
mod client;

#[cfg(not(madsim))]
mod serve;
#[cfg(madsim)]
pub mod simulated;

mod node;

mod drive;
mod listen;

mod conn;

mod cold;
mod outbox;
mod room;

mod peers;

mod event;

mod disk;

#[cfg(not(madsim))]
pub mod journal;

#[cfg(not(madsim))]
mod format;
#[cfg(not(madsim))]
mod lock;

#[cfg(not(madsim))]
mod files;

#[cfg(not(madsim))]
mod durable;
#[cfg(not(madsim))]
mod unpack;

#[cfg(not(madsim))]
mod admin;
mod notes;

#[cfg_attr(madsim, allow(dead_code, reason = "what an operator asks for is asked by nobody there"))]
mod metrics;

#[cfg(not(madsim))]
pub mod properties;

mod clock;
pub mod exit;
mod rt;
