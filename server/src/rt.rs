//! What the runtime under test (madsim) lacks, in one place.

use std::future::Future;
use std::time::Duration;

/// Resolves at the first sign that the operator wants the process to end.
pub struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    pub fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    pub async fn next(&mut self) {
        tokio::select! {
            biased;
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Threads that serve connections, with small stacks: a connection's task needs little.
pub fn runtime(threads: usize) -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .max_blocking_threads(4)
        .thread_name("esker-work")
        .thread_stack_size(512 << 10)
        .enable_all()
        .build()
}

/// Disk threads need little: no recursion, no large frames.
const DISK_STACK: usize = 256 << 10;

/// A thread that may block, for the disk.
pub fn spawn_thread(name: &str, work: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
    std::thread::Builder::new().name(name.into()).stack_size(DISK_STACK).spawn(work).map(|_| ())
}

/// Gives up after `limit`.
pub async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(limit, work).await.ok()
}
