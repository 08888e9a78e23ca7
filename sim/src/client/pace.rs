//! When a client that acts now and then acts next.

use crate::dice::Dice;

/// Acts follow each other after half a pause to one and a half, until the client is to begin nothing new.
#[derive(Debug)]
pub struct Pace {
    pause_us: u64,
    next: u64,
    quiet: bool,
}

impl Pace {
    pub const fn new(pause_us: u64) -> Self {
        Self { pause_us, next: pause_us, quiet: false }
    }

    /// Nothing new is begun from now on.
    pub const fn hush(&mut self) {
        self.quiet = true;
    }

    pub const fn is_due(&self, now: u64) -> bool {
        !self.quiet && now >= self.next
    }

    /// It acts now: draws when it does again.
    pub fn step(&mut self, now: u64, dice: &mut Dice) {
        self.next = now + 1 + dice.between(self.pause_us / 2, self.pause_us * 3 / 2);
    }

    pub fn next_wake(&self) -> Option<u64> {
        (!self.quiet).then_some(self.next)
    }
}
