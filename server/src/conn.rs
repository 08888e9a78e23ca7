//! One connection of a client: frames in, requests to the core, replies out in their order.
//!
//! Everything here is bounded: requests of one connection and bytes of all that are being handled, bytes that a frame may
//! have, replies that wait for a slow reader. Where a bound is met the connection is not read any further; nobody else
//! notices.

use crate::cold::{self, Cold, Reading};
use crate::disk::{Disk, Source};
use crate::event::{Event, ToConn};
use crate::metrics::Metrics;
use crate::outbox::{Outbox, SEND_MAX};
use crate::room::{Book, Rooms};
use crate::rt::TcpStream;
use bytes::{Buf, Bytes, BytesMut};
use esker_core::api::receive::{self, Received};
use esker_core::config::LimitSettings;
use esker_core::id::ConnId;
use esker_core::io::{Input, Listener, Request, Stay};
use esker_core::mutant::{self, Mutant};
use esker_core::wire::{self, Frame, Replies, Segment, Slip};
use kafka_protocol::messages::ApiKey;
use kafka_protocol::protocol::StrBytes;
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::time::Instant;

/// What all connections to listeners of one kind share.
pub struct Shared {
    pub events: UnboundedSender<Event>,
    pub disk: Arc<dyn Disk>,
    pub metrics: Arc<Metrics>,
    pub limits: LimitSettings,
    pub rooms: Rooms,
    pub cold: Cold,
}

/// Where a connection came in.
#[derive(Clone, Copy, Debug)]
pub struct Entrance {
    pub listener: Listener,
    /// The listener's place in the configuration.
    pub door: u16,
}

/// Smallest and largest step of reading: it follows what the peer sends.
const READ_MIN: usize = 4 << 10;
const READ_MAX: usize = 256 << 10;
/// A frame up to this size gets its buffer at once; a longer one as its bytes come, so that a false length costs nothing, and
/// within [`Book::Upload`].
const TRUSTED: usize = 1 << 20;
/// A frame has to be whole after [`STALL`] and a second for so many of its bytes: a peer that sends byte by byte is cut off. So is
/// one that reads so: what waits for it has to leave in that time. (Kafka's own clients give up an answer sooner.)
const BYTES_PER_SECOND_MIN: usize = 1 << 20;
/// Bytes that wait for a slow reader above which nothing more is read from it, and no further reply is made ready for it.
const UNSENT_MAX: usize = 512 << 10;
/// How long a peer may stop in the middle of a frame, or leave its replies unread.
const STALL: Duration = Duration::from_secs(30);

/// Why a connection ended, if anybody should know.
#[derive(PartialEq, Eq, Debug)]
enum End {
    /// The peer closed it, or it broke.
    Gone,
    /// The peer sent what no client sends.
    Bad(String),
    Stalled,
    Idle,
    /// The core asked for it.
    Asked,
}

pub struct Conn {
    id: ConnId,
    entrance: Entrance,
    host: StrBytes,
    stream: TcpStream,
    shared: Arc<Shared>,
    from_core: UnboundedReceiver<ToConn>,
    /// The core has ended: nothing comes from it any more.
    deserted: bool,
    input: BytesMut,
    /// How much to read at a time.
    step: usize,
    /// Length of the last frame: the next one is likely to need as much, and is then read into its place at once.
    last: usize,
    replies: Replies,
    /// The requests that have no reply yet, in order; as long as `replies`.
    held: VecDeque<Held>,
    outbox: Outbox,
    /// What is next in the outbox is being read.
    reading: Option<Reading>,
    /// A request that waits for room.
    waiting: Option<Ready>,
    /// Set when nothing more is to be read, with the reason.
    ending: Option<End>,
    /// When a byte last came or went.
    moved: Instant,
    /// Since when a frame has been coming that is not whole.
    began: Option<Instant>,
    /// Of [`Book::Upload`], held for it.
    upload: usize,
}

/// A decoded request and what it costs.
struct Ready {
    slip: Slip,
    request: Box<Request>,
    held: Held,
}

/// Room that a request takes: of which book, and how many bytes.
type Charge = (Book, usize);

/// A request without a reply.
struct Held {
    charge: Charge,
    key: ApiKey,
    /// When it was whole.
    came: Instant,
}

