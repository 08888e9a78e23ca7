//! A disk that is full: who needs no room goes on, who needs some waits or is told so, and all is as before when there is room again.

use super::disk::{all_there, quiet, send};
use super::node::{LIMIT, Node, Scratch, await_end, esker, serve, topic, until};
use esker_tests::conn::Conn;
use esker_tests::rpc;
use kafka_protocol::messages::offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use kafka_protocol::messages::{FindCoordinatorRequest, GroupId, OffsetCommitRequest};
use kafka_protocol::protocol::StrBytes;
use std::fs::File;
use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::atomic::{AtomicBool, Ordering};

const STORAGE: i16 = 56;

/// A file system of its own, in memory.
struct Tmpfs<'a>(&'a Path);

impl<'a> Tmpfs<'a> {
    /// `None`: not allowed here.
    fn mount(at: &'a Path, mib: u32) -> Option<Self> {
        std::fs::create_dir_all(at).expect("a folder");
        let mounted =
            quiet(Command::new("mount").args(["-t", "tmpfs", "-o", &format!("size={mib}m"), "esker-test"]).arg(at));
        mounted.then_some(Self(at))
    }

    fn resize(&self, mib: u32) {
        assert!(quiet(Command::new("mount").args(["-o", &format!("remount,size={mib}m")]).arg(self.0)));
    }
}

impl Tmpfs<'_> {
    /// Takes all that is left of it, as somebody else's file.
    fn fill(&self) {
        let mut ballast = File::create(self.0.join("ballast")).expect("a name has room");
        let page = [0; 4096];
        while ballast.write_all(&page).is_ok() {}
    }

    fn free(&self) {
        std::fs::remove_file(self.0.join("ballast")).expect("it was filled");
    }
}

impl Drop for Tmpfs<'_> {
    fn drop(&mut self) {
        quiet(Command::new("umount").arg("-l").arg(self.0));
    }
}

/// `esker produce` of one long line, and the file in which it says what happens.
fn produces(to: SocketAddr, line: &Path) -> (Child, PathBuf) {
    std::fs::write(line, vec![b'x'; 900_000]).expect("a file");
    let said = line.with_extension("said");
    let mut command = Command::new(esker());
    command.args(["produce", "t", "-b", &to.to_string(), "--file"]).arg(line);
    let child = command.stderr(File::create(&said).expect("a file")).spawn();
    (child.expect("it starts"), said)
}

#[test]
fn a_full_disk_refuses_what_is_new_and_nothing_else() {
    let scratch = Scratch::new("full");
    let mount = scratch.join("mount");
    let Some(medium) = Tmpfs::mount(&mount, 160) else {
        return println!("left out: a file system of its own wants root");
    };
    let data = mount.join("data");
    let mut node = Node::spawn(serve(&data, &[]), &scratch.join("data"));
    topic(node.address);
    let mut conn = Conn::open(node.address).expect("the port is open");
    let mut acked = Vec::new();
    let mut number = 0;
    let refused = loop {
        number += 1;
        match send(&mut conn, number, 900_000).expect("an answer") {
            (0, offset) => acked.push((offset, number)),
            (code, _) => break code,
        }
        assert!(number < 1000, "the disk is full at last");
    };
    assert_eq!(refused, STORAGE);
    assert!(acked.len() > 20, "{} records had room", acked.len());
    all_there(node.address, &acked);
    assert_eq!(send(&mut conn, 0, 900_000).expect("an answer").0, STORAGE, "still");
    assert!(node.is_running());
    let (mut producer, said) = produces(node.address, &scratch.join("line"));
    let told = || std::fs::read_to_string(&said).unwrap_or_default();
    until("the command says what it tries again", || {
        told().contains("writing to t-0: KAFKA_STORAGE_ERROR; trying again")
    });
    medium.resize(400);
    assert_eq!(await_end(&mut producer), 0, "{}", told());
    assert_eq!(told().matches("KAFKA_STORAGE_ERROR").count(), 1, "once: {}", told());
    until("there is room again", || {
        number += 1;
        let (code, offset) = send(&mut conn, number, 900_000).expect("an answer");
        if code == 0 {
            acked.push((offset, number));
        }
        code == 0
    });
    assert_eq!(node.stop(), 0);
    let node = Node::spawn(serve(&data, &[]), &scratch.join("data"));
    all_there(node.address, &acked);
    assert_eq!(node.stop(), 0);
}

