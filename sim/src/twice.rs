//! The same run twice, line by line: where do two traces part?

use crate::say::say;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// How many lines are shown that both runs have, before they part.
const BEFORE: usize = 8;

/// A run in a process of its own, with `--trace`.
fn start(program: &Path, verb_before: &[String], which: &[String], perturbed: bool) -> Result<Child, String> {
    let mut command = Command::new(program);
    command.args(verb_before).arg("replay").args(which).arg("--trace").stdout(Stdio::piped()).stderr(Stdio::null());
    if perturbed {
        let noise = "x".repeat(5_000);
        let other =
            [("ESKER_NOISE", noise.as_str()), ("RUST_BACKTRACE", "1"), ("MALLOC_ARENA_MAX", "1"), ("TZ", "Asia/Tokyo")];
        command.envs(other);
    }
    command.spawn().map_err(|error| format!("{}: {error}", program.display()))
}

/// What two runs came to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Compared {
    Same {
        lines: u64,
        last: Option<String>,
    },
    /// At that line; what both had before it, and what each has there.
    Parted {
        line: u64,
        before: Vec<String>,
        first: Option<String>,
        second: Option<String>,
    },
}

/// Compares line by line.
pub fn compare(mut first: impl Iterator<Item = String>, mut second: impl Iterator<Item = String>) -> Compared {
    let mut before = std::collections::VecDeque::new();
    for line in 1.. {
        match (first.next(), second.next()) {
            (None, None) => return Compared::Same { lines: line - 1, last: before.pop_back() },
            (Some(one), Some(other)) if one == other => {
                if before.len() == BEFORE {
                    before.pop_front();
                }
                before.push_back(one);
            }
            (first, second) => return Compared::Parted { line, before: before.into(), first, second },
        }
    }
    unreachable!("lines can be counted")
}

/// Runs `which` twice (or `which`, then `other`), the second time with other surroundings, or by another program.
///
/// # Errors
/// A process that cannot be started, and runs that came to no end: they have nothing to compare.
pub fn twice(
    program: &Path,
    other_program: &Path,
    verb_before: &[String],
    which: &[String],
    other: &[String],
) -> Result<Compared, String> {
    // Another program is the simulator itself, which has no words before the verb.
    let prefix = if other_program == program { verb_before } else { &[] };
    let mut first = start(program, verb_before, which, false)?;
    let mut second = start(other_program, prefix, other, true)?;
    let lines = |child: &mut Child| {
        let out = child.stdout.take().expect("its output is a pipe");
        BufReader::new(out).lines().map_while(Result::ok)
    };
    let compared = compare(lines(&mut first), lines(&mut second));
    for child in [&mut first, &mut second] {
        // Where they parted the rest is nobody's business.
        let _ = child.kill();
        let _ = child.wait();
    }
    match &compared {
        Compared::Same { last, .. } if !last.as_ref().is_some_and(|last| last.starts_with("trace hash ")) => {
            Err("neither run came to its end".into())
        }
        _ => Ok(compared),
    }
}

impl Compared {
    pub fn print(&self) {
        match self {
            Self::Same { lines, .. } => say!("the same: {lines} lines"),
            Self::Parted { line, before, first, second } => {
                before.iter().for_each(|line| say!("  {line}"));
                let none = || "(ends here)".to_string();
                say!("line {line} is the first to differ\n- {}", first.clone().unwrap_or_else(none));
                say!("+ {}", second.clone().unwrap_or_else(none));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> impl Iterator<Item = String> {
        text.split(' ').map(str::to_string)
    }

    #[test]
    fn the_first_line_that_differs_is_named() {
        assert_eq!(compare(lines("a b c"), lines("a b c")), Compared::Same { lines: 3, last: Some("c".into()) });
        let parted = compare(lines("a b c"), lines("a x c"));
        let (before, first, second) = (vec!["a".into()], Some("b".into()), Some("x".into()));
        assert_eq!(parted, Compared::Parted { line: 2, before, first, second });
        let short = compare(lines("a"), lines("a b"));
        assert!(matches!(short, Compared::Parted { line: 2, first: None, .. }));
    }
}
