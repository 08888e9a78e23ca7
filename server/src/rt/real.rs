//! tokio on a real machine.

use std::fs::File;
use std::io;
use std::time::SystemTime;
use tokio::io::Interest;
use tokio::net::TcpSocket;

pub use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
pub use tokio::net::{TcpListener, TcpStream};
pub use tokio::runtime::Handle;

/// Resolves at the first sign that the operator wants the process to end.
pub struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
    /// The terminal was closed. Not listened to under `nohup`, which wants it ignored.
    hangup: Option<tokio::signal::unix::Signal>,
}

impl Signals {
    pub fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let hangup = if ignores_hangup() { None } else { Some(signal(SignalKind::hangup())?) };
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())?, hangup })
    }

    pub async fn next(&mut self) {
        let hangup = async {
            match &mut self.hangup {
                Some(hangup) => drop(hangup.recv().await),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
            () = hangup => {}
        }
    }
}

/// Whether the process was started with SIGHUP ignored. What cannot be known counts as no.
fn ignores_hangup() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 != 0)
}

/// Ends the process as a second ctrl-C does.
pub async fn end_at_once() {
    std::process::exit(130);
}

/// Threads that serve connections, with small stacks: a connection's task needs little.
pub fn runtime(threads: usize) -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .max_blocking_threads(4)
        .thread_name("esker-work")
        .thread_stack_size(512 << 10)
        .enable_all()
        .build()
}

/// Disk threads need little: no recursion, no large frames.
const DISK_STACK: usize = 256 << 10;

/// A thread that may block, for the disk.
pub fn spawn_thread(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    std::thread::Builder::new().name(name.into()).stack_size(DISK_STACK).spawn(work).map(|_| ())
}

/// Runs `work` on a thread of its own, with timers of its own: whatever keeps the runtime's threads busy does not keep it. Answers
/// what becomes of it; nothing if the thread did not live.
pub fn spawn_apart<T: Send + 'static>(
    name: &str,
    work: impl Future<Output = T> + Send + 'static,
) -> io::Result<impl Future<Output = Option<T>>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let (end, ended) = tokio::sync::oneshot::channel();
    // Nobody may wait for it any more.
    let run = move || drop(end.send(runtime.block_on(work)));
    std::thread::Builder::new().name(name.into()).spawn(run)?;
    Ok(async { ended.await.ok() })
}

/// Listens on an address. A port that a process before this one had is taken at once.
pub async fn bind(host: &str, port: u16, backlog: u32) -> io::Result<TcpListener> {
    let mut addresses = std::net::ToSocketAddrs::to_socket_addrs(&(host, port))?;
    let address = addresses.next().ok_or(io::ErrorKind::AddrNotAvailable)?;
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(backlog)
}

/// Sends up to `len` bytes of the file from `from` on, as far as the socket takes them now.
pub fn send_file(stream: &TcpStream, file: &File, mut from: u64, len: usize) -> io::Result<usize> {
    stream.try_io(Interest::WRITABLE, || Ok(rustix::fs::sendfile(stream, file, Some(&mut from), len)?))
}

/// What the wall clock says.
pub fn wall() -> SystemTime {
    SystemTime::now()
}