/// Three nodes, each on a small file system of its own.
struct Three {
    nodes: Vec<Node>,
    data: Vec<PathBuf>,
    properties: Vec<PathBuf>,
    logs: PathBuf,
}

impl Three {
    fn start(scratch: &Scratch, mounts: &[PathBuf]) -> Self {
        let held: Vec<TcpListener> =
            (0..6).map(|_| TcpListener::bind(("127.0.0.1", 0)).expect("a free port")).collect();
        let ports: Vec<u16> = held.iter().map(|held| held.local_addr().expect("bound").port()).collect();
        let voters: Vec<String> = (0..3).map(|at| format!("{}@127.0.0.1:{}", at + 1, ports[3 + at])).collect();
        let mut this = Self { nodes: Vec::new(), data: Vec::new(), properties: Vec::new(), logs: scratch.join("data") };
        for (at, mount) in mounts.iter().enumerate() {
            let (data, properties) = (mount.join("data"), scratch.join(&format!("node{}.properties", at + 1)));
            let text = format!(
                "node.id={}\nprocess.roles=broker,controller\ncontroller.listener.names=CONTROLLER\n\
                 controller.quorum.voters={}\nlistener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT\n\
                 listeners=PLAINTEXT://127.0.0.1:{},CONTROLLER://127.0.0.1:{}\nlog.dirs={}\n\
                 replica.lag.time.max.ms=1500\noffsets.topic.num.partitions=1\noffsets.topic.replication.factor=3\n",
                at + 1,
                voters.join(","),
                ports[at],
                ports[3 + at],
                data.display()
            );
            std::fs::write(&properties, text).expect("a file");
            this.data.push(data);
            this.properties.push(properties);
        }
        drop(held);
        // They serve when they have found each other.
        let begun: Vec<Command> = (0..3).map(|at| this.command(at)).collect();
        let logs = &this.logs;
        this.nodes = std::thread::scope(|scope| {
            let starts: Vec<_> =
                begun.into_iter().map(|command| scope.spawn(move || Node::spawn(command, logs))).collect();
            starts.into_iter().map(|start| start.join().expect("it starts")).collect()
        });
        this
    }

    fn command(&self, at: usize) -> Command {
        let mut command = Command::new(super::node::esker());
        command
            .arg("serve")
            .arg(&self.properties[at])
            .env("RUST_LOG", "info")
            .current_dir(&self.data[at].parent().expect("a mount"));
        command
    }

    fn addresses(&self) -> Vec<SocketAddr> {
        self.nodes.iter().map(|node| node.address).collect()
    }

    /// Which of them leads `t-0`, and how many are in sync.
    fn leader(&self) -> (usize, usize) {
        let view = rpc::wait(&self.addresses(), Some("t"), LIMIT, |view| view.leader(0).is_some()).expect("a leader");
        let partition = &view.partitions[0];
        (partition.leader as usize - 1, partition.in_sync)
    }
}

/// Commits an offset of `t-0` at a node: its error code.
fn commit(node: SocketAddr, offset: i64) -> i16 {
    let partition = OffsetCommitRequestPartition::default().with_partition_index(0).with_committed_offset(offset);
    let topic = OffsetCommitRequestTopic::default().with_name(rpc::name("t")).with_partitions(vec![partition]);
    let request = OffsetCommitRequest::default()
        .with_group_id(GroupId(StrBytes::from_static_str("g")))
        .with_generation_id_or_member_epoch(-1)
        .with_topics(vec![topic]);
    let mut conn = Conn::open(node).expect("the port is open");
    let answer = rpc::call(&mut conn, 7, &request, LIMIT).expect("an answer");
    answer.topics[0].partitions[0].error_code
}

/// Which node coordinates the group, by its number from 0; `None`: nobody yet.
fn coordinator(node: SocketAddr) -> Option<usize> {
    let request = FindCoordinatorRequest::default().with_key(StrBytes::from_static_str("g"));
    let answer = rpc::call(&mut Conn::open(node).ok()?, 3, &request, LIMIT).ok()?;
    (answer.error_code == 0).then_some(answer.node_id.0 as usize - 1)
}

