//! A node as a process of its own, on ports and in a folder of its own.

use esker_tests::rpc;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Only a hang takes so long.
pub const LIMIT: Duration = Duration::from_secs(90);

/// The server's binary: `ESKER_BIN`, or the one of these sources.
pub fn esker() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        if let Some(given) = std::env::var_os("ESKER_BIN") {
            return given.into();
        }
        let top = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
        let built = Command::new(env!("CARGO")).args(["build", "-q", "-p", "esker-server"]).current_dir(top).status();
        assert!(built.expect("cargo runs").success(), "the server builds");
        let tests = std::env::current_exe().expect("a test has a path");
        let target = tests.parent().and_then(Path::parent).expect("target/debug/deps/a-test");
        target.join("esker")
    })
}

/// A folder that goes away with the test.
pub struct Scratch(PathBuf);

impl Scratch {
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("esker-server-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("a folder under the temporary one");
        Self(path)
    }

    pub fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The command that serves on a port of its own, unless `extra` says where.
pub fn serve(data: &Path, extra: &[&str]) -> Command {
    let mut command = Command::new(esker());
    command.args(["serve", "--set", "listeners=PLAINTEXT://127.0.0.1:0", "--data"]).arg(data).args(extra);
    command.env("RUST_LOG", "info").current_dir(data.parent().unwrap_or(data));
    command
}

/// Runs a command to its end.
pub fn run(command: &mut Command) -> Output {
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = child.expect("the command starts");
    await_end(&mut child);
    child.wait_with_output().expect("it has ended")
}

pub fn await_end(child: &mut Child) -> i32 {
    let end = Instant::now() + LIMIT;
    loop {
        if let Some(status) = child.try_wait().expect("a child of ours") {
            return status.code().unwrap_or(-1);
        }
        if Instant::now() > end {
            let _ = child.kill();
            panic!("it did not end within {} s", LIMIT.as_secs());
        }
        sleep(Duration::from_millis(20));
    }
}

/// A process that serves.
pub struct Node {
    child: Child,
    log: PathBuf,
    pub address: SocketAddr,
    /// Where a second listener is.
    pub other: Option<SocketAddr>,
}

impl Node {
    pub fn start(data: &Path, extra: &[&str]) -> Self {
        Self::spawn(serve(data, extra), data)
    }

    /// Starts what `command` says, and waits until it serves.
    pub fn spawn(mut command: Command, data: &Path) -> Self {
        Self::begin(&mut command, data).greeted()
    }

    /// Waits until it says where it serves.
    pub fn greeted(mut self) -> Self {
        let stdout = self.child.stdout.take().expect("piped");
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).expect("readable");
        let mut told = line.split(" at ").nth(1).into_iter().flat_map(|rest| rest.split([',', ' ']));
        let mut next = || told.find_map(|text| text.parse().ok());
        self.address = next().unwrap_or_else(|| panic!("it does not serve: {line:?}\n{}", self.log()));
        self.other = next();
        self
    }

    /// Starts it, and does not wait.
    pub fn begin(command: &mut Command, data: &Path) -> Self {
        let log = data.with_extension(format!("{}.log", esker_tests::batch::now()));
        let stderr = File::create(&log).expect("a log beside the data");
        Self::begin_into(command, log, stderr.into())
    }

    /// The same, with its error stream wherever it may go.
    pub fn begin_into(command: &mut Command, log: PathBuf, stderr: Stdio) -> Self {
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(stderr).spawn();
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        Self { child: child.expect("the server starts"), log, address, other: None }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it wrote to its error stream.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Waits for a line of the log with `text` in it.
    pub fn said(&self, text: &str) -> String {
        let mut found = None;
        until(&format!("the log says {text}"), || {
            found = self.log().lines().find(|line| line.contains(text)).map(String::from);
            found.is_some()
        });
        found.unwrap_or_default()
    }

    pub fn signal(&self, name: &str) {
        signal(self.id(), name);
    }

    /// Asks it to stop, and gives the exit code.
    pub fn stop(mut self) -> i32 {
        self.signal("TERM");
        self.ended()
    }

    /// Waits for its end and gives the exit code.
    pub fn ended(&mut self) -> i32 {
        await_end(&mut self.child)
    }

    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// A new client is answered.
    pub fn serves(&self) {
        let view = rpc::view(&[self.address], None);
        assert!(view.is_ok(), "another client is served: {view:?}\n{}", self.log());
    }

    /// Memory in use, in bytes.
    pub fn memory(&self) -> u64 {
        let text = fs::read_to_string(format!("/proc/{}/statm", self.id())).expect("it runs");
        text.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).expect("a number of pages") * 4096
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a signal to a process of ours.
pub fn signal(process: u32, name: &str) {
    let sent = Command::new("kill").args([format!("-{name}"), process.to_string()]).status();
    assert!(sent.is_ok_and(|status| status.success()), "a signal to a process of ours");
}

/// Waits until something holds.
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + LIMIT;
    while !holds() {
        assert!(Instant::now() < end, "{what}: not within {} s", LIMIT.as_secs());
        sleep(Duration::from_millis(20));
    }
}

/// The answer to a GET: its status and its body.
pub fn get(address: &str, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).expect("the admin port is open");
    stream.set_read_timeout(Some(LIMIT)).expect("a socket");
    write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").expect("it takes a request");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("an answer");
    let status = text.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status line");
    (status, text.split_once("\r\n\r\n").map_or_else(String::new, |(_, body)| body.to_owned()))
}

/// Makes the topic `t` of one partition, which takes records when this is done: the metadata may know of a topic before its leader does.
pub fn topic(address: SocketAddr) {
    rpc::create(&[address], "t", 1, 1, &[]).expect("a topic");
    until("the leader leads", || rpc::offset(address, "t", 0, -1).is_ok());
}

/// Every file below a folder, with its length.
pub fn files(folder: &Path) -> Vec<(PathBuf, u64)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            all.extend(files(&path));
        } else {
            all.push((path, entry.metadata().map_or(0, |data| data.len())));
        }
    }
    all.sort();
    all
}
