//! The process's two clocks, as the core is told them.

use crate::rt;
use esker_core::time::{Mono, Now, Wall};
use std::time::{Duration, UNIX_EPOCH};
use tokio::time::Instant;

/// Tells the time since it was made.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    origin: Instant,
}

impl Clock {
    pub fn start() -> Self {
        Self { origin: Instant::now() }
    }

    pub fn now(&self) -> Now {
        let mono = u64::try_from(self.origin.elapsed().as_micros()).unwrap_or(u64::MAX);
        let since = rt::wall().duration_since(UNIX_EPOCH).unwrap_or_default();
        Now { mono: Mono(mono), wall: Wall(i64::try_from(since.as_millis()).unwrap_or(i64::MAX)) }
    }

    /// Sleeps until then; without a deadline for ever.
    pub async fn sleep_until(&self, deadline: Option<Mono>) {
        match deadline {
            Some(at) => tokio::time::sleep_until(self.origin + Duration::from_micros(at.0)).await,
            None => std::future::pending().await,
        }
    }
}
