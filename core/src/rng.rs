//! Deterministic random numbers, split statelessly by purpose: the same `(seed, stream, counter)` gives the same number.
//!
//! The core has no randomness of its own: the seed is part of the node's configuration. The shell takes it from the
//! operating system, the simulator from its plan.

/// A stream of random numbers (SplitMix64, Steele et al. 2014).
#[derive(Clone, Debug)]
pub struct Rng {
    state: u64,
}

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Rng {
    /// The stream `stream` of `seed`; streams do not overlap in practice.
    pub const fn new(seed: u64, stream: u64) -> Self {
        Self { state: mix(seed ^ mix(stream.wrapping_add(GOLDEN))) }
    }

    pub const fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(GOLDEN);
        mix(self.state)
    }

    /// A number below `bound`; zero for a bound of zero. Slightly uneven for bounds near 2^64, which none here is.
    pub const fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 {
            return 0;
        }
        ((self.next_u64() as u128 * bound as u128) >> 64) as u64
    }

    pub const fn next_u128(&mut self) -> u128 {
        (self.next_u64() as u128) << 64 | self.next_u64() as u128
    }
}

#[cfg(test)]
mod tests {
    use super::Rng;

    #[test]
    fn streams_repeat_and_differ() {
        let mut one = Rng::new(7, 1);
        let mut again = Rng::new(7, 1);
        let mut other = Rng::new(7, 2);
        let drawn = one.next_u64();
        assert_eq!(drawn, again.next_u64());
        assert_ne!(drawn, other.next_u64());
        assert!((0..1000).all(|_| one.below(10) < 10));
        assert_eq!(one.below(0), 0);
    }
}
