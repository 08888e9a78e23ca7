//! A node: its loop, its listeners, and what watches over them, on a disk that it is given.

use crate::clock::Clock;
use crate::cold::Cold;
use crate::conn::{Entrance, Shared};
use crate::disk::Disk;
use crate::drive::{Shell, drive};
use crate::event::Event;
use crate::exit::{Code, Failure};
use crate::listen::{Doorkeeper, listen};
use crate::metrics::{Metrics, State};
use crate::notes::Notes;
use crate::peers::Peers;
use crate::room::Rooms;
use crate::rt::{self, Signals, TcpListener};
use esker_core::broker::Broker;
use esker_core::config::{Door, NodeConfig};
use esker_core::io::{Input, Listener};
use esker_core::mutant::{self, Mutant};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::time::Instant;

/// How long calls to other nodes have to leave when the node has ended, and how long connections may take at most to send what
/// is ready.
const LAST_WORDS: Duration = Duration::from_millis(200);
const LAST_WORDS_MAX: Duration = Duration::from_secs(1);
/// A signal so soon after the first is the same wish: `timeout` and a service manager send one to a process and one to its group.
pub const ONE_WISH: Duration = Duration::from_secs(1);
/// Connections to listeners of controllers: from each node one for each lane but the followers', and now and then from a tool. A
/// quarter of what the process may have, within these bounds; half of it from one address, where several nodes may be.
pub const CONTROLLERS_MIN: usize = 100;
const CONTROLLERS_MAX: usize = 1000;

/// What a node is put together from.
pub struct Parts {
    pub config: NodeConfig,
    pub doors: Vec<(Door, TcpListener)>,
    /// Reports to `events`.
    pub disk: Arc<dyn Disk>,
    pub metrics: Arc<Metrics>,
    pub events: UnboundedSender<Event>,
    pub inbox: UnboundedReceiver<Event>,
    /// What the process has file descriptors for; more than [`CONTROLLERS_MIN`].
    pub connections_max: usize,
    /// Called once, when the node serves.
    pub ready: Box<dyn FnOnce() + Send>,
}

/// Binds every listener; a port 0 becomes the port that was found.
pub async fn open_doors(config: &mut NodeConfig) -> Result<Vec<(Door, TcpListener)>, Failure> {
    let backlog = u32::try_from(config.limits.backlog).unwrap_or(50).max(512);
    let mut open = Vec::new();
    for door in &mut config.doors {
        let setting = if door.listener == Listener::Broker { "--listen" } else { "listeners" };
        let socket = bind(setting, &door.bind.host, door.bind.port, backlog).await?;
        let port = socket.local_addr().map_or(door.bind.port, |address| address.port());
        if door.advertised.port == 0 {
            door.advertised.port = port;
        }
        door.bind.port = port;
        open.push((door.clone(), socket));
    }
    Ok(open)
}

/// `setting` is where another address can be given.
pub async fn bind(setting: &str, host: &str, port: u16, backlog: u32) -> Result<TcpListener, Failure> {
    let host = if host.is_empty() { "0.0.0.0" } else { host };
    rt::bind(host, port, backlog).await.map_err(|why| {
        let hint = if why.kind() == std::io::ErrorKind::AddrInUse {
            format!("; another process has it: stop it, or give {setting} another port")
        } else {
            String::new()
        };
        Failure::new(Code::Address, format!("cannot listen on {host}:{port}: {why}{hint}"))
    })
}

