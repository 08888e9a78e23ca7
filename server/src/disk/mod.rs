//! Disk operations, off the runtime's threads.

#[cfg(not(madsim))]
mod ahead;
#[cfg(not(madsim))]
mod commit;
#[cfg(not(madsim))]
mod distrust;
#[cfg(not(madsim))]
mod free;
#[cfg(not(madsim))]
mod kind;
#[cfg(not(madsim))]
mod look;
#[cfg(not(madsim))]
mod queue;
#[cfg(not(madsim))]
mod settled;
#[cfg(not(madsim))]
mod stages;
#[cfg(not(madsim))]
mod threads;
#[cfg(not(madsim))]
mod wait;
#[cfg(not(madsim))]
mod write;

#[cfg(not(madsim))]
pub use threads::{DiskThreads, Settings};

use bytes::Bytes;
use esker_core::io::{DiskDone, DiskFault, DiskOp, DiskTag, FileRange};
use std::fs::File;
use std::io;
use std::sync::Arc;

/// Operations that are complete, in order.
pub type Completed = Vec<(DiskTag, Result<DiskDone, DiskFault>)>;

/// Where bytes that a reply promised are.
#[derive(Debug)]
pub enum Source {
    File(Arc<File>),
    /// The bytes themselves: of a disk that has no files to send from.
    #[cfg_attr(not(madsim), expect(dead_code, reason = "a data folder has files"))]
    Bytes(Bytes),
}

/// What the node needs of a disk. Threads on a data folder are one; a simulated disk is the other.
pub trait Disk: Send + Sync + 'static {
    /// Takes operations in the order in which they were issued.
    fn submit(&self, ops: &mut Vec<(DiskTag, DiskOp)>);
    /// Where bytes that a reply promised can be sent from.
    fn source(&self, range: FileRange) -> io::Result<Source>;
    /// Bytes left on the medium, and its bytes in all. What was submitted counts as written.
    fn room(&self) -> io::Result<(u64, u64)>;
}

#[cfg(test)]
mod loss;
#[cfg(test)]
mod tests;
