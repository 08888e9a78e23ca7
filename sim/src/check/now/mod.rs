//! Promises judged by looking inside the brokers, after every event.

use crate::plan::Plan;
use esker_core::io::{DiskOp, Note};
use esker_core::node::Node;

/// A property that was broken, and how.
pub type Broken = (&'static str, String);

/// All that is watched while a run goes on.
#[derive(Debug)]
pub struct Watch {}

impl Watch {
    pub fn new(_: &Plan) -> Self {
        Self {}
    }

    pub fn on_start(&mut self, _: usize) {}

    pub fn on_crash(&mut self, _: usize) {}

    pub fn on_disk_op(&mut self, _: usize, _: &DiskOp) {}

    pub fn on_note(&mut self, _: usize, _: &Note) {}

    /// A node has handled an input.
    pub fn after(&mut self, _: u64, _: usize, _: &Node) -> Result<(), Broken> {
        Ok(())
    }
}
