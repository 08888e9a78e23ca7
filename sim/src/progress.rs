//! What a person is told of a batch before it runs, and while it does.

use crate::marks::{self, MENU};
use crate::plan::draw;
use crate::report::Total;
use crate::say::say;
use crate::swarm::Swarm;
use std::io::{IsTerminal, Write, stderr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How many plans are drawn to say what a batch will be like.
const SAMPLE: u64 = 400;

/// What the seeds of a batch draw: which share of them each fault is in, what clusters they build.
pub fn outlook(swarm: &Swarm) {
    let sample = swarm.most.min(SAMPLE);
    let plans: Vec<_> = (0..sample).map(|turn| draw(swarm.seed.wrapping_add(turn))).collect();
    let share = |count: usize| count * 100 / plans.len().max(1);
    let last = swarm.seed.wrapping_add(swarm.most.wrapping_sub(1));
    let to = if swarm.most == u64::MAX { "on".to_string() } else { format!("to {last}") };
    say!("seeds from {} {to}, {} jobs, at most {} s", swarm.seed, swarm.jobs, swarm.seconds.as_secs());
    say!("the first {sample} draw:\n  {:<28}{:>6}  {:>8}", "fault", "seeds", "a seed");
    for (name, _) in MENU {
        let counts: Vec<usize> = plans
            .iter()
            .map(|plan| plan.faults.iter().filter(|fault| fault.strike.kind() == *name).count())
            .filter(|count| *count > 0)
            .collect();
        let mean = counts.iter().sum::<usize>() * 10 / counts.len().max(1);
        say!("  {name:<28}{:>5}%  {:>6}.{}", share(counts.len()), mean / 10, mean % 10);
    }
    let alone = plans.iter().filter(|plan| plan.nodes.len() == 1).count();
    say!("  one node {}%, more {}%", share(alone), 100 - share(alone));
}

/// How far a batch is: a line that is written anew on a terminal, elsewhere one now and then.
#[derive(Debug)]
pub struct Progress {
    terminal: bool,
    /// Seconds at which the last line was written.
    last: AtomicU64,
}

impl Default for Progress {
    fn default() -> Self {
        Self { terminal: stderr().is_terminal(), last: AtomicU64::new(0) }
    }
}

/// Seconds between two lines where nobody watches.
const EVERY: u64 = 15;

impl Progress {
    pub fn show(&self, total: &Total, took: Duration) {
        let seconds = took.as_secs();
        let line = format!(
            "{seconds:>5} s  {} seeds, {} a minute, {} events, {} of {} marks, {} failures",
            total.seeds,
            total.per_minute(took),
            total.events,
            total.marks.len(),
            marks::ALL.len(),
            total.failures.len()
        );
        if self.terminal {
            eprint!("\r{line}\x1b[K");
            let _ = stderr().flush();
        } else if seconds >= self.last.load(Ordering::Relaxed) + EVERY {
            self.last.store(seconds, Ordering::Relaxed);
            eprintln!("{line}");
        }
    }

    pub fn end(&self) {
        if self.terminal {
            eprintln!();
        }
    }
}
