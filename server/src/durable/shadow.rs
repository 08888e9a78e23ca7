//! What is durable of a folder that a test watches: what a loss of power leaves of it.
//!
//! Each sync copies what it makes durable. The rest is lost, or not, as the dice fall: what the page cache holds may
//! have reached the medium by itself.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

static WATCHED: Mutex<BTreeMap<PathBuf, Shadow>> = Mutex::new(BTreeMap::new());

#[derive(Default)]
struct Shadow {
    /// By inode.
    contents: HashMap<u64, Vec<u8>>,
    /// Names in each folder, by its inode.
    names: HashMap<u64, BTreeMap<String, Name>>,
    ambush: Option<Ambush>,
}

/// Numbers: 0 to n-1.
type Dice = Box<dyn FnMut(u64) -> u64 + Send>;

/// Power is to be lost within a sync, before it has made anything durable.
struct Ambush {
    /// Of the file of this name in the watched folder.
    file: PathBuf,
    /// Syncs of it that are still to end well.
    spared: u32,
    image: PathBuf,
    dice: Dice,
}

#[derive(Clone, Copy)]
struct Name {
    inode: u64,
    is_dir: bool,
}

/// From now on the syncs of what lies in the folder are remembered; all that is there counts as durable.
pub fn watch(root: &Path) {
    let mut shadow = Shadow::default();
    assert!(shadow.take_all(root), "nobody works in the folder yet");
    WATCHED.lock().unwrap().insert(root.to_path_buf(), shadow);
}

/// The folder is watched no more.
pub fn forget(root: &Path) {
    WATCHED.lock().unwrap().remove(root);
}

/// Power will be lost within a sync of this file of the watched folder, after `spared` more that end well: `image` gets what that leaves.
/// The syncs go on as if nothing were.
pub fn lose_power_within(root: &Path, file: &str, spared: u32, image: &Path, dice: Dice) {
    let mut watched = WATCHED.lock().unwrap();
    let shadow = watched.get_mut(root).expect("the folder is watched");
    shadow.ambush = Some(Ambush { file: root.join(file), spared, image: image.to_path_buf(), dice });
}

static BROKEN: Mutex<Vec<(PathBuf, &str)>> = Mutex::new(Vec::new());

/// From now on each sync of a file in the folder fails in the threads of that name.
pub fn break_syncs(root: &Path, thread: &'static str) {
    BROKEN.lock().unwrap().push((root.to_path_buf(), thread));
}

pub fn may_fail(file: &File) -> io::Result<()> {
    let (path, thread) = (path_of(file), std::thread::current());
    let broken = BROKEN.lock().unwrap();
    let fails = broken.iter().any(|(root, name)| path.starts_with(root) && thread.name() == Some(name));
    if fails { Err(io::Error::from_raw_os_error(5)) } else { Ok(()) }
}

fn of<T>(path: &Path, with: impl FnOnce(&Path, &mut Shadow) -> T) -> Option<T> {
    let mut watched = WATCHED.lock().unwrap();
    watched.iter_mut().find(|(root, _)| path.starts_with(root)).map(|(root, shadow)| with(root, shadow))
}

/// A link to an open file, wherever it is now.
fn link_to(file: &File) -> PathBuf {
    use std::os::fd::AsRawFd as _;
    format!("/proc/self/fd/{}", file.as_raw_fd()).into()
}

fn path_of(file: &File) -> PathBuf {
    fs::read_link(link_to(file)).unwrap()
}

pub fn synced(file: &File) {
    let path = path_of(file);
    of(&path, |root, shadow| {
        shadow.strike(root, &path);
        // Not by its name, which may be another by now.
        let bytes = fs::read(link_to(file)).unwrap();
        shadow.contents.insert(file.metadata().unwrap().ino(), bytes);
    });
}

pub fn synced_dir(folder: &File) {
    of(&path_of(folder), |_, shadow| shadow.take_names(&link_to(folder)));
}

pub fn synced_all(of_folder: &File) {
    of(&path_of(of_folder), |_, shadow| while !shadow.take_all(&link_to(of_folder)) {});
}

