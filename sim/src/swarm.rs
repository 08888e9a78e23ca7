//! Many seeds, over all cores.

use crate::plan::{Plan, plan_of};
use crate::report::Total;
use crate::run::{Outcome, run};
use crate::trace::Keep;
use crate::world::{Failure, Kind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What to run.
#[derive(Clone, Debug)]
pub struct Swarm {
    /// The first seed; the others follow it.
    pub seed: u64,
    pub jobs: usize,
    pub seconds: Duration,
    /// At most so many seeds.
    pub most: u64,
    /// Goes on after a failure.
    pub keep_going: bool,
    pub mutant: Option<String>,
}

/// How many lines of the trace a failure shows.
pub const LINES: usize = 30;

impl Swarm {
    /// Hands out seed after seed, on all jobs, until the time is over or `work` says that it is enough (`false`).
    pub fn each(&self, work: impl Fn(u64) -> bool + Sync) {
        let began = Instant::now();
        let (next, stop) = (AtomicU64::new(0), AtomicBool::new(false));
        std::thread::scope(|scope| {
            for _ in 0..self.jobs.max(1) {
                scope.spawn(|| {
                    while !stop.load(Ordering::Relaxed) && began.elapsed() < self.seconds {
                        let turn = next.fetch_add(1, Ordering::Relaxed);
                        if turn >= self.most {
                            break;
                        }
                        if !work(self.seed.wrapping_add(turn)) {
                            stop.store(true, Ordering::Relaxed);
                        }
                    }
                });
            }
        });
    }

    /// Runs seeds until the time is over, or one fails. `progress` is told now and then.
    pub fn run(&self, progress: impl Fn(&Total, Duration) + Sync) -> (Total, Option<Outcome>, Duration) {
        let began = Instant::now();
        let total = Mutex::new((Total::default(), None::<(u64, Outcome)>, Instant::now()));
        self.each(|seed| {
            let outcome = run(&plan_of(seed, self.mutant.as_deref()), Keep::Nothing, u64::MAX);
            let failed = outcome.failure.is_some();
            let mut total = total.lock().unwrap_or_else(PoisonError::into_inner);
            total.0.add(&outcome);
            if failed && total.1.as_ref().is_none_or(|(first, _)| seed < *first) {
                total.1 = Some((seed, outcome));
            }
            if total.2.elapsed() > Duration::from_millis(500) {
                total.2 = Instant::now();
                progress(&total.0, began.elapsed());
            }
            !failed || self.keep_going
        });
        let (total, first, _) = total.into_inner().unwrap_or_else(PoisonError::into_inner);
        (total, first.map(|(_, outcome)| outcome), began.elapsed())
    }
}

/// Runs a failed plan again to be read; a run that comes out otherwise is a failure of its own.
pub fn again(plan: &Plan, first: &Outcome) -> Outcome {
    let mut second = run(plan, Keep::Last(LINES), u64::MAX);
    if second.hash != first.hash || second.events != first.events {
        let what = format!(
            "hash {:016x} after {} events, then {:016x} after {}",
            first.hash, first.events, second.hash, second.events
        );
        let anomaly = crate::check::Anomaly::new("determinism", second.virtual_us, what);
        second.failure = Some(Failure { kind: Kind::NotDeterministic, anomaly });
    }
    second
}
