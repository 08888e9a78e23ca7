//! The same seed twice, in two processes, the second with another environment and another layout of its memory: one trace hash.

use std::process::Command;

fn replay(seed: &str, perturbed: bool) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_esker-sim"));
    command.args(["replay", seed, "--until", "6"]);
    if perturbed {
        command
            .env("ESKER_NOISE", "x".repeat(4_000))
            .env("RUST_BACKTRACE", "1")
            .env("MALLOC_ARENA_MAX", "1")
            .current_dir("/");
    }
    let output = command.output().expect("the simulator runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    // Events, state and trace.
    text.lines().rev().take(3).collect::<Vec<_>>().join("\n")
}

#[test]
fn one_seed_has_one_trace() {
    for seed in ["1", "2", "3"] {
        let first = replay(seed, false);
        for told in ["events", "state hash", "trace hash"] {
            assert!(first.contains(told), "{told} is missing: {first}");
        }
        assert_eq!(first, replay(seed, true), "seed {seed}");
    }
    assert_ne!(replay("1", false), replay("2", false));
}
