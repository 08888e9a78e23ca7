//! The binary `esker`; all of it is in the library.

fn main() -> std::process::ExitCode {
    esker_server::cli::main()
}
