//! The bugs, each with what it breaks and its name.
//!
//! One enum in several files: each is a macro that hands what came before it and its own bugs on to the next one.

#[macro_use]
mod answered;
#[macro_use]
mod asked;
#[macro_use]
mod awaited;
#[macro_use]
mod lower;
#[macro_use]
mod named;
#[macro_use]
mod planted;

macro_rules! mutants {
    ($($(#[doc = $what:literal])+ $name:ident = $text:literal,)+) => {
        /// A named bug.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
        #[repr(u16)]
        pub enum Mutant {
            $($(#[doc = $what])+ $name,)+
        }

        /// Every named bug, in the order of the list.
        pub const ALL: &[Mutant] = &[$(Mutant::$name,)+];

        impl Mutant {
            /// Its name on the command line and in plans.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }

            /// What it breaks, in a sentence.
            pub const fn breaks(self) -> &'static str {
                match self { $(Self::$name => concat!($($what),+),)+ }
            }
        }
    };
}

macro_rules! then_planted {
    ($($before:tt)*) => { planted! { then_lower! $($before)* } };
}

macro_rules! then_lower {
    ($($before:tt)*) => { lower! { then_asked! $($before)* } };
}

macro_rules! then_asked {
    ($($before:tt)*) => { asked! { then_answered! $($before)* } };
}

macro_rules! then_answered {
    ($($before:tt)*) => { answered! { then_awaited! $($before)* } };
}

macro_rules! then_awaited {
    ($($before:tt)*) => { awaited! { mutants! $($before)* } };
}

named! { then_planted! }
