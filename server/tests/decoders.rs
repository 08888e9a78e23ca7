//! The decoders of `decoders/targets.rs`, on good bytes as they are and changed a little.

#[path = "../../sim/tests/golden/mod.rs"]
mod golden;
#[path = "decoders/targets.rs"]
mod targets;

use esker_server::journal::{draft, entry};
use esker_server::properties;

#[test]
fn journal_entries() {
    golden::run(targets::TARGETS, "journal-entries");
}

#[test]
fn property_files() {
    golden::run(targets::TARGETS, "properties");
}
