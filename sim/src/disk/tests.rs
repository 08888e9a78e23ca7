use super::*;
use esker_core::id::Offset;
use esker_core::io::{FileName, Owner};

const DIR: DirId = DirId(2);
const LOG: FileId = FileId::new(DIR, FileName::Log(Offset(0)));

fn profile() -> DiskProfile {
    DiskProfile { write_us: 10, sync_us: 200, read_us: 50, slow: 1, page: 512 }
}

fn disk() -> Disk {
    let mut disk = Disk::new(7, 1, profile());
    run(&mut disk, DiskOp::OpenDir { dir: DIR, name: "t-0".into() }).unwrap();
    disk
}

fn submit(disk: &mut Disk, op: DiskOp) -> Option<(u64, Due)> {
    disk.submit(0, DiskTag { owner: Owner::Node, serial: 0 }, op)
}

fn run(disk: &mut Disk, op: DiskOp) -> Result<DiskDone, DiskFault> {
    let (_, due) = submit(disk, op).expect("nothing is under way");
    disk.complete(due).expect("no crash came between").1
}

fn append(at: u64, text: &'static str, sync: bool) -> DiskOp {
    DiskOp::Append { file: LOG, at, bytes: vec![Bytes::from_static(text.as_bytes())], sync }
}

fn contents(disk: &mut Disk) -> Result<Bytes, DiskFault> {
    disk.bytes(FileRange { file: LOG, at: 0, len: 100 })
}

#[test]
fn one_folder_completes_in_order_and_reads_overtake() {
    let mut disk = disk();
    let (first, due) = submit(&mut disk, DiskOp::Create { file: LOG }).expect("the first begins at once");
    assert_eq!(submit(&mut disk, append(0, "a", true)), None, "behind it");
    assert_eq!(submit(&mut disk, append(1, "b", false)), None, "behind both");
    let (read, _) = submit(&mut disk, DiskOp::List { dir: DIR }).expect("reads wait for nobody");
    // Nothing took effect yet, whatever the clock says.
    assert_eq!(contents(&mut disk), Err(DiskFault::Missing));
    disk.complete(due);
    let (second, _) = disk.begin(first, due).expect("the next one");
    disk.complete(due);
    let (third, _) = disk.begin(second, due).expect("the last one");
    assert!(first < second && second < third && read < second, "{first} {second} {third} {read}");
    assert_eq!(contents(&mut disk).unwrap(), "a");
}

#[test]
fn a_crash_keeps_what_was_durable_and_loses_the_rest() {
    let mut disk = disk();
    run(&mut disk, DiskOp::Create { file: LOG }).unwrap();
    run(&mut disk, DiskOp::SyncDir { dir: DIR }).unwrap();
    run(&mut disk, append(0, "kept ", true)).unwrap();
    run(&mut disk, append(5, "lost", false)).unwrap();
    assert_eq!(disk.unsynced(), 4);
    let (_, due) = submit(&mut disk, append(9, "under way", true)).expect("nothing is under way");
    disk.crash(Loss::All);
    assert_eq!(disk.complete(due), None);
    assert_eq!(contents(&mut disk), Err(DiskFault::Missing), "a new start has opened no folder");
    run(&mut disk, DiskOp::OpenDir { dir: DIR, name: "t-0".into() }).unwrap();
    assert_eq!(contents(&mut disk).unwrap(), "kept ");
}

#[test]
fn without_a_sync_of_the_folder_the_file_itself_is_lost() {
    let mut disk = disk();
    run(&mut disk, DiskOp::Create { file: LOG }).unwrap();
    run(&mut disk, append(0, "synced", true)).unwrap();
    disk.crash(Loss::All);
    run(&mut disk, DiskOp::OpenDir { dir: DIR, name: "t-0".into() }).unwrap();
    assert_eq!(contents(&mut disk), Err(DiskFault::Missing));
}

#[test]
fn an_operation_under_way_may_have_happened() {
    let mut seen = std::collections::BTreeSet::new();
    for seed in 0..60 {
        let mut disk = Disk::new(seed, 1, profile());
        run(&mut disk, DiskOp::OpenDir { dir: DIR, name: "t-0".into() }).unwrap();
        run(&mut disk, DiskOp::Replace { file: LOG, bytes: Bytes::from_static(b"old") }).unwrap();
        submit(&mut disk, DiskOp::Replace { file: LOG, bytes: Bytes::from_static(b"new") });
        disk.crash(Loss::Torn);
        run(&mut disk, DiskOp::OpenDir { dir: DIR, name: "t-0".into() }).unwrap();
        seen.insert(contents(&mut disk).unwrap());
    }
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), ["new", "old"]);
}

