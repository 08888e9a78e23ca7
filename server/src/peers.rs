//! Calls to other nodes: one connection for each address and lane, answers in order.
//!
//! What cannot be sent or is not answered is reported at once as [`CallFault::Disconnected`]; when to try again is the
//! core's decision.

use crate::event::Event;
use crate::rt::{Handle, OwnedReadHalf, OwnedWriteHalf, TcpStream, within};
use bytes::{Buf, Bytes, BytesMut};
use esker_core::api::receive;
use esker_core::config::NodeConfig;
use esker_core::error::Refusal;
use esker_core::id::{CallId, NodeId};
use esker_core::io::{Address, CallFault, Input, Lane};
use esker_core::time::Span;
use esker_core::wire::{Slip, calls};
use kafka_protocol::messages::{ApiKey, RequestKind, ResponseKind};
use std::collections::{HashMap, VecDeque};
use std::io;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::Instant;

/// A request to another node.
#[derive(Debug)]
pub struct Call {
    pub id: CallId,
    pub key: ApiKey,
    pub version: i16,
    pub body: Box<RequestKind>,
}

/// The lanes in use.
#[derive(Debug)]
pub struct Peers {
    node: NodeId,
    /// By lane.
    patience: [(Lane, Duration); 5],
    events: UnboundedSender<Event>,
    /// Whose threads serve the lanes: not the loop's, which has other work than to read and check what comes.
    runtime: Handle,
    lanes: HashMap<(Address, Lane), UnboundedSender<Call>>,
}

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(5);
/// Largest reply: what the core asks for is far below.
const REPLY_MAX: usize = 256 << 20;

/// How long the oldest call of a lane may wait before its connection is given up: a link that swallows bytes would
/// otherwise hold the calls behind it until TCP gives up, minutes later.
/// Bytes of its answer that come extend that. Never less than the core waits, which knows its own deadlines.
fn patience(config: &NodeConfig, lane: Lane) -> Duration {
    let span = |span: Span| Duration::from_micros(span.0);
    match lane {
        Lane::QuorumFetch | Lane::QuorumVote => span(config.quorum.request_timeout) * 2,
        Lane::Replica => span(config.replicas.request_timeout) + span(config.replicas.fetch_wait),
        Lane::Control => Duration::from_secs(10),
        Lane::Forward => Duration::from_secs(60),
    }
}

impl Peers {
    /// Of the runtime that this is called on.
    pub fn new(config: &NodeConfig, events: UnboundedSender<Event>) -> Self {
        let lanes = [Lane::QuorumFetch, Lane::QuorumVote, Lane::Control, Lane::Forward, Lane::Replica];
        let patience = lanes.map(|lane| (lane, patience(config, lane)));
        Self { node: config.node, patience, events, runtime: Handle::current(), lanes: HashMap::new() }
    }

    /// Tells the loop something in a moment.
    pub fn report_later(&self, event: Event) {
        let events = self.events.clone();
        self.runtime.spawn(async move {
            tokio::time::sleep(Duration::from_millis(1)).await;
            // The loop may have ended meanwhile.
            let _ = events.send(event);
        });
    }

    pub fn call(&mut self, to: Address, lane: Lane, call: Call) {
        let events = &self.events;
        let (node, runtime, patience) = (self.node, &self.runtime, &self.patience);
        let sender = self.lanes.entry((to, lane)).or_insert_with_key(|(to, lane)| {
            let (sender, calls) = unbounded_channel();
            let patience = patience.iter().find(|(of, _)| of == lane).map_or(CONNECT, |(_, patience)| *patience);
            let client_id = lane.client_id(node);
            let line = Line { to: to.clone(), lane: *lane, patience, client_id, events: events.clone() };
            runtime.spawn(line.run(calls));
            sender
        });
        // The task ends with the process.
        let _ = sender.send(call);
    }
}

/// The task of one lane.
struct Line {
    to: Address,
    lane: Lane,
    patience: Duration,
    client_id: String,
    events: UnboundedSender<Event>,
}

/// A call that was sent.
struct Sent {
    id: CallId,
    slip: Slip,
    at: Instant,
}

impl Line {
    async fn run(self, mut calls: UnboundedReceiver<Call>) {
        while let Some(first) = calls.recv().await {
            let Some(stream) = self.connect().await else {
                self.fail(first.id);
                while let Ok(call) = calls.try_recv() {
                    self.fail(call.id);
                }
                continue;
            };
            let mut sent = VecDeque::new();
            if let Err(why) = self.talk(stream, first, &mut calls, &mut sent).await {
                tracing::debug!("{:?} to {} ended: {why}", self.lane, self.to);
            }
            for call in sent {
                self.fail(call.id);
            }
        }
    }

    async fn connect(&self) -> Option<TcpStream> {
        let stream = within(CONNECT, TcpStream::connect((self.to.host.as_str(), self.to.port))).await?.ok()?;
        stream.set_nodelay(true).ok()?;
        Some(stream)
    }

    fn fail(&self, id: CallId) {
        self.report(id, Err(CallFault::Disconnected));
    }

    fn report(&self, call: CallId, answer: Result<(ResponseKind, Vec<Result<(), Refusal>>), CallFault>) {
        let (result, checks) = match answer {
            Ok((body, checks)) => (Ok(Box::new(body)), checks),
            Err(fault) => (Err(fault), Vec::new()),
        };
        let _ = self.events.send(Event::Input(Input::CallDone { call, result, checks }));
    }

