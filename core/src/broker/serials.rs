//! Serials under [`Owner::Node`](crate::io::Owner::Node) behind those of the boot.

use super::boot;

/// Nobody waits for the completion of these.
pub(super) const CHECKPOINT: u64 = boot::SERIAL_FREE;
pub(super) const META: u64 = boot::SERIAL_FREE + 1;
/// The marker of a clean stop.
pub(super) const MARK: u64 = boot::SERIAL_FREE + 2;
/// The checkpoint of the logs' starts.
pub(super) const STARTS: u64 = boot::SERIAL_FREE + 3;
/// The folder of a stray, on its way to another name.
pub(super) const STRAY: u64 = boot::SERIAL_FREE + 4;
/// From here on a serial is that of the removal of a folder, `REMOVALS + dir`.
pub(super) const REMOVALS: u64 = 1 << 32;
