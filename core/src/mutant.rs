//! Named bugs, compiled in by the test feature `mutants` and chosen one at a time while the program runs.
//!
//! They prove that the simulator's net catches: every one must be found by `esker sim run`. Without the feature [`is`]
//! is `false` at compile time and nothing of this is left in the program.
//!
//! Where a machine makes a promise it carries one line, `if mutant::is(Mutant::AckBeforeSync) { … }`, and `list`
//! has a line that says what the bug breaks.

mod list;

/// The bugs of the shell: only a simulation that runs the server can find them.
pub const SHELL: &[Mutant] = &[
    Mutant::ShellAckBeforeSync,
    Mutant::ShellRepliesCrossed,
    Mutant::ShellLostWakeUp,
    Mutant::ShellNotFlushed,
    Mutant::ShellStopDrops,
];

#[cfg(feature = "mutants")]
mod chosen {
    use super::{ALL, Mutant};
    use core::sync::atomic::{AtomicU16, Ordering};

    const NONE: u16 = u16::MAX;
    static CHOSEN: AtomicU16 = AtomicU16::new(NONE);

    /// Whether this bug is switched on.
    #[inline]
    pub fn is(mutant: Mutant) -> bool {
        CHOSEN.load(Ordering::Relaxed) == mutant as u16
    }

    /// Switches on the bug of that name for the whole process, and every other off; `none`: all off. `false`: no such name.
    pub fn select(name: &str) -> bool {
        let found = ALL.iter().find(|m| m.name() == name);
        if found.is_none() && name != "none" {
            return false;
        }
        CHOSEN.store(found.map_or(NONE, |m| *m as u16), Ordering::Relaxed);
        true
    }
}

#[cfg(not(feature = "mutants"))]
mod chosen {
    use super::Mutant;

    /// Without the feature there is no bug.
    #[inline(always)]
    pub const fn is(_: Mutant) -> bool {
        false
    }

    /// Without the feature only `none` can be chosen.
    pub fn select(name: &str) -> bool {
        name == "none"
    }
}

pub use chosen::{is, select};
pub use list::{ALL, Mutant};

#[cfg(test)]
mod tests {
    use super::{ALL, Mutant, is, select};

    #[test]
    fn names_are_different_and_one_is_chosen_at_a_time() {
        for (place, one) in ALL.iter().enumerate() {
            assert!(ALL.iter().skip(place + 1).all(|other| other.name() != one.name()), "{}", one.name());
        }
        assert!(!select("no such bug"));
        assert_eq!(select("append-duplicate"), cfg!(feature = "mutants"));
        assert_eq!(is(Mutant::AppendDuplicate), cfg!(feature = "mutants"));
        assert!(select("none"));
        assert!(!is(Mutant::AppendDuplicate));
    }
}
