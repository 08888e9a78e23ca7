use super::*;
use crate::disk::Completed;
use esker_core::config::NodeConfig;
use esker_core::id::NodeId;
use esker_core::io::{DiskOp, DiskTag, FileRange, Reply};
use kafka_protocol::messages::{ApiKey, MetadataRequest, MetadataResponse, RequestKind};
use std::io::{Read, Write};
use tokio::net::TcpListener;
use tokio::sync::mpsc::unbounded_channel;
use tokio::task::JoinHandle;

/// No request here reaches a disk.
struct NoDisk;

impl Disk for NoDisk {
    fn submit(&self, ops: &mut Vec<(DiskTag, DiskOp)>) {
        let _none: Completed = ops.drain(..).map(|_| unreachable!("nothing is written")).collect();
    }

    fn source(&self, _: FileRange) -> io::Result<Source> {
        Err(io::ErrorKind::NotFound.into())
    }

    fn room(&self) -> io::Result<(u64, u64)> {
        Ok((1, 1))
    }
}

/// A connection between a peer and a core that is played by the test.
struct Played {
    peer: std::net::TcpStream,
    events: UnboundedReceiver<Event>,
    to_conn: UnboundedSender<ToConn>,
    metrics: Arc<Metrics>,
    task: JoinHandle<()>,
}

/// A connection that nobody serves yet, what it says, how it is told, and what it counts.
type Made = (std::net::TcpStream, Conn, UnboundedReceiver<Event>, UnboundedSender<ToConn>, Arc<Metrics>);

async fn made() -> Made {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let peer = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (stream, _) = listener.accept().await.unwrap();
    let (to_loop, events) = unbounded_channel();
    let (to_conn, from_core) = unbounded_channel();
    let metrics = Arc::<Metrics>::default();
    let limits = NodeConfig::for_test(NodeId(1), &[(1, "a", 1)], &[]).limits;
    let rooms = Rooms::new(limits.in_flight_bytes);
    let (disk, cold) = (Arc::new(NoDisk), Cold::default());
    let shared = Shared { events: to_loop, disk, metrics: Arc::clone(&metrics), limits, rooms, cold };
    let entrance = Entrance { listener: Listener::Broker, door: 0 };
    let conn = Conn::new(ConnId(1), entrance, stream, Arc::new(shared), from_core);
    (peer, conn, events, to_conn, metrics)
}

async fn play() -> Played {
    let (peer, conn, events, to_conn, metrics) = made().await;
    Played { peer, events, to_conn, metrics, task: tokio::spawn(conn.run()) }
}

fn frame() -> Bytes {
    let slip = Slip { key: ApiKey::Metadata, version: 9, correlation: 7 };
    wire::calls::encode(slip, "me", &RequestKind::Metadata(MetadataRequest::default())).unwrap()
}

impl Played {
    /// The peer asks, and the core hears it.
    async fn ask(&mut self) -> u64 {
        self.peer.write_all(&frame()).unwrap();
        match self.events.recv().await {
            Some(Event::Input(Input::Request(request))) => request.seq,
            other => panic!("a request, not {other:?}"),
        }
    }

    fn answer(&self, seq: u64, len: usize) {
        let id = StrBytes::from_string("x".repeat(len));
        let reply = Reply::plain(MetadataResponse::default().with_cluster_id(Some(id)));
        self.to_conn.send(ToConn::Reply { seq, reply }).unwrap();
    }
}

/// A long frame that is whole has left nobody's book: it is counted as being sent until it is counted as being handled.
#[tokio::test]
async fn a_long_frame_is_counted_until_there_is_room_to_handle_it() {
    let (_peer, mut conn, mut events, ..) = made().await;
    let all = conn.shared.rooms.charge(usize::MAX);
    let brief = Book::Handled(Stay::Brief);
    assert!(conn.shared.rooms.try_take(brief, all) && conn.shared.rooms.try_take(Book::Upload, all));
    conn.upload = all;
    conn.input.extend_from_slice(&frame());
    conn.parse();
    assert!(conn.waiting.is_some() && !conn.shared.rooms.try_take(Book::Upload, 1), "others wait with what is long");
    conn.shared.rooms.give_back(brief, all);
    conn.offer();
    assert!(matches!(events.try_recv(), Ok(Event::Input(Input::Request(_)))));
    assert!(conn.shared.rooms.try_take(Book::Upload, all));
}

