//! How the process ends when something is wrong: one line, and a code a script can tell apart.

use std::fmt;
use std::io::Write as _;
use std::process::ExitCode;

/// Exit codes of `esker`; `esker serve --help` lists them. 2 is a wrong command line (clap's own).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Code {
    /// A command did not get what it asked for.
    Failed = 1,
    /// The configuration is not accepted.
    Config = 3,
    /// The data folder is another node's, another cluster's, Kafka's, in use, or its journal is damaged or gone.
    Folder = 4,
    /// An address cannot be listened on.
    Address = 5,
    /// The node stopped because its storage failed.
    Storage = 6,
}

/// What may help where something failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Why {
    /// To try again.
    Passing,
    /// To look up again who leads, and then to try again.
    Stale,
    /// Nothing.
    Final,
}

/// Why the process ends, in one line that names the thing and the remedy.
#[derive(Debug)]
pub struct Failure {
    pub code: Code,
    pub line: String,
    pub why: Why,
}

impl Failure {
    pub fn new(code: Code, line: impl Into<String>) -> Self {
        Self { code, line: line.into(), why: Why::Passing }
    }

    /// Trying again cannot help.
    #[must_use]
    pub fn for_good(self) -> Self {
        Self { why: Why::Final, ..self }
    }

    /// Another node may lead by now.
    #[must_use]
    pub fn stale(self) -> Self {
        Self { why: Why::Stale, ..self }
    }

    pub fn is_final(&self) -> bool {
        self.why == Why::Final
    }

    /// Of a command.
    pub fn failed(line: impl Into<String>) -> Self {
        Self::new(Code::Failed, line)
    }

    pub fn report(self) -> ExitCode {
        say(format_args!("esker: {}", self.line));
        ExitCode::from(self.code as u8)
    }
}

/// A line for whoever watches. Where nobody can read it any more the work goes on (`eprintln` would panic).
pub fn say(line: impl fmt::Display) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.line)
    }
}
