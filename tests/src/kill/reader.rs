//! Follows a partition from its start and remembers what it saw, in order.

use super::{Stage, written};
use crate::batch;
use crate::conn::Conn;
use crate::records;
use crate::rpc;
use std::thread::sleep;
use std::time::Duration;

/// A record by its offset: which producer's, and which of its records.
pub type Seen = Vec<(u32, u64)>;

/// Reads while the stage runs, or, with an `end`, up to there. Offsets must follow each other without a gap.
pub fn run(stage: &Stage, partition: i32, end: Option<i64>) -> Result<Seen, String> {
    let mut seen = Seen::new();
    let mut conn: Option<Conn> = None;
    let mut failures = 0;
    while end.map_or_else(|| !stage.stopped(), |end| (seen.len() as i64) < end) {
        match turn(stage, partition, &mut conn, &mut seen) {
            Ok(()) => failures = 0,
            Err(Trouble::Passing(why)) => {
                conn = None;
                failures += 1;
                if end.is_some() && failures > 600 {
                    return Err(format!("partition {partition} could not be read: {why}"));
                }
                sleep(Duration::from_millis(50));
            }
            Err(Trouble::Broken(e)) => return Err(format!("partition {partition}: {e}")),
        }
    }
    Ok(seen)
}

enum Trouble {
    Passing(String),
    Broken(String),
}

fn turn(stage: &Stage, partition: i32, conn: &mut Option<Conn>, seen: &mut Seen) -> Result<(), Trouble> {
    let passing = |e: &dyn ToString| Trouble::Passing(e.to_string());
    if conn.is_none() {
        let view = rpc::view(&stage.bootstrap, Some(&stage.topic)).map_err(|e| passing(&e))?;
        let leader = view.leader(partition as usize).ok_or_else(|| passing(&"no leader"))?;
        *conn = Some(Conn::open(leader).map_err(|e| passing(&e))?);
    }
    let Some(c) = conn.as_mut() else { return Ok(()) };
    let body = records::fetch(&stage.topic, &[(partition, seen.len() as i64)], 200, 1, 1 << 20);
    records::send_fetch(c, &body).map_err(|e| passing(&e))?;
    let (_, answer) = c.receive(rpc::PATIENCE).map_err(|l| passing(&format!("{l:?}")))?;
    for part in records::fetched(&answer).map_err(Trouble::Broken)? {
        if part.error == 1 {
            return Err(Trouble::Broken(format!("offset {} is out of range, and was below the watermark", seen.len())));
        }
        if part.error != 0 {
            return Err(passing(&format!("error {}", part.error)));
        }
        for bytes in records::batches(part.records) {
            for (offset, value) in batch::values(bytes).map_err(Trouble::Broken)? {
                let due = seen.len() as i64;
                if offset > due {
                    return Err(Trouble::Broken(format!("offset {offset} comes where {due} is due")));
                }
                if offset == due {
                    seen.push(
                        written(value).ok_or_else(|| Trouble::Broken(format!("what is at {offset} nobody wrote")))?,
                    );
                }
            }
        }
    }
    Ok(())
}