impl Conn {
    pub fn new(
        id: ConnId,
        entrance: Entrance,
        stream: TcpStream,
        shared: Arc<Shared>,
        from_core: UnboundedReceiver<ToConn>,
    ) -> Self {
        let host = stream.peer_addr().map_or_else(|_| "/".to_string(), |peer| format!("/{}", peer.ip()));
        Self {
            id,
            entrance,
            host: StrBytes::from_string(host),
            stream,
            shared,
            from_core,
            deserted: false,
            input: BytesMut::new(),
            step: READ_MIN,
            last: 0,
            replies: Replies::default(),
            held: VecDeque::new(),
            outbox: Outbox::default(),
            reading: None,
            waiting: None,
            ending: None,
            moved: Instant::now(),
            began: None,
            upload: 0,
        }
    }

    /// Serves the connection to its end.
    pub async fn run(mut self) {
        let end = self.serve().await;
        for Held { charge: (book, bytes), .. } in self.held.drain(..) {
            self.shared.rooms.give_back(book, bytes);
        }
        self.shared.rooms.give_back(Book::Upload, self.upload);
        let _ = self.shared.events.send(Event::Input(Input::Gone { conn: self.id }));
        match end {
            End::Bad(why) => {
                self.shared.metrics.bad_frames.inc();
                tracing::warn!("closed {} from {}: {why}", self.id, self.host);
            }
            End::Stalled => tracing::info!("closed {} from {}: it stopped in the middle", self.id, self.host),
            End::Gone | End::Idle | End::Asked => tracing::trace!("closed {}: {end:?}", self.id),
        }
    }

    async fn serve(&mut self) -> End {
        // One timer that looks now and then, instead of one set anew for every request.
        let mut alarm = std::pin::pin!(tokio::time::sleep(STALL));
        loop {
            let more = match self.turn() {
                Ok(more) => more,
                Err(end) => return end,
            };
            if self.ending.is_some() && self.replies.is_empty() && self.outbox.is_empty() {
                return self.ending.take().unwrap_or(End::Gone);
            }
            if more {
                tokio::task::yield_now().await;
                continue;
            }
            let upload = self.wanted_upload();
            let (reads, writes) =
                (self.wants_more() && upload.is_none(), !self.outbox.is_empty() && self.reading.is_none());
            let needs = self.waiting.as_ref().map(|ready| ready.held.charge);
            let upload = upload.map(|bytes| (Book::Upload, bytes));
            tokio::select! {
                biased;
                message = self.from_core.recv(), if !self.deserted => match message {
                    Some(message) => self.on_core(message),
                    None => {
                        self.deserted = true;
                        self.stop(End::Asked);
                    }
                },
                () = take(&self.shared.rooms, needs), if needs.is_some() => self.offer(),
                () = take(&self.shared.rooms, upload), if upload.is_some() => self.take_upload(),
                took = cold::done(&mut self.reading), if self.reading.is_some() => self.on_read(took),
                ready = self.stream.writable(), if writes => if ready.is_err() { return End::Gone },
                ready = self.stream.readable(), if reads => match ready {
                    Ok(()) => if let Err(end) = self.read() { return end },
                    Err(_) => return End::Gone,
                },
                () = &mut alarm => {
                    let (now, deadline) = (Instant::now(), self.deadline());
                    if deadline <= now {
                        return self.timed_out();
                    }
                    alarm.as_mut().reset(deadline.min(now + STALL));
                }
            }
        }
    }

    /// What can be done without waiting. Answers whether there may be more: then it is others' turn first.
    fn turn(&mut self) -> Result<bool, End> {
        let mut sent = 0;
        loop {
            while let Ok(message) = self.from_core.try_recv() {
                self.on_core(message);
            }
            self.parse();
            while self.outbox.len() < UNSENT_MAX
                && let Some(frame) = self.replies.pop()
            {
                self.queue(frame)?;
            }
            while self.held.len() > self.replies.len() {
                let Some(Held { charge: (book, bytes), key, came }) = self.held.pop_front() else { break };
                self.shared.rooms.give_back(book, bytes);
                self.shared.metrics.answered(key, came.elapsed());
            }
            sent += self.send()?;
            if let Some(bytes) = self.wanted_upload()
                && self.shared.rooms.try_take(Book::Upload, bytes)
            {
                self.take_upload();
            }
            if sent >= SEND_MAX {
                return Ok(true);
            }
            // What was sent may have made room for requests and replies that are here already: no byte comes to wake us for them.
            let has_reply = self.outbox.len() < UNSENT_MAX && self.replies.has_ready();
            let has_request = self.wants_more() && self.has_frame();
            if !has_reply && !has_request {
                return Ok(false);
            }
        }
    }

