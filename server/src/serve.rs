//! Puts a node together from its configuration, and takes it apart.

use crate::clock::Clock;
use crate::conn::Shared;
use crate::disk::{Disk, DiskThreads};
use crate::drive::{Shell, drive};
use crate::event::Event;
use crate::exit::{Code, Failure};
use crate::listen::{Doorkeeper, listen};
use crate::metrics::Metrics;
use crate::peers::Peers;
use crate::rt::{self, Signals};
use crate::{admin, format, lock};
use esker_core::broker::Broker;
use esker_core::config::{Accepted, Door, Given, Identity, NodeConfig};
use esker_core::id::Uuid;
use esker_core::io::{Input, Listener};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::Semaphore;
use tokio::sync::mpsc::{self, UnboundedSender};

/// How long connections may take to send what is ready when the node has ended.
const LAST_WORDS: Duration = Duration::from_millis(200);
/// File descriptors that are no connection's: logs, indexes, listeners, peers.
const RESERVED_FILES: u64 = 600;

/// What `esker serve` was told.
#[derive(Debug)]
pub struct Setup {
    pub file: Given,
    pub data: PathBuf,
}

/// Serves until the node ends.
pub fn serve(setup: Setup) -> Result<(), Failure> {
    let incarnation = Uuid(random());
    let identity = Identity { incarnation, seed: random() as u64, ..Identity::default() };
    let Accepted { mut config, idle } =
        NodeConfig::accept(setup.file, identity).map_err(|why| Failure::new(Code::Config, why.0))?;
    if !idle.is_empty() {
        tracing::warn!("without meaning here: {}", idle.join(", "));
    }
    let threads = number(&config.file, "runtime.threads", 2);
    let runtime = rt::runtime(threads).map_err(|why| Failure::failed(format!("cannot start threads: {why}")))?;
    runtime.block_on(async move {
        let doors = open_doors(&mut config)?;
        let admin = open_admin(&config)?;
        let folder = format::look(&setup.data, config.node.0, config.identity.cluster.as_deref(), Uuid(random()))?;
        std::fs::create_dir_all(&setup.data).map_err(|why| in_folder(&setup.data, &why))?;
        let _lock = lock::take(&setup.data)?;
        if folder.is_new {
            format::write(&setup.data, config.node.0, &folder).map_err(|why| in_folder(&setup.data, &why))?;
        }
        config.identity.directory = folder.directory;
        config.identity.cluster = folder.cluster;
        run(config, doors, admin, setup.data).await
    })
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

/// Binds every listener; a port 0 becomes the port that was found.
fn open_doors(config: &mut NodeConfig) -> Result<Vec<(Door, TcpListener)>, Failure> {
    let backlog = u32::try_from(config.limits.backlog).unwrap_or(50).max(512);
    let mut open = Vec::new();
    for door in &mut config.doors {
        let socket = bind(&door.bind.host, door.bind.port, backlog)?;
        let port = socket.local_addr().map_or(door.bind.port, |address| address.port());
        if door.advertised.port == 0 {
            door.advertised.port = port;
        }
        door.bind.port = port;
        open.push((door.clone(), socket));
    }
    Ok(open)
}

fn bind(host: &str, port: u16, backlog: u32) -> Result<TcpListener, Failure> {
    let host = if host.is_empty() { "0.0.0.0" } else { host };
    let fail = |why: std::io::Error| {
        let hint = if why.kind() == std::io::ErrorKind::AddrInUse {
            "; another process has it: stop it, or give --listen another port"
        } else {
            ""
        };
        Failure::new(Code::Address, format!("cannot listen on {host}:{port}: {why}{hint}"))
    };
    let mut addresses = std::net::ToSocketAddrs::to_socket_addrs(&(host, port)).map_err(fail)?;
    let address = addresses.next().ok_or_else(|| fail(std::io::ErrorKind::AddrNotAvailable.into()))?;
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }.map_err(fail)?;
    socket.set_reuseaddr(true).map_err(fail)?;
    socket.bind(address).map_err(fail)?;
    socket.listen(backlog).map_err(fail)
}

fn open_admin(config: &NodeConfig) -> Result<Option<TcpListener>, Failure> {
    let Some(text) = config.file.get("admin.listen").filter(|text| !text.is_empty()) else { return Ok(None) };
    let wrong = || Failure::new(Code::Config, format!("admin.listen: '{text}' is not host:port"));
    let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
    bind(host, port.parse().map_err(|_| wrong())?, 16).map(Some)
}

