//! `esker log dump`: what is in log files, Kafka's or Esker's.

use super::print;
use crate::client::records::of_batch;
use crate::exit::Failure;
use clap::Subcommand;
use esker_core::batch::{Batches, Header, is_intact};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

#[derive(Subcommand)]
pub enum Log {
    /// Print a line for each batch of the segments (00000000000000000000.log)
    Dump {
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// Print a line for each record, too: offset, time, key, value
        #[arg(long)]
        records: bool,
        /// Print JSON, for scripts
        #[arg(long)]
        json: bool,
    },
}

impl Log {
    pub fn run(self) -> Result<(), Failure> {
        let Self::Dump { files, records, json } = self;
        let mut damaged = 0;
        for file in &files {
            if files.len() > 1 && !json {
                print(format!("{}:", file.display()));
            }
            damaged += dump(file, records, json)?;
        }
        if damaged > 0 {
            return Err(Failure::failed(format!("{damaged} damaged place{}", if damaged == 1 { "" } else { "s" })));
        }
        Ok(())
    }
}

/// Prints one file. Answers how many damaged places it has.
fn dump(path: &Path, records: bool, as_json: bool) -> Result<usize, Failure> {
    let bytes = std::fs::read(path).map_err(|why| Failure::failed(format!("{}: {why}", path.display())))?;
    let mut batches = Batches::of(&bytes);
    let mut damaged = 0;
    let mut at = 0;
    for (header, batch) in batches.by_ref() {
        let intact = is_intact(batch);
        damaged += usize::from(!intact);
        let line = batch_json(&header, at, batch.len(), intact);
        print(if as_json { line.to_string() } else { words(&line) });
        at += batch.len();
        if !records || header.is_control() {
            continue;
        }
        let printed = of_batch(&header, batch, &mut |record| {
            let shown = |bytes: Option<&[u8]>| bytes.map_or(Value::Null, |bytes| json!(String::from_utf8_lossy(bytes)));
            let line = json!({"offset": record.offset.0, "time": record.timestamp, "key": shown(record.key), "value": shown(record.value)});
            print(if as_json { line.to_string() } else { format!("  {}", words(&line)) });
            Ok(())
        });
        if let Err(why) = printed {
            damaged += 1;
            print(format!("  {why}"));
        }
    }
    let rest = batches.rest();
    // Preallocated room at the end of a segment is no damage.
    if rest.iter().any(|byte| *byte != 0) {
        damaged += 1;
        print(format!("{} bytes at {at} are no whole batch", rest.len()));
    }
    Ok(damaged)
}

fn batch_json(header: &Header<'_>, at: usize, len: usize, intact: bool) -> Value {
    let codec = header.codec().map_or_else(|| "unknown".to_string(), |codec| format!("{codec:?}").to_lowercase());
    json!({
        "base": header.base_offset().0, "last": header.last_offset().0, "count": header.count(), "at": at, "len": len,
        "epoch": header.leader_epoch().0, "codec": codec, "time": header.max_timestamp(),
        "producer": header.producer_id().0, "producer_epoch": header.producer_epoch(), "sequence": header.base_sequence(),
        "transactional": header.is_transactional(), "control": header.is_control(), "crc": if intact { "ok" } else { "WRONG" },
    })
}

/// `name value` pairs in the order in which people look for them.
fn words(line: &Value) -> String {
    const ORDER: [&str; 18] = [
        "base",
        "last",
        "count",
        "offset",
        "time",
        "key",
        "value",
        "at",
        "len",
        "epoch",
        "codec",
        "producer",
        "producer_epoch",
        "sequence",
        "transactional",
        "control",
        "crc",
        "",
    ];
    let word = |name: &&str| {
        let value = line.get(*name)?;
        Some(format!("{name} {}", value.as_str().map_or_else(|| value.to_string(), String::from)))
    };
    ORDER.iter().filter_map(word).collect::<Vec<_>>().join("  ")
}
