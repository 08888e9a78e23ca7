//! Damage in the last segment: bytes that were durable, and are no batch any more.
//!
//! What a crash tears lies behind all that was ever durable. A place before that ([`Opening::durable`](super::Opening)) which is no batch was whole
//! once: to end the log there, as Kafka does, would take with it every whole batch behind. The next whole one is looked for
//! instead; the segment is closed as it stands, and the log goes on in a new one. Readers meet the damage as in any
//! other segment, and a replica whose log has it is repaired from another (`partition::repair`).

use super::cursor::{Stop, Walk};
use super::recovery::Scan;
use super::segment::Segment;
use super::{Log, LogEvent};
use crate::batch::{HEADER_BYTES, Header, MAGIC};
use crate::id::Offset;
use crate::io::{Note, Out};
use crate::limits::REQUEST_BYTES_MAX;
use crate::time::Now;

/// Where the magic of a batch lies.
const MAGIC_AT: usize = 16;

/// What a search for the next whole batch found.
enum Search<'a> {
    /// It begins here.
    Whole(usize, Header<'a>),
    /// Here is what may be one, of so many bytes.
    Perhaps {
        at: usize,
        need: usize,
    },
    None,
}

impl Log {
    /// The scan has come to a place that was durable once: it goes on behind it.
    pub(super) fn pass_damage(&mut self, out: &mut Out) -> LogEvent {
        self.note_damage(out);
        let scan = self.scan();
        let at = scan.at;
        (scan.at, scan.need, scan.in_damage) = (at + 1, 0, true);
        self.scan_on(out)
    }

    /// Where the scan has come to there is no batch.
    pub(super) fn note_damage(&mut self, out: &mut Out) {
        let (dir, &mut Scan { place, at, .. }) = (self.dir, self.scan());
        let segment = &mut self.segments[place];
        if segment.damaged.is_none() {
            segment.damaged = Some(at);
            let base = segment.base;
            out.note(Note::Damaged { dir, base, at });
        }
    }

    /// Bytes behind the damage.
    pub(super) fn on_search(&mut self, now: Now, bytes: &[u8], out: &mut Out) -> LogEvent {
        let (size, segments) = (self.scan_size(), self.segments.len());
        let scan = self.scan();
        let active = scan.place + 1 == segments;
        let room = size.saturating_sub(scan.at);
        match search(bytes, scan.reached, room) {
            Search::Whole(offset, batch) => {
                scan.at += offset as u64;
                (scan.in_damage, scan.first_ends) = (false, batch.next_offset());
                let (place, at) = (scan.place, scan.at);
                let segment = &mut self.segments[place];
                segment.size = if active { at } else { segment.size };
                segment.pass(&batch, at);
                self.scan_on(out)
            }
            Search::Perhaps { at, need } => {
                scan.at += at as u64;
                scan.need = need as u64;
                self.scan_on(out)
            }
            Search::None if bytes.is_empty() || bytes.len() as u64 >= room => {
                if !active {
                    (scan.at, scan.in_damage) = (size, false);
                    return self.on_scan_end(now, false, out);
                }
                let end = scan.reached;
                let segment = self.active_mut();
                segment.damaged = segment.damaged.filter(|damaged| *damaged < segment.size);
                self.finish_recovery(now, end, out)
            }
            Search::None => {
                scan.at += (bytes.len() - (HEADER_BYTES - 1).min(bytes.len() - 1)) as u64;
                scan.need = 0;
                self.scan_on(out)
            }
        }
    }

    /// Whether a log that ends at `end` is not to be opened.
    pub(super) fn is_too_short(&mut self, end: Offset) -> bool {
        let damaged = self.damaged().is_some();
        self.recovery().opening.whole_to.is_some_and(|least| damaged || end < least)
    }

    /// What recovery found damaged is closed, and the log goes on behind it.
    pub(super) fn close_damaged(&mut self, now: Now, out: &mut Out) {
        let end = self.end;
        let segment = self.active_mut();
        let Some(damaged) = segment.damaged else { return };
        // None of it was made by this process: readers check what they get.
        (segment.own, segment.verified) = (segment.size, damaged);
        self.roll(now, end, out);
    }
}

