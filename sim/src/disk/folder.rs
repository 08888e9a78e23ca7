//! One folder: the names that its readers see, and those that would be left after a crash.

use crate::dice::Dice;
use crate::disk::{File, Loss};
use esker_core::io::{DiskFault, FileName};
use std::collections::BTreeMap;

/// A change of names that is not durable yet.
#[derive(Clone, Copy, Debug)]
enum Change {
    Made(FileName, usize),
    Renamed(FileName, FileName, usize),
    Deleted(FileName),
}

/// A folder's files, by name.
#[derive(Clone, Debug, Default)]
pub struct Folder {
    files: Vec<File>,
    /// Places in `files`.
    seen: BTreeMap<FileName, usize>,
    held: BTreeMap<FileName, usize>,
    changes: Vec<Change>,
}

impl Folder {
    pub fn file(&self, name: FileName) -> Option<&File> {
        self.seen.get(&name).map(|place| &self.files[*place])
    }

    pub fn file_mut(&mut self, name: FileName) -> Result<&mut File, DiskFault> {
        let place = *self.seen.get(&name).ok_or(DiskFault::Missing)?;
        Ok(&mut self.files[place])
    }

    pub fn list(&self) -> impl Iterator<Item = (FileName, u64)> {
        self.seen.iter().map(|(name, place)| (*name, self.files[*place].len()))
    }

    /// The names that a crash would leave.
    pub fn lasting(&self) -> impl Iterator<Item = FileName> {
        self.held.keys().copied()
    }

    /// Makes an empty file, or empties one: a new file takes the name, so that a crash leaves the old one or the new one.
    pub fn create(&mut self, name: FileName) {
        let place = self.add(File::default());
        self.seen.insert(name, place);
        self.changes.push(Change::Made(name, place));
    }

    /// Puts a durable file under the name, durably.
    pub fn replace(&mut self, name: FileName, bytes: &[u8]) {
        let place = self.add(File::durable(bytes));
        self.seen.insert(name, place);
        self.changes.push(Change::Made(name, place));
        self.sync();
    }

    pub fn rename(&mut self, from: FileName, to: FileName) -> Result<(), DiskFault> {
        let place = self.seen.remove(&from).ok_or(DiskFault::Missing)?;
        self.seen.insert(to, place);
        self.changes.push(Change::Renamed(from, to, place));
        Ok(())
    }

    pub fn delete(&mut self, name: FileName) {
        if self.seen.remove(&name).is_some() {
            self.changes.push(Change::Deleted(name));
        }
    }

    /// Forgets some of its files, for good.
    pub fn keep(&mut self, mut keeps: impl FnMut() -> bool) {
        self.sync();
        self.seen.retain(|_, _| keeps());
        self.held.clone_from(&self.seen);
    }

    /// Makes the names durable.
    pub fn sync(&mut self) {
        for change in std::mem::take(&mut self.changes) {
            self.hold(change);
        }
    }

    /// What a crash leaves of it: of the names' changes none, a first part, or any of them; of the files' bytes, see [`File`].
    pub fn crash(&mut self, loss: Loss, page: usize, dice: &mut Dice) {
        if loss == Loss::Nothing {
            return self.seen.values().for_each(|place| self.files[*place].crash(loss, page, dice));
        }
        let changes = std::mem::take(&mut self.changes);
        let kept = match loss {
            Loss::Nothing | Loss::All => 0,
            Loss::Torn | Loss::Pages => dice.below(changes.len() as u64 + 1) as usize,
        };
        for (turn, change) in changes.into_iter().enumerate() {
            let applies = if loss == Loss::Pages { dice.chance(1, 2) } else { turn < kept };
            if applies {
                self.hold(change);
            }
        }
        self.seen.clone_from(&self.held);
        for place in self.seen.values() {
            self.files[*place].crash(loss, page, dice);
        }
    }

    /// Whether a crash would leave the name, and the file up to byte `to`.
    pub fn is_durable(&self, name: FileName, to: u64) -> bool {
        let place = self.held.get(&name).filter(|place| self.seen.get(&name) == Some(place));
        place.is_some_and(|place| self.files[*place].is_durable(to))
    }

    pub fn unsynced(&self) -> usize {
        self.changes.len() + self.seen.values().map(|place| self.files[*place].unsynced()).sum::<usize>()
    }

    fn hold(&mut self, change: Change) {
        match change {
            Change::Made(name, place) => {
                self.held.insert(name, place);
            }
            Change::Renamed(from, to, place) => {
                if self.held.get(&from) == Some(&place) {
                    self.held.remove(&from);
                }
                self.held.insert(to, place);
            }
            Change::Deleted(name) => {
                self.held.remove(&name);
            }
        }
    }

    fn add(&mut self, file: File) -> usize {
        self.files.push(file);
        self.files.len() - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dice::Stream;
    use esker_core::id::Offset;

    const A: FileName = FileName::Log(Offset(0));
    const B: FileName = FileName::RetiredLog(Offset(0));

    fn crashed(mut folder: Folder, loss: Loss, counter: u64) -> Vec<FileName> {
        folder.crash(loss, 4096, &mut Dice::new(3, Stream::Crash, 0, counter));
        folder.list().map(|(name, _)| name).collect()
    }

    #[test]
    fn names_are_lost_until_the_folder_is_synced() {
        let mut folder = Folder::default();
        folder.create(A);
        folder.file_mut(A).unwrap().write(0, b"x");
        folder.file_mut(A).unwrap().sync();
        assert_eq!(crashed(folder.clone(), Loss::All, 0), []);
        folder.sync();
        assert_eq!(crashed(folder.clone(), Loss::All, 0), [A]);

        folder.rename(A, B).unwrap();
        assert_eq!(crashed(folder.clone(), Loss::All, 0), [A]);
        assert_eq!(crashed(folder.clone(), Loss::Nothing, 0), [B]);
        folder.sync();
        folder.delete(B);
        assert_eq!(crashed(folder.clone(), Loss::All, 0), [B]);
        let either: std::collections::BTreeSet<_> =
            (0..40).map(|n| crashed(folder.clone(), Loss::Torn, n).len()).collect();
        assert_eq!(either.into_iter().collect::<Vec<_>>(), [0, 1]);
    }

    #[test]
    fn a_rename_leaves_the_old_name_or_the_new_one_and_never_none() {
        let mut folder = Folder::default();
        folder.create(A);
        folder.sync();
        folder.rename(A, B).unwrap();
        for counter in 0..40 {
            assert_eq!(crashed(folder.clone(), Loss::Pages, counter).len(), 1);
        }
        assert_eq!(folder.rename(A, B), Err(DiskFault::Missing));
    }

    #[test]
    fn emptying_a_file_is_all_or_nothing() {
        let mut folder = Folder::default();
        folder.replace(A, b"old");
        folder.create(A);
        assert_eq!(folder.file(A).unwrap().len(), 0);
        folder.crash(Loss::All, 4096, &mut Dice::new(3, Stream::Crash, 0, 0));
        assert_eq!(folder.file(A).unwrap().read(0, 9), b"old");
    }
}
