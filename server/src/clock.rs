//! The process's two clocks, as the core is told them.

use crate::rt;
use esker_core::time::{Mono, Now, Wall};
use std::time::{Duration, UNIX_EPOCH};

/// Tells the time since it was made. A machine that sleeps does not stop it: what others decided meanwhile is not to be missed.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    origin: Duration,
}

impl Clock {
    pub fn start() -> Self {
        Self { origin: rt::mono() }
    }

    fn elapsed(&self) -> Duration {
        rt::mono().saturating_sub(self.origin)
    }

    pub fn now(&self) -> Now {
        let mono = u64::try_from(self.elapsed().as_micros()).unwrap_or(u64::MAX);
        let since = rt::wall().duration_since(UNIX_EPOCH).unwrap_or_default();
        Now { mono: Mono(mono), wall: Wall(i64::try_from(since.as_millis()).unwrap_or(i64::MAX)) }
    }

    /// Sleeps until then, in time during which the machine is awake; without a deadline for ever. After a sleep of the machine this is late, and
    /// what comes once a second ([`esker_core::io::Input::Room`]) comes before.
    pub async fn sleep_until(&self, deadline: Option<Mono>) {
        match deadline {
            Some(at) => tokio::time::sleep(Duration::from_micros(at.0).saturating_sub(self.elapsed())).await,
            None => std::future::pending().await,
        }
    }
}

#[cfg(all(test, not(madsim)))]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_sleeps_until_then_and_no_less() {
        let clock = Clock::start();
        for ms in [0, 3, 20] {
            let deadline = Mono(clock.now().mono.0 + ms * 1000);
            clock.sleep_until(Some(deadline)).await;
            assert!(clock.now().mono >= deadline);
        }
        clock.sleep_until(Some(Mono(0))).await;
    }
}
