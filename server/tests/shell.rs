//! The binary as a stranger meets it: started, stopped, started twice, and sent garbage.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

const ESKER: &str = env!("CARGO_BIN_EXE_esker");

struct Node {
    child: Child,
    port: u16,
    data: PathBuf,
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn folder(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("esker-shell-{}-{name}", std::process::id()));
    let _ = std::fs::remove_dir_all(&path);
    path
}

fn serve(data: &Path, port: u16) -> Command {
    let mut command = Command::new(ESKER);
    command.args(["serve", "--data"]).arg(data).args(["--listen", &format!("127.0.0.1:{port}")]);
    command
}

impl Node {
    fn start(name: &str) -> Self {
        Self::start_in(folder(name))
    }

    fn start_in(data: PathBuf) -> Self {
        let port = free_port();
        let mut child = serve(&data, port).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(line.contains(&format!("127.0.0.1:{port}")) && line.contains(data.to_str().unwrap()), "{line}");
        Self { child, port, data }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stream
    }

    fn esker(&self, args: &[&str], input: &str) -> Output {
        let mut child = Command::new(ESKER)
            .args(args)
            .args(["-b", &format!("127.0.0.1:{}", self.port)])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    }

    fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() << 10
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.data);
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A request's frame with a header of version 1 and no client id.
fn frame(key: i16, version: i16, correlation: i32, body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend(((10 + body.len()) as i32).to_be_bytes());
    bytes.extend(key.to_be_bytes());
    bytes.extend(version.to_be_bytes());
    bytes.extend(correlation.to_be_bytes());
    bytes.extend((-1i16).to_be_bytes());
    bytes.extend(body);
    bytes
}

fn is_closed(mut stream: TcpStream) -> bool {
    let mut rest = Vec::new();
    // A reset is as good as an end.
    stream.read_to_end(&mut rest).map_or(true, |_| rest.is_empty())
}

fn correlation(stream: &mut TcpStream) -> i32 {
    let mut prefix = [0; 8];
    stream.read_exact(&mut prefix).unwrap();
    let len = i32::from_be_bytes(prefix[..4].try_into().unwrap());
    let mut body = vec![0; len as usize - 4];
    stream.read_exact(&mut body).unwrap();
    i32::from_be_bytes(prefix[4..].try_into().unwrap())
}

#[test]
fn lines_survive_a_kill() {
    let mut node = Node::start("kill");
    let lines: String = (0..2000).map(|number| format!("line {number}\n")).collect();
    let written = node.esker(&["produce", "t", "--json"], &lines);
    assert!(written.status.success(), "{}", text(&written.stderr));
    node.child.kill().unwrap();
    node.child.wait().unwrap();
    let data = node.data.clone();
    std::mem::forget(node);
    let node = Node::start_in(data);
    let read = node.esker(&["consume", "t", "--from-beginning", "-n", "2000"], "");
    assert_eq!(text(&read.stdout), lines, "{}", text(&read.stderr));
}

#[test]
fn a_wrong_start_is_one_line_and_leaves_nothing_behind() {
    let node = Node::start("wrong");
    let said = |output: Output, code: i32, word: &str| {
        let line = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{line}");
        assert!(line.lines().count() == 1 && line.contains(word), "{line}");
    };
    said(serve(&node.data, free_port()).output().unwrap(), 4, "in use");
    let elsewhere = folder("elsewhere");
    said(serve(&elsewhere, node.port).output().unwrap(), 5, "cannot listen");
    assert!(!elsewhere.exists());
    let unknown = serve(&elsewhere, free_port()).args(["--set", "num.partitons=3"]).output().unwrap();
    said(unknown, 3, "num.partitions");
    let protected = serve(&elsewhere, free_port()).args(["--set", "ssl.keystore.location=/x"]).output().unwrap();
    said(protected, 3, "not built");
    assert!(!elsewhere.exists());
    let missing = Command::new(ESKER).args(["topic", "list", "-b", "127.0.0.1:1"]).output().unwrap();
    said(missing, 1, "cannot reach");
}

#[test]
fn garbage_closes_its_own_connection_only() {
    let node = Node::start("garbage");
    let before = node.memory();
    let mut bystander = node.connect();
    let false_count = frame(3, 1, 1, &i32::MAX.to_be_bytes());
    let garbage: [&[u8]; 8] = [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        &(-1i32).to_be_bytes(),
        &0i32.to_be_bytes(),
        &i32::MAX.to_be_bytes(),
        &false_count,
        &frame(999, 0, 1, b""),
        &frame(0, 2, 1, b""),
        &frame(18, 0, 1, b"too much"),
    ];
    for bytes in garbage {
        let mut stream = node.connect();
        stream.write_all(bytes).unwrap();
        assert!(is_closed(stream), "{bytes:?} closes the connection");
    }
    // Lengths that are allowed and never kept: the bytes that did not come cost nothing.
    let stalled: Vec<TcpStream> = (0..100)
        .map(|_| {
            let mut stream = node.connect();
            stream.write_all(&100_000_000i32.to_be_bytes()).unwrap();
            stream.write_all(&[0; 1000]).unwrap();
            stream
        })
        .collect();
    bystander.write_all(&frame(18, 0, 77, b"")).unwrap();
    assert_eq!(correlation(&mut bystander), 77);
    assert!(node.memory() < before + (32 << 20), "{} grew to {}", before, node.memory());
    drop(stalled);
}

#[test]
fn pipelined_requests_are_answered_in_order_beyond_every_bound() {
    let node = Node::start("pipeline");
    let mut stream = node.connect();
    // Many times what one connection may have under way, and more replies than wait for a slow reader.
    let count = 20_000;
    let mut writer = stream.try_clone().unwrap();
    let sender = std::thread::spawn(move || {
        let all: Vec<u8> = (0..count).flat_map(|number| frame(18, 0, number, b"")).collect();
        writer.write_all(&all).unwrap();
    });
    std::thread::sleep(Duration::from_millis(300));
    for number in 0..count {
        assert_eq!(correlation(&mut stream), number);
    }
    sender.join().unwrap();
}

#[test]
fn a_signal_stops_it_in_order() {
    let mut node = Node::start("signal");
    assert!(node.esker(&["produce", "t"], "one\n").status.success());
    let killed = Command::new("kill").arg(node.child.id().to_string()).status().unwrap();
    assert!(killed.success());
    let end = Instant::now() + Duration::from_secs(20);
    let status = loop {
        if let Some(status) = node.child.try_wait().unwrap() {
            break status;
        }
        assert!(Instant::now() < end, "it does not stop");
        std::thread::sleep(Duration::from_millis(20));
    };
    assert_eq!(status.code(), Some(0));
    assert!(node.data.join(".kafka_cleanshutdown").exists());
}
