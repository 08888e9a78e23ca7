//! The disk threads keep the contract of `esker_core::io`'s disk operations.

use super::threads::JOURNAL_MIN;
use super::*;
use crate::durable::shadow;
use bytes::Bytes;
use esker_core::id::{DirId, Offset};
use esker_core::io::{DiskDone, DiskFault, FileId, FileName, Owner};
use std::sync::mpsc;
use std::time::Duration;
use tempfile::TempDir;

struct Bench {
    folder: TempDir,
    disk: DiskThreads,
    done: mpsc::Receiver<(DiskTag, Result<DiskDone, DiskFault>)>,
    /// That the folder has failed.
    failed: mpsc::Receiver<(DiskTag, Result<DiskDone, DiskFault>)>,
    serial: u64,
}

const DIR: DirId = DirId(5);
const LOG: FileId = FileId::new(DIR, FileName::Log(Offset(0)));
const INDEX: FileId = FileId::new(DIR, FileName::Index(Offset(0)));

impl Bench {
    /// With a journal that is ready.
    fn new() -> Self {
        let bench = Self::start(JOURNAL_MIN);
        assert!(!bench.disk.has_journal(), "a new folder's journal waits until the node serves");
        bench.disk.make_journal().unwrap();
        let ready = (0..1000).any(|_| {
            bench.disk.has_journal() || {
                std::thread::sleep(Duration::from_millis(10));
                false
            }
        });
        assert!(ready, "the journal is made");
        bench
    }

    fn without_journal() -> Self {
        Self::start(0)
    }

    fn start(journal: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ((sender, done), (of_folder, failed)) = (mpsc::channel(), mpsc::channel());
        let report = move |completed: Completed| {
            for one in completed {
                let _ = if one.0 == DiskTag::FOLDER { of_folder.send(one) } else { sender.send(one) };
            }
        };
        let disk = DiskThreads::start(
            folder.path(),
            Settings { readers: 2, files: 8, journal, life: 1 },
            Arc::default(),
            report,
        )
        .unwrap();
        Self { folder, disk, done, failed, serial: 0 }
    }

    fn submit(&mut self, ops: Vec<DiskOp>) -> Vec<u64> {
        let mut tagged = Vec::new();
        let mut serials = Vec::new();
        for op in ops {
            self.serial += 1;
            serials.push(self.serial);
            tagged.push((DiskTag { owner: Owner::Log(DIR), serial: self.serial }, op));
        }
        self.disk.submit(&mut tagged);
        serials
    }

    fn next(&self) -> (u64, Result<DiskDone, DiskFault>) {
        let (tag, result) = self.done.recv_timeout(Duration::from_secs(10)).expect("an operation completes");
        (tag.serial, result)
    }

    /// Carries operations out and answers their results, which come in order.
    fn all(&mut self, ops: Vec<DiskOp>) -> Vec<Result<DiskDone, DiskFault>> {
        let serials = self.submit(ops);
        serials
            .into_iter()
            .map(|serial| {
                let (done, result) = self.next();
                assert_eq!(done, serial, "operations of one folder complete in order");
                result
            })
            .collect()
    }

    fn one(&mut self, op: DiskOp) -> Result<DiskDone, DiskFault> {
        self.all(vec![op]).remove(0)
    }
}

fn append(file: FileId, at: u64, bytes: &'static [u8], sync: bool) -> DiskOp {
    DiskOp::Append { file, at, bytes: vec![Bytes::from_static(bytes)], sync }
}

fn open() -> DiskOp {
    DiskOp::OpenDir { dir: DIR, name: "topic-0".into() }
}

#[test]
fn appends_are_put_together_and_read_back() {
    appends_are_put_together_and_read_back_in(Bench::new());
    appends_are_put_together_and_read_back_in(Bench::without_journal());
}

fn appends_are_put_together_and_read_back_in(mut bench: Bench) {
    let mut ops = vec![open(), DiskOp::Create { file: LOG }, DiskOp::Create { file: INDEX }];
    for number in 0..50u64 {
        ops.push(append(LOG, number * 4, b"abcd", number % 3 == 0));
        ops.push(append(INDEX, number * 2, b"xy", false));
    }
    ops.push(DiskOp::Sync { file: LOG });
    ops.push(DiskOp::SyncDir { dir: DIR });
    assert!(bench.all(ops).iter().all(|result| *result == Ok(DiskDone::Done)));
    let Ok(DiskDone::Bytes(bytes)) = bench.one(DiskOp::Read { file: LOG, at: 2, len: 1000 }) else { panic!() };
    assert_eq!(&bytes[..], &b"abcd".repeat(50)[2..]);
    let Ok(DiskDone::Files(files)) = bench.one(DiskOp::List { dir: DIR }) else { panic!() };
    assert_eq!(files, vec![(FileName::Log(Offset(0)), 200), (FileName::Index(Offset(0)), 100)]);
    assert_eq!(bench.one(DiskOp::Folders), Ok(DiskDone::Folders(vec!["topic-0".into()])));
}

