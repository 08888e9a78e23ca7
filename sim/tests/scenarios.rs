//! Every scenario of `tests/scenarios/` gives the answers that stand in it, and every bug that it says it kills changes them.
//!
//! `ESKER_SCENARIOS=rewrite cargo test -p esker-sim --test scenarios` writes the answers anew, to be read as a diff;
//! `ESKER_SCENARIO=name` plays one alone. The bugs need `--features mutants`.

use esker_core::mutant;
use esker_sim::script::{named, play};
use esker_sim::trace::Keep;
use std::path::{Path, PathBuf};

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/scenarios");
    let entries = std::fs::read_dir(folder).expect("the scenarios are there");
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    let only = std::env::var("ESKER_SCENARIO").unwrap_or_default();
    files.retain(|file| file.extension().is_some_and(|end| end == "scenario"));
    files.retain(|file| only.is_empty() || file.file_stem().is_some_and(|stem| stem.to_string_lossy() == only));
    files.sort();
    assert!(!files.is_empty(), "no scenario proves nothing");
    files
}

/// The first line that differs, beside what it is instead.
fn difference(was: &str, is: &str) -> String {
    let lines = was.lines().zip(is.lines()).enumerate();
    let first = lines.into_iter().find(|(_, (was, is))| was != is);
    match first {
        Some((place, (was, is))) => format!("line {}: expected {was:?}, got {is:?}", place + 1),
        None => "one has more lines than the other".into(),
    }
}

// One test: a bug is switched on for the whole process.
#[test]
fn every_scenario_is_as_it_is_written() {
    assert!(mutant::select("none"));
    let rewrite = std::env::var("ESKER_SCENARIOS").is_ok_and(|how| how == "rewrite");
    let mut wrong = Vec::new();
    for file in files() {
        let name = file.file_stem().expect("a file has a name").to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&file).expect("a scenario can be read");
        if named(&text, "Source").is_empty() {
            wrong.push(format!("{name}: says no source"));
        }
        let played = play(&text, Keep::Nothing);
        if let Some(broken) = played.broken {
            wrong.push(format!("{name}: {broken}"));
        } else if played.text != text && rewrite {
            std::fs::write(&file, &played.text).expect("a scenario can be written");
        } else if played.text != text {
            wrong.push(format!("{name}: {}", difference(&text, &played.text)));
        } else if cfg!(feature = "mutants") {
            wrong.extend(survivors(&name, &text));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The bugs that a scenario says it kills, and does not.
fn survivors(name: &str, text: &str) -> Vec<String> {
    let mut alive = Vec::new();
    for bug in named(text, "Kills") {
        if !mutant::select(bug) {
            alive.push(format!("{name}: there is no bug {bug}"));
            continue;
        }
        let played = std::panic::catch_unwind(|| play(text, Keep::Nothing));
        assert!(mutant::select("none"));
        if played.is_ok_and(|played| played.broken.is_none() && played.text == text) {
            alive.push(format!("{name}: {bug} lives"));
        }
    }
    alive
}
