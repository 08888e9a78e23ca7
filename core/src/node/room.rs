//! Room on the medium of the data folder, and who is given some of it.

use crate::error::ErrorCode;
use crate::io::{Note, Out};
use crate::limits::{ROOM_RESERVE_BYTES, ROOM_RESERVE_COORDINATORS_BYTES};
use alloc::collections::BTreeSet;

/// Room on the medium of the data folder.
///
/// Who finds none is told so before anything is written, and told again to come back: a write that met the end of the medium
/// all the same waits there (`io::disk`). What the node writes for itself is never asked after.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Room {
    /// Bytes left when the shell last looked, less what was appended since; `u64::MAX` until it looked.
    left: u64,
    /// Bytes of the medium in all; `None` until the shell looked.
    total: Option<u64>,
    /// Who was refused since there was plenty of room: each is told of once.
    refused: BTreeSet<Appender>,
    /// Clients' records had better go elsewhere.
    full: bool,
}

/// Who appends.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Appender {
    /// Produce.
    Client,
    /// A follower of a client's topic.
    Follower,
    /// A coordinator, to its own topic.
    Coordinator,
    /// A follower of a coordinator's topic.
    CoordinatorsFollower,
}

impl Appender {
    /// Bytes that it leaves to others.
    const fn reserve(self) -> u64 {
        match self {
            Self::Client | Self::Follower => ROOM_RESERVE_BYTES,
            Self::Coordinator | Self::CoordinatorsFollower => ROOM_RESERVE_COORDINATORS_BYTES,
        }
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Follower => "follower",
            Self::Coordinator => "coordinator",
            Self::CoordinatorsFollower => "coordinator's follower",
        }
    }
}

impl Room {
    pub const UNKNOWN: Self = Self { left: u64::MAX, total: None, refused: BTreeSet::new(), full: false };

    pub const fn left(&self) -> u64 {
        self.left
    }

    pub const fn total(&self) -> Option<u64> {
        self.total
    }

    /// Clients are refused, or about to be.
    pub const fn is_low(&self) -> bool {
        self.left < ROOM_RESERVE_BYTES
    }

    /// Whether clients' records had better go elsewhere: from when one was refused, or is about to be, until there is twice the room that
    /// this takes.
    pub const fn is_full(&self) -> bool {
        self.full
    }

    /// The shell has looked.
    pub fn on_looked(&mut self, left: u64, total: u64, out: &mut Out) {
        (self.left, self.total) = (left, Some(total));
        self.full = self.is_low() || self.full && left < 2 * ROOM_RESERVE_BYTES;
        // Nor does who stands at the edge hear of it twice a second.
        if left >= 2 * ROOM_RESERVE_BYTES && !self.refused.is_empty() {
            self.refused.clear();
            out.note(Note::RoomAgain { left });
        }
    }

    /// Whether there is room for an append of so many bytes; [`Room::spend`] follows when it was made.
    ///
    /// # Errors
    /// `KAFKA_STORAGE_ERROR`, as Kafka answers from a log folder that failed (`KafkaStorageException`): clients look for the leader
    /// again and retry.
    pub fn admit(&mut self, whose: Appender, bytes: u64, out: &mut Out) -> Result<(), ErrorCode> {
        if self.left >= whose.reserve().saturating_add(bytes) {
            return Ok(());
        }
        self.full |= whose == Appender::Client;
        if self.refused.insert(whose) {
            out.note(Note::NoRoom { whose: whose.name(), left: self.left });
        }
        Err(ErrorCode::KafkaStorageError)
    }

    /// So many bytes were appended. The shell looks once a second: until then they count as written.
    pub const fn spend(&mut self, bytes: u64) {
        self.left = self.left.saturating_sub(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::Output;
    use alloc::vec::Vec;

    #[test]
    fn clients_leave_something_to_coordinators_and_each_is_told_of_once() {
        let (mut room, mut out) = (Room::UNKNOWN, Out::new(Vec::new()));
        assert_eq!(room.admit(Appender::Client, u64::MAX - ROOM_RESERVE_BYTES, &mut out), Ok(()));
        room.on_looked(ROOM_RESERVE_BYTES + 10, 1 << 40, &mut out);
        assert_eq!(room.admit(Appender::Follower, 10, &mut out), Ok(()));
        room.spend(1);
        for whose in [Appender::Client, Appender::Follower, Appender::Client] {
            assert_eq!(room.admit(whose, 10, &mut out), Err(ErrorCode::KafkaStorageError));
        }
        assert_eq!(room.admit(Appender::Coordinator, 10, &mut out), Ok(()));
        room.on_looked(ROOM_RESERVE_COORDINATORS_BYTES, 1 << 40, &mut out);
        assert!(room.admit(Appender::CoordinatorsFollower, 1, &mut out).is_err());
        for left in [1, 2, 2] {
            room.on_looked(left * ROOM_RESERVE_BYTES, 1 << 40, &mut out);
            assert!(left == 2 || room.admit(Appender::Client, 1, &mut out).is_err(), "at the edge nothing is told");
        }
        let told = core::iter::from_fn(|| out.pop()).filter_map(|output| match output {
            Output::Note(Note::NoRoom { whose, .. }) => Some(whose),
            Output::Note(Note::RoomAgain { .. }) => Some("again"),
            _ => None,
        });
        assert_eq!(told.collect::<Vec<_>>(), ["client", "follower", "coordinator's follower", "again"]);
    }

    #[test]
    fn it_is_full_from_the_first_refusal_until_there_is_plenty() {
        let (mut room, mut out) = (Room::UNKNOWN, Out::new(Vec::new()));
        let mut looked = |room: &mut Room, left| {
            room.on_looked(left, 1 << 40, &mut out);
            room.is_full()
        };
        assert!(!looked(&mut room, ROOM_RESERVE_BYTES));
        assert!(looked(&mut room, ROOM_RESERVE_BYTES - 1));
        assert!(looked(&mut room, 2 * ROOM_RESERVE_BYTES - 1));
        assert!(!looked(&mut room, 2 * ROOM_RESERVE_BYTES));
        assert!(room.admit(Appender::Follower, 1 << 40, &mut out).is_err() && !room.is_full());
        assert!(room.admit(Appender::Client, 1 << 40, &mut out).is_err() && room.is_full());
    }
}
