//! What the journal still holds is put into the files, before anybody opens them.

use super::entry::{BLOCK, Item};
use super::file::{FILE, IN_USE, SLOTS, empty, remove_unfinished, unmark};
use super::scan::{damaged, find, gone, is_empty, walk};
use crate::durable;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

/// What was found and done.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Replayed {
    pub entries: u64,
    /// Writes whose bytes were not in their file.
    pub put_back: u64,
    /// Writes to files that are no more, or end before them: none of them was promised to anybody.
    pub left_out: u64,
}

/// The place of an item: the generation, the entry's number, the item's.
type Place = (u64, u64, usize);

/// Puts back what was durable in the journal alone, makes the files durable, and empties the journal.
///
/// # Errors
/// `InvalidData` if entries are missing that were durable, or all of it that was in use: what was promised may be gone, and it is for a
/// person to say what now.
pub fn replay(root: &Path) -> io::Result<Replayed> {
    remove_unfinished(root)?;
    match replay_file(root) {
        // From now on the file itself says so: to take it away is a decision.
        Err(why) if why.kind() == io::ErrorKind::InvalidData && root.join(FILE).exists() => {
            unmark(root)?;
            Err(why)
        }
        done => done,
    }
}

fn replay_file(root: &Path) -> io::Result<Replayed> {
    let path = root.join(FILE);
    let file = match OpenOptions::new().read(true).write(true).open(&path) {
        Ok(file) => file,
        Err(why) if why.kind() == io::ErrorKind::NotFound && root.join(IN_USE).exists() => return Err(gone()),
        Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(Replayed::default()),
        Err(why) => return Err(why),
    };
    let slot_bytes = file.metadata()?.len() / SLOTS;
    if slot_bytes < BLOCK as u64 {
        return Err(damaged("it is cut short"));
    }
    let generations = find(&file, slot_bytes)?;
    let mut forgotten: HashMap<String, Place> = HashMap::new();
    for (&generation, &slot) in &generations {
        each(&file, slot, slot_bytes, generation, |place, item| {
            if let Item::Forget { name } = item {
                forgotten.insert(name.to_string(), place);
            }
            Ok(())
        })?;
    }
    let mut target = Target { root, open: BTreeMap::new(), dirty: BTreeSet::new(), done: Replayed::default() };
    for (&generation, &slot) in &generations {
        let entries = each(&file, slot, slot_bytes, generation, |place, item| match item {
            Item::Write { name, at, data } if forgotten.get(name).is_none_or(|until| *until < place) => {
                target.put(name, at, data)
            }
            Item::Write { .. } | Item::Forget { .. } => Ok(()),
        })?;
        target.done.entries += entries;
    }
    let done = target.finish()?;
    // What was passed over because it is durable for long goes first: to the next start it would be another process's.
    let mut others = Vec::new();
    for slot in (0..SLOTS).filter(|slot| !generations.values().any(|known| known == slot)) {
        if !is_empty(&file, slot * slot_bytes)? {
            others.push(slot);
        }
    }
    empty(&file, slot_bytes, others.into_iter().chain(generations.values().copied()))?;
    unmark(root)?;
    Ok(done)
}

/// The items of a slot, in order; answers the number of entries that have any.
fn each(
    file: &File,
    slot: u64,
    slot_bytes: u64,
    generation: u64,
    mut tell: impl FnMut(Place, Item<'_>) -> io::Result<()>,
) -> io::Result<u64> {
    let mut entries = 0;
    walk(file, slot, slot_bytes, |head, items| {
        entries += u64::from(!items.is_empty());
        for (number, item) in items.into_iter().enumerate() {
            tell((generation, head.number, number), item)?;
        }
        Ok(())
    })?;
    Ok(entries)
}

/// The files that writes are put into.
struct Target<'a> {
    root: &'a Path,
    open: BTreeMap<String, Option<File>>,
    dirty: BTreeSet<String>,
    done: Replayed,
}

impl Target<'_> {
    fn put(&mut self, name: &str, at: u64, data: &[u8]) -> io::Result<()> {
        let Some(file) = self.file(name)? else {
            self.done.left_out += 1;
            return Ok(());
        };
        let len = file.metadata()?.len();
        if at > len {
            self.done.left_out += 1;
            return Ok(());
        }
        let mut there = vec![0; usize::try_from(len - at).unwrap_or(usize::MAX).min(data.len())];
        file.read_exact_at(&mut there, at)?;
        // What is there may be in the page cache alone, and a sync not bring it to the medium: of what the system failed to write once the
        // pages stay, and count as written. So it is written again, also where it seems to be there.
        file.write_all_at(data, at)?;
        self.done.put_back += u64::from(there != data);
        self.dirty.insert(name.to_string());
        Ok(())
    }

    /// The file of that name, if it is one of a folder of the data folder, and there.
    fn file(&mut self, name: &str) -> io::Result<Option<&File>> {
        if !self.open.contains_key(name) {
            let is_ours = name.split('/').count() == 2 && name.split('/').all(|part| !matches!(part, "" | "." | ".."));
            let open = if is_ours {
                match OpenOptions::new().read(true).write(true).open(self.root.join(name)) {
                    Ok(file) => Some(file),
                    Err(why) if why.kind() == io::ErrorKind::NotFound => None,
                    Err(why) => return Err(why),
                }
            } else {
                None
            };
            if self.open.len() >= FILES_OPEN_MAX {
                self.open.clear();
            }
            self.open.insert(name.to_string(), open);
        }
        Ok(self.open.get(name).and_then(Option::as_ref))
    }

    fn finish(self) -> io::Result<Replayed> {
        if self.dirty.len() > durable::EACH_MAX {
            durable::sync_all(&File::open(self.root)?)?;
        } else {
            for name in &self.dirty {
                durable::sync_file(&File::open(self.root.join(name))?)?;
            }
        }
        Ok(self.done)
    }
}

/// Files kept open.
const FILES_OPEN_MAX: usize = 200;