#[test]
fn operations_see_those_before_them() {
    operations_see_those_before_them_in(Bench::new());
    operations_see_those_before_them_in(Bench::without_journal());
}

fn operations_see_those_before_them_in(mut bench: Bench) {
    bench.all(vec![open(), DiskOp::Create { file: LOG }]);
    let results = bench.all(vec![
        append(LOG, 0, b"0123456789", false),
        DiskOp::Truncate { file: LOG, len: 4 },
        append(LOG, 4, b"ab", true),
        DiskOp::Rename { from: LOG, to: FileName::RetiredLog(Offset(0)) },
        DiskOp::Create { file: LOG },
        append(LOG, 0, b"new", true),
        DiskOp::Replace { file: FileId::new(DIR, FileName::LeaderEpochs), bytes: Bytes::from_static(b"0\n0\n") },
        DiskOp::RenameDir { dir: DIR, name: "topic-0.1-delete".into() },
        DiskOp::Delete { file: INDEX },
    ]);
    assert!(results.iter().all(|result| *result == Ok(DiskDone::Done)), "{results:?}");
    let folder = bench.folder.path().join("topic-0.1-delete");
    assert_eq!(std::fs::read(folder.join("00000000000000000000.log")).unwrap(), b"new");
    assert_eq!(std::fs::read(folder.join("00000000000000000000.log.deleted")).unwrap(), b"0123ab");
    assert_eq!(std::fs::read(folder.join("leader-epoch-checkpoint")).unwrap(), b"0\n0\n");
    let Ok(DiskDone::Bytes(bytes)) = bench.one(DiskOp::Read { file: LOG, at: 0, len: 10 }) else { panic!() };
    assert_eq!(&bytes[..], b"new");
    assert_eq!(bench.one(DiskOp::RemoveDir { dir: DIR }), Ok(DiskDone::Done));
    assert!(!folder.exists());
}

#[test]
fn what_is_missing_is_told_and_does_not_stop_the_disk() {
    let mut bench = Bench::new();
    bench.one(open()).unwrap();
    assert_eq!(bench.one(DiskOp::Read { file: LOG, at: 0, len: 10 }), Err(DiskFault::Missing));
    assert_eq!(bench.one(DiskOp::List { dir: DirId(99) }), Err(DiskFault::Missing));
    assert_eq!(bench.one(DiskOp::Create { file: LOG }), Ok(DiskDone::Done));
}

/// Of a topic that is deleted while there is no room for its folder.
#[test]
fn a_folder_that_was_never_made_can_be_removed() {
    let mut bench = Bench::new();
    assert_eq!(bench.one(DiskOp::RemoveDir { dir: DIR }), Ok(DiskDone::Done));
    assert_eq!(bench.one(open()), Ok(DiskDone::Done), "the disk goes on");
}

/// A failed change is final: nothing behind it is carried out, in whatever folder.
#[test]
fn a_failed_change_is_final() {
    a_failed_change_is_final_in(Bench::new());
    a_failed_change_is_final_in(Bench::without_journal());
}

fn a_failed_change_is_final_in(mut bench: Bench) {
    bench.all(vec![open(), DiskOp::Create { file: LOG }]);
    assert!(bench.one(append(FileId::new(DirId(99), FileName::Log(Offset(0))), 0, b"x", true)).is_err());
    assert!(bench.one(append(LOG, 0, b"x", true)).is_err());
    assert_eq!(std::fs::metadata(bench.folder.path().join("topic-0/00000000000000000000.log")).unwrap().len(), 0);
    assert!(bench.one(DiskOp::Read { file: LOG, at: 0, len: 1 }).is_ok());
}

#[test]
fn many_files_become_durable_together() {
    many_files_become_durable_together_in(Bench::new());
    many_files_become_durable_together_in(Bench::without_journal());
}

fn many_files_become_durable_together_in(mut bench: Bench) {
    let mut ops = vec![open()];
    for base in 0..40 {
        let file = FileId::new(DIR, FileName::Log(Offset(base)));
        ops.push(DiskOp::Create { file });
        ops.push(append(file, 0, b"record", true));
    }
    assert!(bench.all(ops).iter().all(Result::is_ok));
}

/// The device that is always full stands for the first file.
#[test]
fn what_finds_no_room_waits_and_the_other_folders_do_not() {
    what_finds_no_room_waits_in(Bench::new());
    what_finds_no_room_waits_in(Bench::without_journal());
}