#[test]
fn a_node_whose_disk_is_full_stays_in_its_cluster() {
    let scratch = Scratch::new("full-three");
    let mounts: Vec<PathBuf> = (0..3).map(|at| scratch.join(&format!("mount{at}"))).collect();
    let mounted: Vec<_> = mounts.iter().filter_map(|mount| Tmpfs::mount(mount, 240)).collect();
    if mounted.len() < 3 {
        return println!("left out: a file system of its own wants root");
    }
    let mut three = Three::start(&scratch, &mounts);
    rpc::create(&three.addresses(), "t", 1, 3, &[]).expect("a topic");
    let (leader, _) = three.leader();
    until("all are in sync", || three.leader() == (leader, 3));
    until("there is a coordinator", || coordinator(three.addresses()[leader]).is_some());
    until("it commits", || {
        commit(three.addresses()[coordinator(three.addresses()[leader]).expect("there is")], 1) == 0
    });

    // A follower's disk fills up while records come: it leaves the in-sync set and lives.
    let follower = (leader + 1) % 3;
    let address = three.addresses()[leader];
    let enough = AtomicBool::new(false);
    let mut acked = std::thread::scope(|scope| {
        let load = scope.spawn(|| {
            let mut conn = Conn::open(address).expect("the port is open");
            let mut acked = Vec::new();
            while !enough.load(Ordering::Relaxed) {
                let number = acked.len() as u64;
                let (code, offset) = send(&mut conn, number, 2000).expect("an answer");
                assert_eq!(code, 0, "the leader has room");
                acked.push((offset, number));
            }
            acked
        });
        std::thread::sleep(std::time::Duration::from_millis(300));
        mounted[follower].fill();
        until("it is out of the in-sync set", || three.leader() == (leader, 2));
        enough.store(true, Ordering::Relaxed);
        load.join().expect("no panic")
    });
    assert!(acked.len() > 10, "{} were acknowledged", acked.len());
    assert!(three.nodes[follower].is_running(), "{}", three.nodes[follower].log());
    // What it met first: the bound below which it takes no records, or the disk's end.
    let told = three.nodes[follower].log();
    assert!(["no room for records of a follower", "the disk is full"].iter().any(|why| told.contains(why)), "{told}");
    mounted[follower].free();
    until("it is back in the in-sync set", || three.leader() == (leader, 3));
    all_there(address, &acked);

    // The coordinator's disk is full: another takes over, and the group goes on.
    let full = coordinator(address).expect("there is one");
    let elsewhere = |three: &Three| {
        coordinator(three.addresses()[(full + 1) % 3]).filter(|at| *at != full).map(|at| three.addresses()[at])
    };
    mounted[full].fill();
    until("another commits", || elsewhere(&three).is_some_and(|at| commit(at, 2) == 0));
    assert!(three.nodes[full].is_running(), "{}", three.nodes[full].log());
    mounted[full].free();

    // So it is with a leader's: producers find one that takes what they send.
    let (full, _) = three.leader();
    mounted[full].fill();
    until("another leads", || three.leader().0 != full);
    let mut conn = Conn::open(three.addresses()[three.leader().0]).expect("the port is open");
    let number = acked.len() as u64;
    let (code, offset) = send(&mut conn, number, 2000).expect("an answer");
    assert_eq!(code, 0, "it has room");
    acked.push((offset, number));
    mounted[full].free();
    until("it is in sync again", || three.leader().1 == 3);

    // One that is stopped with a full disk ends, and one that is started again finds what it had.
    mounted[follower].fill();
    let stopped = three.nodes.remove(follower).stop();
    assert!([0, 6].contains(&stopped), "it ends: {stopped}");
    mounted[follower].free();
    let again = Node::spawn(three.command(follower), &three.logs);
    three.nodes.insert(follower, again);
    until("it is back again", || three.leader().1 == 3);
    all_there(three.addresses()[three.leader().0], &acked);
    for node in three.nodes {
        assert_eq!(node.stop(), 0);
    }
}
