//! Random numbers of a run, split statelessly: the same `(seed, stream, entity, counter)` always gives the same dice, so that
//! taking one fault or one client out of a plan does not change what the others draw.

use esker_core::rng::Rng;

/// What a draw is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Stream {
    /// Drawing the plan itself.
    Plan = 1,
    /// Delay of a frame on a connection.
    Link,
    /// Cost of a disk operation.
    Disk,
    /// What a crash leaves on a disk.
    Crash,
    /// What a client does next.
    Client,
    /// The seed that a node is given at a start, and where its clock begins.
    Node,
    /// What a fault of the plan picks when it strikes.
    Fault,
}

/// A short-lived source of random numbers.
#[derive(Clone, Debug)]
pub struct Dice(Rng);

impl Dice {
    pub const fn new(seed: u64, stream: Stream, entity: u64, counter: u64) -> Self {
        Self(Rng::new(seed, (stream as u64) << 56 ^ entity << 40 ^ counter))
    }

    pub const fn number(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number from `low` to `high`, both included.
    pub const fn between(&mut self, low: u64, high: u64) -> u64 {
        assert!(low <= high, "an empty range");
        low + self.0.below(high - low + 1)
    }

    /// A number below `bound`.
    pub const fn below(&mut self, bound: u64) -> u64 {
        self.0.below(bound)
    }

    /// True `of` times in `all`.
    pub const fn chance(&mut self, of: u64, all: u64) -> bool {
        self.0.below(all) < of
    }

    /// A number from `low` to `high` of which each order of magnitude is equally likely: most draws are small.
    pub const fn skewed(&mut self, low: u64, high: u64) -> u64 {
        assert!(low >= 1 && low <= high, "an empty range");
        let low_bits = low.ilog2() as u64;
        let high_bits = high.ilog2() as u64;
        let bits = self.between(low_bits, high_bits);
        let drawn = (1u64 << bits) + self.0.below(1u64 << bits);
        if drawn < low {
            low
        } else if drawn > high {
            high
        } else {
            drawn
        }
    }

    /// One of `choices`, which must not be empty.
    pub fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.0.below(choices.len() as u64) as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::{Dice, Stream};

    #[test]
    fn draws_depend_on_each_part_of_their_name_only() {
        let draw = |seed, stream, entity, counter| Dice::new(seed, stream, entity, counter).number();
        let one = draw(1, Stream::Link, 2, 3);
        assert_eq!(one, draw(1, Stream::Link, 2, 3));
        assert_ne!(one, draw(2, Stream::Link, 2, 3));
        assert_ne!(one, draw(1, Stream::Disk, 2, 3));
        assert_ne!(one, draw(1, Stream::Link, 3, 3));
        assert_ne!(one, draw(1, Stream::Link, 2, 4));
    }

    #[test]
    fn ranges_are_kept() {
        let mut dice = Dice::new(9, Stream::Plan, 0, 0);
        for _ in 0..1000 {
            assert!((3..=5).contains(&dice.between(3, 5)));
            assert!((7..=900).contains(&dice.skewed(7, 900)));
            assert!(dice.below(4) < 4);
        }
        assert!(dice.chance(1, 1) && !dice.chance(0, 1));
    }
}