fn what_finds_no_room_waits_in(mut bench: Bench) {
    let other = DirId(6);
    let of_other = FileId::new(other, FileName::Log(Offset(0)));
    bench.all(vec![open(), DiskOp::OpenDir { dir: other, name: "topic-1".into() }]);
    let path = bench.folder.path().join("topic-0/00000000000000000000.log");
    std::os::unix::fs::symlink("/dev/full", &path).unwrap();
    let stuck = bench.submit(vec![append(LOG, 0, b"ab", true), append(LOG, 2, b"cd", false)]);
    let behind = bench.submit(vec![DiskOp::SyncDir { dir: DIR }, DiskOp::Create { file: INDEX }]);
    let free = vec![DiskOp::Create { file: of_other }, append(of_other, 0, b"x", true)];
    assert!(bench.all(free).iter().all(Result::is_ok), "another folder");
    while bench.disk.room().unwrap().0 > 0 {
        std::thread::sleep(Duration::from_millis(1));
    }
    assert!(bench.done.recv_timeout(Duration::from_millis(500)).is_err(), "they are tried again, and wait on");
    // Nobody waits any more for what is to be removed.
    let removal = bench.submit(vec![DiskOp::RemoveDir { dir: DIR }]);
    for serial in stuck.into_iter().chain(behind) {
        assert_eq!(bench.next(), (serial, Err(DiskFault::Full)));
    }
    assert_eq!(bench.next(), (removal[0], Ok(DiskDone::Done)));
    assert!(bench.one(append(of_other, 1, b"y", true)).is_ok(), "it was not final");
    while bench.disk.room().unwrap().0 == 0 {
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Replaced together, each has what was written last, also where it was replaced twice, and whatever its folder is called by then.
#[test]
fn many_files_are_replaced_together() {
    let mut bench = Bench::new();
    let names = [
        FileName::LeaderEpochs,
        FileName::PartitionMetadata,
        FileName::QuorumState,
        FileName::MetaProperties,
        FileName::RecoveryPoints,
        FileName::HighWatermarks,
        FileName::LogStartOffsets,
    ];
    let replace = |name, text: &'static str| DiskOp::Replace {
        file: FileId::new(DIR, name),
        bytes: Bytes::from_static(text.as_bytes()),
    };
    let all = |text| names.map(|name| replace(name, text));
    bench.one(open()).unwrap();
    assert!(bench.all(all("one").to_vec()).iter().all(Result::is_ok));
    let mut ops = vec![DiskOp::RenameDir { dir: DIR, name: "topic-1".into() }, replace(names[0], "old")];
    ops.extend(all("two"));
    assert!(bench.all(ops).iter().all(Result::is_ok));
    let folder = bench.folder.path().join("topic-1");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(std::fs::read(&path).unwrap(), b"two", "{}", path.display());
    }
}

/// As when a node stops: the order within each folder stays, and what is behind a sync sees what it made durable.
#[test]
fn many_logs_are_synced_together() {
    many_logs_are_synced_together_in(Bench::new());
    many_logs_are_synced_together_in(Bench::without_journal());
}

fn many_logs_are_synced_together_in(mut bench: Bench) {
    let (log, next) =
        (|dir| FileId::new(dir, FileName::Log(Offset(0))), |dir| FileId::new(dir, FileName::Log(Offset(1))));
    let dirs: Vec<DirId> = (10..30).map(DirId).collect();
    let opened = dirs.iter().flat_map(|&dir| {
        let open = DiskOp::OpenDir { dir, name: format!("t-{}", dir.0) };
        [open, DiskOp::Create { file: log(dir) }, append(log(dir), 0, b"a", dir.0.is_multiple_of(2))]
    });
    assert!(bench.all(opened.collect()).iter().all(Result::is_ok));
    let rolled = dirs.iter().flat_map(|&dir| {
        [
            append(log(dir), 1, b"b", dir.0.is_multiple_of(3)),
            DiskOp::Sync { file: log(dir) },
            DiskOp::Create { file: next(dir) },
            append(next(dir), 0, b"c", false),
            DiskOp::Sync { file: next(dir) },
            DiskOp::SyncDir { dir },
        ]
    });
    let serials = bench.submit(rolled.collect());
    let mut last = vec![0; dirs.len()];
    for _ in 0..serials.len() {
        let (serial, result) = bench.next();
        assert_eq!(result, Ok(DiskDone::Done));
        let folder = (serial - serials[0]) as usize / 6;
        assert!(serial > last[folder], "operations of one folder complete in order");
        last[folder] = serial;
    }
    for dir in dirs {
        let folder = bench.folder.path().join(format!("t-{}", dir.0));
        assert_eq!(std::fs::read(folder.join("00000000000000000000.log")).unwrap(), b"ab");
        assert_eq!(std::fs::read(folder.join("00000000000000000001.log")).unwrap(), b"c");
    }
    bench.disk.close().unwrap();
}