    fn send(&mut self) -> Result<usize, End> {
        if self.outbox.is_empty() || self.reading.is_some() {
            return Ok(0);
        }
        let sent = self.outbox.send(&self.stream).map_err(|_| End::Gone)?;
        if mutant::is(Mutant::ShellNotFlushed) && sent > 0 {
            self.outbox = Outbox::default();
        }
        self.shared.metrics.sent_bytes.inc_by(sent as u64);
        if sent > 0 {
            self.moved = Instant::now();
        }
        if let Some(far) = self.outbox.far() {
            self.shared.metrics.cold_bytes.inc_by(far.len as u64);
            self.reading = Some(self.shared.cold.read(far));
        }
        Ok(sent)
    }

    /// What the outbox waited for is there.
    fn on_read(&mut self, took: Duration) {
        self.reading = None;
        self.outbox.came_near(took);
        self.moved = Instant::now();
    }

    /// Whether the next request has come whole.
    fn has_frame(&self) -> bool {
        self.frame_len().is_some_and(|len| self.input.len() >= len as usize + 4)
    }

    fn on_core(&mut self, message: ToConn) {
        match message {
            ToConn::Reply { seq, reply } => {
                if let Err(why) = self.replies.done(seq, &reply) {
                    tracing::error!("{why}");
                    self.stop(End::Asked);
                }
            }
            ToConn::Close => self.stop(End::Asked),
        }
    }

    /// Nothing more is read, and requests without a reply get none; what is ready is still sent.
    fn stop(&mut self, end: End) {
        self.ending.get_or_insert(end);
        self.waiting = None;
        self.input.clear();
        if matches!(self.ending, Some(End::Asked | End::Bad(_))) {
            while let Some(frame) = self.replies.pop() {
                let _ = self.queue(frame);
            }
            self.replies = Replies::default();
        }
    }

    /// Puts a frame into the outbox; what lies on disk is opened now.
    fn queue(&mut self, frame: Frame) -> Result<(), End> {
        self.outbox.bytes(frame.head);
        for segment in frame.rest {
            match segment {
                Segment::Bytes(bytes) => self.outbox.bytes(bytes),
                Segment::File(range) => {
                    let source = self.shared.disk.source(range).map_err(|why| {
                        tracing::error!("a reply's bytes at {} cannot be opened: {why}", range.file);
                        End::Asked
                    })?;
                    match source {
                        Source::File(file) => self.outbox.file(file, range.at, range.len as usize),
                        Source::Bytes(bytes) => self.outbox.bytes(bytes),
                    }
                }
            }
        }
        Ok(())
    }

    fn wants_more(&self) -> bool {
        self.ending.is_none()
            && self.waiting.is_none()
            && self.replies.len() < self.shared.limits.requests_per_connection
            && self.outbox.len() < UNSENT_MAX
    }

    fn read(&mut self) -> Result<(), End> {
        let wanted = self.wanted();
        self.input.reserve(wanted);
        match self.stream.try_read_buf(&mut self.input) {
            Ok(0) => Err(End::Gone),
            Ok(count) => {
                self.moved = Instant::now();
                self.step =
                    if count >= self.step { (self.step * 2).min(READ_MAX) } else { (self.step / 2).max(READ_MIN) };
                Ok(())
            }
            Err(why) if why.kind() == io::ErrorKind::WouldBlock => Ok(()),
            Err(_) => Err(End::Gone),
        }
    }

    /// How many bytes to make room for.
    fn wanted(&self) -> usize {
        let Some(len) = self.frame_len() else { return self.step.max(self.last) };
        let missing = (len as usize).saturating_add(4).saturating_sub(self.input.len());
        // A frame longer than what is trusted gets as much again as it has shown.
        missing.min(TRUSTED.max(self.input.len())).max(1)
    }

    fn frame_len(&self) -> Option<i32> {
        let bytes = self.input.first_chunk::<4>()?;
        Some(i32::from_be_bytes(*bytes)).filter(|len| *len > 0)
    }

