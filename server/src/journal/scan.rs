//! Which entries the journal has, and whether some are missing that were durable.
//!
//! A write that power was lost in is torn: any of its blocks may be missing, and nobody was promised what it says. Damage in what was
//! durable looks the same by itself. What stands behind tells them apart: an entry says how many before it were known to be durable
//! (`synced`), and a slot how many the one before it has (`before`). What stands behind and is of another process or another
//! generation says nothing, it was there before. Where nothing stands behind the last write it cannot be told from a torn one.

use super::entry::{self, BLOCK, ENTRY_MAX, Head, Item};
use super::file::{FILE, IN_USE, SLOTS};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

/// The entries of one slot, in order.
struct Slot {
    number: u64,
    first: Head,
    entries: u64,
    /// Where the last of them ends.
    end: u64,
}

/// The generations that have to be read, with their slots: those of the newest one's life.
///
/// # Errors
/// `InvalidData` if entries are missing that were durable.
pub fn find(file: &File, slot_bytes: u64) -> io::Result<BTreeMap<u64, u64>> {
    let mut found: BTreeMap<u64, Slot> = BTreeMap::new();
    let mut lives = BTreeSet::new();
    for number in 0..SLOTS {
        let mut first = None;
        let (entries, end) = walk(file, number, slot_bytes, |head, _| {
            first.get_or_insert(head);
            Ok(())
        })?;
        if let Some(first) = first {
            lives.insert(first.life);
            found.insert(first.generation, Slot { number, first, entries, end });
        }
    }
    // Each start empties the journal before it writes.
    if lives.len() > 1 {
        return Err(damaged("it has entries of two processes"));
    }
    // The slot of the oldest may be under way to the next generation: its files are durable.
    if found.len() as u64 == SLOTS
        && let Some((&oldest, slot)) = found.first_key_value()
        && found.get(&(oldest + 1)).is_some_and(|later| !is_next(slot, later))
    {
        found.remove(&oldest);
    }
    for (earlier, later) in found.values().zip(found.values().skip(1)) {
        if !is_next(earlier, later) {
            return Err(missing_before(later.first.generation));
        }
    }
    if let Some(oldest) = found.values().next()
        && oldest.first.before > 0
        && (found.len() as u64) < SLOTS - 1
        // An empty one: a start was under way when the power was lost.
        && !is_empty(file, (oldest.number + SLOTS - 1) % SLOTS * slot_bytes)?
    {
        return Err(missing_before(oldest.first.generation));
    }
    if let Some(newest) = found.values().next_back() {
        check_end(file, slot_bytes, newest)?;
    }
    Ok(found.into_iter().map(|(generation, slot)| (generation, slot.number)).collect())
}

fn is_next(earlier: &Slot, later: &Slot) -> bool {
    earlier.first.generation + 1 == later.first.generation && earlier.entries == u64::from(later.first.before)
}

/// Whether the slot that begins there was emptied.
pub fn is_empty(file: &File, at: u64) -> io::Result<bool> {
    let mut bytes = [0; BLOCK];
    file.read_exact_at(&mut bytes, at)?;
    Ok(bytes == [0; BLOCK])
}

/// Behind the last entry of the newest generation, and where the next one begins, nothing stands that counts on more.
fn check_end(file: &File, slot_bytes: u64, newest: &Slot) -> io::Result<()> {
    let next = newest.first.generation + 1;
    let places = [
        (newest.number, newest.end, newest.first.generation, newest.entries),
        ((newest.number + 1) % SLOTS, 0, next, 0),
    ];
    let mut bytes = vec![0; ENTRY_MAX];
    for (slot, end, generation, entries) in places {
        for at in (end..slot_bytes).step_by(BLOCK) {
            if let Some((_, head, _)) = entry_at(file, &mut bytes, slot, slot_bytes, at)?
                && (head.life, head.generation) == (newest.first.life, generation)
                && u64::from(head.synced) > entries
            {
                return Err(damaged(&format!("entry {entries} of generation {generation} is missing")));
            }
        }
    }
    Ok(())
}

fn missing_before(generation: u64) -> io::Error {
    damaged(&format!("entries are missing before generation {generation}"))
}

/// What a person is told whose journal cannot be trusted.
pub fn damaged(what: &str) -> io::Error {
    lost(&format!("is damaged: {what}"), FILE)
}

/// The same where there is none, and the node did not stop in order.
pub fn gone() -> io::Error {
    lost("is not there any more, and the node did not stop in order", IN_USE)
}

fn lost(what: &str, remove: &str) -> io::Error {
    let line = format!(
        "the journal {FILE} {what}; what was acknowledged may be gone. Remove {remove} to go on without it, \
         or, where other replicas have all of it, the whole data folder: it is fetched anew"
    );
    io::Error::new(io::ErrorKind::InvalidData, line)
}

/// The entries of a slot, from its first on, as far as they follow each other; answers their number, and where they end.
pub fn walk(
    file: &File,
    slot: u64,
    slot_bytes: u64,
    mut tell: impl FnMut(Head, Vec<Item<'_>>) -> io::Result<()>,
) -> io::Result<(u64, u64)> {
    let mut bytes = vec![0; ENTRY_MAX];
    let (mut at, mut count) = (0, 0);
    let mut last: Option<Head> = None;
    while let Some((len, head, items)) = entry_at(file, &mut bytes, slot, slot_bytes, at)? {
        let follows = match last {
            None => head.number == 0,
            Some(last) => head == Head { number: last.number + 1, synced: head.synced, ..last },
        };
        if !follows {
            break;
        }
        tell(head, items)?;
        last = Some(head);
        count += 1;
        at += len;
    }
    Ok((count, at))
}

/// The entry that begins at that place of the slot, and how long it is.
fn entry_at<'a>(
    file: &File,
    bytes: &'a mut [u8],
    slot: u64,
    slot_bytes: u64,
    at: u64,
) -> io::Result<Option<(u64, Head, Vec<Item<'a>>)>> {
    if at + BLOCK as u64 > slot_bytes {
        return Ok(None);
    }
    let from = slot * slot_bytes + at;
    file.read_exact_at(&mut bytes[..BLOCK], from)?;
    let Some(len) = entry::length(&bytes[..BLOCK]).filter(|len| at + *len as u64 <= slot_bytes) else {
        return Ok(None);
    };
    if len > BLOCK {
        file.read_exact_at(&mut bytes[BLOCK..len], from + BLOCK as u64)?;
    }
    Ok(entry::read(&bytes[..len]).map(|(head, items)| (len as u64, head, items)))
}
