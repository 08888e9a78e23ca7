//! Requests and answers as values over one connection.

use crate::bytes::Input;
use crate::codec;
use crate::conn::{Conn, Lack};
use crate::schema::{Message, Schemas};
use serde_json::Value;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

const API_VERSIONS: i16 = 18;

/// What became of a request.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    Answer(Value),
    /// The answer's bytes are not what the definitions say.
    Garbled(String),
    Lack(Lack),
}

/// How a request departs from an ordinary one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Oddity {
    /// Bytes cut from the end of the body.
    pub cut: usize,
    /// Bytes added behind the body.
    pub extra: Vec<u8>,
    /// The version in which the answer is read, if it is not the request's.
    pub read_as: Option<i16>,
}

/// A request that was sent and whose answer was not read yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    name: String,
    version: i16,
    correlation: i32,
}

#[derive(Debug)]
pub struct Client<'a> {
    schemas: &'a Schemas,
    address: SocketAddr,
    conn: Option<Conn>,
}

impl<'a> Client<'a> {
    pub fn new(schemas: &'a Schemas, address: SocketAddr) -> Self {
        Self { schemas, address, conn: None }
    }

    /// Sends a request; `name` is `Metadata`. The error says what is wrong with the request as it is written.
    pub fn post(&mut self, name: &str, version: i16, body: &Value, odd: &Oddity) -> Result<Pending, String> {
        let message = message(self.schemas, &format!("{name}Request"))?;
        let mut bytes = codec::encode(message, version, body)?;
        bytes.truncate(bytes.len().saturating_sub(odd.cut));
        bytes.extend(&odd.extra);
        let flexible = message.flexible.has(version);
        let correlation = self.open().and_then(|c| c.send(message.key, version, flexible, &bytes)).unwrap_or(-1);
        Ok(Pending { name: name.to_owned(), version: odd.read_as.unwrap_or(version), correlation })
    }

    /// Reads the answer to what was posted.
    pub fn take(&mut self, pending: &Pending, patience: Duration) -> Result<Outcome, String> {
        let message = message(self.schemas, &format!("{}Response", pending.name))?;
        let Some(conn) = self.conn.as_mut() else { return Ok(Outcome::Lack(Lack::Closed)) };
        let (correlation, bytes) = match conn.receive(patience) {
            Ok(frame) => frame,
            Err(lack) => {
                self.conn = None;
                return Ok(Outcome::Lack(lack));
            }
        };
        if correlation != pending.correlation {
            return Ok(Outcome::Garbled("the correlation id of another request".into()));
        }
        Ok(read(message, pending.version, &bytes).map_or_else(Outcome::Garbled, Outcome::Answer))
    }

    /// Sends bytes as one frame and says whether a frame comes back.
    pub fn raw(&mut self, frame: &[u8], patience: Duration) -> Outcome {
        let sent = self.open().and_then(|c| c.frame(frame));
        let Some(conn) = self.conn.as_mut().filter(|_| sent.is_ok()) else { return Outcome::Lack(Lack::Closed) };
        match conn.receive(patience) {
            Ok(_) => Outcome::Answer("a frame".into()),
            Err(lack) => {
                self.conn = None;
                Outcome::Lack(lack)
            }
        }
    }

    /// Ends the connection; the next request opens another.
    pub fn close(&mut self) {
        self.conn = None;
    }

    fn open(&mut self) -> io::Result<&mut Conn> {
        if self.conn.is_none() {
            self.conn = Some(Conn::open(self.address)?);
        }
        Ok(self.conn.as_mut().expect("opened above"))
    }
}

fn message<'s>(schemas: &'s Schemas, name: &str) -> Result<&'s Message, String> {
    schemas.get(name).ok_or_else(|| format!("there is no {name}"))
}

fn read(message: &Message, version: i16, bytes: &[u8]) -> Result<Value, String> {
    let mut input = Input(bytes);
    if message.flexible.has(version) && message.key != API_VERSIONS && input.varint()? != 0 {
        return Err("the header has tagged fields".into());
    }
    match codec::decode(message, version, input.0)? {
        (value, 0) => Ok(value),
        (_, left) => Err(format!("{left} bytes too many")),
    }
}
