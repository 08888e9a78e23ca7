//! A fetch set without logs: the tests say what a look finds.

use super::*;
use crate::id::LeaderEpoch;

fn key(partition: i32) -> SlotKey {
    SlotKey { topic: Uuid(1), name: StrBytes::new(), partition }
}

fn wanted(offset: i64) -> Wanted {
    let query = FetchQuery { epoch: None, offset: Offset(offset), last_epoch: None, max_bytes: 100 };
    Wanted { query, synced: Offset(offset), start: Offset::ZERO }
}

fn found(partition: i32, watermark: i64, bytes: usize) -> Found {
    let data = PartitionData::default()
        .with_partition_index(partition)
        .with_high_watermark(watermark)
        .with_log_start_offset(0);
    Found { data, records: Records::Empty, bytes, counts: bytes, cold: false, urgent: false }
}

/// Looks at all that is queued; `news` says what a partition finds.
fn look(set: &mut FetchSet, news: impl Fn(i32) -> (i64, usize)) -> Vec<i32> {
    let mut looked = Vec::new();
    for _ in 0..set.queued() {
        let Some(at) = set.pop() else { break };
        let partition = set.slot(at).expect("a slot").key.partition;
        let (watermark, bytes) = news(partition);
        set.found(at, None, Some(DirId(10 + partition as u32)), found(partition, watermark, bytes));
        looked.push(partition);
    }
    set.check();
    looked
}

fn told(set: &mut FetchSet, all: bool) -> Vec<i32> {
    let told = set.take(all).into_iter().map(|(key, ..)| key.partition).collect();
    set.check();
    told
}

#[test]
fn only_what_moved_is_looked_at_and_only_news_are_told() {
    let mut set = FetchSet::default();
    (0..1000).for_each(|partition| set.put(key(partition), wanted(5)));
    assert_eq!(look(&mut set, |_| (5, 0)).len(), 1000);
    assert_eq!(told(&mut set, true).len(), 1000, "a full answer has all");
    assert!(look(&mut set, |_| (5, 0)).is_empty(), "nothing moved");
    assert!(set.on_moved(DirId(17)) && !set.on_moved(DirId(5000)));
    assert_eq!(look(&mut set, |_| (5, 0)), [7], "one moved");
    assert!(told(&mut set, false).is_empty(), "and had nothing new");
    set.on_moved(DirId(17));
    look(&mut set, |_| (6, 0));
    assert_eq!(told(&mut set, false), [7], "its watermark is news");
}

#[test]
fn who_gave_bytes_goes_to_the_back() {
    let mut set = FetchSet::default();
    (0..3).for_each(|partition| set.put(key(partition), wanted(5)));
    let at = set.pop().expect("queued");
    set.found(at, None, None, found(0, 9, 50));
    assert_eq!(set.bytes(), 50);
    assert_eq!(told(&mut set, false), [0]);
    assert_eq!(look(&mut set, |_| (9, 0)), [1, 2, 0]);
}

#[test]
fn an_error_is_told_each_time_and_its_end_as_well() {
    let mut set = FetchSet::default();
    set.put(key(0), wanted(5));
    for _ in 0..2 {
        let at = set.pop().expect("an error is looked at again");
        let mut bad = found(0, -1, 0);
        bad.data.error_code = 6;
        bad.urgent = true;
        set.found(at, None, None, bad);
        assert_eq!((told(&mut set, false), set.urgent()), (vec![0], 0));
    }
    look(&mut set, |_| (-1, 0));
    assert_eq!(told(&mut set, false), [0], "that it has gone is news, whatever else is the same");
}

#[test]
fn what_is_forgotten_leaves_nothing_behind() {
    let mut set = FetchSet::default();
    (0..3).for_each(|partition| set.put(key(partition), wanted(5)));
    look(&mut set, |_| (9, 10));
    assert_eq!(set.forget([key(1)]), [DirId(11)]);
    assert_eq!((set.bytes(), set.len()), (20, 2));
    set.check();
    assert!(!set.on_moved(DirId(11)));
    set.put(key(7), wanted(LeaderEpoch(3).0.into()));
    assert_eq!((set.len(), set.forget([key(1)])), (3, vec![]));
    assert_eq!(told(&mut set, false), [0, 2]);
}

