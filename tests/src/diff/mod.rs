//! The same script against two brokers, and what differs in their answers.

mod canon;
mod intended;
mod script;

pub use canon::{Names, leaves};
pub use intended::{Difference, Intended};
pub use script::{Outcomes, Script};
