//! The mark of a clean stop says of all logs in the data folder that they were closed in order. Who found no mark puts one there only when
//! it has opened what it found, or serves: then it knows which of them are its own, and has opened those. Whoever finds one takes it away for
//! good before it opens any log: a crash would leave it. And a folder that nobody gave to the node is kept, unless it says itself that it goes.

use super::{Broken, METADATA};
use crate::disk::Disk;
use esker_core::id::DirId;
use esker_core::io::{DiskOp, DiskTag, FileName, Owner};
use esker_core::node::Node as Core;
use std::collections::BTreeSet;

/// What a node found when it started.
#[derive(Clone, Debug, Default)]
struct Found {
    /// The mark.
    clean: bool,
    /// Logs that it has not opened since.
    unopened: BTreeSet<String>,
    /// It takes clients, or did.
    served: bool,
    /// The folders whose logs it has used.
    used: BTreeSet<DirId>,
}

#[derive(Debug)]
pub struct Vouched {
    nodes: Vec<Found>,
}

impl Vouched {
    pub fn new(nodes: usize) -> Self {
        Self { nodes: vec![Found::default(); nodes] }
    }

    pub fn on_start(&mut self, node: usize, disk: &Disk) {
        let clean = disk.named("").is_some_and(|root| root.file(FileName::CleanShutdown).is_some());
        let is_log = |name: &&str| {
            let has_one = |name| matches!(name, FileName::Log(_));
            **name != *METADATA && disk.named(name).is_some_and(|folder| folder.list().any(|(name, _)| has_one(name)))
        };
        let unopened = disk.names().filter(is_log).map(str::to_string).collect();
        self.nodes[node] = Found { clean, unopened, served: false, used: BTreeSet::new() };
    }

    pub fn on_opened(&mut self, node: usize, folder: &str) {
        self.nodes[node].unopened.remove(folder);
    }

    /// `removed`: the name of a folder that goes.
    pub fn on_disk_op(
        &mut self,
        node: usize,
        tag: DiskTag,
        op: &DiskOp,
        removed: Option<&str>,
        disk: &Disk,
    ) -> Result<(), Broken> {
        let own = &mut self.nodes[node];
        if let Owner::Log(dir) = tag.owner
            && own.used.insert(dir)
        {
            let lasts = disk.named("").is_some_and(|root| root.lasting().any(|name| name == FileName::CleanShutdown));
            judge_gone(lasts)?;
        }
        match op {
            DiskOp::RemoveDir { dir } => judge_removed(removed, own.unopened.iter(), own.used.contains(dir)),
            DiskOp::Replace { file, .. } if (file.dir, file.name) == (DirId::ROOT, FileName::CleanShutdown) => {
                judge(&self.nodes[node])
            }
            _ => Ok(()),
        }
    }

    /// A node has handled an input.
    pub fn look(&mut self, node: usize, core: &Core) {
        let own = &core.config.identity;
        let known = core.image.broker(core.config.node);
        self.nodes[node].served |= known.is_some_and(|known| known.incarnation == own.incarnation && !known.fenced);
    }
}

fn judge(found: &Found) -> Result<(), Broken> {
    match found.unopened.first().filter(|_| !found.clean && !found.served) {
        None => Ok(()),
        Some(folder) => Err((
            "vouched-unseen",
            format!("marks {folder} as closed in order, which a crash left and it never opened"),
        )),
    }
}

/// A log is used for the first time; `lasts`: a crash would leave the mark.
fn judge_gone(lasts: bool) -> Result<(), Broken> {
    if lasts { Err(("mark-lasts", "opens a log while the mark of a clean stop is there".into())) } else { Ok(()) }
}

/// A folder goes; `used`: it was a replica's of this process.
fn judge_removed<'a>(
    folder: Option<&str>,
    mut unopened: impl Iterator<Item = &'a String>,
    used: bool,
) -> Result<(), Broken> {
    let stray = folder.filter(|name| !used && !name.ends_with("-delete") && unopened.any(|known| known == name));
    stray.map_or(Ok(()), |name| Err(("stray-deleted", format!("deletes {name}, which nobody gave it"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_of_nobody_stays_and_a_mark_goes_first() {
        let found = ["t-0".to_string(), "t-1.f00-delete".to_string()];
        let judge = |name, used| judge_removed(Some(name), found.iter(), used).is_ok();
        assert!(judge("t-0", true) && judge("t-1.f00-delete", false) && judge("t-2", false));
        assert!(!judge("t-0", false));
        assert!(judge_gone(false).is_ok() && judge_gone(true).is_err());
    }

    #[test]
    fn a_mark_on_what_was_never_opened_is_caught() {
        let found = Found { unopened: ["t-0".to_string()].into(), ..Found::default() };
        assert!(judge(&Found::default()).is_ok());
        assert!(judge(&Found { clean: true, ..found.clone() }).is_ok(), "it was closed before");
        assert!(judge(&Found { served: true, ..found.clone() }).is_ok(), "it is nobody's");
        assert_eq!(judge(&found).unwrap_err().0, "vouched-unseen");
    }
}
