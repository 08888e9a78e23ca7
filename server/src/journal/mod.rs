//! The journal: where writes become durable before their files do.
//!
//! A sync of a file that grows takes the medium three turns (data, length, flush); a direct write over blocks that were written
//! before takes one, and one such write serves all files that are dirty. So each round of appends is written a second time, into
//! one file that is never made longer, and is durable there; the files themselves are synced later, many rounds at once.
//!
//! ```text
//! esker.journal    slot 0 │ slot 1 │ … │ slot 15      written in turn
//!                  entry entry entry …                as `entry` draws them, and `draft` makes them
//! ```
//! * `gather` has what is not written yet.
//! * `store` writes. Before a slot is begun anew, everything that it speaks of is made durable in the files (`esker-checkpoint`).
//! * `replay` reads at the start, before anybody opens a file, puts back what the files lack, and empties the journal. What was durable
//!   and is damaged ends the start, if anything stands behind it (`scan`); so does a journal that is gone and was in use.
//! * What a file's bytes are is said by its *last* item. So before a file is cut, renamed, deleted or made anew, what
//!   the journal says of it is made durable in the file, and an item says that none of it holds any more.
//!
//! Only the logs' own files (`.log`) go through it: everything else is written rarely. A round that has very much for one file
//! does not either: that file is synced.

pub mod draft;
pub mod entry;
mod file;
mod gather;
mod replay;
mod scan;
mod store;

pub use file::{exists, remove};
pub use gather::Gather;
pub use replay::replay;
pub use store::{Store, Subject};

#[cfg(test)]
mod damage_tests;
#[cfg(test)]
mod tests;
