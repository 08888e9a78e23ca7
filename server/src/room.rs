//! Bytes that requests may take in memory: a bound for each way of staying, over all connections to listeners of one kind.

use esker_core::io::Stay;
use tokio::sync::Semaphore;

/// Where a charge is booked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Book {
    Handled(Stay),
    /// Long requests on their way: whoever announces one and does not send it keeps other long ones waiting, and nobody else.
    Upload,
}

/// The books. What waits for others (a poll, a write) or is waited for by others (a follower's Fetch) has one of its own: were it the same,
/// a client could keep everybody out by asking for what does not come, and writes that wait for followers would keep those out
/// that they wait for, and the heartbeats of groups.
#[derive(Debug)]
pub struct Rooms {
    brief: Semaphore,
    writes: Semaphore,
    polls: Semaphore,
    replicas: Semaphore,
    uploads: Semaphore,
    most: usize,
}

impl Rooms {
    /// `most`: bytes of each book.
    pub fn new(most: usize) -> Self {
        let [brief, writes, polls, replicas, uploads] = [(); 5].map(|()| Semaphore::new(most));
        Self { brief, writes, polls, replicas, uploads, most }
    }

    /// What a request of so many bytes is charged: one never needs more room than there is in all.
    pub fn charge(&self, bytes: usize) -> usize {
        bytes.min(self.most).min(u32::MAX as usize)
    }

    /// Takes room for a charge if it is free.
    pub fn try_take(&self, book: Book, charge: usize) -> bool {
        let room = self.of(book).try_acquire_many(permits(charge));
        room.map(|room| room.forget()).is_ok()
    }

    /// Takes room for a charge when it comes free.
    pub async fn take(&self, book: Book, charge: usize) {
        match self.of(book).acquire_many(permits(charge)).await {
            Ok(room) => room.forget(),
            // Never closed.
            Err(_) => std::future::pending().await,
        }
    }

    pub fn give_back(&self, book: Book, charge: usize) {
        self.of(book).add_permits(charge);
    }

    const fn of(&self, book: Book) -> &Semaphore {
        match book {
            Book::Handled(Stay::Brief) => &self.brief,
            Book::Handled(Stay::Write) => &self.writes,
            Book::Handled(Stay::Poll) => &self.polls,
            Book::Handled(Stay::Replica) => &self.replicas,
            Book::Upload => &self.uploads,
        }
    }
}

fn permits(charge: usize) -> u32 {
    u32::try_from(charge).expect("a charge is within what Rooms::charge gives")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_book_that_is_full_keeps_no_other_waiting() {
        let rooms = Rooms::new(100);
        assert_eq!((rooms.charge(70), rooms.charge(1000)), (70, 100));
        let (polls, brief) = (Book::Handled(Stay::Poll), Book::Handled(Stay::Brief));
        assert!(rooms.try_take(polls, 70) && !rooms.try_take(polls, 31));
        assert!(rooms.try_take(brief, 100) && rooms.try_take(Book::Handled(Stay::Replica), 100));
        assert!(rooms.try_take(Book::Handled(Stay::Write), 100));
        assert!(rooms.try_take(Book::Upload, 100));
        rooms.give_back(polls, 70);
        assert!(rooms.try_take(polls, 100) && !rooms.try_take(brief, 1));
    }
}
