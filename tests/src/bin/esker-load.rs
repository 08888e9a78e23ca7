//! Loads a broker and prints one line of JSON: what was done, in what time.
//!
//! ```text
//! esker-load produce|consume|echo|pace|create|wait --brokers HOST:PORT,… --topic T
//!   [--partitions 1] [--replicas 1] [--config NAME=VALUE]…    create makes the topic and waits for its leaders
//!   [--records 100000] [--size 1024] [--batch 262144] [--window 5] [--acks -1] [--fetch 1048576]
//!   [--connections 0] [--idle 0]                              produce over fewer connections; beside idle ones
//!   [--rate 20000]                                            pace sends so many a second, each by itself
//!   [--nodes 1]                                               wait waits until so many brokers are alive, and says when that was
//! ```

use esker_tests::load::{Consume, Echo, Pace, Produce, consume, echo, pace, produce};
use esker_tests::rpc;
use std::env;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

fn main() -> ExitCode {
    match run(&env::args().skip(1).collect::<Vec<_>>()) {
        Ok(line) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Err(e) => {
            eprintln!("esker-load: {e}");
            ExitCode::from(1)
        }
    }
}

struct Args<'a>(&'a [String]);

impl Args<'_> {
    fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.windows(2).filter(move |w| w[0] == format!("--{name}")).map(|w| w[1].as_str())
    }

    fn get<T: std::str::FromStr>(&self, name: &str, or: T) -> Result<T, String> {
        self.all(name).last().map_or(Ok(or), |v| v.parse().map_err(|_| format!("--{name} {v}?")))
    }
}

fn run(args: &[String]) -> Result<String, String> {
    let (verb, args) = (args.first().map_or("", String::as_str), Args(args));
    let brokers: String = args.get("brokers", "127.0.0.1:9092".to_owned())?;
    let bootstrap: Vec<SocketAddr> =
        brokers.split(',').map(|a| a.parse().map_err(|e| format!("{a}: {e}"))).collect::<Result<_, _>>()?;
    let topic = args.get("topic", "load".to_owned())?;
    let partitions = args.get("partitions", 1)?;
    let (records, size, acks) = (args.get("records", 100_000)?, args.get("size", 1024)?, args.get("acks", -1)?);
    let timing = match verb {
        "create" => {
            let pair = |c: &str| {
                c.split_once('=').map(|(a, b)| (a.to_owned(), b.to_owned())).ok_or_else(|| format!("--config {c}?"))
            };
            let configs: Vec<_> = args.all("config").map(pair).collect::<Result<_, _>>()?;
            let view = rpc::create(&bootstrap, &topic, partitions, args.get("replicas", 1)?, &configs)?;
            return Ok(format!("{{\"partitions\": {}}}", view.partitions.len()));
        }
        "wait" => {
            let start = Instant::now();
            let nodes: usize = args.get("nodes", 1)?;
            rpc::wait(&bootstrap, None, Duration::from_secs(60), |v| v.brokers.len() == nodes)?;
            let at = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|e| e.to_string())?;
            return Ok(format!("{{\"seconds\": {}, \"at\": {:.4}}}", start.elapsed().as_secs_f64(), at.as_secs_f64()));
        }
        "produce" => produce(&Produce {
            bootstrap,
            topic,
            partitions,
            records,
            size,
            batch: args.get("batch", 262_144)?,
            window: args.get("window", 5)?,
            acks,
            connections: args.get("connections", 0)?,
            idle: args.get("idle", 0)?,
        })?,
        "consume" => consume(&Consume { bootstrap, topic, fetch: args.get("fetch", 1 << 20)? })?,
        "echo" => echo(&Echo { bootstrap, topic, records, size, acks })?,
        "pace" => {
            let rate = args.get("rate", 20_000)?;
            pace(&Pace { bootstrap, topic, partitions, records, size, rate, acks })?
        }
        other => return Err(format!("{other}? say produce, consume, echo, pace, create or wait")),
    };
    Ok(timing.json().to_string())
}
