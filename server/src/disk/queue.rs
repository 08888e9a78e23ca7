//! Operations that wait for a disk thread.

use esker_core::io::{DiskOp, DiskTag};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

#[derive(Debug, Default)]
pub struct Queue {
    ops: Mutex<VecDeque<(DiskTag, DiskOp)>>,
    more: Condvar,
    stuck: AtomicBool,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, VecDeque<(DiskTag, DiskOp)>> {
        self.ops.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn put(&self, ops: impl Iterator<Item = (DiskTag, DiskOp)>) {
        self.lock().extend(ops);
        self.more.notify_one();
    }

    /// Waits for operations, until `until` if that is a moment, and takes up to `max` of them.
    pub fn take(&self, max: usize, until: Option<Instant>) -> Vec<(DiskTag, DiskOp)> {
        let mut ops = self.lock();
        while ops.is_empty() {
            ops = match until.map(|until| until.saturating_duration_since(Instant::now())) {
                None => self.more.wait(ops).unwrap_or_else(PoisonError::into_inner),
                Some(left) if left.is_zero() => break,
                Some(left) => self.more.wait_timeout(ops, left).unwrap_or_else(PoisonError::into_inner).0,
            };
        }
        let count = ops.len().min(max);
        let taken = ops.drain(..count).collect();
        if !ops.is_empty() {
            self.more.notify_one();
        }
        taken
    }

    /// Bytes that wait to be appended.
    pub fn bytes(&self) -> u64 {
        let mut sum = 0;
        for (_, op) in self.lock().iter() {
            if let DiskOp::Append { bytes, .. } = op {
                sum += bytes.iter().map(|part| part.len() as u64).sum::<u64>();
            }
        }
        sum
    }

    /// Whether operations were taken for which there is no room.
    pub fn is_stuck(&self) -> bool {
        self.stuck.load(Ordering::Relaxed)
    }

    /// Says so; answers whether that is new.
    pub fn set_stuck(&self, stuck: bool) -> bool {
        self.stuck.swap(stuck, Ordering::Relaxed) != stuck
    }

    pub fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }
}