impl Segment {
    /// Byte `at` is no batch, and `bytes` stand there: whoever reads what lies behind finds on at the next whole one.
    /// That one does not begin before `least`. A batch at `at` itself was judged: it is whole, and says that it begins elsewhere.
    pub(super) fn find_on(&mut self, at: u64, least: Offset, bytes: &[u8]) {
        let behind = bytes.get(1..).unwrap_or_default();
        if let Search::Whole(offset, batch) = search(behind, least, 0) {
            self.pass(&batch, at + 1 + offset as u64);
        }
    }
}

/// The first whole batch of an offset from `least` on. `room`: bytes that the file has from where these begin.
fn search(bytes: &[u8], least: Offset, room: u64) -> Search<'_> {
    let last = bytes.len().saturating_sub(MAGIC_AT);
    let places = (0..last).filter(|at| i8::from_be_bytes([bytes[at + MAGIC_AT]]) == MAGIC);
    for at in places {
        // Offsets within a segment are four bytes from its base.
        let mut walk =
            Walk::new(&bytes[at..], least, least.plus(i64::from(i32::MAX))).within(room.saturating_sub(at as u64));
        if let Some((_, batch, _)) = walk.next() {
            return Search::Whole(at, batch);
        }
        if let Stop::Cut { need } = walk.stop()
            && need <= 2 * REQUEST_BYTES_MAX
            && need > bytes.len() - at
            && (at + need) as u64 <= room
        {
            return Search::Perhaps { at, need };
        }
    }
    Search::None
}

#[cfg(test)]
mod tests {
    use super::super::fake::{Bench, Disk};
    use super::super::model::{batch, config};
    use super::super::{LogConfig, Opening, Origin};
    use super::*;
    use crate::id::LeaderEpoch;
    use crate::io::FileName;
    use crate::log::Reading;

    const BATCHES: u8 = 6;

    fn large() -> LogConfig {
        LogConfig { segment_bytes: 1 << 20, ..config() }
    }

    /// Six batches of one record in the only segment.
    fn six() -> Bench {
        let mut bench = Bench::opened(Disk::default(), large(), Opening::default());
        for value in 0..BATCHES {
            let bytes = batch(&[value; 110], 1, None);
            bench.log.append(bench.now, LeaderEpoch(0), bytes, Origin::Client, &mut bench.out).unwrap();
            bench.settle();
        }
        bench
    }

    fn bytes(bench: &Bench) -> alloc::vec::Vec<u8> {
        bench.disk.bytes(FileName::Log(Offset(0))).unwrap().to_vec()
    }

    fn opened(bytes: alloc::vec::Vec<u8>, durable: i64) -> Bench {
        let mut disk = Disk::default();
        disk.put(FileName::Log(Offset(0)), bytes);
        Bench::opened(disk, large(), Opening { durable: Offset(durable), ..Opening::default() })
    }

    fn reads(bench: &mut Bench, from: i64) -> bool {
        loop {
            match bench.log.read(bench.now, Offset(from), bench.log.end(), 1, true, &mut bench.out) {
                Ok(Reading::Wait) => bench.settle(),
                Ok(Reading::Ready { records, .. }) => return !records.is_empty(),
                Err(_) => return false,
            }
        }
    }

    /// Its CRC is good: found again as what lies behind the damage it would stand for all that it says to begin before.
    #[test]
    fn a_batch_that_says_to_begin_earlier_takes_nobody_else_with_it() {
        for wild in 0..3u8 {
            let mut bench = six().restart();
            let mut flipped = bytes(&bench);
            let size = flipped.len() / usize::from(BATCHES);
            flipped[3 * size..3 * size + 8].copy_from_slice(&i64::from(wild).to_be_bytes());
            bench.disk.put(FileName::Log(Offset(0)), flipped);
            let served: alloc::vec::Vec<bool> = (0..6).map(|offset| reads(&mut bench, offset)).collect();
            assert_eq!(served, [true, true, true, false, true, true], "{wild}");
            assert_eq!(bench.log.damaged(), Some(Offset(0)));
            assert!((0..3).all(|offset| reads(&mut bench, offset)), "{wild}");
        }
    }

