//! The loop that owns the broker: take inputs, hand them in, carry out what comes out, sleep until the deadline.

use crate::clock::Clock;
use crate::disk::Disk;
use crate::event::{Event, ToConn};
use crate::metrics::Metrics;
use crate::notes::Notes;
use crate::peers::{Call, Peers};
use esker_core::broker::Broker;
use esker_core::id::ConnId;
use esker_core::io::{DiskDone, DiskOp, DiskTag, Input, Output};
use esker_core::mutant::{self, Mutant};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};

/// How the node ended.
#[derive(Debug)]
pub struct Ended {
    pub clean: bool,
    pub why: String,
}

/// Inputs taken in one go: their disk operations go out together.
const BATCH: usize = 256;

/// Where outputs go.
pub struct Shell {
    pub disk: Arc<dyn Disk>,
    pub peers: Peers,
    pub metrics: Arc<Metrics>,
    pub notes: Notes,
    /// Called once, when the node serves.
    pub ready: Option<Box<dyn FnOnce() + Send>>,
    pub conns: HashMap<ConnId, UnboundedSender<ToConn>>,
    pub ops: Vec<(DiskTag, DiskOp)>,
    /// Replies and ended disk operations so far, and whether a stop was asked for: known to named bugs alone.
    pub replies: u64,
    pub ends: u64,
    pub stopping: Arc<AtomicBool>,
}

/// Drives the broker to its end.
pub async fn drive(mut broker: Broker, mut events: UnboundedReceiver<Event>, mut shell: Shell, clock: Clock) -> Ended {
    let mut batch = Vec::with_capacity(BATCH);
    broker.handle(clock.now(), Input::Boot);
    loop {
        if let Some(ended) = shell.carry_out(&mut broker) {
            return ended;
        }
        tokio::select! {
            biased;
            _ = events.recv_many(&mut batch, BATCH) => {}
            () = clock.sleep_until(broker.next_deadline()) => {}
        }
        let now = clock.now();
        for event in batch.drain(..) {
            match event {
                Event::Input(input) => {
                    shell.forget_gone(&input);
                    // Comes once a second, whatever else does.
                    if matches!(input, Input::Room { .. }) {
                        shell.metrics.set_status(broker.node().status());
                    }
                    broker.handle(now, input);
                }
                Event::Disk(completed) => {
                    for (tag, result) in completed.into_iter().filter(|_| shell.hears()) {
                        broker.handle(now, Input::Disk { tag, result });
                    }
                }
                Event::Opened { conn, to_conn } => drop(shell.conns.insert(conn, to_conn)),
            }
        }
        // Inputs that never end must not keep time from passing.
        if broker.next_deadline().is_some_and(|deadline| deadline <= now.mono) {
            broker.handle(now, Input::Tick);
        }
    }
}

impl Shell {
    fn carry_out(&mut self, broker: &mut Broker) -> Option<Ended> {
        let mut ended = None;
        while let Some(output) = broker.poll_output() {
            match output {
                Output::Reply { conn, seq, reply } => self.tell(conn, ToConn::Reply { seq, reply }),
                Output::Close { conn } => self.tell(conn, ToConn::Close),
                Output::Call { call, to, lane, key, version, body } => {
                    self.peers.call(to, lane, Call { id: call, key, version, body });
                }
                Output::Disk { tag, op } => {
                    self.notes.on_op(&op);
                    self.ops.push((tag, op));
                }
                Output::Note(note) => self.notes.tell(&note, &self.metrics),
                Output::Ready => self.ready.take().into_iter().for_each(|ready| ready()),
                Output::Stopped { clean, why } => ended = Some(Ended { clean, why }),
            }
        }
        self.break_ops();
        if !self.ops.is_empty() {
            self.disk.submit(&mut self.ops);
        }
        ended
    }

    /// The place of the named bugs that tamper with writes.
    fn break_ops(&mut self) {
        if mutant::is(Mutant::ShellAckBeforeSync) {
            for (_, op) in &mut self.ops {
                if let DiskOp::Append { sync, .. } = op {
                    *sync = false;
                }
            }
        }
        if mutant::is(Mutant::ShellStopDrops) && self.stopping.load(Ordering::Relaxed) {
            let is_write = |op: &DiskOp| matches!(op, DiskOp::Append { .. });
            let dropped = self.ops.extract_if(.., |(_, op)| is_write(op)).map(|(tag, _)| (tag, Ok(DiskDone::Done)));
            self.peers.report_later(Event::Disk(dropped.collect()));
        }
    }

    fn hears(&mut self) -> bool {
        self.ends += 1;
        !(mutant::is(Mutant::ShellLostWakeUp) && self.ends.is_multiple_of(512))
    }

    fn tell(&mut self, conn: ConnId, message: ToConn) {
        self.replies += 1;
        let crossed = mutant::is(Mutant::ShellRepliesCrossed) && self.replies.is_multiple_of(64);
        let next = || self.conns.keys().filter(|other| **other > conn).min().copied();
        let conn = if crossed { next().unwrap_or(conn) } else { conn };
        // A connection that is gone says so itself.
        if let Some(to_conn) = self.conns.get(&conn) {
            let _ = to_conn.send(message);
        }
    }

    fn forget_gone(&mut self, input: &Input) {
        if let Input::Gone { conn } = input {
            self.conns.remove(conn);
        }
    }
}
