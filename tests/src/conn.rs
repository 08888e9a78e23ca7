//! A connection to a broker: frames out, frames in.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// The largest frame that is read; more is taken for a broken length.
const FRAME_MAX: usize = 256 << 20;

/// How long a connection may take to open, or to take bytes.
const PATIENCE: Duration = Duration::from_secs(10);

/// What came instead of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lack {
    /// The peer ended the connection.
    Closed,
    /// Nothing came in the given time.
    Silent,
}

#[derive(Debug)]
pub struct Conn {
    stream: TcpStream,
    correlation: i32,
}

impl Conn {
    pub fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self { stream, correlation: 0 })
    }

    /// Sends a request: the header (with a client id of its own choice, `esker-tests`) and the body. Gives the correlation id.
    pub fn send(&mut self, key: i16, version: i16, flexible: bool, body: &[u8]) -> io::Result<i32> {
        self.correlation += 1;
        self.frame(&request(key, version, flexible, self.correlation, body))?;
        Ok(self.correlation)
    }

    /// Sends a request that [`prepared`] made, under the next correlation id: nothing of it is copied.
    pub fn send_prepared(&mut self, frame: &mut [u8]) -> io::Result<i32> {
        self.correlation += 1;
        frame[8..12].copy_from_slice(&self.correlation.to_be_bytes());
        self.bytes(frame)?;
        Ok(self.correlation)
    }

    /// Sends bytes as one frame.
    pub fn frame(&mut self, content: &[u8]) -> io::Result<()> {
        let mut out = Vec::with_capacity(4 + content.len());
        out.extend((content.len() as u32).to_be_bytes());
        out.extend(content);
        self.bytes(&out)
    }

    /// Sends bytes as they are.
    pub fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// The next frame: correlation id, and what follows it.
    pub fn receive(&mut self, patience: Duration) -> Result<(i32, Vec<u8>), Lack> {
        self.stream.set_read_timeout(Some(patience)).map_err(|_| Lack::Closed)?;
        let mut head = [0; 8];
        self.fill(&mut head)?;
        let [a, b, c, d, e, f, g, h] = head;
        let len = u32::from_be_bytes([a, b, c, d]) as usize;
        if !(4..=FRAME_MAX).contains(&len) {
            return Err(Lack::Closed);
        }
        let mut rest = vec![0; len - 4];
        self.fill(&mut rest)?;
        Ok((i32::from_be_bytes([e, f, g, h]), rest))
    }

    /// A second handle on the same connection: one thread sends, another receives.
    pub fn split(&self) -> io::Result<Self> {
        Ok(Self { stream: self.stream.try_clone()?, correlation: 0 })
    }

    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), Lack> {
        self.stream.read_exact(buffer).map_err(|e| match e.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut => Lack::Silent,
            _ => Lack::Closed,
        })
    }
}

/// A request's whole frame, to be sent many times.
pub fn prepared(key: i16, version: i16, flexible: bool, body: &[u8]) -> Vec<u8> {
    let content = request(key, version, flexible, 0, body);
    [&(content.len() as u32).to_be_bytes()[..], &content].concat()
}

/// The content of a request's frame.
pub fn request(key: i16, version: i16, flexible: bool, correlation: i32, body: &[u8]) -> Vec<u8> {
    const CLIENT: &[u8] = b"esker-tests";
    let mut out = Vec::with_capacity(24 + body.len());
    out.extend(key.to_be_bytes());
    out.extend(version.to_be_bytes());
    out.extend(correlation.to_be_bytes());
    out.extend((CLIENT.len() as i16).to_be_bytes());
    out.extend(CLIENT);
    if flexible {
        out.push(0);
    }
    out.extend(body);
    out
}
