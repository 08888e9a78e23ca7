//! The two clocks that a node is told. The world's virtual time is the truth; a node's monotonic clock runs a little fast or
//! slow and begins anywhere at each start, its wall clock is off and jumps.

use esker_core::time::{Mono, Now, Wall};

/// Wall time of the world's beginning, in milliseconds since the Unix epoch.
pub const EPOCH_MS: i64 = 1_800_000_000_000;

/// A node's clocks.
#[derive(Clone, Debug)]
pub struct Clock {
    /// Millionths by which both clocks run fast (or slow, when negative); beyond ±900,000 makes no sense.
    drift_ppm: i64,
    /// How far the wall clock is off, in milliseconds; a step changes it.
    wall_off: i64,
    /// When this incarnation began, in the world's time, and what its monotonic clock said then.
    born: u64,
    origin: u64,
}

impl Clock {
    pub fn new(drift_ppm: i64, wall_off: i64) -> Self {
        assert!((-900_000..=900_000).contains(&drift_ppm), "a clock that does not run");
        Self { drift_ppm, wall_off, born: 0, origin: 0 }
    }

    /// A new incarnation: the monotonic clock begins again at `origin`.
    pub const fn restart(&mut self, at: u64, origin: u64) {
        self.born = at;
        self.origin = origin;
    }

    /// The wall clock jumps by so many milliseconds, either way.
    pub const fn step(&mut self, ms: i64) {
        self.wall_off = self.wall_off.saturating_add(ms);
    }

    /// What the node is told at `at`, in microseconds of the world's time.
    pub const fn now(&self, at: u64) -> Now {
        Now { mono: Mono(self.mono(at)), wall: Wall(EPOCH_MS + self.wall_off + self.run(at) as i64 / 1000) }
    }

    /// The first moment of the world at which the node's monotonic clock shows `deadline`, or later.
    pub const fn when(&self, deadline: Mono) -> u64 {
        let ahead = deadline.0.saturating_sub(self.origin);
        let rate = (1_000_000 + self.drift_ppm) as u128;
        let mut at = self.born + (ahead as u128 * 1_000_000 / rate) as u64;
        while self.mono(at) < deadline.0 {
            at += 1;
        }
        at
    }

    const fn mono(&self, at: u64) -> u64 {
        self.origin + self.run(at.saturating_sub(self.born))
    }

    /// What a clock of this drift makes of so many microseconds.
    const fn run(&self, real: u64) -> u64 {
        (real as i64 + real as i64 * self.drift_ppm / 1_000_000) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_is_reached_when_it_says_and_not_before() {
        for drift in [-50_000, -7, 0, 13, 80_000] {
            let mut clock = Clock::new(drift, 0);
            clock.restart(1_000, 77);
            for deadline in [0, 77, 78, 1_000_003, 99_999_999] {
                let at = clock.when(Mono(deadline));
                assert!(clock.now(at).mono.0 >= deadline);
                assert!(at <= 1_000 || clock.now(at - 1).mono.0 < deadline, "drift {drift} deadline {deadline}");
            }
        }
    }

    #[test]
    fn steps_move_the_wall_clock_alone() {
        let mut clock = Clock::new(0, -5);
        let before = clock.now(2_000_000);
        assert_eq!(before.wall, Wall(EPOCH_MS + 1_995));
        clock.step(-90_000);
        let after = clock.now(2_000_000);
        assert_eq!(after.mono, before.mono);
        assert_eq!(after.wall, Wall(EPOCH_MS - 88_005));
    }
}
