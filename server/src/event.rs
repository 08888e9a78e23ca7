//! What the drive loop and the tasks around it tell each other.

use crate::disk::Completed;
use esker_core::id::ConnId;
use esker_core::io::{Input, Reply};
use tokio::sync::mpsc::UnboundedSender;

/// For the loop.
#[derive(Debug)]
pub enum Event {
    Input(Input),
    Disk(Completed),
    Opened { conn: ConnId, to_conn: UnboundedSender<ToConn> },
}

/// For a connection.
#[derive(Debug)]
pub enum ToConn {
    Reply {
        seq: u64,
        reply: Reply,
    },
    /// No more: send what is ready, then close.
    Close,
}
