//! The simulated disk behind the server's `Disk`.

use crate::record::{self, now};
use esker_core::io::{DiskOp, DiskTag, FileRange};
use esker_server::simulated::{Disk, Report, Source};
use esker_sim::disk::{Disk as Medium, Due};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// A medium, which outlives the process that uses it.
pub type Shelf = Arc<Mutex<Medium>>;

pub fn lock(medium: &Shelf) -> MutexGuard<'_, Medium> {
    medium.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A process's view of its medium.
pub struct Simulated {
    node: usize,
    medium: Shelf,
    due: UnboundedSender<(u64, Due)>,
}

impl Simulated {
    /// Runs on the node whose process it is, and dies with it.
    pub fn start(node: usize, medium: Shelf, report: Report) -> Arc<dyn Disk> {
        let (due, queue) = unbounded_channel();
        tokio::spawn(complete(node, Arc::clone(&medium), queue, report));
        Arc::new(Self { node, medium, due })
    }
}

impl Disk for Simulated {
    fn submit(&self, ops: &mut Vec<(DiskTag, DiskOp)>) {
        let at = now();
        for (tag, op) in ops.drain(..) {
            record::with(|record| {
                record.tell(at, format_args!("n{}", self.node + 1), format_args!("disk {tag} {op}"));
                if let DiskOp::Append { bytes, .. } = &op {
                    bytes.iter().for_each(|part| record.trace.hash().bytes(part));
                }
                if let DiskOp::Replace { bytes, .. } = &op {
                    record.trace.hash().bytes(bytes);
                }
            });
            if let Some(due) = lock(&self.medium).submit(at, tag, op) {
                // The receiver lives as long as the process.
                let _ = self.due.send(due);
            }
        }
    }

    fn source(&self, range: FileRange) -> io::Result<Source> {
        let bytes = lock(&self.medium).bytes(range).map_err(|fault| io::Error::other(fault.to_string()))?;
        // What `sendfile` would find at the end of a file that is too short.
        if bytes.len() < range.len as usize {
            Err(io::ErrorKind::UnexpectedEof.into())
        } else {
            Ok(Source::Bytes(bytes))
        }
    }

    fn room(&self) -> io::Result<(u64, u64)> {
        let room = lock(&self.medium).room();
        Ok((room, room))
    }
}

/// Ends operations when they are due; those of one moment are reported together.
async fn complete(node: usize, medium: Shelf, mut queue: UnboundedReceiver<(u64, Due)>, report: Report) {
    let mut waiting: BinaryHeap<Reverse<(u64, u64, Ordered)>> = BinaryHeap::new();
    let mut count = 0;
    loop {
        let first = waiting.peek().map(|Reverse((at, ..))| *at);
        tokio::select! {
            biased;
            new = queue.recv() => {
                let Some((at, due)) = new else { return };
                count += 1;
                waiting.push(Reverse((at, count, Ordered(due))));
                continue;
            }
            () = until(first) => {}
        }
        let at = now();
        let mut completed = Vec::new();
        while waiting.peek().is_some_and(|Reverse((due, ..))| *due <= at) {
            let Some(Reverse((then, _, Ordered(due)))) = waiting.pop() else { break };
            let mut medium = lock(&medium);
            completed.extend(medium.complete(due));
            if let Some((next, due)) = medium.begin(then, due) {
                count += 1;
                waiting.push(Reverse((next, count, Ordered(due))));
            }
        }
        record::with(|record| {
            for (tag, result) in &completed {
                let what = result.as_ref().map_or_else(ToString::to_string, ToString::to_string);
                record.tell(at, format_args!("n{}", node + 1), format_args!("disk {tag} ends: {what}"));
            }
        });
        report(completed);
    }
}

/// Sleeps until that moment of the world; without one for ever.
pub async fn until(at: Option<u64>) {
    match at {
        Some(at) => tokio::time::sleep(Duration::from_micros(at.saturating_sub(now()))).await,
        None => std::future::pending().await,
    }
}

/// What is due has no order of its own; the count before it decides.
struct Ordered(Due);

impl PartialEq for Ordered {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Ordered {}

impl PartialOrd for Ordered {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ordered {
    fn cmp(&self, _: &Self) -> std::cmp::Ordering {
        std::cmp::Ordering::Equal
    }
}
