//! Lines on standard output.

use std::fmt::Arguments;
use std::io::{ErrorKind, Write as _};

/// Prints a line. Who reads no further (`| head`) ends the program in silence.
///
/// # Panics
/// Where standard output cannot be written for another reason.
pub fn line(line: Arguments<'_>) {
    match writeln!(std::io::stdout().lock(), "{line}") {
        Err(why) if why.kind() == ErrorKind::BrokenPipe => std::process::exit(0),
        done => done.expect("standard output takes a line"),
    }
}

/// As `println!`, by [`line`].
macro_rules! say {
    ($($words:tt)*) => { $crate::say::line(format_args!($($words)*)) };
}
pub(crate) use say;
