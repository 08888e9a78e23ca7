//! Operations that wait for a disk thread.

use esker_core::io::{DiskOp, DiskTag};
use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

#[derive(Debug, Default)]
pub struct Queue {
    ops: Mutex<VecDeque<(DiskTag, DiskOp)>>,
    more: Condvar,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, VecDeque<(DiskTag, DiskOp)>> {
        self.ops.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn put(&self, ops: impl Iterator<Item = (DiskTag, DiskOp)>) {
        self.lock().extend(ops);
        self.more.notify_one();
    }

    /// Waits for operations and takes up to `max` of them.
    pub fn take(&self, max: usize) -> Vec<(DiskTag, DiskOp)> {
        let mut ops = self.lock();
        while ops.is_empty() {
            ops = self.more.wait(ops).unwrap_or_else(PoisonError::into_inner);
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

    pub fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }
}
