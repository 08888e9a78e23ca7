//! Promises to clients, judged from a history alone, in linear time (and a sort).
//!
//! A new promise is a new file with `pub fn check(view: &View) -> Vec<Anomaly>`, its words at the top, a history that it catches and
//! a near miss that it passes; and a line in [`ALL`].

pub mod aborted_read;
pub mod append_order;
pub mod commit_lost;
pub mod commit_place;
pub mod cycles;
pub mod deleted_read;
pub mod duplicate;
pub mod forgotten;
pub mod fresh_end;
pub mod inconsistent_offsets;
pub mod lost_write;
pub mod poll_order;
pub mod replaced_commit;
pub mod send_order;
pub mod stale_commit;
pub mod two_owners;
pub mod unseen;
mod view;

#[cfg(test)]
mod story;

pub use view::{Op, View};

use crate::check::Anomaly;
use crate::history::History;

/// A property of a history.
pub type Property = fn(&View<'_>) -> Vec<Anomaly>;

/// Every property.
pub const ALL: &[(&str, Property)] = &[
    ("inconsistent-offsets", inconsistent_offsets::check),
    ("duplicate", duplicate::check),
    ("aborted-read", aborted_read::check),
    ("lost-write", lost_write::check),
    ("unseen", unseen::check),
    ("poll-order", poll_order::check),
    ("send-order", send_order::check),
    ("append-order", append_order::check),
    ("fresh-end", fresh_end::check),
    ("cycles", cycles::check),
    ("commit-lost", commit_lost::check),
    ("commit-comes-back", forgotten::check),
    ("commit-place", commit_place::check),
    ("deleted-read", deleted_read::check),
    ("two-owners", two_owners::check),
    ("stale-commit", stale_commit::check),
    ("replaced-commit", replaced_commit::check),
];

/// Judges a history by every property; the worst first is not known, so: in the order of [`ALL`].
pub fn judge(history: &History) -> Vec<Anomaly> {
    let view = View::of(history);
    ALL.iter().flat_map(|(_, property)| property(&view)).collect()
}
