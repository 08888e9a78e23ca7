//! What waits to be written to the journal.

use super::draft::Draft;
use super::store::{Entry, Subject};
use bytes::{Buf as _, Bytes};
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Drafts that rest before one is used again: the medium reads the last ones meanwhile, and what another reads is slow to write to.
const RESTING: usize = 8;
/// Drafts kept.
const RESTING_MAX: usize = 16;

/// Entries in the making, which whoever writes to the files fills, and whoever writes the journal takes.
#[derive(Debug, Default)]
pub struct Gather {
    waiting: Mutex<Vec<Entry>>,
    resting: Mutex<VecDeque<Draft>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Gather {
    /// These bytes stand in the file from `at` on. The short ones are copied here, when they were just copied into the file and are
    /// near; memory of the long ones is kept until it is given back.
    pub fn add(&self, subject: &Subject, mut at: u64, parts: &[Bytes]) {
        let mut waiting = lock(&self.waiting);
        for part in parts {
            let mut left = part.clone();
            while !left.is_empty() {
                let taken = waiting.last_mut().map_or(0, |entry| {
                    let taken = entry.draft.write(&subject.name, at, &left);
                    if taken > 0 && entry.subjects.iter().all(|other| other.id != subject.id) {
                        entry.subjects.push(subject.clone());
                    }
                    taken
                });
                if taken == 0 {
                    waiting.push(Entry { draft: self.rested(), subjects: Vec::new() });
                }
                at += taken as u64;
                left.advance(taken);
            }
        }
    }

    fn rested(&self) -> Draft {
        let mut resting = lock(&self.resting);
        if resting.len() < RESTING { Draft::default() } else { resting.pop_front().unwrap_or_default() }
    }

    /// All that waits.
    pub fn take(&self) -> Vec<Entry> {
        std::mem::take(&mut *lock(&self.waiting))
    }

    /// What was written.
    pub fn give_back(&self, entries: Vec<Entry>) {
        let mut resting = lock(&self.resting);
        for Entry { mut draft, .. } in entries {
            draft.clear();
            resting.push_back(draft);
        }
        let kept = resting.len().min(RESTING_MAX);
        resting.truncate(kept);
    }
}
