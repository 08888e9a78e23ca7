//! The runtime below the shell: tokio, or in the full-stack simulation (`--cfg madsim`) what stands for it.
//!
//! Everything that the simulated runtime lacks or does otherwise is here, so that nothing above knows which of the two it
//! runs on: sockets, signals, files sent over a socket, the wall clock.

#[cfg(not(madsim))]
mod real;
#[cfg(not(madsim))]
pub use real::*;

#[cfg(madsim)]
mod simulated;
#[cfg(madsim)]
pub use simulated::*;

use std::future::Future;
use std::time::Duration;

/// Gives up after `limit`.
pub async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(limit, work).await.ok()
}