#[test]
fn a_sync_that_fails_is_final_whoever_meets_it() {
    // The checkpoint thread: of a write that was durable in the journal, and complete, long before.
    let mut bench = Bench::new();
    bench.all(vec![open(), DiskOp::Create { file: LOG }]);
    shadow::break_syncs(bench.folder.path(), "esker-checkpoint");
    let zeros = Bytes::from(vec![0; 100 << 10]);
    let write =
        |number: u64| DiskOp::Append { file: LOG, at: number * (100 << 10), bytes: vec![zeros.clone()], sync: true };
    let told = |bench: &Bench| {
        let told = bench.failed.recv_timeout(Duration::from_secs(10)).expect("it is told");
        assert_eq!(told, (DiskTag::FOLDER, Err(DiskFault::Io)));
    };
    // As many as the first part of a slot takes, which may be told before the last of them ends.
    assert_eq!((0..2).map(|number| bench.one(write(number))).filter(Result::is_err).count(), 0);
    let _ = bench.one(write(2));
    told(&bench);
    for op in [write(3), DiskOp::Truncate { file: LOG, len: 0 }, DiskOp::RenameDir { dir: DIR, name: "x-0".into() }] {
        assert_eq!(bench.one(op), Err(DiskFault::Io));
    }
    let size = std::fs::metadata(bench.folder.path().join("topic-0/00000000000000000000.log")).unwrap().len();
    assert!((300 << 10..=400 << 10).contains(&size), "nothing is cut any more: {size}");
    assert!(bench.disk.close().is_err());

    // The thread that writes, of its own accord or for a round.
    for sync in [DiskOp::Sync { file: LOG }, append(LOG, 0, b"abcd", true)] {
        let mut bench = Bench::without_journal();
        bench.all(vec![open(), DiskOp::Create { file: LOG }, append(LOG, 0, b"abc", false)]);
        shadow::break_syncs(bench.folder.path(), "esker-write");
        shadow::break_syncs(bench.folder.path(), "esker-sync");
        bench.submit(vec![sync]);
        told(&bench);
        assert_eq!(bench.next().1, Err(DiskFault::Io));
        assert_eq!(bench.one(DiskOp::Delete { file: LOG }), Err(DiskFault::Io));
    }
}

/// All at once it would keep every sync of the medium waiting. A reply that still sends from it needs all of it.
#[test]
fn what_was_deleted_is_freed_in_steps_when_no_reply_needs_it() {
    let len = 2 * super::free::LARGE;
    let bytes = || vec![Bytes::from(vec![7; len as usize])];
    for deletion in [
        vec![DiskOp::Delete { file: LOG }],
        vec![DiskOp::Delete { file: LOG }, DiskOp::SyncDir { dir: DIR }],
        vec![DiskOp::RemoveDir { dir: DIR }],
    ] {
        let mut bench = Bench::new();
        bench.all(vec![open(), DiskOp::Create { file: LOG }]);
        bench.one(DiskOp::Append { file: LOG, at: 0, bytes: bytes(), sync: true }).unwrap();
        let Source::File(reply) = bench.disk.source(FileRange { file: LOG, at: 0, len: 1 }).unwrap() else { panic!() };
        let seen = std::fs::File::open(bench.folder.path().join("topic-0/00000000000000000000.log")).unwrap();
        let is_left = || seen.metadata().unwrap().len() > 0;
        assert!(bench.all(deletion.clone()).iter().all(Result::is_ok));
        std::thread::sleep(Duration::from_millis(300));
        assert_eq!(seen.metadata().unwrap().len(), len, "{deletion:?}");
        drop(reply);
        let freed = (0..1000).any(|_| {
            !is_left() || {
                std::thread::sleep(Duration::from_millis(10));
                false
            }
        });
        assert!(freed, "{deletion:?}");
        assert_eq!(bench.one(DiskOp::Read { file: LOG, at: 0, len: 1 }), Err(DiskFault::Missing));
        let Ok(DiskDone::Folders(folders)) = bench.one(DiskOp::Folders) else { panic!() };
        assert!(folders.iter().all(|folder| folder == "topic-0"), "{folders:?}");
    }
}

/// As a backup is made of segments that nobody writes to any more.
#[test]
fn a_link_to_what_was_deleted_stays_whole() {
    let mut bench = Bench::without_journal();
    bench.all(vec![open(), DiskOp::Create { file: LOG }]);
    let len = 2 * super::free::LARGE;
    let bytes = vec![Bytes::from(vec![7; len as usize])];
    bench.one(DiskOp::Append { file: LOG, at: 0, bytes, sync: true }).unwrap();
    let copy = bench.folder.path().join("copy");
    std::fs::hard_link(bench.folder.path().join("topic-0/00000000000000000000.log"), &copy).unwrap();
    bench.one(DiskOp::Delete { file: LOG }).unwrap();
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(std::fs::metadata(&copy).unwrap().len(), len);
}