async fn run(
    config: NodeConfig,
    doors: Vec<(Door, TcpListener)>,
    admin: Option<TcpListener>,
    data: PathBuf,
) -> Result<(), Failure> {
    let metrics = Arc::new(Metrics::default());
    let (events, inbox) = mpsc::unbounded_channel();
    let disk = start_disk(&data, &config, &metrics, &events)?;
    let shared = Arc::new(Shared {
        events: events.clone(),
        disk: Arc::clone(&disk),
        metrics: Arc::clone(&metrics),
        limits: config.limits.clone(),
        room: Semaphore::new(config.limits.in_flight_bytes),
    });
    let keeper =
        Arc::new(Doorkeeper::new(config.limits.connections.min(files_max()), config.limits.connections_per_ip));
    if let Some(socket) = admin {
        tokio::spawn(admin::serve(socket, Arc::clone(&metrics)));
    }
    let line = friendly(&config, &doors, &data);
    let of_ready = Arc::clone(&metrics);
    let ready = move || {
        of_ready.set_ready();
        println!("{line}");
    };
    for (door, socket) in doors {
        tokio::spawn(listen(socket, door.listener, Arc::clone(&keeper), Arc::clone(&shared)));
    }
    tokio::spawn(watch_room(Arc::clone(&disk), Arc::clone(&metrics), events.clone()));
    tokio::spawn(watch_signals(events.clone()));
    let shell = Shell {
        disk,
        peers: Peers::new(format!("esker-{}", config.node), events),
        metrics,
        ready: Some(Box::new(ready)),
        conns: HashMap::new(),
        ops: Vec::new(),
    };
    // A task of its own: a thread that serves a connection can go on with the loop without waking another.
    let driving = tokio::spawn(drive(Broker::new(config), inbox, shell, Clock::start()));
    let ended = driving.await.map_err(|why| Failure::new(Code::Failed, format!("stopped: {why}")))?;
    tokio::time::sleep(LAST_WORDS).await;
    if ended.clean {
        tracing::info!("stopped in order");
        Ok(())
    } else {
        Err(Failure::new(Code::Storage, format!("stopped: {}", ended.why)))
    }
}

fn start_disk(
    data: &Path,
    config: &NodeConfig,
    metrics: &Arc<Metrics>,
    events: &UnboundedSender<Event>,
) -> Result<Arc<dyn Disk>, Failure> {
    let events = events.clone();
    let report = move |completed| drop(events.send(Event::Disk(completed)));
    let readers = number(&config.file, "disk.threads", 2);
    match DiskThreads::start(data, readers, Arc::clone(metrics), report) {
        Ok(disk) => Ok(Arc::new(disk)),
        Err(why) => Err(in_folder(data, &why)),
    }
}

/// One line for the person who started it.
fn friendly(config: &NodeConfig, doors: &[(Door, TcpListener)], data: &Path) -> String {
    let clients = doors.iter().filter(|(door, _)| door.listener == Listener::Broker);
    let at: Vec<String> = clients.map(|(door, _)| door.advertised.to_string()).collect();
    let at = if at.is_empty() { "no address for clients".to_string() } else { at.join(", ") };
    format!("Esker node {} serves Kafka clients at {at}, data in {}", config.node, data.display())
}

/// Connections that the process has file descriptors for; the limit is raised as far as it goes first.
fn files_max() -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    let current = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    usize::try_from(current.saturating_sub(RESERVED_FILES).max(64)).unwrap_or(usize::MAX)
}

async fn watch_room(disk: Arc<dyn Disk>, metrics: Arc<Metrics>, events: UnboundedSender<Event>) {
    loop {
        if let Ok(bytes) = disk.room() {
            metrics.room.set(i64::try_from(bytes).unwrap_or(i64::MAX));
            if events.send(Event::Input(Input::Room { bytes })).is_err() {
                return;
            }
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// The first signal asks for a clean stop; the second ends the process at once.
async fn watch_signals(events: UnboundedSender<Event>) {
    let Ok(mut signals) = Signals::listen() else { return };
    signals.next().await;
    tracing::info!("stopping; once more to stop at once");
    let _ = events.send(Event::Input(Input::Stop));
    signals.next().await;
    std::process::exit(130);
}
