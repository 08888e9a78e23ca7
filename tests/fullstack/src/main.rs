//! `ci/fullstack` builds and runs this.

#[cfg(madsim)]
fn main() -> std::process::ExitCode {
    <esker_fullstack::cli::Cli as clap::Parser>::parse().run()
}

#[cfg(not(madsim))]
fn main() {
    eprintln!("this is built for the simulated runtime: ci/fullstack does it");
    std::process::exit(2);
}
