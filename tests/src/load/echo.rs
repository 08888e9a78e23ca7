//! One record at a time, end to end: from before its Produce is sent until a consumer that waits for it has it.

use super::Timing;
use super::produce::batch_of;
use crate::batch;
use crate::conn::Conn;
use crate::records;
use crate::rpc;
use std::net::SocketAddr;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

#[derive(Debug, Clone)]
pub struct Echo {
    pub bootstrap: Vec<SocketAddr>,
    /// A topic of one partition.
    pub topic: String,
    pub records: u64,
    pub size: usize,
    pub acks: i16,
}

pub fn echo(load: &Echo) -> Result<Timing, String> {
    let view = rpc::view(&load.bootstrap, Some(&load.topic))?;
    let leader = view.leader(0).ok_or("partition 0 has no leader")?;
    let first = rpc::offset(leader, &load.topic, 0, -1)?;
    let (tell, told) = mpsc::channel();
    let reader = {
        let load = load.clone();
        thread::spawn(move || read(&load, leader, first, &tell))
    };
    let mut conn = Conn::open(leader).map_err(|e| e.to_string())?;
    let body = records::produce(&load.topic, 0, load.acks, &batch_of(1, load.size, 7).0);
    let (mut timing, start) = (Timing::default(), Instant::now());
    for i in 0..load.records {
        let sent = Instant::now();
        records::send_produce(&mut conn, &body)?;
        let (error, _) = records::produced(&conn.receive(Duration::from_secs(30)).map_err(|l| format!("{l:?}"))?.1)?;
        if error != 0 {
            return Err(format!("Produce failed with error {error}"));
        }
        let (offset, got): (i64, Instant) = told.recv_timeout(Duration::from_secs(30)).map_err(|e| e.to_string())?;
        if offset != first + i as i64 {
            return Err(format!("offset {offset} came where {} was due", first + i as i64));
        }
        timing.latencies.push(got.duration_since(sent));
    }
    timing.records = load.records;
    timing.bytes = load.records * load.size as u64;
    timing.wall = start.elapsed();
    reader.join().map_err(|_| "the reader died")??;
    Ok(timing)
}

fn read(load: &Echo, leader: SocketAddr, first: i64, tell: &mpsc::Sender<(i64, Instant)>) -> Result<(), String> {
    let mut conn = Conn::open(leader).map_err(|e| e.to_string())?;
    let mut at = first;
    while at < first + load.records as i64 {
        records::send_fetch(&mut conn, &records::fetch(&load.topic, &[(0, at)], 500, 1, 1 << 20))?;
        let (_, answer) = conn.receive(Duration::from_secs(30)).map_err(|l| format!("{l:?}"))?;
        let got = Instant::now();
        for part in records::fetched(&answer)? {
            for bytes in records::batches(part.records) {
                let head = batch::header(bytes)?;
                at = head.base + i64::from(head.last_delta) + 1;
                tell.send((head.base, got)).map_err(|e| e.to_string())?;
            }
        }
    }
    Ok(())
}