fn entries(folder: &Path) -> Option<Vec<(String, Name, PathBuf)>> {
    let entries = fs::read_dir(folder).ok()?;
    let mut found = Vec::new();
    for entry in entries.flatten() {
        if let Ok(meta) = entry.metadata() {
            let name = Name { inode: meta.ino(), is_dir: meta.is_dir() };
            found.push((entry.file_name().into_string().unwrap(), name, entry.path()));
        }
    }
    found.sort_by(|one, other| one.0.cmp(&other.0));
    Some(found)
}

/// A file's inode and its bytes: both of the same file, even if another has its name by now.
fn read(path: &Path) -> Option<(u64, Vec<u8>)> {
    let file = File::open(path).ok()?;
    Some((file.metadata().ok()?.ino(), fs::read(link_to(&file)).ok()?))
}

impl Shadow {
    /// A sync of that file ends: whether power is lost within it.
    fn strike(&mut self, root: &Path, path: &Path) {
        match &mut self.ambush {
            Some(ambush) if ambush.file == path && ambush.spared > 0 => ambush.spared -= 1,
            Some(ambush) if ambush.file == path => {
                let Ambush { image, mut dice, .. } = self.ambush.take().expect("it is there");
                self.write_image(root, &image, &mut dice);
            }
            Some(_) | None => {}
        }
    }

    fn take_names(&mut self, folder: &Path) {
        let Ok(meta) = fs::metadata(folder) else { return };
        let Some(entries) = entries(folder) else { return };
        self.names.insert(meta.ino(), entries.into_iter().map(|(text, name, _)| (text, name)).collect());
    }

    /// `false`: a folder was renamed meanwhile, and not all was seen.
    fn take_all(&mut self, folder: &Path) -> bool {
        self.take_names(folder);
        let Some(entries) = entries(folder) else { return false };
        let mut all = true;
        for (_, name, path) in entries {
            if name.is_dir {
                all &= self.take_all(&path);
            } else {
                self.contents.extend(read(&path));
            }
        }
        all
    }
}

/// Writes into `to` what a loss of power at this moment leaves of the watched folder. `dice(n)` answers 0 to n-1. While it is being
/// written nothing becomes durable that was not.
pub fn lose_power(root: &Path, to: &Path, dice: &mut impl FnMut(u64) -> u64) {
    let mut watched = WATCHED.lock().unwrap();
    watched.remove(root).expect("the folder is watched").write_image(root, to, dice);
}

fn read_now(folder: &Path, into: &mut HashMap<u64, Vec<u8>>) {
    for (_, name, path) in entries(folder).unwrap_or_default() {
        if name.is_dir {
            read_now(&path, into);
        } else {
            into.extend(read(&path));
        }
    }
}

impl Shadow {
    fn write_image(&self, root: &Path, to: &Path, dice: &mut impl FnMut(u64) -> u64) {
        let mut now = HashMap::new();
        read_now(root, &mut now);
        let inode = fs::metadata(root).unwrap().ino();
        self.write(inode, root, to, &now, dice);
    }

    fn write(
        &self,
        folder: u64,
        current: &Path,
        to: &Path,
        now: &HashMap<u64, Vec<u8>>,
        dice: &mut impl FnMut(u64) -> u64,
    ) {
        fs::create_dir_all(to).unwrap();
        for (text, name) in self.names.get(&folder).cloned().unwrap_or_default() {
            if name.is_dir {
                self.write(name.inode, &current.join(&text), &to.join(&text), now, dice);
            } else {
                let durable = self.contents.get(&name.inode).cloned().unwrap_or_default();
                let bytes = match now.get(&name.inode) {
                    Some(now) => tear(durable, now, dice),
                    None => durable,
                };
                fs::write(to.join(text), bytes).unwrap();
            }
        }
    }
}

/// Of what was not synced nothing is kept, or all, or some blocks of it.
fn tear(durable: Vec<u8>, now: &[u8], dice: &mut impl FnMut(u64) -> u64) -> Vec<u8> {
    const BLOCK: usize = 4096;
    match dice(3) {
        0 => durable,
        1 => now.to_vec(),
        _ => {
            let len = if dice(2) == 0 { durable.len() } else { now.len() };
            let mut torn = vec![0; len];
            for at in (0..len).step_by(BLOCK) {
                let from: &[u8] = if dice(2) == 0 { &durable } else { now };
                let end = (at + BLOCK).min(len).min(from.len());
                if at < end {
                    torn[at..end].copy_from_slice(&from[at..end]);
                }
            }
            torn
        }
    }
}
