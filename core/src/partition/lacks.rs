//! What a log lacks (`lost` says what follows).

use crate::id::Offset;

/// How far a log was committed that is not there: nobody knows.
pub const ANYTHING: Offset = Offset(i64::MAX);

/// What a log lacks of what it had promised, and another may have: until it has it again, or nobody relies on it, or has more.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Lacks {
    /// It had promised everything before this, and ends below.
    pub end: Option<Offset>,
    /// It was opened with damage before its end, and knows nothing of the epochs and producers that were there.
    pub hole: bool,
    /// It was to start here, behind its end and above all that was committed. It is not believed; but if it is true, what is here is old.
    pub start: Option<Offset>,
}

impl Lacks {
    pub fn any(self) -> bool {
        self != Self::default()
    }
}
