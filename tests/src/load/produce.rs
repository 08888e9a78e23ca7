//! Produce as fast as the broker takes it: connections among which the partitions are dealt, a window of requests on each.

use super::Timing;
use crate::batch::{self, Header};
use crate::conn::Conn;
use crate::records;
use crate::rpc;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

#[derive(Debug, Clone)]
pub struct Produce {
    pub bootstrap: Vec<SocketAddr>,
    pub topic: String,
    pub partitions: i32,
    /// Records in all.
    pub records: u64,
    /// Bytes of a record's value.
    pub size: usize,
    /// Bytes of a batch, about.
    pub batch: usize,
    /// Requests under way on a connection.
    pub window: usize,
    pub acks: i16,
    /// Connections in use; 0: one for each partition. With fewer all partitions have to be led by one broker.
    pub connections: i32,
    /// Connections that are open besides and say nothing.
    pub idle: usize,
}

/// Runs the load; the topic exists.
pub fn produce(load: &Produce) -> Result<Timing, String> {
    let view = rpc::view(&load.bootstrap, Some(&load.topic))?;
    let connections = if load.connections > 0 { load.connections.min(load.partitions) } else { load.partitions };
    let idle = load.bootstrap.iter().cycle().take(load.idle).map(|at| Conn::open(*at));
    let _idle: Vec<Conn> = idle.collect::<Result<_, _>>().map_err(|e| format!("an idle connection: {e}"))?;
    let start = Instant::now();
    let share = load.records / connections.max(1) as u64;
    let threads: Vec<_> = (0..connections)
        .map(|c| {
            let leader = view.leader(c as usize).ok_or_else(|| format!("partition {c} has no leader"))?;
            let load = load.clone();
            let partitions = (c..load.partitions).step_by(connections as usize);
            Ok(thread::spawn(move || one(&load, partitions.collect(), leader, share)))
        })
        .collect::<Result<_, String>>()?;
    let mut all = Timing::default();
    for thread in threads {
        all.join(thread.join().map_err(|_| "a load thread died")??);
    }
    all.wall = start.elapsed();
    Ok(all)
}

fn one(load: &Produce, partitions: Vec<i32>, leader: SocketAddr, share: u64) -> Result<Timing, String> {
    let first = partitions.first().copied().unwrap_or(0);
    let batch = batch_of((load.batch / (load.size + 10)).max(1), load.size, first as u64);
    let count = u64::from(batch.1);
    let frame = |p: &i32| records::produce_frame(&load.topic, *p, load.acks, &batch.0);
    let mut frames: Vec<_> = partitions.iter().map(frame).collect();
    let mut conn = Conn::open(leader).map_err(|e| e.to_string())?;
    let (mut sent, mut timing) = (VecDeque::new(), Timing::default());
    let (mut left, start) = (share.div_ceil(count), Instant::now());
    while left > 0 || !sent.is_empty() {
        while left > 0 && sent.len() < load.window {
            let turn = left as usize % frames.len();
            sent.push_back(Instant::now());
            conn.send_prepared(&mut frames[turn]).map_err(|e| e.to_string())?;
            left -= 1;
        }
        let (_, answer) = conn.receive(Duration::from_secs(60)).map_err(|l| format!("beside {first}: {l:?}"))?;
        let (error, _) = records::produced(&answer)?;
        if error != 0 {
            return Err(format!("beside partition {first}: Produce failed with error {error}"));
        }
        let at: Instant = sent.pop_front().ok_or("an answer too many")?;
        timing.latencies.push(at.elapsed());
        timing.records += count;
        timing.bytes += count * load.size as u64;
    }
    timing.wall = start.elapsed();
    Ok(timing)
}

/// A batch of records whose values do not repeat, and how many they are.
pub fn batch_of(count: usize, size: usize, seed: u64) -> (Vec<u8>, u32) {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    let mut out = Vec::new();
    for i in 0..count {
        let value: Vec<u8> = std::iter::repeat_with(&mut next).flatten().take(size).collect();
        batch::record(&mut out, i as i64, 0, None, Some(&value));
    }
    let header = Header::plain(batch::now(), count as i32);
    (batch::build(&header, &out), count as u32)
}