    /// Decodes whole frames and hands them on, as far as the bounds allow.
    fn parse(&mut self) {
        while self.wants_more() {
            let Some(prefix) = self.input.first_chunk::<4>() else { return self.note_partial() };
            let len = i32::from_be_bytes(*prefix);
            let Some(len) = usize::try_from(len).ok().filter(|len| *len <= self.shared.limits.request_bytes) else {
                let why = format!(
                    "a request of {len} bytes; socket.request.max.bytes is {}",
                    self.shared.limits.request_bytes
                );
                return self.stop(End::Bad(why));
            };
            if self.input.len() < len + 4 {
                return self.note_partial();
            }
            self.began = None;
            self.input.advance(4);
            self.last = (len + 4).min(TRUSTED);
            let frame = self.input.split_to(len).freeze();
            self.on_frame(frame);
            if self.waiting.is_none() {
                self.return_upload();
            }
        }
    }

    /// What is there is the beginning of a frame, or nothing.
    fn note_partial(&mut self) {
        if self.input.is_empty() {
            self.began = None;
        } else {
            self.began.get_or_insert_with(Instant::now);
        }
    }

    /// Room that a long frame needs before more of it is read.
    fn wanted_upload(&self) -> Option<usize> {
        let len = self.frame_len().map_or(0, |len| len as usize);
        let wants = len > TRUSTED && self.upload == 0 && self.wants_more() && self.input.len() < len + 4;
        wants.then(|| self.shared.rooms.charge(len))
    }

    fn return_upload(&mut self) {
        self.shared.rooms.give_back(Book::Upload, std::mem::take(&mut self.upload));
    }

    /// Room for it was taken.
    fn take_upload(&mut self) {
        self.upload = self.wanted_upload().unwrap_or(0);
        // The time that it waited for us is not the peer's.
        self.began = Some(Instant::now());
        self.moved = Instant::now();
    }

    fn on_frame(&mut self, frame: Bytes) {
        match receive::request(&frame, self.entrance.listener, self.id, &self.host) {
            Ok(Received::Request { slip, mut request, cost }) => {
                request.door = self.entrance.door;
                self.shared.metrics.request(slip.key, frame.len());
                let book = Book::Handled(request.stay());
                let cost = self.shared.rooms.charge(cost.saturating_add(frame.len()));
                let held = Held { charge: (book, cost), key: slip.key, came: Instant::now() };
                self.waiting = Some(Ready { slip, request, held });
                if self.shared.rooms.try_take(book, cost) {
                    self.offer();
                }
            }
            Ok(Received::UnsupportedVersion { correlation }) => {
                self.replies.ready(wire::encode::unsupported_version(correlation));
                let charge = (Book::Handled(Stay::Brief), 0);
                self.held.push_back(Held { charge, key: ApiKey::ApiVersions, came: Instant::now() });
            }
            Err(bad) => self.stop(End::Bad(bad.to_string())),
        }
    }

    /// Hands the waiting request to the core; room for it was taken.
    fn offer(&mut self) {
        let Some(Ready { slip, mut request, held }) = self.waiting.take() else { return };
        // Until now it counted as one that is being sent.
        self.return_upload();
        request.seq = self.replies.open(slip);
        self.held.push_back(held);
        let _ = self.shared.events.send(Event::Input(Input::Request(request)));
    }

    /// Until when the connection may stay as it is.
    fn deadline(&self) -> Instant {
        if self.reading.is_some() {
            return Instant::now() + STALL; // The peer waits for us.
        }
        if !self.outbox.is_empty() || self.ending.is_some() {
            let moves = self.moved + STALL;
            return self.outbox.owed().map_or(moves, |owed| moves.min(owed.since + whole(owed.bytes)));
        }
        if let Some(began) = self.began
            && self.wants_more()
            && self.wanted_upload().is_none()
        {
            let len = self.frame_len().map_or(0, |len| len as usize);
            return (self.moved + STALL).min(began + whole(len));
        }
        match Duration::from_micros(self.shared.limits.idle.0) {
            Duration::ZERO => self.moved + Duration::from_secs(365 * 86_400),
            idle => self.moved + idle,
        }
    }

    fn timed_out(&mut self) -> End {
        let silent = if self.outbox.is_empty() && self.input.is_empty() { End::Idle } else { End::Stalled };
        self.ending.take().unwrap_or(silent)
    }
}

/// How long so many bytes may take.
const fn whole(bytes: usize) -> Duration {
    STALL.saturating_add(Duration::from_secs((bytes / BYTES_PER_SECOND_MIN) as u64))
}

/// Takes room when it comes free.
async fn take(rooms: &Rooms, charge: Option<Charge>) {
    if let Some((book, bytes)) = charge {
        rooms.take(book, bytes).await;
    }
}

#[cfg(test)]
mod tests;
