//! madsim: one thread, virtual time, a network that can be cut. What it lacks is made up for here.
//!
//! A socket behaves as Linux's do and madsim's does not: a write takes only a part now and then, or nothing for a while; a
//! read gives what has come, in pieces; a connection can be reset. What is written is on its way at once.

mod observe;
mod stream;

pub use observe::{Seen, mono, observe, on_note, set_wall_offset, wall};
pub use stream::{OwnedReadHalf, OwnedWriteHalf, TcpListener, TcpStream, bury, reset, unbury};

use std::fs::File;
use std::io;

/// What the node is sent.
pub struct Signals;

impl Signals {
    pub fn listen() -> io::Result<Self> {
        Ok(Self)
    }

    /// The number of the one that comes next: there is but ctrl-C.
    pub async fn next(&mut self) -> u8 {
        let _ = tokio::signal::ctrl_c().await;
        2
    }
}

/// Ends the process as a second ctrl-C does: whoever watches kills it.
pub async fn end_at_once() {
    observe::show(Seen::EndsAtOnce { node: madsim::plugin::node() });
}

/// Where tasks are spawned: there is but one place.
#[derive(Clone, Debug)]
pub struct Handle;

impl Handle {
    pub fn current() -> Self {
        Self
    }

    pub fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        tokio::spawn(work);
    }
}

/// There is one thread: a task is as far apart as can be.
pub fn spawn_apart<T: Send + 'static>(
    _name: &str,
    work: impl Future<Output = T> + Send + 'static,
) -> io::Result<impl Future<Output = Option<T>>> {
    let task = tokio::spawn(work);
    Ok(async { task.await.ok() })
}

/// Listens on an address.
pub async fn bind(host: &str, port: u16, _backlog: u32) -> io::Result<TcpListener> {
    TcpListener::bind(host, port).await
}

/// There are no files here: a simulated disk answers with bytes.
pub const fn is_near(_: &File, _: u64, _: usize) -> bool {
    true
}

/// There are no files here.
pub const fn read_near(_: &File, _: u64, _: usize) {}

/// There are no files here.
pub fn send_file(_: &TcpStream, _: &File, _: u64, _: usize) -> io::Result<usize> {
    Err(io::ErrorKind::Unsupported.into())
}
