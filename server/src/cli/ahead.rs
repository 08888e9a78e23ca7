//! Lines read ahead of who writes them: so many, and so many bytes, and none that no broker would take.

use std::io::{self, BufRead, BufReader, Read};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

const LINES_MAX: usize = 10_000;
/// Bytes of lines that wait; a longer line waits alone.
const BYTES_MAX: usize = 64 << 20;
/// The longest line: what a broker takes in one request (`socket.request.max.bytes`).
const LINE_MAX: u64 = 100 << 20;

/// Lines of an input, read by a thread: sending does not wait for reading.
pub struct Lines {
    lines: Receiver<io::Result<Vec<u8>>>,
    room: Arc<Room>,
}

impl Lines {
    pub fn of(input: Box<dyn Read + Send>) -> Self {
        let (sender, lines) = sync_channel(LINES_MAX);
        let room = Arc::<Room>::default();
        let of_thread = Arc::clone(&room);
        std::thread::spawn(move || {
            let mut input = BufReader::with_capacity(256 << 10, input);
            for number in 1_u64.. {
                match read_line(&mut input, number) {
                    Ok(None) => return,
                    Ok(Some(line)) => {
                        of_thread.take(line.len());
                        if sender.send(Ok(line)).is_err() {
                            return;
                        }
                    }
                    // Behind what cannot be read it is not known where a line begins.
                    Err(why) => return drop(sender.send(Err(why))),
                }
            }
        });
        Self { lines, room }
    }

    pub fn next_within(&self, wait: Duration) -> Result<io::Result<Vec<u8>>, RecvTimeoutError> {
        self.lines.recv_timeout(wait).inspect(|line| self.room.give_back(line))
    }

    /// What is there by now.
    pub fn at_hand(&self) -> impl Iterator<Item = io::Result<Vec<u8>>> {
        self.lines.try_iter().take(LINES_MAX).inspect(|line| self.room.give_back(line))
    }
}

/// The next line, without its end; `None` behind the last.
fn read_line(input: &mut impl BufRead, number: u64) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    let read = input.by_ref().take(LINE_MAX + 1).read_until(b'\n', &mut line)?;
    if line.last() == Some(&b'\n') {
        line.pop();
    } else if read as u64 > LINE_MAX {
        return Err(io::Error::other(format!("line {number} is longer than {} MiB", LINE_MAX >> 20)));
    }
    Ok((read > 0).then_some(line))
}

/// Bytes of lines that wait to be taken.
#[derive(Default)]
struct Room {
    waiting: Mutex<usize>,
    less: Condvar,
}

impl Room {
    fn take(&self, bytes: usize) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        while *waiting > 0 && *waiting + bytes > BYTES_MAX {
            waiting = self.less.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        *waiting += bytes;
    }

    fn give_back(&self, line: &io::Result<Vec<u8>>) {
        *self.waiting.lock().unwrap_or_else(PoisonError::into_inner) -= line.as_ref().map_or(0, Vec::len);
        self.less.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_without_their_ends_and_what_is_too_long_is_named() {
        let lines = Lines::of(Box::new(&b"a\n\nlast"[..]));
        let next = || lines.next_within(Duration::from_secs(60)).map(Result::unwrap);
        assert_eq!((next(), next(), next()), (Ok(b"a".to_vec()), Ok(vec![]), Ok(b"last".to_vec())));
        assert_eq!(next(), Err(RecvTimeoutError::Disconnected));
        let lines = Lines::of(Box::new(io::Read::chain(&b"short\n"[..], io::repeat(b'x'))));
        assert!(lines.next_within(Duration::from_secs(60)).unwrap().is_ok());
        let why = lines.next_within(Duration::from_secs(60)).unwrap().unwrap_err();
        assert_eq!(why.to_string(), "line 2 is longer than 100 MiB");
    }

    #[test]
    fn no_more_is_read_than_there_is_room_for() {
        let long = vec![b'x'; 1 << 20];
        let line = [&long[..], b"\n"].concat().repeat(100);
        let lines = Lines::of(Box::new(io::Cursor::new(line)));
        let (mut all, mut most) = (0, 0);
        while let Ok(line) = lines.next_within(Duration::from_secs(60)) {
            all += usize::from(line.unwrap() == long);
            most = most.max(*lines.room.waiting.lock().unwrap());
        }
        assert_eq!(all, 100);
        assert!(most <= BYTES_MAX, "{most} bytes waited");
    }
}
