//! `esker sim`: hands the rest of the command line to the simulator.

use clap::Args;
use std::process::ExitCode;

#[derive(Args)]
pub struct Sim {
    /// run, replay, … : `esker sim --help` says more
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<String>,
}

impl Sim {
    pub fn run(self) -> ExitCode {
        esker_sim::cli::main(&self.args)
    }
}
