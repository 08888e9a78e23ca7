//! One blocking connection to a broker.

use crate::exit::Failure;
use bytes::Bytes;
use esker_core::wire::{Slip, calls, versions};
use kafka_protocol::messages::{ApiKey, ApiVersionsRequest, RequestKind, ResponseKind};
use kafka_protocol::protocol::StrBytes;
use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

const CONNECT: Duration = Duration::from_secs(5);
/// For the first answer, which costs a broker nothing.
const GREETING: Duration = Duration::from_secs(15);
/// Longer than any request here lets the broker wait.
const ANSWER: Duration = Duration::from_secs(90);
const ANSWER_MAX: usize = 256 << 20;
const CLIENT_ID: &str = "esker-cli";

/// A connection that knows what the broker speaks.
#[derive(Debug)]
pub struct Link {
    stream: TcpStream,
    address: String,
    /// How long an answer is waited for.
    patience: Duration,
    correlation: i32,
    spoken: HashMap<i16, (i16, i16)>,
}

impl Link {
    pub fn open(address: &str) -> Result<Self, Failure> {
        let fail = |why: io::Error| Failure::failed(format!("cannot reach a broker at {address}: {why}")).stale();
        let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
        if !address.contains(':') {
            return Err(
                Failure::failed(format!("'{address}' is no address of a broker: HOST:PORT is needed")).for_good()
            );
        }
        for one in address.to_socket_addrs().map_err(fail)? {
            match TcpStream::connect_timeout(&one, CONNECT) {
                Ok(stream) => return Self::greet(stream, address),
                Err(why) => last = why,
            }
        }
        Err(fail(last))
    }

    fn greet(stream: TcpStream, address: &str) -> Result<Self, Failure> {
        let (address, spoken) = (address.into(), HashMap::new());
        let mut link = Self { stream, address, patience: GREETING, correlation: 0, spoken };
        let prepared = link.stream.set_nodelay(true).and_then(|()| link.stream.set_read_timeout(Some(GREETING)));
        prepared.map_err(|why| link.broken(&why))?;
        let mut hello = ApiVersionsRequest::default();
        hello.client_software_name = StrBytes::from_static_str(CLIENT_ID);
        hello.client_software_version = StrBytes::from_static_str(env!("CARGO_PKG_VERSION"));
        // Version 3 is answered by every broker of the last years; a broker that knows less says so in version 0.
        let slip = link.send_as(ApiKey::ApiVersions, 3, &hello.into())?;
        let ResponseKind::ApiVersions(answer) = link.receive(slip)? else { return Err(link.garbled("ApiVersions")) };
        for version in answer.api_keys {
            link.spoken.insert(version.api_key, (version.min_version, version.max_version));
        }
        link.patience = ANSWER;
        link.stream.set_read_timeout(Some(ANSWER)).map_err(|why| link.broken(&why))?;
        Ok(link)
    }

    /// Asks and waits for the answer.
    pub fn call(&mut self, key: ApiKey, body: impl Into<RequestKind>) -> Result<ResponseKind, Failure> {
        let slip = self.send(key, &body.into())?;
        self.receive(slip)
    }

    /// The highest version that both sides speak.
    pub fn version(&self, key: ApiKey) -> Result<i16, Failure> {
        let ours = versions::supported(key);
        let theirs = self.spoken.get(&(key as i16)).copied();
        let version = theirs.map(|(_, max)| max.min(*ours.end()));
        let spoken = version.filter(|version| theirs.is_some_and(|(min, _)| *version >= min) && ours.contains(version));
        let none = || Failure::failed(format!("the broker at {} does not serve {key:?}", self.address)).for_good();
        spoken.ok_or_else(none)
    }

    /// Sends without waiting; the answers come in order.
    pub fn send(&mut self, key: ApiKey, body: &RequestKind) -> Result<Slip, Failure> {
        let version = self.version(key)?;
        self.send_as(key, version, body)
    }

    fn send_as(&mut self, key: ApiKey, version: i16, body: &RequestKind) -> Result<Slip, Failure> {
        self.correlation = self.correlation.wrapping_add(1);
        let slip = Slip { key, version, correlation: self.correlation };
        let frame = calls::encode(slip, CLIENT_ID, body).map_err(|why| Failure::failed(why.to_string()))?;
        self.stream.write_all(&frame).map_err(|why| self.broken(&why))?;
        Ok(slip)
    }

    /// Waits for the answer to the oldest request without one.
    pub fn receive(&mut self, slip: Slip) -> Result<ResponseKind, Failure> {
        let mut prefix = [0; 4];
        self.stream.read_exact(&mut prefix).map_err(|why| self.broken(&why))?;
        let len = usize::try_from(i32::from_be_bytes(prefix)).ok().filter(|len| *len <= ANSWER_MAX);
        let len = len.ok_or_else(|| self.garbled(&format!("{:?}", slip.key)))?;
        let mut frame = Vec::new();
        let read = (&mut self.stream).take(len as u64).read_to_end(&mut frame).map_err(|why| self.broken(&why))?;
        if read < len {
            return Err(self.broken(&io::ErrorKind::UnexpectedEof.into()));
        }
        calls::decode(slip, &Bytes::from(frame)).map_err(|bad| self.garbled(&bad.to_string()))
    }

    /// Whether the other side has closed. Who waits for no answers learns it only so: what is sent first after that seems to arrive.
    pub fn is_closed(&self) -> bool {
        let peeked = self.stream.set_nonblocking(true).and_then(|()| self.stream.peek(&mut [0]));
        let closed = match peeked {
            Ok(count) => count == 0,
            Err(why) => why.kind() != io::ErrorKind::WouldBlock,
        };
        closed || self.stream.set_nonblocking(false).is_err()
    }

    fn broken(&self, why: &io::Error) -> Failure {
        // What the system says of a time-out is "temporarily unavailable".
        if matches!(why.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) {
            let seconds = self.patience.as_secs();
            return Failure::failed(format!("{} did not answer within {seconds} s", self.address)).stale();
        }
        Failure::failed(format!("the connection to {} broke: {why}", self.address)).stale()
    }

    fn garbled(&self, what: &str) -> Failure {
        Failure::failed(format!("{} answered what is not Kafka's protocol ({what})", self.address))
    }
}
