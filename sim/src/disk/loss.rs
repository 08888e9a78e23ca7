//! What a crash takes.

use serde::{Deserialize, Serialize};

/// What a crash does to what was not durable.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Loss {
    /// Only the process died: the page cache is whole.
    Nothing,
    /// All is lost.
    All,
    /// A first part was written, up to any byte.
    Torn,
    /// Some pages were written, in no order.
    Pages,
}
