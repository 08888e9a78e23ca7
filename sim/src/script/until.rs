//! Time passes.
//!
//! What `until` waits for:
//!
//! | | |
//! |---|---|
//! | `leader of t-0 is [not] 1\|none` | as the newest metadata says |
//! | `isr of t-0 is 1,2` | |
//! | `replicas of t-0 are 2,3` | in this order, and none of them on the move |
//! | `controller is [not] 1` | somebody other leads the quorum |
//! | `watermark of t-0 on 2 is 3` `end of t-0 on 2 is 3` `start of t-0 on 2 is 3` | at least |
//! | `node 2 serves` `node 2 is fenced` `node 2 has ended` | |
//! | `node 2 has caught up` | its log of the metadata is that of the controller |

use super::stage::{PATIENCE_US, Stage, nodes};
use super::words::{Told, Words, Wrong, list, span};
use esker_core::id::NodeId;

pub fn wait(stage: &mut Stage, words: &mut Words) -> Told {
    let us = span(&words.word("a time")?)?;
    stage.pass(us)?;
    Ok(Vec::new())
}

pub fn until(stage: &mut Stage, words: &mut Words) -> Told {
    let within = words.span_after("within")?.unwrap_or(PATIENCE_US);
    stage.world()?;
    let wanted = wanted(stage, words)?;
    if stage.pass_until(within, |stage| wanted.holds(stage))? {
        return Ok(Vec::new());
    }
    Ok(vec![format!("not within {} ms: {}", within / 1_000, wanted.state(stage))])
}

/// Something that is waited for.
enum Wanted {
    Leader { name: String, not: bool, node: Option<NodeId> },
    Isr { name: String, isr: Vec<NodeId> },
    Replicas { name: String, replicas: Vec<NodeId> },
    Controller { not: bool, node: usize },
    Offset { what: Place, name: String, node: usize, at: i64 },
    Serves(usize),
    Fenced(usize),
    Ended(usize),
    CaughtUp(usize),
}

#[derive(Clone, Copy)]
enum Place {
    Start,
    Watermark,
    End,
}

fn wanted(stage: &mut Stage, words: &mut Words) -> Result<Wanted, Wrong> {
    let first = words.word("something to wait for")?;
    match first.as_str() {
        "leader" | "isr" | "replicas" => {
            let name = words.after("of").ok_or("of which partition?")?;
            words.has("is");
            words.has("are");
            let not = words.has("not");
            let word = words.word("a node")?;
            if first == "isr" {
                return Ok(Wanted::Isr { name, isr: list(&word)?.into_iter().map(NodeId).collect() });
            }
            if first == "replicas" {
                return Ok(Wanted::Replicas { name, replicas: list(&word)?.into_iter().map(NodeId).collect() });
            }
            let node = if word == "none" { None } else { list(&word)?.first().copied().map(NodeId) };
            Ok(Wanted::Leader { name, not, node })
        }
        "controller" => {
            words.has("is");
            let not = words.has("not");
            let node = stage.node(words)?;
            Ok(Wanted::Controller { not, node })
        }
        "start" | "watermark" | "end" => {
            let name = words.after("of").ok_or("of which partition?")?;
            let on = words.after("on").ok_or("on which node?")?;
            let node = stage.named(&on, words)?;
            words.has("is");
            let what = match first.as_str() {
                "start" => Place::Start,
                "watermark" => Place::Watermark,
                _ => Place::End,
            };
            Ok(Wanted::Offset { what, name, node, at: words.number("an offset")? })
        }
        "node" => {
            let node = stage.node(words)?;
            match words.rest().join(" ").as_str() {
                "serves" => Ok(Wanted::Serves(node)),
                "is fenced" => Ok(Wanted::Fenced(node)),
                "has ended" => Ok(Wanted::Ended(node)),
                "has caught up" => Ok(Wanted::CaughtUp(node)),
                other => Err(format!("a node cannot be waited for to {other:?}")),
            }
        }
        _ => Err(format!("{first} cannot be waited for")),
    }
}

impl Wanted {
    fn holds(&self, stage: &Stage) -> bool {
        match self {
            Self::Leader { name, not, node } => {
                stage.partition(name).is_ok_and(|(_, state)| {
                    // Who leads by the metadata has to know it.
                    let knows = |leader: NodeId| {
                        stage.replica(leader.0 as usize - 1, name).is_some_and(|replica| replica.is_leader())
                    };
                    (state.leader == *node) != *not && (node.is_none() && !not || state.leader.is_some_and(knows))
                })
            }
            Self::Isr { name, isr } => stage.partition(name).is_ok_and(|(_, state)| {
                let mut now = state.isr.clone();
                now.sort_unstable();
                now == *isr
            }),
            Self::Replicas { name, replicas } => {
                stage.partition(name).is_ok_and(|(_, state)| state.replicas == *replicas && !state.is_reassigning())
            }
            Self::Controller { not, node } => {
                stage.controller().is_some_and(|now| (now == *node) != *not && stage.leads_drained(now))
            }
            Self::Offset { what, name, node, at } => offset(stage, *what, name, *node).is_some_and(|now| now >= *at),
            Self::Serves(node) => stage.seen().nodes[*node].process.as_ref().is_some_and(|process| process.ready),
            Self::Fenced(node) => stage.image().is_some_and(|image| !image.alive(NodeId(*node as i32 + 1))),
            Self::Ended(node) => stage.seen().nodes[*node].process.is_none(),
            Self::CaughtUp(node) => stage.controller().is_some_and(|leader| {
                let end = |node: usize| {
                    let process = stage.seen().nodes[node].process.as_ref()?;
                    Some(process.broker.node().quorum.synced())
                };
                end(*node).is_some() && end(*node) >= end(leader)
            }),
        }
    }

    /// How it is instead.
    fn state(&self, stage: &Stage) -> String {
        match self {
            Self::Leader { name, .. } | Self::Isr { name, .. } => match stage.partition(name) {
                Ok((_, state)) => {
                    format!(
                        "leader {}, in sync {}",
                        state.leader.map_or("none".into(), |id| id.to_string()),
                        nodes(&state.isr)
                    )
                }
                Err(wrong) => wrong,
            },
            Self::Replicas { name, .. } => stage
                .partition(name)
                .map_or_else(|wrong| wrong, |(_, state)| format!("replicas {}", nodes(&state.replicas))),
            Self::Controller { .. } => {
                stage.controller().map_or("no controller".into(), |node| format!("controller {}", node + 1))
            }
            Self::Offset { what, name, node, .. } => {
                offset(stage, *what, name, *node).map_or("no replica".into(), |at| format!("{at}"))
            }
            Self::Serves(_) | Self::Fenced(_) | Self::Ended(_) | Self::CaughtUp(_) => "it does not".into(),
        }
    }
}

fn offset(stage: &Stage, what: Place, name: &str, node: usize) -> Option<i64> {
    let replica = stage.replica(node, name)?;
    Some(match what {
        Place::Start => replica.log_start().0,
        Place::Watermark => replica.watermark().0,
        Place::End => replica.log_end().0,
    })
}
