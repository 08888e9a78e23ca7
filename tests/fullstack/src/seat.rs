//! A model of a client on real sockets: what it sends goes out on a connection of its own machine, what comes is told to it.
//!
//! The model is the simulator's, which speaks to a `Net`; the one here has no delays and no peers, and only hands over what
//! was sent.

use crate::disk::until;
use crate::record::{self, now};
use bytes::{BufMut, Bytes, BytesMut};
use esker_server::simulated::{OwnedReadHalf, TcpStream};
use esker_sim::client::{Client, Ctx, Event};
use esker_sim::net::{Arrival, Conn, Delivery, LinkProfile, Net, Way};
use esker_sim::plan::Plan;
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// The port of a node's listener for clients.
const PORT: u16 = esker_sim::node::CONTROLLER_PORT + 1000;
const CONNECT: Duration = Duration::from_secs(5);

/// What happens to a client.
#[derive(Debug)]
pub enum Happening {
    Frame(Conn, Bytes),
    Closed(Conn),
    Quiet,
}

/// A client on its machine.
pub struct Seat {
    plan: Arc<Plan>,
    place: usize,
    client: Box<dyn Client>,
    net: Net,
    lines: BTreeMap<Conn, UnboundedSender<Bytes>>,
    happenings: UnboundedSender<Happening>,
}

impl Seat {
    /// Runs the client for ever; `peers` is how many places its network has.
    pub async fn sit(
        plan: Arc<Plan>,
        place: usize,
        client: Box<dyn Client>,
        happenings: UnboundedSender<Happening>,
        mut inbox: UnboundedReceiver<Happening>,
    ) {
        let at_once = LinkProfile { min_us: 0, max_us: 0, spike_one_in: 0, spike_us: 0 };
        let peers = plan.nodes.len() + plan.clients.len() + 3;
        let net = Net::new(plan.seed, peers, peers, |_, _| at_once);
        let mut seat = Self { plan, place, client, net, lines: BTreeMap::new(), happenings };
        seat.tell(Event::Wake);
        loop {
            let wake = seat.client.next_wake();
            let event = tokio::select! {
                biased;
                happening = inbox.recv() => match happening {
                    Some(happening) => seat.event(happening),
                    None => return,
                },
                () = until(wake) => Some(Event::Wake),
            };
            if let Some(event) = event {
                seat.tell(event);
            }
        }
    }

    /// What a happening is to the client; nothing, if the connection is not its own any more.
    fn event(&mut self, happening: Happening) -> Option<Event> {
        match happening {
            Happening::Quiet => Some(Event::Quiet),
            Happening::Frame(conn, frame) => self.lines.contains_key(&conn).then_some(Event::Frame(conn, frame)),
            Happening::Closed(conn) => {
                self.lines.remove(&conn)?;
                let (_, arrival) = self.net.close(now(), conn, Way::Back)?;
                let closed = self.net.deliver(u64::MAX, arrival, true, &mut Vec::new());
                (closed == Delivery::Closed).then_some(Event::Closed(conn))
            }
        }
    }

    fn tell(&mut self, event: Event) {
        let at = now();
        let mut due = Vec::new();
        record::with(|record| {
            record.trace.event(at).word(0x1000 + self.place as u64);
            let before = record.history.lines.len();
            let mut ctx = Ctx {
                now: at,
                plan: &self.plan,
                net: &mut self.net,
                due: &mut due,
                history: &mut record.history,
                corrupt: &mut record.corrupt,
            };
            self.client.on_event(&mut ctx, event);
            match self.client.settled(None) {
                Ok(()) => drop(record.unsettled.remove(&self.place)),
                Err(what) => drop(record.unsettled.insert(self.place, what)),
            }
            for place in before..record.history.lines.len() {
                let line = &record.history.lines[place];
                let who = format!("client {}", line.client);
                let what = format!("op {} {:?} {:?}", line.op, line.state, line.act);
                record.tell(at, who, what);
            }
        });
        for (_, arrival) in due {
            self.carry_out(arrival);
        }
    }

    /// Something that the client sent.
    fn carry_out(&mut self, arrival: Arrival) {
        let node = self.net.receiver(arrival);
        match self.net.deliver(u64::MAX, arrival, true, &mut Vec::new()) {
            Delivery::Frame(frame) => {
                let conn = arrival.conn;
                let happenings = &self.happenings;
                let line = self.lines.entry(conn).or_insert_with(|| {
                    let (line, frames) = unbounded_channel();
                    let happenings = happenings.clone();
                    tokio::spawn(async move {
                        // However it ended, it is gone.
                        let _ = talk(node, conn, frames, &happenings).await;
                        let _ = happenings.send(Happening::Closed(conn));
                    });
                    line
                });
                // If the connection is gone, its end is on its way here.
                let _ = line.send(frame);
            }
            Delivery::Closed => drop(self.lines.remove(&arrival.conn)),
            Delivery::Later(_) | Delivery::Nothing => {}
        }
    }
}

/// A connection from its opening to its end.
async fn talk(
    node: u16,
    conn: Conn,
    mut frames: UnboundedReceiver<Bytes>,
    happenings: &UnboundedSender<Happening>,
) -> io::Result<()> {
    let host = format!("n{}", node + 1);
    let stream = tokio::time::timeout(CONNECT, TcpStream::connect((&host, PORT)));
    let stream = stream.await.map_err(|_| io::ErrorKind::TimedOut)??;
    let (mut reads, mut writes) = stream.into_split();
    let mut came = BytesMut::new();
    loop {
        tokio::select! {
            biased;
            frame = read_frame(&mut reads, &mut came) => {
                let _ = happenings.send(Happening::Frame(conn, frame?));
            }
            frame = frames.recv() => {
                let Some(frame) = frame else { return Ok(()) };
                let mut whole = BytesMut::with_capacity(frame.len() + 4);
                whole.put_u32(frame.len() as u32);
                whole.extend_from_slice(&frame);
                writes.write_all(&whole).await?;
                writes.flush().await?;
            }
        }
    }
}

/// Reads one frame, without its length. Giving up on it in the middle loses nothing: the bytes stay in `came`.
async fn read_frame(reads: &mut OwnedReadHalf, came: &mut BytesMut) -> io::Result<Bytes> {
    loop {
        if let Some(prefix) = came.first_chunk::<4>() {
            let len = u32::from_be_bytes(*prefix) as usize;
            if came.len() >= len + 4 {
                let _ = came.split_to(4);
                return Ok(came.split_to(len).freeze());
            }
        }
        if reads.read_buf(came).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}