#[test]
fn a_partition_that_is_elsewhere_now_is_watched_there_alone() {
    let mut set = FetchSet::default();
    set.put(key(0), wanted(5));
    let mut look = |dir: Option<u32>| {
        set.put(key(0), wanted(5));
        let at = set.pop().expect("queued");
        let rewatch = set.found(at, None, dir.map(DirId), found(0, 9, 0));
        set.check();
        (rewatch.left.map(|dir| dir.0), rewatch.entered.map(|dir| dir.0), set.watched())
    };
    assert_eq!(look(Some(1)), (None, Some(1), 1));
    assert_eq!(look(Some(1)), (None, None, 1));
    assert_eq!(look(Some(2)), (Some(1), Some(2), 1));
    assert_eq!(look(None), (Some(2), None, 0));
}

#[test]
fn many_are_forgotten_or_hurried_as_one_is() {
    let mut set = FetchSet::default();
    (0..1000).for_each(|partition| set.put(key(partition), wanted(5)));
    look(&mut set, |_| (9, 10));
    (0..1000).for_each(|partition| set.put(key(partition), wanted(5)));
    let even: Vec<_> = (0..1000).step_by(2).map(key).collect();
    assert_eq!((set.forget(even).len(), set.sifted), (500, 1));
    set.check();
    let last: Vec<_> = (900..1000).chain(900..1000).map(key).collect();
    set.hurry(&last);
    assert_eq!(set.sifted, 2);
    set.check();
    let looked = look(&mut set, |_| (9, 10));
    assert!(looked.len() == 500 && looked[..50].iter().all(|partition| *partition >= 900) && looked[50] == 1);
    set.hurry(&[]);
    set.hurry(&[key(0)]);
    assert!(set.forget([key(0)]).is_empty() && set.sifted == 2 && set.queued() == 0, "nothing that is in the set");
}

#[test]
fn slots_of_what_is_forgotten_are_given_back() {
    let mut set = FetchSet::default();
    (0..1000).for_each(|partition| set.put(key(partition), wanted(5)));
    look(&mut set, |_| (9, 10));
    (0..1000).rev().for_each(|partition| set.put(key(partition), wanted(5)));
    let left = [7, 500, 501, 998];
    set.forget((0..1000).filter(|partition| !left.contains(partition)).map(key));
    set.check();
    assert_eq!((set.slots.capacity(), set.free.len(), set.bytes(), set.watched()), (4, 0, 40, 4));
    assert_eq!(look(&mut set, |_| (9, 10)), [998, 501, 500, 7], "in the turn that they had");
    assert!(set.on_moved(DirId(10 + 501)));
    assert_eq!(told(&mut set, false), left, "and so with what was found");
    set.put(key(3), wanted(5));
    set.forget([key(7)]);
    set.hurry(&[key(998)]);
    assert_eq!(look(&mut set, |_| (9, 0)), [998, 501, 500, 3]);
}

#[test]
fn a_partition_takes_what_the_bound_of_all_sessions_says() {
    // A tree's nodes are half full where entries come in order.
    let trees = 2 * (size_of::<(SlotKey, u32)>() + size_of::<(DirId, u32)>() + size_of::<(DirId, i32)>());
    let idle = size_of::<Option<Slot>>() + trees + size_of::<u32>();
    assert!((350..=410).contains(&idle), "{idle}");
    assert!(size_of::<Found>() <= 300, "{}", size_of::<Found>());
}

#[test]
fn what_is_put_back_is_looked_at_in_the_turn_it_had() {
    let mut set = FetchSet::default();
    (0..4).for_each(|partition| set.put(key(partition), wanted(5)));
    for partition in 0..3 {
        let at = set.pop().expect("queued");
        set.found(at, None, Some(DirId(10 + partition as u32)), found(partition, 9, 10));
    }
    set.on_moved(DirId(11));
    set.put_back();
    assert_eq!((set.bytes(), set.counts()), (0, 0));
    set.check();
    assert_eq!(look(&mut set, |_| (9, 0)), [0, 2, 3, 1]);
    assert_eq!(told(&mut set, false), [0, 2, 3, 1], "they were not told yet");
}
