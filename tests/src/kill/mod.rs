//! `kill -9` under load: idempotent producers, a committer and readers that remember what they were promised, and the check at the
//! end that the cluster kept it.

mod check;
mod committer;
mod producer;
mod reader;
mod rounds;

pub use rounds::{Plan, Report, run};

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// What all threads of a run share.
#[derive(Debug)]
pub struct Stage {
    pub bootstrap: Vec<SocketAddr>,
    pub topic: String,
    pub group: String,
    stop: AtomicBool,
    start: Instant,
}

impl Stage {
    fn new(bootstrap: Vec<SocketAddr>, topic: String) -> Arc<Self> {
        let group = format!("{topic}-group");
        Arc::new(Self { bootstrap, topic, group, stop: AtomicBool::new(false), start: Instant::now() })
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    fn micros(&self) -> u64 {
        self.start.elapsed().as_micros() as u64
    }
}

/// When one client last got on, and its longest pause since that was last asked.
#[derive(Debug, Default)]
pub struct Pulse {
    last: AtomicU64,
    longest: AtomicU64,
}

impl Pulse {
    fn beat(&self, stage: &Stage) {
        let now = stage.micros();
        let before = self.last.swap(now, Ordering::Relaxed);
        self.longest.fetch_max(now.saturating_sub(before), Ordering::Relaxed);
    }

    fn last(&self) -> u64 {
        self.last.load(Ordering::Relaxed)
    }

    fn take_longest(&self) -> Duration {
        Duration::from_micros(self.longest.swap(0, Ordering::Relaxed))
    }
}

/// The value of a record: who wrote it, and as which of its records.
fn value(producer: u32, number: u64) -> Vec<u8> {
    let mut text = format!("{producer} {number} ").into_bytes();
    text.resize(100, b'.');
    text
}

/// What [`value`] wrote.
fn written(value: &[u8]) -> Option<(u32, u64)> {
    let mut words = std::str::from_utf8(value).ok()?.split(' ');
    Some((words.next()?.parse().ok()?, words.next()?.parse().ok()?))
}
