//! Puts a node together from its configuration and a real data folder.

use crate::disk::{Disk, DiskThreads, Settings};
use crate::event::Event;
use crate::exit::{Code, Failure};
use crate::metrics::{Metrics, State};
use crate::node::{self, Parts};
use crate::rt::{self, TcpListener};
use crate::{admin, durable, format, lock};
use esker_core::config::{Accepted, Door, Given, Identity, NodeConfig};
use esker_core::id::Uuid;
use esker_core::io::{Address, Listener};
use std::io::Write;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::mpsc::{self, UnboundedSender};

/// Logs and indexes kept open, of half the file descriptors that the process may have.
const OPEN_FILES: RangeInclusive<usize> = 100..=16_384;
/// File descriptors that are neither theirs nor a connection's: listeners, peers, files that are being replaced.
const RESERVED_FILES: usize = 200;

/// Connections that clients get, however few file descriptors there are.
const CLIENTS_MIN: usize = 64;

/// With fewer file descriptors it does not start.
const DESCRIPTORS_MIN: usize = RESERVED_FILES + node::CONTROLLERS_MIN + CLIENTS_MIN + *OPEN_FILES.start();

/// What `esker serve` was told.
#[derive(Debug)]
pub struct Setup {
    pub file: Given,
    pub data: PathBuf,
}

/// Serves until the node ends.
pub fn serve(setup: Setup) -> Result<(), Failure> {
    let incarnation = Uuid(random());
    let identity = Identity { incarnation, host: host(), seed: random() as u64, ..Identity::default() };
    let Accepted { mut config, idle } =
        NodeConfig::accept(setup.file, identity).map_err(|why| Failure::new(Code::Config, why.0))?;
    if !idle.is_empty() {
        tracing::warn!("without meaning here: {}", idle.join(", "));
    }
    if config.sends_away() {
        tracing::warn!(
            "clients on other machines will be sent to localhost: set advertised.listeners to where they reach this one"
        );
    }
    if let Some(version) = std::fs::read_to_string("/proc/sys/kernel/osrelease").ok().filter(|it| hides_failures(it)) {
        let version = version.trim();
        tracing::warn!("Linux {version} does not tell syncfs of writes that failed (5.8 does): one may go unnoticed");
    }
    let threads = number(&config.file, "runtime.threads", 2);
    let runtime = rt::runtime(threads).map_err(|why| Failure::failed(format!("cannot start threads: {why}")))?;
    runtime.block_on(async move {
        let doors = node::open_doors(&mut config).await?;
        let admin = open_admin(&config).await?;
        let folder = format::look(&setup.data, config.node.0, config.identity.cluster.as_deref(), Uuid(random()))?;
        durable::make_folder(&setup.data).map_err(|why| in_folder(&setup.data, &why))?;
        let _lock = lock::take(&setup.data)?;
        if folder.is_new {
            format::write(&setup.data, config.node.0, &folder).map_err(|why| in_folder(&setup.data, &why))?;
        }
        config.identity.directory = folder.directory;
        config.identity.cluster = folder.cluster;
        run(config, doors, admin, setup.data).await
    })
}

/// The machine's name. It has none if nobody gave it one.
fn host() -> Option<String> {
    let name = rustix::system::uname().nodename().to_str().ok()?.to_string();
    Some(name).filter(|name| !name.is_empty() && name != "(none)")
}

/// Whether the kernel of that version keeps from `syncfs` that a page could not be written.
fn hides_failures(version: &str) -> bool {
    let mut numbers = version.split(['.', '-']).map(|text| text.trim().parse::<u32>());
    matches!((numbers.next(), numbers.next()), (Some(Ok(major)), Some(Ok(minor))) if (major, minor) < (5, 8))
}

fn in_folder(folder: &Path, why: &std::io::Error) -> Failure {
    Failure::new(Code::Folder, format!("data folder {}: {why}", folder.display()))
}

fn number(given: &Given, name: &str, default: usize) -> usize {
    given.get(name).and_then(|text| text.trim().parse().ok()).unwrap_or(default)
}

/// 128 bits from the operating system.
fn random() -> u128 {
    let mut bytes = [0; 16];
    let read =
        std::fs::File::open("/dev/urandom").and_then(|mut file| std::io::Read::read_exact(&mut file, &mut bytes));
    assert!(read.is_ok(), "the operating system gives random numbers");
    u128::from_be_bytes(bytes)
}

async fn open_admin(config: &NodeConfig) -> Result<Option<TcpListener>, Failure> {
    let Some(text) = config.file.get("admin.listen").filter(|text| !text.is_empty()) else { return Ok(None) };
    let wrong = || Failure::new(Code::Config, format!("admin.listen: '{text}' is not host:port"));
    let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
    // An address of IPv6 stands in brackets, which are no part of it.
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    node::bind("admin.listen", host, port.parse().map_err(|_| wrong())?, 16).await.map(Some)
}

