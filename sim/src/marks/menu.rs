//! The fault menu: what a plan can do to a cluster, in words.

/// Every kind of fault, as [`crate::plan::Strike::kind`] names it, and what it is.
pub const MENU: &[(&str, &str)] = &[
    ("crash", "processes die, their disks keep what was written (kill -9)"),
    ("crash-lose-all", "processes die, and everything that was not synced is gone"),
    ("crash-torn", "processes die, and what was not synced ends anywhere, in the middle of a write"),
    ("crash-pages", "processes die, and of what was not synced any pages are kept and others not"),
    ("stop", "a clean stop: leaders move away, logs are closed"),
    ("pause", "a process stands still, and goes on with what has come meanwhile (kill -STOP, -CONT)"),
    ("cut", "nothing gets through between two nodes, either way"),
    ("cut-one-way", "nothing gets from one node to another; the other way it does"),
    ("isolate", "nothing gets to or from a node"),
    ("reset", "connections of a node break, and lose any suffix of what was under way"),
    (
        "stall",
        "each of a node's connections carries nothing for a while, one of two times; others pass them, and what was given up arrives late",
    ),
    ("slow-disk", "a node's disk is 2 to 100 times slower"),
    ("sync-fails", "a sync fails, and what was to be synced may be gone"),
    ("write-fails", "a write fails with an error of the medium"),
    ("read-fails", "a few reads fail with an error of the medium"),
    ("disk-full", "a node's disk has no room for more than some bytes"),
    (
        "bit-rot",
        "a process dies, and a bit of what it had durable is another when it starts again: committed, and others in sync have it too; in the last segment, below the watermark that the node wrote down",
    ),
    (
        "lost-write",
        "as `bit-rot`, but a batch, or the end of one, reads as zeros: what was written never reached the medium",
    ),
    (
        "misdirected-write",
        "as `bit-rot`, but something that was written elsewhere in the file stands in the place of a batch",
    ),
    (
        "disk-lost",
        "a process dies, and its disk is empty when it starts again: where others in sync have all that it has and, if it votes, the other voters are there",
    ),
    ("crash-writing", "a process dies while a write of its log is under way"),
    ("stop-joining", "a follower is stopped in order at the moment when its leader asks to have it in sync"),
    (
        "cut-joining",
        "when a leader asks to have a follower in sync nothing gets to it any more from the controller that it asks",
    ),
    (
        "late-joining",
        "a follower is stopped in order when its leader asks to have it in sync, and what they had asked until then arrives late",
    ),
    (
        "lost-answer",
        "a leader that asks to have a follower in sync never hears the answer, and hears of the metadata late",
    ),
    ("crash-installing", "a process dies when it has taken over a snapshot of the metadata, and has the log of before"),
    ("perish", "a process dies when all is healed and whole again, and never comes back: the others go on without it"),
    ("clock-step", "a node's wall clock jumps, either way, by up to an hour"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::draw;
    use std::collections::BTreeSet;

    #[test]
    fn the_menu_is_what_plans_have() {
        let drawn: BTreeSet<&str> =
            (0..2_000).flat_map(|seed| draw(seed).faults).map(|fault| fault.strike.kind()).collect();
        let listed: BTreeSet<&str> = MENU.iter().map(|(name, _)| *name).collect();
        assert_eq!(drawn, listed, "a new fault has a line in the menu, and one that no plan has goes");
    }

    #[test]
    fn the_documents_have_the_whole_menu() {
        let text = include_str!("../../README.md");
        for (name, what) in MENU {
            assert!(text.contains(&format!("| `{name}` | {what} |")), "sim/README.md has no line for {name}: {what}");
        }
    }
}
