//! Esker's broker as state machines: it decides, the shell does.
//!
//! No clock, no socket, no disk, no thread, no randomness of its own. Told the time and handed inputs, it answers with
//! values. The tokio server and the simulator drive the same code.
//!
//! # The map, from the top down
//!
//! Imports go down this list, never up and never sideways between folders; `tests/` reads the `use` lines and checks it.
//!
//! | folder | what it does | what it must not know |
//! |---|---|---|
//! | `broker` | one node: boots, routes inputs to machines, keeps calls, fetchers, chores | error codes of requests |
//! | `api` | one file a request: its versions, its behaviour, its error codes | sockets, disks |
//! | `node` | the machines of one node side by side, as `api` handlers see them | requests |
//! | `controller` | decides changes of the metadata, on the active controller only | how records are stored |
//! | `group` | the group coordinator: members, generations, committed offsets | how partitions replicate |
//! | `partition` | replicas of one partition: leader, follower, in-sync set, watermark | topics' names, requests |
//! | `quorum` | the metadata log's Raft | what its records mean |
//! | `metadata` | the cluster's state as an image, and the records that change it | who decides them |
//! | `hold` | the table of replies that wait | why they wait is the row's, not the table's |
//! | `log` | one log: segments, indexes, epochs, producers, recovery, retention | replicas, leaders |
//! | `batch` | record batches read in place | logs |
//! | `config` | names, types, defaults of every config | who reads them |
//! | `wire` | frames: which versions, decode, encode, order of replies | what requests do |
//! | `io` | inputs, outputs, disk operations, notes | everything above |
//! | `limits` `error` `time` `id` `rng` `mutant` | the ground | everything above |

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod broker;
pub mod controller;
pub mod group;

pub mod api;

pub mod node;

pub mod partition;
pub mod quorum;

pub mod metadata;

pub mod hold;

pub mod log;

pub mod batch;

pub mod config;
pub mod wire;

pub mod io;

pub mod error;
pub mod id;
pub mod limits;
pub mod mutant;
pub mod rng;
pub mod time;