async fn run(
    config: NodeConfig,
    doors: Vec<(Door, TcpListener)>,
    admin: Option<TcpListener>,
    data: PathBuf,
) -> Result<(), Failure> {
    let metrics = Arc::new(Metrics::default());
    let (events, inbox) = mpsc::unbounded_channel();
    let (files, connections_max) = descriptors()?;
    let disk = start_disk(&data, &config, files, &metrics, &events)?;
    if let Some(socket) = admin {
        if let Ok(address) = socket.local_addr() {
            tracing::info!("metrics and health at http://{address}/");
        }
        tokio::spawn(admin::serve(socket, Arc::clone(&metrics)));
    }
    let line = friendly(&config, &doors, &data);
    let (of_ready, to_ready) = (Arc::clone(&metrics), Arc::clone(&disk));
    let ready = move || {
        of_ready.set_state(State::Ready);
        if let Err(why) = to_ready.make_journal() {
            tracing::warn!("without a journal ({why}): files are synced one by one");
        }
        // Nobody may be there to read it.
        let _ = writeln!(std::io::stdout(), "{line}");
    };
    let ready = Box::new(ready);
    let of_node: Arc<dyn Disk> = Arc::clone(&disk) as _;
    node::run(Parts { config, doors, disk: of_node, metrics, events, inbox, connections_max, ready }).await?;
    disk.close().map_err(|why| Failure::new(Code::Storage, format!("stopped, and the journal was not emptied: {why}")))
}

fn start_disk(
    data: &Path,
    config: &NodeConfig,
    files: usize,
    metrics: &Arc<Metrics>,
    events: &UnboundedSender<Event>,
) -> Result<Arc<DiskThreads>, Failure> {
    let events = events.clone();
    let report = move |completed| drop(events.send(Event::Disk(completed)));
    let settings = Settings {
        readers: number(&config.file, "disk.threads", 2),
        files,
        journal: number(&config.file, "journal.bytes", 128 << 20) as u64,
        life: random() as u64,
    };
    match DiskThreads::start(data, settings, Arc::clone(metrics), report) {
        Ok(disk) => Ok(Arc::new(disk)),
        Err(why) => Err(in_folder(data, &why)),
    }
}

/// An address as a client is given it: that of IPv6 stands in brackets.
fn shown(Address { host, port }: &Address) -> String {
    let host = host.as_str();
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// One line for the person who started it.
fn friendly(config: &NodeConfig, doors: &[(Door, TcpListener)], data: &Path) -> String {
    let clients = doors.iter().filter(|(door, _)| door.listener == Listener::Broker);
    let at: Vec<String> = clients.map(|(door, _)| shown(&door.advertised)).collect();
    let at = if at.is_empty() { "no address for clients".to_string() } else { at.join(", ") };
    let data = std::path::absolute(data).unwrap_or_else(|_| data.to_path_buf());
    format!("Esker node {} serves Kafka clients at {at}, data in {}", config.node, data.display())
}

/// How many logs and indexes are kept open, and how many connections: of the file descriptors that the process may have. The limit is
/// raised as far as it goes first.
fn descriptors() -> Result<(usize, usize), Failure> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    let current = getrlimit(Resource::Nofile).current.and_then(|current| usize::try_from(current).ok());
    let all = current.unwrap_or(usize::MAX);
    share_out(all).ok_or_else(|| {
        let line = format!("the process may have {all} files open, and needs {DESCRIPTORS_MIN} (ulimit -n)");
        Failure::new(Code::Config, line)
    })
}

/// What logs and indexes get of so many descriptors, and what connections.
fn share_out(all: usize) -> Option<(usize, usize)> {
    let rest = all.checked_sub(RESERVED_FILES + node::CONTROLLERS_MIN + CLIENTS_MIN)?;
    let files = (all / 2).min(rest).min(*OPEN_FILES.end());
    (files >= *OPEN_FILES.start()).then(|| (files, all - files - RESERVED_FILES))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_kernels_are_known() {
        assert!(hides_failures("4.18.0-553.el8_10.x86_64\n") && hides_failures("5.4.0-200-generic"));
        assert!(!hides_failures("5.8.0") && !hides_failures("6.18.2-cloud") && !hides_failures("unknown"));
    }

    #[test]
    fn no_more_descriptors_are_given_out_than_there_are() {
        assert_eq!(share_out(DESCRIPTORS_MIN - 1), None);
        for all in [DESCRIPTORS_MIN, 512, 1024, 4096, 1 << 20] {
            let (files, connections) = share_out(all).unwrap();
            assert!(files + connections + RESERVED_FILES <= all, "{all}: {files} files, {connections} connections");
            assert!(OPEN_FILES.contains(&files) && connections >= node::CONTROLLERS_MIN + CLIENTS_MIN);
        }
        assert_eq!(share_out(1024), Some((512, 312)));
    }
}
