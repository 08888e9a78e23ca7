//! The command line: one file a command.

mod ahead;
mod consume;
mod content;
mod eligible;
mod group;
mod interrupt;
mod log;
mod member;
mod metadata;
mod offsets;
mod produce;
mod segment;
mod serve;
mod topic;

use crate::exit::{Code, Failure};
use clap::{Args, Parser, Subcommand};
use std::io::Write;
use std::process::ExitCode;

#[derive(Parser)]
#[command(name = "esker", version, about = "A distributed commit log that speaks Kafka's protocol")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run a node
    Serve(serve::Serve),
    /// Create, list, describe and delete topics
    #[command(subcommand)]
    Topic(topic::Topic),
    /// Write lines of standard input, or of a file, to a topic
    Produce(produce::Produce),
    /// Print the records of a topic
    Consume(consume::Consume),
    /// List and describe consumer groups
    #[command(subcommand)]
    Group(group::Group),
    /// Print the first and the next offset of each partition
    Offsets(offsets::Offsets),
    /// Look at the cluster's metadata
    #[command(subcommand)]
    Metadata(metadata::Metadata),
    /// Look into log files
    #[command(subcommand)]
    Log(log::Log),
    /// Run the simulator: crash a cluster on purpose, from a seed, and replay it
    #[command(subcommand, after_help = esker_sim::cli::EXIT_CODES)]
    Sim(esker_sim::cli::Sim),
}

/// What every command that asks a broker takes.
#[derive(Args, Clone)]
struct Target {
    /// Addresses of brokers, separated by commas
    #[arg(short, long = "bootstrap-server", value_name = "HOST:PORT", default_value = "127.0.0.1:9092")]
    bootstrap: String,
    /// Print JSON, for scripts
    #[arg(long)]
    json: bool,
}

impl Target {
    fn open(&self) -> Result<crate::client::Cluster, Failure> {
        crate::client::Cluster::open(&self.bootstrap)
    }
}

pub fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Serve(serve) => serve.run(),
        Command::Topic(topic) => topic.run(),
        Command::Produce(produce) => produce.run(),
        Command::Consume(consume) => consume.run(),
        Command::Group(group) => group.run(),
        Command::Offsets(offsets) => offsets.run(),
        Command::Metadata(metadata) => metadata.run(),
        Command::Log(log) => log.run(),
        Command::Sim(sim) => return sim.run(),
    };
    done.map_or_else(Failure::report, |()| ExitCode::SUCCESS)
}

/// Prints one line. A reader that has gone away (`| head`) ends the command in silence.
fn print(line: impl std::fmt::Display) {
    match writeln!(std::io::stdout().lock(), "{line}") {
        Ok(()) => {}
        Err(why) if why.kind() == std::io::ErrorKind::BrokenPipe => std::process::exit(0),
        Err(why) => {
            let _ = Failure::failed(format!("cannot write the output: {why}")).report();
            std::process::exit(Code::Failed as i32);
        }
    }
}

/// Prints columns, each as wide as its longest cell.
fn table(head: &[&str], rows: &[Vec<String>]) {
    let mut widths: Vec<usize> = head.iter().map(|cell| cell.len()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: Vec<&str>| {
        let padded: Vec<String> = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        print(padded.join("  ").trim_end());
    };
    line(head.to_vec());
    rows.iter().for_each(|row| line(row.iter().map(String::as_str).collect()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
