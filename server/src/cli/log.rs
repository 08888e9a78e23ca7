//! `esker log dump`: what is in log files, Kafka's or Esker's.

use super::content::{escaped, put};
use super::print;
use super::segment::Segment;
use crate::client::records::of_batch;
use crate::exit::Failure;
use crate::properties;
use clap::Subcommand;
use esker_core::batch::{Header, Record, is_intact};
use esker_core::metadata;
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};

#[derive(Subcommand)]
pub enum Log {
    /// Print a line for each batch of segments (00000000000000000000.log), or of all segments in a partition's folder
    #[command(after_help = AFTER)]
    Dump {
        #[arg(required = true, value_name = "FILE|FOLDER")]
        files: Vec<PathBuf>,
        /// Print a line for each record, too: offset, time, key, value
        #[arg(long)]
        records: bool,
        /// Print JSON, for scripts
        #[arg(long)]
        json: bool,
    },
}

const AFTER: &str = "\
Records of __cluster_metadata-0 are shown as what they say. Of other records control characters and bytes that are no text are escaped \
(\\u{1b}, \\xff); with --json a key or value that is not UTF-8 is given as key_base64 or value_base64 in place of key or value.";

/// The folder of the metadata log.
const METADATA: &str = "__cluster_metadata-0";

impl Log {
    pub fn run(self) -> Result<(), Failure> {
        let Self::Dump { files, records, json } = self;
        let mut segments = Vec::new();
        for path in files {
            if path.is_dir() { segments.extend(segments_in(&path)?) } else { segments.push(path) }
        }
        let mut damaged = 0;
        for file in &segments {
            if segments.len() > 1 && !json {
                print(format!("{}:", file.display()));
            }
            damaged += dump(file, &Shape { records, json, named: segments.len() > 1 })?;
        }
        if damaged > 0 {
            return Err(Failure::failed(format!("{damaged} damaged place{}", if damaged == 1 { "" } else { "s" })));
        }
        Ok(())
    }
}

fn unreadable(path: &Path, why: &std::io::Error) -> Failure {
    Failure::failed(format!("{}: {why}", path.display()))
}

/// The segments of a partition's folder, in the order of their offsets, which is that of their names.
fn segments_in(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let entries = std::fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let entries = entries.map_err(|why| unreadable(folder, &why))?;
    let files = entries.into_iter().map(|entry| entry.path());
    let mut segments: Vec<PathBuf> = files.filter(|path| is_log(path) && path.is_file()).collect();
    segments.sort();
    if segments.is_empty() {
        let why = "no segment (00000000000000000000.log) is in this folder; name that of a partition";
        return Err(Failure::failed(format!("{}: {why}", folder.display())));
    }
    Ok(segments)
}

fn is_log(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "log")
}

/// What is printed of a file.
struct Shape {
    records: bool,
    json: bool,
    /// There are several files: each line of JSON says of which it is.
    named: bool,
}

/// Prints one file. Answers how many damaged places it has.
fn dump(path: &Path, shape: &Shape) -> Result<usize, Failure> {
    let unreadable = |why| unreadable(path, &why);
    let mut segment = Segment::open(path).map_err(unreadable)?;
    let mut is_whole = segment.step().map_err(unreadable)?;
    if !is_whole && !is_log(path) {
        return is_empty(path, &mut segment).map(|()| 0);
    }
    let put_out = |line: Value, words: &dyn Fn(&Value) -> String| print_as(line, path, shape, words);
    let of_metadata = shape.records && is_of_metadata(path);
    let mut damaged = 0;
    let mut at = 0;
    while is_whole && let Some(header) = Header::read(segment.bytes()) {
        let batch = segment.bytes();
        let intact = is_intact(batch);
        damaged += usize::from(!intact);
        let line = batch_json(&header, at, batch.len(), intact);
        put_out(line, &words);
        if shape.records && !header.is_control() {
            let printed = of_batch(&header, batch, &mut |record| {
                let said = of_metadata.then(|| metadata::decode(record.value.unwrap_or_default()).ok()).flatten();
                if shape.json {
                    put_out(record_json(record, said), &Value::to_string);
                } else {
                    print(record_words(record, said));
                }
                Ok(())
            });
            if let Err(why) = printed {
                damaged += 1;
                put_out(error_json(at, &why.line), &|_| format!("  {why}"));
            }
        }
        at += batch.len();
        is_whole = segment.step().map_err(unreadable)?;
    }
    let (count, is_written) = segment.rest().map_err(unreadable)?;
    // Preallocated room at the end of a segment is no damage.
    if is_written {
        damaged += 1;
        let why = format!("{count} bytes at {at} are no whole batch");
        put_out(error_json(at, &why), &|_| why.clone());
    }
    Ok(damaged)
}

/// Refuses what by its name and by its first bytes is another file; room that was only made for a segment is none. One that is called a
/// log is looked at, however damaged it is.
fn is_empty(path: &Path, segment: &mut Segment) -> Result<(), Failure> {
    let first = escaped(&segment.bytes()[..segment.bytes().len().min(16)]);
    let (_, is_written) = segment.rest().map_err(|why| unreadable(path, &why))?;
    if !is_written {
        return Ok(());
    }
    Err(Failure::failed(format!(
        "{} is no log segment: it is not called *.log, and begins with '{first}', which is no batch",
        path.display()
    )))
}

/// Whether Esker's own metadata records are in the file. Kafka's log of that name has others; its folder has no `esker.format`.
fn is_of_metadata(path: &Path) -> bool {
    let Ok(whole) = path.canonicalize() else { return false };
    let Some(folder) = whole.parent().filter(|folder| folder.ends_with(METADATA)) else { return false };
    let meta = folder.parent().map(|data| std::fs::read_to_string(data.join("meta.properties")));
    match meta {
        Some(Ok(text)) => properties::parse(&text).is_ok_and(|meta| meta.contains_key("esker.format")),
        Some(Err(_)) | None => true,
    }
}

/// Prints a line as JSON, or in words.
fn print_as(mut line: Value, path: &Path, shape: &Shape, words: &dyn Fn(&Value) -> String) {
    if !shape.json {
        return print(words(&line));
    }
    if shape.named {
        line["file"] = path.display().to_string().into();
    }
    print(line);
}

fn error_json(at: usize, why: &str) -> Value {
    json!({"at": at, "error": why})
}

fn record_json(record: &Record<'_>, said: Option<metadata::Record>) -> Value {
    let mut line = Map::new();
    line.insert("offset".into(), record.offset.0.into());
    line.insert("time".into(), record.timestamp.into());
    match said {
        Some(said) => drop(line.insert("record".into(), said.to_string().into())),
        None => {
            put(&mut line, "key", record.key);
            put(&mut line, "value", record.value);
        }
    }
    line.into()
}

fn record_words(record: &Record<'_>, said: Option<metadata::Record>) -> String {
    let shown = |bytes: Option<&[u8]>| bytes.map_or_else(|| "null".into(), escaped);
    let content = match said {
        // A config's value is whatever somebody set.
        Some(said) => escaped(said.to_string().as_bytes()),
        None => format!("key {}  value {}", shown(record.key), shown(record.value)),
    };
    format!("  offset {}  time {}  {content}", record.offset.0, record.timestamp)
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
    const ORDER: [&str; 14] = [
        "base",
        "last",
        "count",
        "time",
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
    ];
    let word = |name: &&str| {
        let value = line.get(*name)?;
        Some(format!("{name} {}", value.as_str().map_or_else(|| value.to_string(), String::from)))
    };
    ORDER.iter().filter_map(word).collect::<Vec<_>>().join("  ")
}
