fn main() -> std::process::ExitCode {
    esker_server::cli::main()
}
