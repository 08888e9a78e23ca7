//! `ci/fullstack` builds and runs this.

#[cfg(madsim)]
fn main() -> std::process::ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    esker_fullstack::cli::main(&args)
}

#[cfg(not(madsim))]
fn main() {
    eprintln!("this is built for the simulated runtime: ci/fullstack does it");
    std::process::exit(2);
}
