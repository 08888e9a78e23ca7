//! Bytes that are not what was written.

use super::Cluster;
use crate::batch::Batches;
use crate::id::Offset;
use crate::io::FileName;
use alloc::vec::Vec;

impl Cluster {
    /// A replica is restarted in order; meanwhile a byte of its first batch on disk was flipped. It leads.
    pub fn damage(&mut self, at: usize) {
        self.drain(at);
        let one = &mut self.replicas[at];
        let name = FileName::Log(Offset::ZERO);
        let mut bytes = one.disk.bytes(name).expect("the first segment").to_vec();
        bytes[70] ^= 4;
        one.disk.put(name, bytes);
        (one.partition, one.asked, one.answered, one.damaged) = (None, None, None, true);
        self.start(at);
        self.lead(at);
        (0..self.replicas.len()).for_each(|each| self.hear(each));
    }

    /// Bits of the last batches flip on the disk of a replica that is down, if it wrote down that all of them are committed. Whether it did.
    pub fn rot_last(&mut self, at: usize, count: usize) -> bool {
        let one = &mut self.replicas[at];
        let last = one.disk.names().into_iter().filter(|name| matches!(name, FileName::Log(_))).max();
        let Some(name) = last.filter(|_| one.partition.is_none()) else { return false };
        let mut bytes = one.disk.bytes(name).expect("a file that is there").to_vec();
        let mut places = Vec::new();
        for (header, batch) in Batches::of(&bytes) {
            places.push((places.last().map_or(0, |(_, end, _)| *end), 0, header.next_offset()));
            let last = places.last_mut().expect("just put there");
            last.1 = last.0 + batch.len();
        }
        if places.last().is_none_or(|(.., next)| *next > one.checkpoint) {
            return false;
        }
        places.iter().rev().take(count).for_each(|(begin, ..)| bytes[begin + 62] ^= 4);
        one.disk.put(name, bytes);
        true
    }

    /// A follower is told, by a read that it began when it led, that its log is damaged from the start on.
    pub fn find_damage(&mut self, at: usize) {
        self.replicas[at].partition.as_mut().expect("it is up").damaged = Some(Offset::ZERO);
    }
}
