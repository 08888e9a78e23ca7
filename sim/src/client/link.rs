//! A client's connections and the requests that wait for an answer on them.

use super::{Ctx, Event};
use crate::net::{Conn, DOOR_BROKER, DOOR_CONTROLLER, Peer, Way};
use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::{ApiKey, RequestHeader, RequestKind, ResponseHeader, ResponseKind};
use kafka_protocol::protocol::{Decodable, Encodable, StrBytes};

/// A request under way: on which connection, until when, and what for.
#[derive(Debug)]
struct Asked<T> {
    conn: Conn,
    correlation: i32,
    key: ApiKey,
    version: i16,
    deadline: u64,
    purpose: T,
}

/// Connections of one client, at most one to each node and lane (Kafka's clients keep one for data and one for the coordinator).
#[derive(Debug)]
pub struct Link<T> {
    me: Peer,
    client_id: StrBytes,
    conns: Vec<(Peer, u8, Conn)>,
    asked: Vec<Asked<T>>,
    correlation: i32,
    /// An answer that cannot be what it must be: a broken promise.
    garbled: Option<String>,
}

/// What an event is to a client: the purposes are those that it gave with its requests.
#[derive(Debug)]
pub enum Heard<T> {
    Answer(T, ResponseKind),
    /// A connection is gone, and with it what had no answer.
    Lost(Vec<T>),
    /// From now on the client begins nothing new.
    Quiet,
    /// It may go on.
    Nothing,
}

/// One lane for data and metadata, one for the group's coordinator, one to the door of the controllers.
pub const DATA: u8 = 0;
pub const GROUP: u8 = 1;
pub const CONTROL: u8 = 2;

/// A request as a frame, without its length.
pub fn frame(key: ApiKey, version: i16, correlation: i32, client_id: &StrBytes, request: &RequestKind) -> Bytes {
    let mut frame = BytesMut::with_capacity(256);
    let mut header = RequestHeader::default();
    header.request_api_key = key as i16;
    header.request_api_version = version;
    header.correlation_id = correlation;
    header.client_id = Some(client_id.clone());
    header.encode(&mut frame, key.request_header_version(version)).expect("a header that fits its version");
    request.encode(&mut frame, version).expect("a request that fits its version");
    frame.freeze()
}

impl<T> Link<T> {
    pub fn new(me: Peer, name: &str) -> Self {
        Self {
            me,
            client_id: StrBytes::from(name.to_string()),
            conns: Vec::new(),
            asked: Vec::new(),
            correlation: 0,
            garbled: None,
        }
    }

    /// Sends a request to a node; the answer, or the loss of the connection, brings `purpose` back.
    pub fn ask(
        &mut self,
        ctx: &mut Ctx<'_>,
        to: (Peer, u8),
        key: ApiKey,
        version: i16,
        request: impl Into<RequestKind>,
        timeout: u64,
        purpose: T,
    ) {
        let conn = self.tell(ctx, to, key, version, request);
        self.asked.push(Asked {
            conn,
            correlation: self.correlation,
            key,
            version,
            deadline: ctx.now + timeout,
            purpose,
        });
    }

    /// Sends a request that has no answer, on the connection that it names then.
    pub fn tell(
        &mut self,
        ctx: &mut Ctx<'_>,
        to: (Peer, u8),
        key: ApiKey,
        version: i16,
        request: impl Into<RequestKind>,
    ) -> Conn {
        self.correlation += 1;
        let frame = frame(key, version, self.correlation, &self.client_id, &request.into());
        let (node, lane) = to;
        let known = self.conns.iter().find(|(peer, on, _)| *peer == node && *on == lane).map(|(_, _, conn)| *conn);
        let conn = known.unwrap_or_else(|| {
            let door = if lane == CONTROL { DOOR_CONTROLLER } else { DOOR_BROKER };
            let conn = ctx.net.open(self.me, node, door);
            self.conns.push((node, lane, conn));
            conn
        });
        // If the connection is gone already, its end is on its way here.
        ctx.due.extend(ctx.net.send(ctx.now, conn, Way::Out, frame));
        conn
    }

    /// Whether the connection is one of its own.
    pub fn has(&self, conn: Conn) -> bool {
        self.conns.iter().any(|(_, _, known)| *known == conn)
    }

    /// What an event means.
    pub fn hear(&mut self, ctx: &mut Ctx<'_>, event: Event) -> Heard<T> {
        match event {
            Event::Wake => Heard::Nothing,
            Event::Quiet => Heard::Quiet,
            Event::Closed(conn) => Heard::Lost(self.on_closed(conn)),
            Event::Frame(conn, frame) => {
                let heard = self.on_frame(conn, frame);
                ctx.corrupt.extend(self.garbled.take());
                heard.map_or(Heard::Nothing, |(purpose, answer)| Heard::Answer(purpose, answer))
            }
        }
    }

    /// An answer: replies come in the order of the requests.
    fn on_frame(&mut self, conn: Conn, mut frame: Bytes) -> Option<(T, ResponseKind)> {
        let Some(place) = self.asked.iter().position(|asked| asked.conn == conn) else {
            self.garbled = self.has(conn).then(|| "an answer to nothing that was asked".into());
            return None;
        };
        let asked = self.asked.remove(place);
        let header = ResponseHeader::decode(&mut frame, asked.key.response_header_version(asked.version));
        match header {
            Ok(header) if header.correlation_id == asked.correlation => {}
            other => {
                self.garbled =
                    Some(format!("the answer to {:?} {} has the header {other:?}", asked.key, asked.correlation));
                return None;
            }
        }
        match ResponseKind::decode(asked.key, &mut frame, asked.version) {
            Ok(response) if frame.is_empty() => Some((asked.purpose, response)),
            other => {
                let why =
                    other.map(|_| format!("{} bytes too many", frame.len())).unwrap_or_else(|error| error.to_string());
                self.garbled = Some(format!("the answer to {:?} v{}: {why}", asked.key, asked.version));
                None
            }
        }
    }

    /// The connection is gone, and what was asked on it with it.
    fn on_closed(&mut self, conn: Conn) -> Vec<T> {
        self.conns.retain(|(_, _, known)| *known != conn);
        let (lost, kept) = std::mem::take(&mut self.asked).into_iter().partition(|asked| asked.conn == conn);
        self.asked = kept;
        lost.into_iter().map(|asked: Asked<T>| asked.purpose).collect()
    }

    /// Lets go of the connections to a node, and of what was asked on them.
    pub fn forget(&mut self, node: Peer) -> Vec<T> {
        let conns: Vec<Conn> = self.conns.iter().filter(|(peer, ..)| *peer == node).map(|(_, _, conn)| *conn).collect();
        conns.into_iter().flat_map(|conn| self.on_closed(conn)).collect()
    }

    /// Closes the connections on which an answer is overdue; all that was asked on them is lost.
    pub fn expire(&mut self, ctx: &mut Ctx<'_>) -> Vec<T> {
        let mut lost = Vec::new();
        while let Some(conn) = self.asked.iter().find(|asked| asked.deadline <= ctx.now).map(|asked| asked.conn) {
            ctx.due.extend(ctx.net.close(ctx.now, conn, Way::Out));
            lost.extend(self.on_closed(conn));
        }
        lost
    }

    pub fn next_deadline(&self) -> Option<u64> {
        self.asked.iter().map(|asked| asked.deadline).min()
    }

    /// What is under way.
    pub fn open(&self) -> impl Iterator<Item = &T> {
        self.asked.iter().map(|asked| &asked.purpose)
    }
}