    #[test]
    fn a_bit_that_flips_in_what_was_durable_takes_its_own_batch_alone() {
        let whole = bytes(&six());
        let size = whole.len() / usize::from(BATCHES);
        // Where the bits of a batch's length flip nothing tells where the next one begins.
        // But for the epoch: no CRC covers it either.
        for at in (0..whole.len()).filter(|at| !(12..16).contains(&(at % size))) {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x10;
            let hit = (at / size) as i64;
            let mut bench = opened(bytes, i64::from(BATCHES));
            let last = hit + 1 == i64::from(BATCHES);
            assert_eq!(bench.log.end(), Offset(if last { hit } else { i64::from(BATCHES) }), "byte {at}");
            assert_eq!(bench.log.damaged(), (!last).then_some(Offset(0)));
            assert_eq!(bench.log.lost(), last.then_some(Offset(i64::from(BATCHES))), "byte {at}");
            for offset in 0..bench.log.end().0 {
                assert_eq!(reads(&mut bench, offset), offset != hit, "byte {at}, offset {offset}");
            }
            bench.log.check();
        }
    }

    #[test]
    fn what_never_was_durable_ends_at_the_first_bad_place() {
        let mut bytes = bytes(&six());
        let size = bytes.len() / usize::from(BATCHES);
        bytes[2 * size + 80] ^= 1;
        let bench = opened(bytes, 2);
        assert_eq!((bench.log.end(), bench.log.damaged(), bench.log.lost()), (Offset(2), None, None));
    }

    #[test]
    fn a_log_that_lacks_the_last_of_what_was_durable_says_so() {
        let whole = bytes(&six());
        let size = whole.len() / usize::from(BATCHES);
        for keeps in 0..usize::from(BATCHES) {
            // The last ones are damaged, every one; or they are not there.
            let mut bad = whole.clone();
            (keeps..usize::from(BATCHES)).for_each(|batch| bad[batch * size + 80] ^= 1);
            for bytes in [bad, whole[..keeps * size].to_vec()] {
                let bench = opened(bytes, 6);
                let told = (bench.log.end(), bench.log.damaged(), bench.log.lost());
                assert_eq!(told, (Offset(keeps as i64), None, Some(Offset(6))));
                let bench = bench.crash(Opening { durable: Offset(6), ..Opening::default() });
                assert_eq!(bench.log.lost(), Some(Offset(6)), "a start after that knows it as well");
            }
        }
        let gone = Bench::opened(Disk::default(), large(), Opening { durable: Offset(6), ..Opening::default() });
        assert_eq!((gone.log.end(), gone.log.lost()), (Offset(0), Some(Offset(6))));
        assert_eq!(opened(whole, 6).log.lost(), None);
    }

    #[test]
    fn what_is_to_be_whole_and_is_not_is_left_as_it_is() {
        let whole = bytes(&six());
        let size = whole.len() / usize::from(BATCHES);
        let flipped = |batch: usize| {
            let mut bytes = whole.clone();
            bytes[batch * size + 80] ^= 1;
            bytes
        };
        let opened = |bytes: Option<alloc::vec::Vec<u8>>, to| {
            let mut disk = Disk::default();
            if let Some(bytes) = bytes {
                disk.put(FileName::Log(Offset(0)), bytes);
            }
            let before = disk.image();
            let (durable, topic_id) = (Offset(6), Some(crate::id::Uuid(8)));
            let opening = Opening { durable, whole_to: Some(Offset(to)), topic_id, ..Opening::default() };
            let mut bench = Bench::open(disk, large(), opening);
            bench.settle();
            let refused = bench.events.iter().find_map(|event| match event {
                LogEvent::Damaged { end } => Some(end.0),
                _ => None,
            });
            assert_eq!(bench.log.is_open(), refused.is_none());
            assert!(refused.is_none() || bench.disk.image() == before, "nothing was touched");
            (refused, bench.log.damaged())
        };
        assert_eq!(opened(Some(whole.clone()), 6), (None, None));
        assert_eq!(opened(Some(flipped(2)), 6), (Some(6), Some(Offset(0))));
        assert_eq!(opened(Some(flipped(5)), 6), (Some(5), None));
        assert_eq!(opened(Some(whole[..size].to_vec()), 6), (Some(1), None));
        assert_eq!(opened(Some(whole[..size].to_vec()), 0), (None, None), "a snapshot stands for it");
        assert_eq!(opened(None, 6), (Some(0), None));
        assert_eq!(opened(None, 0), (None, None));
    }

