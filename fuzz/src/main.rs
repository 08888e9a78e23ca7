//! libFuzzer over the decoders: `ESKER_FUZZ_TARGET` names one of them (`sim/tests/golden/targets.rs`, `server/tests/decoders/targets.rs`).
//! With `ESKER_FUZZ_WRITE` its good bytes are written into that folder, and nothing is run. `ci/fuzz` builds and calls it.

#![no_main]

// Of the server these three files alone: what it stands on takes longer to build than all else.
#[allow(dead_code, reason = "the server's journal writes with it; here nobody does")]
#[path = "../../server/src/journal/draft.rs"]
mod draft;
#[allow(dead_code, reason = "what only the journal's writer calls has no caller here")]
#[path = "../../server/src/journal/entry.rs"]
mod entry;
#[path = "../../sim/tests/golden/mod.rs"]
mod golden;
#[path = "../../server/src/properties.rs"]
mod properties;
#[path = "../../server/tests/decoders/targets.rs"]
mod server;

use golden::found;
use golden::targets::{self, Target};
use libfuzzer_sys::fuzz_target;
use std::path::Path;
use std::sync::OnceLock;

/// The one that is named; without a name all are listed, each with the number of inputs that take a second or so.
fn chosen() -> &'static Target {
    static CHOSEN: OnceLock<&Target> = OnceLock::new();
    CHOSEN.get_or_init(|| {
        let all = || targets::TARGETS.iter().chain(server::TARGETS);
        let name = std::env::var("ESKER_FUZZ_TARGET").unwrap_or_default();
        all().find(|target| target.name == name).unwrap_or_else(|| {
            all().for_each(|target| println!("{} {}", target.name, target.usual));
            std::process::exit(i32::from(!name.is_empty()));
        })
    })
}

/// What the fuzzer begins with.
fn write_seeds(target: &Target, folder: &Path) {
    std::fs::create_dir_all(folder).expect("a folder for the seeds");
    for (number, bytes) in (target.seeds)().into_iter().chain(found(target.name)).enumerate() {
        std::fs::write(folder.join(format!("seed-{number}")), bytes).expect("a seed");
    }
}

fuzz_target!(
    init: {
        if let Some(folder) = std::env::var_os("ESKER_FUZZ_WRITE") {
            write_seeds(chosen(), Path::new(&folder));
            std::process::exit(0);
        }
        chosen();
    },
    |bytes: &[u8]| (chosen().run)(bytes)
);