    /// Sends calls and takes answers until the connection ends.
    async fn talk(
        &self,
        stream: TcpStream,
        first: Call,
        calls: &mut UnboundedReceiver<Call>,
        sent: &mut VecDeque<Sent>,
    ) -> io::Result<()> {
        let (mut reads, mut writes) = stream.into_split();
        let mut correlation = 0;
        let mut input = BytesMut::new();
        // How much of an answer had come, and until when that is good.
        let (mut came, mut good_until) = (0, Instant::now());
        self.send(&mut writes, first, &mut correlation, sent).await?;
        loop {
            let oldest = sent.front().map(|call: &Sent| good_until.max(call.at + self.patience));
            tokio::select! {
                biased;
                answered = read_frame(&mut reads, &mut input) => {
                    self.on_frame(&answered?, sent)?;
                    came = input.len();
                }
                call = calls.recv() => match call {
                    Some(call) => self.send(&mut writes, call, &mut correlation, sent).await?,
                    None => return Ok(()),
                },
                () = sleep_until(oldest) => {
                    if input.len() <= came {
                        return Err(io::ErrorKind::TimedOut.into());
                    }
                    (came, good_until) = (input.len(), Instant::now() + self.patience);
                }
            }
        }
    }

    async fn send(
        &self,
        writes: &mut OwnedWriteHalf,
        call: Call,
        correlation: &mut i32,
        sent: &mut VecDeque<Sent>,
    ) -> io::Result<()> {
        *correlation = correlation.wrapping_add(1);
        let slip = Slip { key: call.key, version: call.version, correlation: *correlation };
        sent.push_back(Sent { id: call.id, slip, at: Instant::now() });
        let frame = calls::encode(slip, &self.client_id, &call.body).map_err(|why| {
            tracing::error!("{why}");
            io::Error::from(io::ErrorKind::InvalidInput)
        })?;
        let written = within(self.patience, async {
            writes.write_all(&frame).await?;
            writes.flush().await
        });
        written.await.unwrap_or_else(|| Err(io::ErrorKind::TimedOut.into()))
    }

    fn on_frame(&self, frame: &Bytes, sent: &mut VecDeque<Sent>) -> io::Result<()> {
        let Some(call) = sent.pop_front() else { return Err(io::ErrorKind::InvalidData.into()) };
        match receive::reply(call.slip, frame) {
            Ok(answer) => {
                self.report(call.id, Ok(answer));
                Ok(())
            }
            Err(bad) => {
                tracing::warn!("{} answered {:?} with what cannot be read: {bad}", self.to, call.slip.key);
                self.report(call.id, Err(CallFault::Garbled));
                Err(io::ErrorKind::InvalidData.into())
            }
        }
    }
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// Reads one frame, without its length. Giving up on it in the middle loses nothing: the bytes stay in `input`.
pub async fn read_frame(reads: &mut OwnedReadHalf, input: &mut BytesMut) -> io::Result<Bytes> {
    loop {
        let mut missing = 4usize.saturating_sub(input.len());
        if let Some(prefix) = input.first_chunk::<4>() {
            let len = usize::try_from(i32::from_be_bytes(*prefix)).map_err(|_| io::ErrorKind::InvalidData)?;
            if len > REPLY_MAX {
                return Err(io::ErrorKind::InvalidData.into());
            }
            if input.len() >= len + 4 {
                input.advance(4);
                return Ok(input.split_to(len).freeze());
            }
            missing = len + 4 - input.len();
        }
        input.reserve(missing.clamp(4 << 10, 1 << 20));
        if reads.read_buf(input).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use esker_core::id::NodeId;
    use kafka_protocol::messages::FetchRequest;
    use tokio::net::TcpListener;

    /// Calls a peer that answers a piece every fifth of a second, and what comes of it.
    async fn answered_in(pieces: usize, step: Duration) -> Result<Box<ResponseKind>, CallFault> {
        let settings = [("replica.socket.timeout.ms", "600"), ("replica.fetch.wait.max.ms", "400")];
        let config = NodeConfig::for_test(NodeId(1), &[(1, "a", 1)], &settings);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (events, mut inbox) = unbounded_channel();
        let mut peers = Peers::new(&config, events);
        let body = Box::new(RequestKind::Fetch(FetchRequest::default()));
        let call = Call { id: CallId(1), key: ApiKey::Fetch, version: 11, body };
        peers.call(Address { host: "127.0.0.1".into(), port }, Lane::Replica, call);
        let (mut stream, _) = listener.accept().await.unwrap();
        // Version 11: correlation, throttle, error, session, no topics.
        let mut answer = [0; 22];
        (answer[3], answer[7]) = (18, 1);
        for piece in answer.chunks(answer.len().div_ceil(pieces)) {
            tokio::time::sleep(step).await;
            if stream.write_all(piece).await.is_err() {
                break;
            }
        }
        match inbox.recv().await {
            Some(Event::Input(Input::CallDone { result, .. })) => result,
            other => panic!("the end of a call, not {other:?}"),
        }
    }

    #[tokio::test]
    async fn an_answer_that_still_comes_is_waited_for() {
        // Patience is a second; the answer takes more than two.
        assert!(answered_in(11, Duration::from_millis(200)).await.is_ok());
        assert_eq!(answered_in(1, Duration::from_millis(1500)).await, Err(CallFault::Disconnected));
    }
}
