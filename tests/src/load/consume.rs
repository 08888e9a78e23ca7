//! Consume from the beginning: a connection for each partition, one Fetch under way on each, as clients do.

use super::Timing;
use crate::batch;
use crate::conn::Conn;
use crate::records;
use crate::rpc;
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

#[derive(Debug, Clone)]
pub struct Consume {
    pub bootstrap: Vec<SocketAddr>,
    pub topic: String,
    /// Bytes a Fetch may bring of the partition.
    pub fetch: i32,
}

/// Reads every partition up to the end that it has at the start.
pub fn consume(load: &Consume) -> Result<Timing, String> {
    let view = rpc::view(&load.bootstrap, Some(&load.topic))?;
    let start = Instant::now();
    let threads: Vec<_> = (0..view.partitions.len())
        .map(|p| {
            let leader = view.leader(p).ok_or_else(|| format!("partition {p} has no leader"))?;
            let load = load.clone();
            Ok(thread::spawn(move || one(&load, p as i32, leader)))
        })
        .collect::<Result<_, String>>()?;
    let mut all = Timing::default();
    for thread in threads {
        all.join(thread.join().map_err(|_| "a load thread died")??);
    }
    all.wall = start.elapsed();
    Ok(all)
}

fn one(load: &Consume, partition: i32, leader: SocketAddr) -> Result<Timing, String> {
    let end = rpc::offset(leader, &load.topic, partition, -1)?;
    let mut at = rpc::offset(leader, &load.topic, partition, -2)?;
    let mut conn = Conn::open(leader).map_err(|e| e.to_string())?;
    let (mut timing, start) = (Timing::default(), Instant::now());
    while at < end {
        let asked = Instant::now();
        records::send_fetch(&mut conn, &records::fetch(&load.topic, &[(partition, at)], 500, 1, load.fetch))?;
        let (_, answer) = conn.receive(Duration::from_secs(60)).map_err(|l| format!("partition {partition}: {l:?}"))?;
        timing.latencies.push(asked.elapsed());
        for part in records::fetched(&answer)? {
            if part.error != 0 {
                return Err(format!("partition {partition}: Fetch failed with error {}", part.error));
            }
            for bytes in records::batches(part.records) {
                let head = batch::header(bytes)?;
                at = head.base + i64::from(head.last_delta) + 1;
                timing.records += u64::try_from(head.count).unwrap_or(0);
                timing.bytes += bytes.len() as u64;
            }
        }
    }
    timing.wall = start.elapsed();
    Ok(timing)
}
