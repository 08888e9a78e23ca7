//! How the process ends when something is wrong: one line, and a code a script can tell apart.

use std::fmt;
use std::process::ExitCode;

/// Exit codes of `esker`; `esker serve --help` lists them. 2 is a wrong command line (clap's own).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Code {
    /// A command did not get what it asked for.
    Failed = 1,
    /// The configuration is not accepted.
    Config = 3,
    /// The data folder is another node's, another cluster's, Kafka's, in use, or its journal is damaged.
    Folder = 4,
    /// An address cannot be listened on.
    Address = 5,
    /// The node stopped because its storage failed.
    Storage = 6,
}

/// Why the process ends, in one line that names the thing and the remedy.
#[derive(Debug)]
pub struct Failure {
    pub code: Code,
    pub line: String,
    /// Trying again cannot help.
    pub is_final: bool,
}

impl Failure {
    pub fn new(code: Code, line: impl Into<String>) -> Self {
        Self { code, line: line.into(), is_final: false }
    }

    /// Trying again cannot help.
    #[must_use]
    pub fn for_good(self) -> Self {
        Self { is_final: true, ..self }
    }

    /// Of a command.
    pub fn failed(line: impl Into<String>) -> Self {
        Self::new(Code::Failed, line)
    }

    pub fn report(self) -> ExitCode {
        eprintln!("esker: {}", self.line);
        ExitCode::from(self.code as u8)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.line)
    }
}
