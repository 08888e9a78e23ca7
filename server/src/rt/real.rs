//! tokio on a real machine.

use rustix::io::{Errno, ReadWriteFlags};
use std::fs::File;
use std::io::{self, IoSliceMut};
use std::time::{Duration, SystemTime};
use tokio::io::Interest;
use tokio::net::TcpSocket;
use tokio::signal::unix::{Signal, SignalKind, signal};

pub use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
pub use tokio::net::{TcpListener, TcpStream};
pub use tokio::runtime::Handle;

/// What an operator ends a process with, or a terminal that is closed.
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    /// Not listened to under `nohup`, which wants it ignored.
    hangup: Option<Signal>,
}

impl Signals {
    /// From here on signals end nothing by themselves.
    pub fn listen() -> io::Result<Self> {
        let hangup = if ignores_hangup() { None } else { Some(signal(SignalKind::hangup())?) };
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())?, hangup })
    }

    /// The number of the one that comes next.
    pub async fn next(&mut self) -> u8 {
        let hangup = async {
            match &mut self.hangup {
                Some(hangup) => drop(hangup.recv().await),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            _ = self.terminate.recv() => 15,
            _ = self.interrupt.recv() => 2,
            () = hangup => 1,
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

/// Threads for what may wait: names that are looked up, and what [`crate::cold`] reads.
const BLOCKING: usize = 12;

/// Threads that serve connections, with small stacks: a connection's task needs little.
pub fn runtime(threads: usize) -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .max_blocking_threads(BLOCKING)
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

/// How far apart bytes are looked at: the kernel reads and drops its cache in runs that are not much shorter.
const LOOK: usize = 256 << 10;

/// Whether a range of a file is in the page cache, as far as some of its bytes tell. Where the file system cannot say, it counts as
/// near.
pub fn is_near(file: &File, at: u64, len: usize) -> bool {
    let is_there = |at: u64| {
        let (mut byte, flags) = ([0], ReadWriteFlags::NOWAIT);
        rustix::io::preadv2(file, &mut [IoSliceMut::new(&mut byte)], at, flags) != Err(Errno::AGAIN)
    };
    let last = at + len.saturating_sub(1) as u64;
    (at..last).step_by(LOOK).chain([last]).all(is_there)
}

/// Reads a range of a file into the page cache, and nowhere else: sent to where nothing is copied (1 GB: 0.05 to 0.2 s of CPU, by reads
/// 0.8 to 1.1; by advice 0.4, and it does not say when it is done). What cannot be read is not told: whoever sends it will see.
pub fn read_near(file: &File, mut at: u64, len: usize) {
    let Ok(nowhere) = File::options().write(true).open("/dev/null") else { return };
    let end = at.saturating_add(len as u64);
    while at < end {
        let left = usize::try_from(end - at).unwrap_or(usize::MAX);
        match rustix::fs::sendfile(&nowhere, file, Some(&mut at), left) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
    }
}

/// Lets the system drop what it has in memory of the file, which is written. Where it does not, it is read from there.
pub fn forget(file: &File) {
    let _ = rustix::fs::fadvise(file, 0, None, rustix::fs::Advice::DontNeed);
}

/// What the wall clock says.
pub fn wall() -> SystemTime {
    SystemTime::now()
}

/// The time since the machine was started, with that during which it slept.
pub fn mono() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    Duration::try_from(time).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::{Advice, fadvise, fstatfs};
    use std::io::Write;

    /// Memory is this file system's medium: nothing in it is ever far.
    const TMPFS: u64 = 0x0102_1994;

    #[test]
    fn what_the_kernel_dropped_is_far_until_it_is_read() {
        const LEN: usize = 1 << 20;
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&[7; LEN]).unwrap();
        assert!(is_near(&file, 0, LEN) && is_near(&file, 9, 1), "it was just written");
        file.sync_all().unwrap();
        fadvise(&file, 0, None, Advice::DontNeed).unwrap();
        assert_eq!(is_near(&file, 0, LEN), fstatfs(&file).unwrap().f_type as u64 == TMPFS);
        read_near(&file, 0, LEN);
        assert!(is_near(&file, 0, LEN));
        // A file that is shorter than was promised is for `sendfile` to tell.
        read_near(&file, 0, LEN * 2);
        assert!(is_near(&file, 0, LEN * 2));
    }
}
