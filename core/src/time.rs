//! The two clocks a machine is told: it never reads one itself.

use core::fmt;
use core::ops::{Add, Sub};

/// Monotonic time, in microseconds since an origin that the caller chose. Deadlines are `Mono`.
/// It never goes back within one process (or one simulated incarnation).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Mono(pub u64);

/// Wall-clock time, in milliseconds since the Unix epoch, as Kafka's timestamps are. It may jump either way.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Wall(pub i64);

/// A length of time, in microseconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span(pub u64);

/// The moment at which an input is handled.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Now {
    pub mono: Mono,
    pub wall: Wall,
}

impl Span {
    pub const ZERO: Self = Self(0);

    pub const fn from_millis(ms: u64) -> Self {
        Self(ms.saturating_mul(1000))
    }

    /// A Kafka duration in milliseconds: negative means "none" and saturates to zero.
    pub const fn from_kafka_millis(ms: i64) -> Self {
        if ms < 0 { Self::ZERO } else { Self::from_millis(ms as u64) }
    }

    pub const fn as_millis(self) -> u64 {
        self.0 / 1000
    }
}

/// The first of several deadlines, if there is one. Asked after every input: it allocates nothing and calls nothing.
#[inline]
pub fn earliest<const N: usize>(deadlines: [Option<Mono>; N]) -> Option<Mono> {
    let mut first = None;
    for at in deadlines {
        first = match (first, at) {
            (Some(one), Some(other)) if other < one => at,
            (None, _) => at,
            (Some(_), _) => first,
        };
    }
    first
}

impl Mono {
    /// The time from `earlier` to `self`; zero when `earlier` is later.
    pub const fn since(self, earlier: Self) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Span> for Mono {
    type Output = Self;
    fn add(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl Sub<Span> for Mono {
    type Output = Self;
    fn sub(self, span: Span) -> Self {
        Self(self.0.saturating_sub(span.0))
    }
}

impl fmt::Display for Mono {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:06}s", self.0 / 1_000_000, self.0 % 1_000_000)
    }
}

impl fmt::Debug for Mono {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Wall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}ms", self.0)
    }
}

impl fmt::Debug for Wall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}us", self.0)
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
