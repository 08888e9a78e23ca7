//! Reads what is not in the page cache, on threads that may wait for the medium.

use crate::outbox::Far;
use crate::rt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// Ranges that are read at a time: enough to keep a medium busy.
const READS: usize = 4;

/// Who reads for all connections to listeners of one kind.
#[derive(Debug)]
pub struct Cold {
    places: Arc<Semaphore>,
}

/// A range that is being read, or waits for its turn.
#[derive(Debug)]
pub struct Reading {
    began: Instant,
    task: JoinHandle<()>,
}

impl Default for Cold {
    fn default() -> Self {
        Self { places: Arc::new(Semaphore::new(READS)) }
    }
}

impl Cold {
    /// Reads the range into the page cache, after those that came before it.
    pub fn read(&self, Far { file, at, len }: Far) -> Reading {
        let places = Arc::clone(&self.places);
        let task = tokio::spawn(async move {
            let Ok(_place) = places.acquire_owned().await else { return };
            let _ = tokio::task::spawn_blocking(move || rt::read_near(&file, at, len)).await;
        });
        Reading { began: Instant::now(), task }
    }
}

/// Resolves when the range is read, or cannot be. Answers how long that took.
pub async fn done(reading: &mut Option<Reading>) -> Duration {
    let Some(Reading { began, task }) = reading else { return std::future::pending().await };
    let _ = task.await;
    began.elapsed()
}
