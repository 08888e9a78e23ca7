//! Bytes on their way to a socket: pieces of memory by vectored writes, ranges of files by `sendfile`.
//!
//! `sendfile` waits for what is not in the page cache, and all connections of the thread with it: such a range is [`Far`], and not sent
//! before somebody has read it who may wait.

use crate::rt::{self, TcpStream};
use bytes::{Buf, Bytes};
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, IoSlice};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Pieces in one vectored write.
const PIECES_MAX: usize = 64;
/// Bytes in one go: others wait for this thread meanwhile.
pub const SEND_MAX: usize = 1 << 20;

#[derive(Debug)]
enum Piece {
    Bytes(Bytes),
    /// The first `near` bytes of what is left are in the page cache.
    File {
        file: Arc<File>,
        at: u64,
        left: usize,
        near: usize,
    },
}

/// What has to be sent, in order.
#[derive(Debug)]
pub struct Outbox {
    pieces: VecDeque<Piece>,
    len: usize,
    owed: Option<Owed>,
    /// What is next has to be read first.
    is_far: bool,
    /// Whether a range of a file is in the page cache.
    is_near: fn(&File, u64, usize) -> bool,
}

impl Default for Outbox {
    fn default() -> Self {
        Self { pieces: VecDeque::new(), len: 0, owed: None, is_far: false, is_near: rt::is_near }
    }
}

/// A range of a file that is not in the page cache.
#[derive(Debug)]
pub struct Far {
    pub file: Arc<File>,
    pub at: u64,
    pub len: usize,
}

/// What the peer did not take at once.
#[derive(Clone, Copy, Debug)]
pub struct Owed {
    pub since: Instant,
    /// Bytes that lay here then.
    pub bytes: usize,
    /// Of them, not sent yet.
    left: usize,
}

impl Outbox {
    pub fn bytes(&mut self, bytes: Bytes) {
        self.len += bytes.len();
        self.pieces.push_back(Piece::Bytes(bytes));
    }

    pub fn file(&mut self, file: Arc<File>, at: u64, len: usize) {
        self.len += len;
        self.pieces.push_back(Piece::File { file, at, left: len, near: 0 });
    }

    /// One that takes every file for far.
    #[cfg(test)]
    pub fn all_far() -> Self {
        Self { is_near: |_, _, _| false, ..Self::default() }
    }

    /// Bytes not sent yet.
    pub const fn len(&self) -> usize {
        self.len
    }

    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// What the peer has let lie, and since when: whatever was added later is counted when all of this has left.
    pub const fn owed(&self) -> Option<Owed> {
        self.owed
    }

    /// What has to be read before anything more is sent.
    pub fn far(&self) -> Option<Far> {
        match self.pieces.front() {
            Some(Piece::File { file, at, left, .. }) if self.is_far => {
                Some(Far { file: Arc::clone(file), at: *at, len: (*left).min(SEND_MAX) })
            }
            _ => None,
        }
    }

    /// It was read, or cannot be, which `sendfile` will tell. The time that it took is not the peer's.
    pub fn came_near(&mut self, took: Duration) {
        self.is_far = false;
        if let Some(Piece::File { left, near, .. }) = self.pieces.front_mut() {
            *near = (*left).min(SEND_MAX);
        }
        if let Some(owed) = &mut self.owed {
            owed.since += took;
        }
    }

    /// Sends what the socket takes now and what is not far, but not much more than [`SEND_MAX`]. Answers how much that was;
    /// `WouldBlock` is not an error.
    pub fn send(&mut self, stream: &TcpStream) -> io::Result<usize> {
        let before = self.len;
        let sent = self.send_some(stream);
        self.count(before - self.len);
        sent.map(|()| before - self.len)
    }

    fn count(&mut self, sent: usize) {
        let left = self.owed.map_or(0, |owed| owed.left.saturating_sub(sent));
        if self.is_empty() {
            self.owed = None;
        } else if left == 0 {
            self.owed = Some(Owed { since: Instant::now(), bytes: self.len, left: self.len });
        } else if let Some(owed) = &mut self.owed {
            owed.left = left;
        }
    }