#[test]
fn faults_strike_once_each_and_end_all_changes_until_the_next_start() {
    let read = DiskOp::Read { file: LOG, at: 0, len: 1 };
    for (fault, op) in [("sync", append(1, "a", true)), ("write", append(1, "b", false))] {
        let mut disk = disk();
        run(&mut disk, DiskOp::Create { file: LOG }).unwrap();
        run(&mut disk, DiskOp::SyncDir { dir: DIR }).unwrap();
        run(&mut disk, append(0, "x", true)).unwrap();
        disk.faults.read = 1;
        assert_eq!(run(&mut disk, read.clone()), Err(DiskFault::Io));
        assert_eq!(run(&mut disk, read.clone()), Ok(DiskDone::Bytes(Bytes::from_static(b"x"))));
        match fault {
            "sync" => disk.faults.sync = 1,
            _ => disk.faults.write = 1,
        }
        assert!(run(&mut disk, op).is_err(), "{fault}");
        assert_eq!(run(&mut disk, append(9, "later", true)), Err(DiskFault::Io), "{fault}");
        disk.faults = Faults::default();
        disk.crash(Loss::Nothing);
        run(&mut disk, DiskOp::OpenDir { dir: DIR, name: "t-0".into() }).unwrap();
        assert_eq!(run(&mut disk, append(9, "later", true)), Ok(DiskDone::Done), "{fault}");
    }
}

#[test]
fn what_finds_no_room_waits_and_all_behind_it_in_its_folder() {
    let mut disk = disk();
    run(&mut disk, DiskOp::Create { file: LOG }).unwrap();
    run(&mut disk, append(0, "x", true)).unwrap();
    disk.faults.room = Some(3);
    let (_, due) = submit(&mut disk, append(1, "bcde", true)).expect("nothing is under way");
    assert_eq!(submit(&mut disk, append(5, "f", true)), None);
    for times in 1..4 {
        assert_eq!(disk.complete(due), None);
        assert_eq!(disk.stuck(due).is_some(), times == 1, "it is told of once");
        assert_eq!(disk.begin(0, due), Some((RETRY_US, due)));
    }
    assert_eq!(disk.room(), 0, "though there are three");
    let other = DirId(3);
    run(&mut disk, DiskOp::OpenDir { dir: other, name: "t-1".into() }).expect("another folder's business");
    disk.faults.room = None;
    for _ in 0..2 {
        assert_eq!(disk.complete(due).expect("it has room now").1, Ok(DiskDone::Done));
    }
    assert_eq!(contents(&mut disk).unwrap(), "xbcdef");
    // A folder that goes waits for nothing.
    disk.faults.room = Some(0);
    submit(&mut disk, append(6, "g", true));
    assert_eq!(disk.complete(due), None);
    assert_eq!(submit(&mut disk, DiskOp::RemoveDir { dir: DIR }), None);
    assert_eq!(disk.complete(due).expect("nobody wants it any more").1, Err(DiskFault::Full));
    assert_eq!(disk.complete(due).expect("it is gone").1, Ok(DiskDone::Done));
    assert_eq!(run(&mut disk, DiskOp::RemoveDir { dir: DirId(9) }), Ok(DiskDone::Done), "it was never made");
}

#[test]
fn folders_are_renamed_and_removed_under_the_same_name_for_the_node() {
    let mut disk = disk();
    run(&mut disk, DiskOp::Replace { file: LOG, bytes: Bytes::from_static(b"x") }).unwrap();
    run(&mut disk, DiskOp::RenameDir { dir: DIR, name: "t-0.gone-delete".into() }).unwrap();
    assert_eq!(contents(&mut disk).unwrap(), "x");
    assert_eq!(run(&mut disk, DiskOp::Folders), Ok(DiskDone::Folders(vec!["t-0.gone-delete".into()])));
    run(&mut disk, DiskOp::RemoveDir { dir: DIR }).unwrap();
    assert_eq!(run(&mut disk, DiskOp::Folders), Ok(DiskDone::Folders(vec![])));
    assert_eq!(contents(&mut disk), Err(DiskFault::Missing));
}

#[test]
fn a_slow_disk_is_slow() {
    let mut disk = disk();
    let (fast, _) = submit(&mut disk, DiskOp::List { dir: DIR }).expect("at once");
    disk.slow = 100;
    let (slow, _) = submit(&mut disk, DiskOp::List { dir: DIR }).expect("at once");
    assert!(slow > fast * 10);
}

#[test]
fn what_piled_up_while_a_disk_was_slow_goes_fast_when_it_is_fast_again() {
    let mut disk = disk();
    disk.slow = 100;
    let (first, due) = submit(&mut disk, DiskOp::Create { file: LOG }).expect("at once");
    assert_eq!(submit(&mut disk, append(0, "a", true)), None);
    disk.slow = 1;
    disk.complete(due);
    let (second, _) = disk.begin(first, due).expect("the next one");
    assert!(second - first <= 1 + 2 * profile().sync_us, "{first} {second}");
}
