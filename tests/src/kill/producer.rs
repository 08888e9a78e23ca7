//! An idempotent producer that never gives up: what is not acknowledged is sent again, in order, with the same sequence numbers.

use super::{Pulse, Stage, value};
use crate::batch::{self, Header};
use crate::conn::{Conn, Lack};
use crate::records;
use crate::rpc;
use std::collections::VecDeque;
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Records in a batch.
pub const BATCH: u64 = 10;
/// Kafka keeps the last five batches of a producer to know a repeated one by.
const WINDOW: usize = 5;
/// How long the last records may take after the load was stopped.
const DRAIN: Duration = Duration::from_secs(60);
/// The answer is that it was written before.
const DUPLICATE: i16 = 46;
/// Errors that pass: timed out, a leader that moved, replicas that are missing, a disk that is going away.
const PASSING: [i16; 10] = [3, 5, 6, 7, 9, 13, 19, 20, 56, 74];

/// What a producer was promised.
#[derive(Debug, Clone, Default)]
pub struct Promised {
    pub id: u32,
    pub partition: i32,
    /// Batches acknowledged, in order, each with its base offset where the answer told one.
    pub acked: Vec<Option<i64>>,
    /// Batches sent.
    pub sent: u64,
}

struct Producer {
    stage: Arc<Stage>,
    promised: Promised,
    producer: i64,
    epoch: i16,
    conn: Option<Conn>,
    /// Bodies of the batches without an answer, the oldest first.
    pending: VecDeque<Vec<u8>>,
}

/// Produces until the stage stops and everything sent was acknowledged.
pub fn run(stage: &Arc<Stage>, id: u32, partition: i32, pulse: &Pulse) -> Result<Promised, String> {
    let (producer, epoch) = rpc::producer_id(&stage.bootstrap)?;
    let promised = Promised { id, partition, ..Promised::default() };
    let mut p = Producer { stage: stage.clone(), promised, producer, epoch, conn: None, pending: VecDeque::new() };
    pulse.beat(stage);
    let mut drain = None;
    loop {
        if stage.stopped() {
            let end = *drain.get_or_insert_with(|| Instant::now() + DRAIN);
            if p.pending.is_empty() {
                return Ok(p.promised);
            }
            if Instant::now() > end {
                return Err(format!("producer {id}: {} batches were never acknowledged", p.pending.len()));
            }
        }
        match p.turn() {
            Ok(true) => pulse.beat(stage),
            Ok(false) => {
                p.conn = None;
                sleep(Duration::from_millis(20));
            }
            Err(e) => return Err(format!("producer {id}: {e}")),
        }
    }
}

impl Producer {
    /// Fills the window and takes one answer. `false`: connect again; an error is a broken promise.
    fn turn(&mut self) -> Result<bool, String> {
        if self.conn.is_none() && !self.connect() {
            return Ok(false);
        }
        // Of a producer that is new to it, a leader takes any first sequence: so the first batch goes alone.
        let window = if self.promised.acked.is_empty() { 1 } else { WINDOW };
        while self.pending.len() < window && !self.stage.stopped() {
            let body = self.next();
            self.pending.push_back(body.clone());
            self.promised.sent += 1;
            if !self.send(&body) {
                return Ok(false);
            }
        }
        let Some(conn) = self.conn.as_mut().filter(|_| !self.pending.is_empty()) else { return Ok(true) };
        let answer = match conn.receive(Duration::from_secs(20)) {
            Ok((_, answer)) => answer,
            Err(Lack::Closed | Lack::Silent) => return Ok(false),
        };
        match records::produced(&answer)? {
            (0 | DUPLICATE, offset) => {
                self.pending.pop_front();
                self.promised.acked.push((offset >= 0).then_some(offset));
                Ok(true)
            }
            (error, _) if PASSING.contains(&error) => Ok(false),
            (error, _) => Err(format!("Produce failed with error {error}")),
        }
    }

    /// Finds the leader and sends what is pending once more.
    fn connect(&mut self) -> bool {
        let leader = rpc::view(&self.stage.bootstrap, Some(&self.stage.topic));
        let leader = leader.ok().and_then(|v| v.leader(self.promised.partition as usize));
        self.conn = leader.and_then(|l| Conn::open(l).ok());
        let again: Vec<_> = self.pending.iter().cloned().collect();
        self.conn.is_some() && again.iter().all(|body| self.send(body))
    }

    fn send(&mut self, body: &[u8]) -> bool {
        self.conn.as_mut().is_some_and(|c| records::send_produce(c, body).is_ok())
    }

    fn next(&self) -> Vec<u8> {
        let first = self.promised.sent * BATCH;
        let mut out = Vec::new();
        for i in 0..BATCH {
            batch::record(&mut out, i as i64, 0, None, Some(&value(self.promised.id, first + i)));
        }
        let header = Header {
            base: 0,
            leader_epoch: -1,
            attributes: 0,
            last_delta: BATCH as i32 - 1,
            time: batch::now(),
            max_time: batch::now(),
            producer: self.producer,
            epoch: self.epoch,
            sequence: (first % (1 << 31)) as i32,
            count: BATCH as i32,
        };
        records::produce(&self.stage.topic, self.promised.partition, -1, &batch::build(&header, &out))
    }
}