    fn send_some(&mut self, stream: &TcpStream) -> io::Result<()> {
        let before = self.len;
        while !self.is_empty() && before - self.len < SEND_MAX && self.look() {
            match self.step(stream) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(sent) => self.advance(sent),
                Err(why) if why.kind() == io::ErrorKind::WouldBlock => break,
                Err(why) => return Err(why),
            }
        }
        Ok(())
    }

    /// Whether what is next can be sent without waiting for the medium.
    fn look(&mut self) -> bool {
        if let Some(Piece::File { file, at, left, near }) = self.pieces.front_mut()
            && *near == 0
        {
            let len = (*left).min(SEND_MAX);
            self.is_far = !(self.is_near)(file, *at, len);
            *near = if self.is_far { 0 } else { len };
        }
        !self.is_far
    }

    fn step(&self, stream: &TcpStream) -> io::Result<usize> {
        if let Some(Piece::File { file, at, near, .. }) = self.pieces.front() {
            let sent = rt::send_file(stream, file, *at, *near)?;
            // The file is shorter than the reply promised: the frame cannot be completed.
            return if sent == 0 { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(sent) };
        }
        let mut slices = [IoSlice::new(&[]); PIECES_MAX];
        let mut count = 0;
        for (slice, piece) in slices.iter_mut().zip(&self.pieces) {
            let Piece::Bytes(bytes) = piece else { break };
            *slice = IoSlice::new(bytes);
            count += 1;
        }
        match slices.get(..count) {
            Some([one]) => stream.try_write(one),
            Some(many) => stream.try_write_vectored(many),
            None => Ok(0),
        }
    }

    fn advance(&mut self, sent: usize) {
        self.len -= sent;
        let mut sent = sent;
        while sent > 0 {
            let finished = match self.pieces.front_mut() {
                Some(Piece::Bytes(bytes)) if bytes.len() > sent => {
                    bytes.advance(sent);
                    return;
                }
                Some(Piece::File { at, left, near, .. }) if *left > sent => {
                    *at += sent as u64;
                    *left -= sent;
                    *near = near.saturating_sub(sent);
                    return;
                }
                Some(Piece::Bytes(bytes)) => bytes.len(),
                Some(Piece::File { left, .. }) => *left,
                None => return,
            };
            sent -= finished;
            self.pieces.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn memory_and_files_leave_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bytes");
        let content: Vec<u8> = (0..3_000_000u32).map(|number| number as u8).collect();
        File::create(&path).unwrap().write_all(&content).unwrap();
        let file = Arc::new(File::open(&path).unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let reader = std::thread::spawn(move || {
            let mut all = Vec::new();
            std::net::TcpStream::connect(address).unwrap().read_to_end(&mut all).unwrap();
            all
        });
        let (stream, _) = listener.accept().await.unwrap();
        let mut outbox = Outbox::default();
        let mut expected = Vec::new();
        for number in 0..100u8 {
            outbox.bytes(vec![number; 1000].into());
            expected.extend([number; 1000]);
        }
        outbox.file(Arc::clone(&file), 7, content.len() - 7);
        expected.extend(&content[7..]);
        outbox.bytes(Bytes::from_static(b"end"));
        expected.extend(b"end");
        assert_eq!(outbox.len(), expected.len());
        while !outbox.is_empty() {
            stream.writable().await.unwrap();
            outbox.send(&stream).unwrap();
        }
        drop(stream);
        assert!(reader.join().unwrap() == expected);
    }

    #[tokio::test]
    async fn what_is_owed_has_left_before_anything_else_is() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut peer = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        let mut outbox = Outbox::default();
        outbox.bytes(vec![7; 64 << 20].into());
        let send = |outbox: &mut Outbox| while outbox.send(&stream).unwrap() >= SEND_MAX {};
        assert!(outbox.owed().is_none(), "nothing was tried");
        outbox.send(&stream).unwrap();
        let owed = outbox.owed().unwrap();
        assert_eq!(owed.bytes, outbox.len());
        send(&mut outbox);
        // A peer that takes a little has not taken what it owes.
        peer.read_exact(&mut vec![0; 1 << 20]).unwrap();
        send(&mut outbox);
        outbox.bytes(vec![8; 1 << 20].into());
        let then = outbox.owed().unwrap();
        assert_eq!((then.since, then.bytes), (owed.since, owed.bytes));
        let reader = std::thread::spawn(move || peer.read_exact(&mut vec![0; 64 << 20]).unwrap());
        while !outbox.is_empty() {
            stream.writable().await.unwrap();
            outbox.send(&stream).unwrap();
        }
        assert!(outbox.owed().is_none());
        reader.join().unwrap();
    }

    #[tokio::test]
    async fn what_is_far_is_not_sent_before_it_was_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bytes");
        let content: Vec<u8> = (0..SEND_MAX * 2 + 9).map(|number| (number / 7) as u8).collect();
        File::create(&path).unwrap().write_all(&content).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut peer = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        let len = content.len();
        let reader = std::thread::spawn(move || {
            let mut all = vec![0; len + 1];
            peer.read_exact(&mut all).unwrap();
            all
        });
        let mut outbox = Outbox::all_far();
        outbox.bytes(Bytes::from_static(b"x"));
        outbox.file(Arc::new(File::open(&path).unwrap()), 0, content.len());
        assert!(outbox.far().is_none(), "nobody looked");
        let mut ranges = Vec::new();
        while !outbox.is_empty() {
            stream.writable().await.unwrap();
            outbox.send(&stream).unwrap();
            let Some(Far { at, len, .. }) = outbox.far() else { continue };
            assert_eq!(outbox.send(&stream).unwrap(), 0, "it is still far");
            ranges.push((at, len));
            outbox.came_near(Duration::ZERO);
            assert!(outbox.far().is_none());
        }
        let step = SEND_MAX as u64;
        assert_eq!(ranges, [(0, SEND_MAX), (step, SEND_MAX), (step * 2, 9)]);
        let all = reader.join().unwrap();
        assert!(all[0] == b'x' && all[1..] == content);
    }

    #[tokio::test]
    async fn a_file_that_is_too_short_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("short");
        File::create(&path).unwrap().write_all(b"abc").unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let _peer = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        let mut outbox = Outbox::default();
        outbox.file(Arc::new(File::open(&path).unwrap()), 0, 10);
        stream.writable().await.unwrap();
        assert!(outbox.send(&stream).is_err());
    }
}