/// Reads one frame and then the end.
fn last_frame(peer: &mut std::net::TcpStream) -> usize {
    let mut all = Vec::new();
    peer.read_to_end(&mut all).unwrap();
    let len = u32::from_be_bytes(all[..4].try_into().unwrap()) as usize;
    assert_eq!(all.len(), len + 4, "a frame is whole");
    len
}

#[tokio::test]
async fn what_is_ready_is_sent_whole_after_the_core_has_ended() {
    const LEN: usize = 30 << 20;
    let mut played = play().await;
    let seq = played.ask().await;
    played.answer(seq, LEN);
    drop(played.to_conn);
    // The peer begins to read when the connection knows that nobody is there any more: sockets do not hold so much.
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    let mut peer = played.peer;
    let len = tokio::task::spawn_blocking(move || last_frame(&mut peer)).await.unwrap();
    assert!(len > LEN);
    played.task.await.unwrap();
}

#[tokio::test]
async fn replies_wait_in_their_places_for_a_peer_that_does_not_read() {
    const LEN: usize = 20 << 20;
    let mut played = play().await;
    let seqs = [played.ask().await, played.ask().await, played.ask().await];
    for seq in seqs {
        played.answer(seq, LEN);
    }
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(played.metrics.sent_bytes.get() < 15 << 20, "sockets do not hold so much");
    let reader = tokio::task::spawn_blocking(move || {
        for _ in 0..3 {
            let mut len = [0; 4];
            played.peer.read_exact(&mut len).unwrap();
            played.peer.read_exact(&mut vec![0; u32::from_be_bytes(len) as usize]).unwrap();
        }
        played.peer
    });
    let _peer = reader.await.unwrap();
    assert!(played.metrics.sent_bytes.get() > 3 * LEN as u64);
}

#[tokio::test]
async fn who_takes_a_byte_now_and_then_is_cut_off() {
    const LEN: usize = 64 << 20;
    let (_peer, mut conn, ..) = made().await;
    conn.outbox.bytes(vec![0; LEN].into());
    let began = Instant::now();
    conn.turn().unwrap();
    let owed = conn.outbox.owed().expect("sockets do not hold so much").bytes;
    assert!(owed > LEN / 2);
    // However often something moves.
    conn.moved += Duration::from_secs(3600);
    assert!(conn.deadline() < began + whole(owed) + Duration::from_secs(10), "it has a minute and a half");
    assert!(conn.deadline() >= began + whole(owed));
}

#[tokio::test]
async fn a_bad_frame_ends_the_connection_though_a_reply_is_still_due() {
    let mut played = play().await;
    played.ask().await;
    played.peer.write_all(&(-5i32).to_be_bytes()).unwrap();
    let mut peer = played.peer;
    let read = tokio::task::spawn_blocking(move || peer.read(&mut [0; 10])).await.unwrap();
    assert_eq!(read.unwrap(), 0, "it is closed, at once");
    played.task.await.unwrap();
    assert_eq!(played.metrics.bad_frames.get(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_is_far_is_read_by_others_and_sent_then() {
    let (mut peer, mut conn, _events, _to_conn, metrics) = made().await;
    let mut file = tempfile::tempfile().unwrap();
    let content: Vec<u8> = (0..SEND_MAX * 3).map(|number| (number / 11) as u8).collect();
    file.write_all(&content).unwrap();
    conn.outbox = Outbox::all_far();
    conn.outbox.file(Arc::new(file), 5, content.len() - 5);
    tokio::spawn(conn.run());
    let mut all = vec![0; content.len() - 5];
    let all = tokio::task::spawn_blocking(move || peer.read_exact(&mut all).map(|()| all)).await.unwrap().unwrap();
    assert!(all == content[5..]);
    assert_eq!(metrics.cold_bytes.get(), all.len() as u64);
}