/// Runs until the node ends.
pub async fn run(parts: Parts) -> Result<(), Failure> {
    let Parts { config, doors, disk, metrics, events, inbox, connections_max, ready } = parts;
    // Each kind of listener has room of its own: whatever clients hold, controllers still hear each other.
    let [to_brokers, to_controllers] = [(); 2].map(|()| {
        Arc::new(Shared {
            events: events.clone(),
            disk: Arc::clone(&disk),
            metrics: Arc::clone(&metrics),
            limits: config.limits.clone(),
            rooms: Rooms::new(config.limits.in_flight_bytes),
            cold: Cold::default(),
        })
    });
    let names = Arc::new(AtomicU64::new(1));
    let limits = &config.limits;
    let nodes_max = (connections_max / 4).clamp(CONTROLLERS_MIN, CONTROLLERS_MAX);
    let clients_max = limits.connections.min(connections_max.saturating_sub(nodes_max));
    let of_clients = Arc::new(Doorkeeper::new(&names, clients_max, limits.connections_per_ip));
    let of_controllers = Arc::new(Doorkeeper::new(&names, nodes_max, nodes_max / 2));
    for (number, (door, socket)) in (0..).zip(doors) {
        let (keeper, shared) = match door.listener {
            Listener::Broker => (&of_clients, &to_brokers),
            Listener::Controller => (&of_controllers, &to_controllers),
        };
        let entrance = Entrance { listener: door.listener, door: number };
        tokio::spawn(listen(socket, entrance, Arc::clone(keeper), Arc::clone(shared)));
    }
    tokio::spawn(watch_room(Arc::clone(&disk), Arc::clone(&metrics), events.clone()));
    let stopping = Arc::<AtomicBool>::default();
    // A node that nobody could stop in order is not to begin.
    let signals = Signals::listen().map_err(|why| Failure::failed(format!("signals cannot be listened to: {why}")))?;
    tokio::spawn(watch_signals(signals, Arc::clone(&metrics), events.clone(), Arc::clone(&stopping)));
    let of_end = Arc::clone(&metrics);
    let shell = Shell {
        disk,
        peers: Peers::new(&config, events),
        metrics,
        notes: Notes::default(),
        ready: Some(ready),
        conns: HashMap::new(),
        ops: Vec::new(),
        replies: 0,
        ends: 0,
        stopping,
    };
    // However busy the threads are that serve connections: what the loop does and what the disk threads do does not wait for them.
    let driving = rt::spawn_apart("esker-drive", drive(Broker::new(config), inbox, shell, Clock::start()));
    let driving = driving.map_err(|why| Failure::failed(format!("cannot start a thread: {why}")))?;
    let ended = driving.await.ok_or_else(|| Failure::failed("stopped: the loop has not ended in order"))?;
    of_end.set_state(State::Stopping);
    tokio::time::sleep(LAST_WORDS).await;
    rt::within(LAST_WORDS_MAX - LAST_WORDS, drained(&of_end)).await;
    if ended.clean {
        tracing::info!("stopped in order");
        Ok(())
    } else {
        Err(Failure::new(Code::Storage, format!("stopped: {}", ended.why)))
    }
}

/// Every connection has sent what it had.
async fn drained(metrics: &Metrics) {
    while metrics.connections.get() > 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn watch_room(disk: Arc<dyn Disk>, metrics: Arc<Metrics>, events: UnboundedSender<Event>) {
    loop {
        if let Ok((bytes, total)) = disk.room() {
            metrics.room.set(i64::try_from(bytes).unwrap_or(i64::MAX));
            if events.send(Event::Input(Input::Room { bytes, total })).is_err() {
                return;
            }
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// The first signal asks for a clean stop; the next one after [`ONE_WISH`] ends the process at once.
async fn watch_signals(
    mut signals: Signals,
    metrics: Arc<Metrics>,
    events: UnboundedSender<Event>,
    stopping: Arc<AtomicBool>,
) {
    signals.next().await;
    let first = Instant::now();
    metrics.set_state(State::Stopping);
    stopping.store(true, Ordering::Relaxed);
    if mutant::is(Mutant::ShellStopDrops) {
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let _ = events.send(Event::Input(Input::Stop));
    tracing::info!("stopping; once more to stop at once");
    loop {
        signals.next().await;
        if first.elapsed() >= ONE_WISH {
            return rt::end_at_once().await;
        }
    }
}
