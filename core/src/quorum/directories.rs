//! From which folder each voter votes (KIP-853 has it in its voters' keys): a voter whose disk was lost is not the voter that it was.
//!
//! It does not know what it voted for, nor what it had and vouched for: with its vote one could be elected that lacks records which were committed
//! on its word. (Kafka's static voters are believed, empty as they are.) A broker registers with the id of its folder, so the committed
//! metadata says which folder is a voter's. A node remembers that in `quorum-state`, and a candidate names to each voter the folder
//! that it knows of. A voter that has another one votes only if the metadata that it has itself names its own: then it has all that was
//! committed before it registered, and with it all that it had promised. Until then it does not stand for election either.
//!
//! A candidate that knows of the voter's new folder has its registration, and all that was committed before: it may have the vote. One
//! that knows of none comes from before there were brokers; a cluster that begins elects its first leader so. A controller that is no
//! broker does not register, and is believed.

use super::machine::Quorum;
use super::role::Role;
use crate::id::{NodeId, Uuid};
use crate::io::{DISBELIEVED, Note, Out};
use crate::mutant::{self, Mutant};
use crate::time::Now;
use alloc::format;

impl Quorum {
    /// The committed metadata names the folder of a node.
    pub fn learn_directory(&mut self, now: Now, node: NodeId, directory: Uuid, out: &mut Out) {
        if self.journal().is_none() || !self.is_voter(node) || self.directories.get(&node) == Some(&directory) {
            return;
        }
        let (own, was_believed) = (self.config.node, self.is_believed());
        self.directories.insert(node, directory);
        let election = self.ballot.again();
        self.write_state(election, out);
        if node != own || was_believed == self.is_believed() {
            return;
        }
        let text = if was_believed {
            format!(
                "node {own} voted from another folder, which it has not any more: it votes when it has what was committed"
            )
        } else {
            format!("node {own} has what was committed before its folder was new, and votes")
        };
        out.note(Note::Text { topic: "quorum", text });
        if !was_believed && matches!(self.role, Role::Unattached(_)) {
            let patience = self.jittered(self.config.election_timeout);
            self.role = self.unattached(now.mono + patience);
        }
    }

    /// The folder from which a voter votes, as far as this node knows.
    pub fn directory_of(&self, voter: NodeId) -> Option<Uuid> {
        self.directories.get(&voter).copied()
    }

    /// Whether the metadata that this node has names no other folder as its own. Who is the only voter has what was committed, or nobody
    /// has: it is believed, and registers its new folder.
    pub(super) fn is_believed(&self) -> bool {
        let known = self.directory_of(self.config.node);
        known.is_none_or(|known| known == self.config.directory) || self.config.voters.len() == 1
    }

    /// It does not vote: whoever waits for it is told why when it opens.
    pub(super) fn tell_disbelief(&self, out: &mut Out) {
        if self.is_voter(self.config.node) && !self.is_believed() {
            let (node, directory) = (self.config.node, self.config.directory);
            let text = format!(
                "node {node} voted from another folder than {directory} (directory.id in meta.properties): it votes when it has what was \
                 committed, which needs a majority without it"
            );
            out.note(Note::Text { topic: DISBELIEVED, text });
        }
    }

    /// Whether a candidate that knows this voter by the folder `asked` means one that this node is not any more.
    pub(super) fn is_another(&self, asked: Uuid) -> bool {
        asked != Uuid::ZERO
            && asked != self.config.directory
            && self.directory_of(self.config.node) != Some(self.config.directory)
            && !mutant::is(Mutant::LostVoterVotes)
    }
}
