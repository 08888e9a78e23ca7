//! Single records at a given rate, each in a Produce of its own, over a few connections: what a service does that cannot wait
//! to fill a batch. A latency counts from the time at which the record was due, however late it was sent.

use super::Timing;
use super::produce::batch_of;
use crate::conn::Conn;
use crate::records;
use crate::rpc;
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

#[derive(Debug, Clone)]
pub struct Pace {
    pub bootstrap: Vec<SocketAddr>,
    pub topic: String,
    /// Partitions of the topic; each has a connection.
    pub partitions: i32,
    /// Records in all.
    pub records: u64,
    pub size: usize,
    /// Records a second, in all.
    pub rate: u64,
    pub acks: i16,
}

pub fn pace(load: &Pace) -> Result<Timing, String> {
    let view = rpc::view(&load.bootstrap, Some(&load.topic))?;
    let partitions = load.partitions.max(1) as u64;
    let (share, every) =
        (load.records / partitions, Duration::from_nanos(1_000_000_000 * partitions / load.rate.max(1)));
    let start = Instant::now() + Duration::from_millis(20);
    let threads: Vec<_> = (0..load.partitions)
        .map(|p| {
            let leader = view.leader(p as usize).ok_or_else(|| format!("partition {p} has no leader"))?;
            let load = load.clone();
            // The connections do not all speak at the same instant.
            let start = start + every * p as u32 / partitions as u32;
            Ok(thread::spawn(move || one(&load, p, leader, share, start, every)))
        })
        .collect::<Result<_, String>>()?;
    let mut all = Timing::default();
    for thread in threads {
        all.join(thread.join().map_err(|_| "a load thread died")??);
    }
    all.wall = start.elapsed();
    Ok(all)
}

fn one(
    load: &Pace,
    partition: i32,
    leader: SocketAddr,
    share: u64,
    start: Instant,
    every: Duration,
) -> Result<Timing, String> {
    let mut conn = Conn::open(leader).map_err(|e| e.to_string())?;
    let mut answers = conn.split().map_err(|e| e.to_string())?;
    let mut frame = records::produce_frame(&load.topic, partition, load.acks, &batch_of(1, load.size, 7).0);
    let sender = thread::spawn(move || {
        for i in 0..share {
            let due = start + every * i as u32;
            thread::sleep(due.saturating_duration_since(Instant::now()));
            conn.send_prepared(&mut frame).map_err(|e| e.to_string())?;
        }
        Ok::<_, String>(())
    });
    let mut timing = Timing::default();
    for i in 0..share {
        let (_, answer) = answers.receive(Duration::from_secs(30)).map_err(|l| format!("{partition}: {l:?}"))?;
        let (error, _) = records::produced(&answer)?;
        if error != 0 {
            return Err(format!("partition {partition}: Produce failed with error {error}"));
        }
        timing.latencies.push((start + every * i as u32).elapsed());
    }
    sender.join().map_err(|_| "a sender died")??;
    timing.records = share;
    timing.bytes = share * load.size as u64;
    Ok(timing)
}
