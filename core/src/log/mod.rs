//! One log: batches in segments on disk, found by offset, epoch and time, with the producers' state beside them.
//!
//! A machine without I/O: it names [`DiskOp`](crate::io::DiskOp)s under [`Owner::Log`](crate::io::Owner::Log) and is told how they
//! ended by [`Log::on_disk`]. `start ≤ synced ≤ end`: what was appended is readable at once (from memory until it is
//! written), and is promised to nobody before `synced` has passed it.
//!
//! A question that needs the disk first is answered `Wait`, the reads it needs are issued, and the one who asked asks again
//! after [`LogEvent::Warm`].

mod answer;
mod append;
mod cold;
mod config;
mod cursor;
mod damage;
mod epochs;
#[cfg(test)]
pub(crate) mod fake;
mod find;
pub mod index;
pub mod layout;
mod lookup;
mod machine;
#[cfg(test)]
mod model;
mod pending;
mod producers;
mod read;
mod recover;
mod recovery;
mod replay;
mod retain;
mod roll;
mod scan;
mod segment;
mod settle;
pub mod snapshot;
mod strays;
mod tail;
mod truncate;

pub use answer::{Appended, Loading, LogEvent, Origin, Reading, TimeLookup};
pub use config::{LogConfig, Opening, SyncPolicy, TimestampType};
pub use machine::Log;
pub use producers::{Producer, Producers, WINDOW, Written};

use machine::Phase;
