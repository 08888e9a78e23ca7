//! The simulator alone; the shipped binary has it as `esker sim`.

use clap::Parser;
use esker_sim::cli::{EXIT_CODES, Sim};
use std::process::ExitCode;

/// Crash a cluster on purpose, from a seed, and replay it
#[derive(Parser)]
#[command(name = "esker-sim", version, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    sim: Sim,
}

fn main() -> ExitCode {
    Cli::parse().sim.run()
}