    /// What is to be cut where the damage lies cannot be cut: the log fails, and says so.
    #[test]
    fn a_cut_at_the_damage_is_told_to_have_failed() {
        let mut failed = 0;
        for (hit, to) in (0..6).flat_map(|hit| (1..12).map(move |to| (hit, to))) {
            let config = LogConfig { tail_bytes: 0, index_interval_bytes: 150, ..large() };
            let mut bench = Bench::opened(Disk::default(), config, Opening::default());
            for value in 0..BATCHES {
                let bytes = batch(&[value; 110], 2, None);
                bench.log.append(bench.now, LeaderEpoch(0), bytes, Origin::Client, &mut bench.out).unwrap();
            }
            bench.settle();
            let mut bench = bench.restart();
            let mut bytes = bytes(&bench);
            let size = bytes.len() / usize::from(BATCHES);
            bytes[hit * size + 80] ^= 1;
            bench.disk.put(FileName::Log(Offset(0)), bytes);
            for offset in 0..12 {
                reads(&mut bench, offset);
            }
            bench.events.clear();
            bench.log.truncate(bench.now, Offset(to), &mut bench.out);
            bench.settle();
            let told = bench.events.iter().any(|event| matches!(event, LogEvent::Failed(_)));
            assert_eq!(told, !bench.log.is_open(), "batch {hit} is damaged, cut to {to}");
            failed += u32::from(told);
        }
        assert!(failed > 0, "a cut met the damage");
    }

    #[test]
    fn several_places_are_passed_and_the_log_goes_on_behind() {
        let mut bytes = bytes(&six());
        let size = bytes.len() / usize::from(BATCHES);
        bytes[size + 80] ^= 1;
        bytes[3 * size..4 * size].fill(0);
        bytes.truncate(6 * size - 3);
        let mut bench = opened(bytes, 6);
        assert_eq!((bench.log.end(), bench.log.damaged()), (Offset(5), Some(Offset(0))));
        let next = batch(b"v", 1, None);
        bench.log.append(bench.now, LeaderEpoch(1), next, Origin::Client, &mut bench.out).unwrap();
        bench.settle();
        let readable: alloc::vec::Vec<bool> = (0..6).map(|offset| reads(&mut bench, offset)).collect();
        assert_eq!(readable, [true, false, true, false, true, true]);
        // A start after that finds the same once more: no snapshot of the producers says that all is known behind it.
        let mut bench = bench.crash(Opening { durable: Offset(6), ..Opening::default() });
        assert_eq!((bench.log.end(), bench.log.damaged()), (Offset(6), Some(Offset(0))));
        assert!(reads(&mut bench, 5) && reads(&mut bench, 4) && !reads(&mut bench, 3));
    }

    #[test]
    fn what_is_behind_the_damage_is_found_after_the_next_start_too() {
        // An entry of Kafka's names a batch's last offset, and some batches have none; what is damaged is as long as a read.
        for index_interval_bytes in [0, 1 << 22] {
            let large = LogConfig { index_interval_bytes, segment_bytes: 1 << 22, ..large() };
            let mut bench = Bench::opened(Disk::default(), large.clone(), Opening::default());
            let short = batch(&[1; 110], 4, None);
            let long = batch(&[2; 262_080], 4, None);
            for bytes in [&short, &short, &long, &short, &short] {
                bench.log.append(bench.now, LeaderEpoch(0), bytes.clone(), Origin::Client, &mut bench.out).unwrap();
                bench.settle();
            }
            let mut bytes = bytes(&bench);
            bytes[2 * short.len() + 80] ^= 1;
            let mut disk = Disk::default();
            disk.put(FileName::Log(Offset(0)), bytes);
            let opening = Opening { durable: Offset(20), ..Opening::default() };
            let found = Bench::opened(disk, large.clone(), opening);
            for offset in (0..20).filter(|offset| !(8..12).contains(offset)) {
                let mut disk = Disk::default();
                found.disk.image().iter().for_each(|(name, bytes)| disk.put(*name, bytes.to_vec()));
                let mut bench = Bench::opened(disk, large.clone(), opening);
                assert!(reads(&mut bench, offset), "offset {offset}, entries every {index_interval_bytes} bytes");
            }
        }
    }
}
