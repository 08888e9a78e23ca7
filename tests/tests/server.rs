//! The real server, as a process: how it starts and refuses to, what it bears from clients, what it does when its disk fails.
//!
//! Nothing here waits for luck: each test waits for what has to happen, with a limit that only a hang reaches. What wants root
//! (a file system of its own) or `strace` says so and is left out without it.

#[path = "server/admin.rs"]
mod admin;
#[path = "server/commands.rs"]
mod commands;
#[path = "server/connections.rs"]
mod connections;
#[path = "server/disk.rs"]
mod disk;
#[path = "server/full.rs"]
mod full;
#[path = "server/garbage.rs"]
mod garbage;
#[path = "server/grown.rs"]
mod grown;
#[path = "server/journal.rs"]
mod journal;
#[path = "server/made.rs"]
mod made;
#[path = "server/node.rs"]
mod node;
#[path = "server/produce.rs"]
mod produce;
#[path = "server/start.rs"]
mod start;
