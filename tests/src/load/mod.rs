//! A load generator that costs less than the broker it loads: batches encoded beforehand, requests pipelined, answers barely read.

mod consume;
mod echo;
mod pace;
mod produce;
mod timing;

pub use consume::{Consume, consume};
pub use echo::{Echo, echo};
pub use pace::{Pace, pace};
pub use produce::{Produce, produce};
pub use timing::Timing;
