//! The simulator alone; the shipped binary has it as `esker sim`.

use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    esker_sim::cli::main(&args)
}
