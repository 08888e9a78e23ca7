//! One plan, run once, in a process of its own.

use crate::record::{self, Record, now};
use crate::world::World;
use esker_sim::client::history;
use esker_sim::plan::Plan;
use esker_sim::trace::Keep;
use esker_sim::world::Kind;
use madsim::Config;
use madsim::runtime::Runtime;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// What a run came to.
#[derive(Debug)]
pub struct Outcome {
    pub record: Record,
    pub virtual_us: u64,
}

thread_local! {
    static PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Runs a plan to its end, or until `until`.
pub fn run(plan: &Plan, keep: Keep, until: u64) -> Outcome {
    let plan = Arc::new(plan.clone());
    record::begin(keep, plan.nodes.len(), history(&plan));
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map_or_else(String::new, |at| format!("{}:{}: ", at.file(), at.line()));
        PANIC.set(Some(format!("{place}{}", info.payload_as_str().unwrap_or("a panic without words"))));
    }));
    let runtime = Runtime::with_seed_and_config(plan.seed, Config::default());
    let elapsed = RefCell::new(0);
    let ran = catch_unwind(AssertUnwindSafe(|| {
        runtime.block_on(async {
            let mut world = World::new(Arc::clone(&plan));
            world.run(until).await;
            *elapsed.borrow_mut() = now();
        });
    }));
    let mut record = record::take();
    let virtual_us = elapsed.into_inner();
    if ran.is_err() {
        let what = PANIC.take().unwrap_or_default();
        record.failure = None;
        record.fail(Kind::Panic, "panic", virtual_us, what);
    }
    // What is left of the world is not taken apart: nobody looks at it any more.
    std::mem::forget(runtime);
    Outcome { record, virtual_us }
}
