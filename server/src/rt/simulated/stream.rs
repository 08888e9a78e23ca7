//! A socket over madsim's, with the manners of a real one.

use super::observe::{Seen, show};
use bytes::{Buf, BufMut, BytesMut};
use madsim::rand::Rng;
use std::cell::RefCell;
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// One write in so many takes only a part, and one in so many nothing for a while.
const SHORT_ONE_IN: u32 = 8;
const FULL_ONE_IN: u32 = 16;
/// How long a socket takes nothing at most.
const FULL_MAX: Duration = Duration::from_millis(20);

#[derive(Debug)]
struct Socket {
    /// `None`: the connection was reset.
    stream: Option<tokio::net::TcpStream>,
    local: SocketAddr,
    peer: SocketAddr,
    /// What has come and was not read yet.
    came: BytesMut,
    /// The peer sends no more.
    ended: bool,
    /// Until when no more is taken.
    full_until: Option<Instant>,
    reader: Option<Waker>,
}

thread_local! {
    /// Every socket, for those who break them.
    static SOCKETS: RefCell<Vec<Weak<Mutex<Socket>>>> = const { RefCell::new(Vec::new()) };
    /// What dead hosts have not closed.
    static BURIED: RefCell<Vec<(IpAddr, tokio::net::TcpStream)>> = const { RefCell::new(Vec::new()) };
}

/// A connection.
#[derive(Debug, Clone)]
pub struct TcpStream(Arc<Mutex<Socket>>);

#[derive(Debug)]
pub struct OwnedReadHalf(TcpStream);

#[derive(Debug)]
pub struct OwnedWriteHalf(TcpStream);

#[derive(Debug)]
pub struct TcpListener(tokio::net::TcpListener);

impl TcpListener {
    pub async fn bind(host: &str, port: u16) -> io::Result<Self> {
        tokio::net::TcpListener::bind((host, port)).await.map(Self)
    }

    pub async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let (stream, peer) = self.0.accept().await?;
        Ok((TcpStream::new(stream)?, peer))
    }

    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

/// Breaks connections of the host of that address: each that `chosen` says, asked in the order of their opening.
pub fn reset(host: IpAddr, mut chosen: impl FnMut() -> bool) {
    of_host(host, |socket| {
        if chosen() {
            socket.stream = None;
            socket.came.clear();
            socket.reader.take().into_iter().for_each(Waker::wake);
        }
    });
}

/// The host falls silent: its peers are not told that its connections are gone, and what they send is swallowed.
pub fn bury(host: IpAddr) {
    of_host(host, |socket| {
        let stream = socket.stream.take().map(|stream| (host, stream));
        BURIED.with_borrow_mut(|buried| buried.extend(stream));
    });
}

/// The host stands again, and knows nothing of its connections from before: their peers are told.
pub fn unbury(host: IpAddr) {
    let gone: Vec<_> = BURIED.with_borrow_mut(|buried| buried.extract_if(.., |(of, _)| *of == host).collect());
    drop(gone);
}

fn of_host(host: IpAddr, mut act: impl FnMut(&mut Socket)) {
    let all: Vec<_> = SOCKETS.with_borrow(|sockets| sockets.iter().filter_map(Weak::upgrade).collect());
    for socket in all {
        let mut socket = socket.lock().unwrap_or_else(PoisonError::into_inner);
        if socket.stream.is_some() && socket.local.ip() == host {
            act(&mut socket);
        }
    }
}

impl TcpStream {
    fn new(stream: tokio::net::TcpStream) -> io::Result<Self> {
        let socket = Socket {
            local: stream.local_addr()?,
            peer: stream.peer_addr()?,
            stream: Some(stream),
            came: BytesMut::new(),
            ended: false,
            full_until: None,
            reader: None,
        };
        let socket = Arc::new(Mutex::new(socket));
        SOCKETS.with_borrow_mut(|sockets| {
            sockets.retain(|socket| socket.strong_count() > 0);
            sockets.push(Arc::downgrade(&socket));
        });
        Ok(Self(socket))
    }

    pub async fn connect((host, port): (&str, u16)) -> io::Result<Self> {
        Self::new(tokio::net::TcpStream::connect((host, port)).await?)
    }

