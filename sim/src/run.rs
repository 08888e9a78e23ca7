//! One plan, run once: what came of it.

use crate::check::Anomaly;
use crate::film::Film;
use crate::history::History;
use crate::marks::Table;
use crate::plan::Plan;
use crate::trace::Keep;
use crate::world::{Failure, Kind, World};
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

/// What a run came to.
#[derive(Debug)]
pub struct Outcome {
    pub seed: u64,
    pub failure: Option<Failure>,
    pub events: u64,
    pub virtual_us: u64,
    /// Equal for equal plans, in every process.
    pub hash: u64,
    /// Of every disk and node at the end; 0 where the trace was not kept.
    pub state: u64,
    pub faults: Table,
    pub marks: Table,
    /// The last lines of the trace, if they were kept.
    pub lines: Vec<String>,
    pub history: History,
    /// What [`film`] saw.
    pub film: Option<Film>,
}

thread_local! {
    /// Whether this thread runs a plan, for the panic hook.
    static RUNS: Cell<bool> = const { Cell::new(false) };
    static PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

static HOOK: Once = Once::new();

/// Panics of a run are its failure, not the program's.
fn install_hook() {
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !RUNS.get() {
                return before(info);
            }
            let place = info.location().map_or_else(String::new, |at| format!("{}:{}: ", at.file(), at.line()));
            let text = info.payload_as_str().unwrap_or("a panic without words");
            PANIC.set(Some(format!("{place}{text}")));
        }));
    });
}

/// Runs a plan to its end, or until `until`.
pub fn run(plan: &Plan, keep: Keep, until: u64) -> Outcome {
    play(World::new(plan.clone(), keep), until)
}

/// The same run, filmed.
pub fn film(plan: &Plan, keep: Keep, until: u64) -> Outcome {
    let mut world = World::new(plan.clone(), keep);
    world.film = Some(Film::default());
    play(world, until)
}

fn play(mut world: World, until: u64) -> Outcome {
    install_hook();
    RUNS.set(true);
    let ran = catch_unwind(AssertUnwindSafe(|| world.run(until)));
    RUNS.set(false);
    if ran.is_err() {
        let what = PANIC.take().unwrap_or_default();
        world.failure = Some(Failure { kind: Kind::Panic, anomaly: Anomaly::new("panic", world.now, what) });
    }
    world.marks.on_end(&world.history);
    Outcome {
        seed: world.plan.seed,
        events: world.trace.events(),
        virtual_us: world.now,
        hash: world.trace.value(),
        state: if world.trace.wants_lines() { world.state() } else { 0 },
        lines: world.trace.lines().map(str::to_string).collect(),
        faults: std::mem::take(&mut world.faults),
        marks: world.marks.table(),
        history: std::mem::take(&mut world.history),
        film: world.film.take(),
        failure: world.failure.take(),
    }
}

/// Whether two failures are the same one: of the same kind, and of the same property (a panic: at the same place; what does not come: of the
/// same thing, whatever its numbers and names are).
pub fn same(one: &Failure, other: &Failure) -> bool {
    let head = |failure: &Failure| failure.anomaly.what.split(": ").next().unwrap_or_default().to_string();
    let plain = |word: &&str| !word.contains(|letter: char| letter.is_ascii_digit() || letter == '_');
    let place = |failure: &Failure| match failure.kind {
        Kind::Panic => head(failure),
        Kind::Liveness => head(failure).split(' ').filter(plain).collect::<Vec<_>>().join(" "),
        _ => failure.anomaly.kind.to_string(),
    };
    one.kind == other.kind && place(one) == place(other)
}
