//! One plan, run once: what came of it.

use crate::check::Anomaly;
use crate::history::History;
use crate::plan::Plan;
use crate::trace::Keep;
use crate::world::{Failure, Kind, World};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
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
    pub faults: BTreeMap<&'static str, u64>,
    pub marks: BTreeMap<&'static str, u64>,
    /// The last lines of the trace, if they were kept.
    pub lines: Vec<String>,
    pub history: History,
}

thread_local! {
    /// The seed that this thread runs, for the panic hook.
    static SEED: Cell<Option<u64>> = const { Cell::new(None) };
    static PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

static HOOK: Once = Once::new();

/// Panics of a run are its failure, not the program's. Where a panic aborts the process (the shipped binary) the seed is
/// printed and the process ends with the code of a panic.
fn install_hook() {
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let Some(seed) = SEED.get() else { return before(info) };
            let place = info.location().map_or_else(String::new, |at| format!("{}:{}: ", at.file(), at.line()));
            let text = info.payload_as_str().unwrap_or("a panic without words");
            let what = format!("{place}{text}");
            if cfg!(panic = "abort") {
                eprintln!("seed {seed} failed: panic: {what}\nreplay: esker sim replay {seed} --trace");
                std::process::exit(Kind::Panic.exit_code().into());
            }
            PANIC.set(Some(what));
        }));
    });
}

/// Runs a plan to its end, or until `until`.
pub fn run(plan: &Plan, keep: Keep, until: u64) -> Outcome {
    install_hook();
    SEED.set(Some(plan.seed));
    let mut world = World::new(plan.clone(), keep);
    let ran = catch_unwind(AssertUnwindSafe(|| world.run(until)));
    SEED.set(None);
    if ran.is_err() {
        let what = PANIC.take().unwrap_or_default();
        world.failure = Some(Failure { kind: Kind::Panic, anomaly: Anomaly::new("panic", world.now, what) });
    }
    Outcome {
        seed: plan.seed,
        events: world.trace.events(),
        virtual_us: world.now,
        hash: world.trace.value(),
        lines: world.trace.lines().map(str::to_string).collect(),
        faults: std::mem::take(&mut world.faults),
        marks: std::mem::take(&mut world.marks),
        history: std::mem::take(&mut world.history),
        failure: world.failure.take(),
    }
}

/// Whether two failures are the same one: of the same kind, and of the same property (a panic: at the same place).
pub fn same(one: &Failure, other: &Failure) -> bool {
    let place = |failure: &Failure| match failure.kind {
        Kind::Panic => failure.anomaly.what.split(": ").next().unwrap_or_default().to_string(),
        _ => failure.anomaly.kind.to_string(),
    };
    one.kind == other.kind && place(one) == place(other)
}