    fn lock(&self) -> MutexGuard<'_, Socket> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.lock().peer)
    }

    pub fn set_nodelay(&self, _: bool) -> io::Result<()> {
        Ok(())
    }

    pub async fn readable(&self) -> io::Result<()> {
        std::future::poll_fn(|context| self.lock().poll_readable(context)).await
    }

    /// Reads what has come, or a first part of it.
    pub fn try_read_buf(&self, to: &mut impl BufMut) -> io::Result<usize> {
        self.lock().read(to)
    }

    pub async fn writable(&self) -> io::Result<()> {
        let until = self.lock().full_until;
        if let Some(until) = until {
            tokio::time::sleep_until(until).await;
        }
        Ok(())
    }

    pub fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.lock().write(bytes)
    }

    pub fn try_write_vectored(&self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        let whole: Vec<u8> = parts.iter().flat_map(|part| part.iter().copied()).collect();
        self.lock().write(&whole)
    }

    pub fn into_split(self) -> (OwnedReadHalf, OwnedWriteHalf) {
        (OwnedReadHalf(self.clone()), OwnedWriteHalf(self))
    }
}

impl Socket {
    fn poll_readable(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.came.is_empty() || self.ended {
            return Poll::Ready(Ok(()));
        }
        let Some(stream) = &mut self.stream else { return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())) };
        let mut space = [MaybeUninit::uninit(); 8192];
        let mut into = ReadBuf::uninit(&mut space);
        match Pin::new(stream).poll_read(context, &mut into) {
            Poll::Pending => {
                self.reader = Some(context.waker().clone());
                Poll::Pending
            }
            Poll::Ready(Err(why)) => Poll::Ready(Err(why)),
            Poll::Ready(Ok(())) => {
                self.ended = into.filled().is_empty();
                self.came.extend_from_slice(into.filled());
                Poll::Ready(Ok(()))
            }
        }
    }

    fn read(&mut self, to: &mut impl BufMut) -> io::Result<usize> {
        if self.stream.is_none() {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        if self.came.is_empty() {
            return if self.ended { Ok(0) } else { Err(io::ErrorKind::WouldBlock.into()) };
        }
        let most = self.came.len().min(to.chunk_mut().len());
        let count = if most > 1 && one_in(SHORT_ONE_IN) { draw(1, most) } else { most };
        to.put_slice(&self.came[..count]);
        self.came.advance(count);
        Ok(count)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.full_until.is_some_and(|until| until > Instant::now()) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.full_until = None;
        let Some(stream) = &mut self.stream else { return Err(io::ErrorKind::ConnectionReset.into()) };
        let mut count = bytes.len();
        if one_in(FULL_ONE_IN) {
            self.full_until = Some(Instant::now() + FULL_MAX.mul_f64(f64::from(draw(1, 100) as u32) / 100.0));
            count /= 2;
        } else if count > 1 && one_in(SHORT_ONE_IN) {
            count = draw(1, count);
        }
        if count == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let mut context = Context::from_waker(Waker::noop());
        let part = bytes.get(..count).unwrap_or(bytes);
        let written = Pin::new(&mut *stream).poll_write(&mut context, part);
        let sent = Pin::new(stream).poll_flush(&mut context);
        match (written, sent) {
            (Poll::Ready(Ok(_)), Poll::Ready(Ok(()))) => {
                show(Seen::Sent { from: self.local, to: self.peer, bytes: part });
                Ok(count)
            }
            (Poll::Ready(Err(why)), _) | (_, Poll::Ready(Err(why))) => Err(why),
            (Poll::Pending, _) | (_, Poll::Pending) => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    fn poll_write(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.write(bytes) {
            Err(why) if why.kind() == io::ErrorKind::WouldBlock => {
                let waker = context.waker().clone();
                let until = self.full_until.unwrap_or_else(Instant::now);
                madsim::task::spawn(async move {
                    tokio::time::sleep_until(until).await;
                    waker.wake();
                });
                Poll::Pending
            }
            result => Poll::Ready(result),
        }
    }
}

fn one_in(count: u32) -> bool {
    madsim::rand::thread_rng().gen_range(0..count) == 0
}

fn draw(least: usize, most: usize) -> usize {
    madsim::rand::thread_rng().gen_range(least..=most)
}

impl AsyncRead for OwnedReadHalf {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut socket = self.0.lock();
        match socket.poll_readable(context) {
            Poll::Ready(Ok(())) => Poll::Ready(socket.read(into).map(|_| ())),
            other => other,
        }
    }
}

impl AsyncWrite for OwnedWriteHalf {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.0.lock().poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
