//! What the journal still holds is put into the files, before anybody opens them.

use super::entry::{self, BLOCK, ENTRY_MAX, Head, Item};
use super::file::{FILE, SLOTS, empty};
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

/// The entries of one slot, in order.
struct Slot {
    first: Head,
    entries: u64,
}

/// Puts back what was durable in the journal alone, makes the files durable, and empties the journal.
///
/// # Errors
/// `InvalidData` if entries are missing between others: what was promised may be gone, and it is for a person to say what now.
pub fn replay(root: &Path) -> io::Result<Replayed> {
    let path = root.join(FILE);
    let file = match OpenOptions::new().read(true).write(true).open(&path) {
        Ok(file) => file,
        Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(Replayed::default()),
        Err(why) => return Err(why),
    };
    let bytes = file.metadata()?.len();
    let slot_bytes = bytes / SLOTS;
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
    empty(&file, slot_bytes, generations.values().copied())?;
    Ok(done)
}

/// The generations that have to be read, with their slots: those of the newest one's life.
fn find(file: &File, slot_bytes: u64) -> io::Result<BTreeMap<u64, u64>> {
    let mut found: BTreeMap<u64, (u64, Slot)> = BTreeMap::new();
    let mut lives = BTreeSet::new();
    for number in 0..SLOTS {
        let mut first = None;
        let entries = walk(file, number, slot_bytes, |head, _| {
            first.get_or_insert(head);
            Ok(())
        })?;
        if let Some(first) = first {
            lives.insert(first.life);
            found.insert(first.generation, (number, Slot { first, entries }));
        }
    }
    let damaged = |what: &str| {
        let line = format!(
            "the journal {FILE} is damaged: {what}; what was acknowledged may be gone. Remove the file to go on without it"
        );
        Err(io::Error::new(io::ErrorKind::InvalidData, line))
    };
    // Each start empties the journal before it writes.
    if lives.len() > 1 {
        return damaged("it has entries of two processes");
    }
    // The slot of the oldest may be under way to the next generation: its files are durable then.
    let is_next = |(earlier, later): (&Slot, &Slot)| {
        earlier.first.generation + 1 == later.first.generation && earlier.entries == later.first.before
    };
    if found.len() as u64 == SLOTS
        && let Some((oldest, slot)) = found.first_key_value()
    {
        let oldest = *oldest;
        if found.get(&(oldest + 1)).is_some_and(|(_, later)| !is_next((&slot.1, later))) {
            found.remove(&oldest);
        }
    }
    for ((_, earlier), (_, later)) in found.values().zip(found.values().skip(1)) {
        if !is_next((earlier, later)) {
            return damaged(&format!("entries are missing before generation {}", later.first.generation));
        }
    }
    Ok(found.into_iter().map(|(generation, (slot, _))| (generation, slot)).collect())
}

/// The items of a slot, in order; answers the number of entries.
fn each(
    file: &File,
    slot: u64,
    slot_bytes: u64,
    generation: u64,
    mut tell: impl FnMut(Place, Item<'_>) -> io::Result<()>,
) -> io::Result<u64> {
    walk(file, slot, slot_bytes, |head, items| {
        for (number, item) in items.into_iter().enumerate() {
            tell((generation, head.number, number), item)?;
        }
        Ok(())
    })
}

/// The entries of a slot, from its first on, as far as they follow each other; answers their number.
fn walk(
    file: &File,
    slot: u64,
    slot_bytes: u64,
    mut tell: impl FnMut(Head, Vec<Item<'_>>) -> io::Result<()>,
) -> io::Result<u64> {
    let mut bytes = vec![0; ENTRY_MAX];
    let (mut at, mut count) = (0, 0);
    let mut last: Option<Head> = None;
    while at + BLOCK as u64 <= slot_bytes {
        let from = slot * slot_bytes + at;
        file.read_exact_at(&mut bytes[..BLOCK], from)?;
        let Some(len) = entry::length(&bytes[..BLOCK]).filter(|len| at + *len as u64 <= slot_bytes) else { break };
        if len > BLOCK {
            file.read_exact_at(&mut bytes[BLOCK..len], from + BLOCK as u64)?;
        }
        let Some((head, items)) = entry::read(&bytes[..len]) else { break };
        let follows = match last {
            None => head.number == 0,
            Some(last) => head == Head { number: last.number + 1, ..last },
        };
        if !follows {
            break;
        }
        tell(head, items)?;
        last = Some(head);
        count += 1;
        at += len as u64;
    }
    Ok(count)
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
        if there != data {
            file.write_all_at(data, at)?;
            self.done.put_back += 1;
        }
        // What is there may be in the page cache alone.
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
