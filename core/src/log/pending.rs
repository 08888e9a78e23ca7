//! Changes on their way to the disk.

use crate::id::Offset;

/// What the completion of a change means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Then {
    /// The folder is there: recovery begins.
    Folder,
    /// Batches up to `end` are in the file (and on the medium, where that was asked for): `segment` has so many bytes.
    Written {
        segment: Option<(Offset, u64)>,
        end: Offset,
    },
    /// The last segment was cut.
    Cut,
    /// The last step of opening.
    Opened,
    /// The last step of closing.
    Closed,
    Nothing,
}

/// A change on its way to the disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pending {
    pub serial: u64,
    pub then: Then,
}
