//! What clients asked and what they were told: the only thing that the checkers of `check::past` see.
//!
//! # The format
//!
//! A history is JSON lines. The first line is `{"esker_history":1,"partitions":["t-0","t-1"],"groups":["g"]}`; partitions and
//! groups are numbered by it. Every other line is an event of an operation:
//!
//! ```text
//! {"t":1200,"client":3,"op":17,"state":"invoke","do":"send","partition":0,"values":[9],"order":true,"once":true,"kept":true}
//! {"t":4100,"client":3,"op":17,"state":"ok","do":"sent","offset":4}
//! {"t":5000,"client":5,"op":2,"state":"invoke","do":"poll","assigned":true}
//! {"t":5300,"client":5,"op":2,"state":"ok","do":"polled","reads":[{"partition":0,"records":[[4,9]]}]}
//! ```
//!
//! `t` is in microseconds and only grows. An operation is named by its client and number; it has one `invoke` and at most one
//! other event: `ok` (it happened), `fail` (it did not and never will), `info` (nobody knows; also when there is no second
//! event). An unknown outcome is never assumed not to have happened. Values are unique numbers: no two sends share one.
//! Any client can write this, and `esker sim check FILE` judges it; `sim/README.md` has every act with its fields.

use serde::{Deserialize, Serialize};
use std::io::{self, BufRead, Write};

/// The version of the format.
pub const VERSION: u32 = 1;

const fn is_false(value: &bool) -> bool {
    !*value
}

/// A record's value: unique in a history.
pub type Value = u64;

/// How far an operation is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    Invoke,
    Ok,
    Fail,
    Info,
}

/// Records of one partition, as a poll got them: offset and value.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Read {
    pub partition: u32,
    pub records: Vec<(i64, Value)>,
}

/// What an event says.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub enum Act {
    /// A send is invoked. `order`: the sends of this client keep their order; `once`: no value may stand in the log twice;
    /// `kept`: once it is ok it must survive all faults.
    Send {
        partition: u32,
        values: Vec<Value>,
        order: bool,
        once: bool,
        kept: bool,
    },
    /// A send ended well; the first value's offset, if the client was told.
    Sent {
        offset: Option<i64>,
    },
    /// A poll is invoked. `assigned`: the client chose its partitions itself, and nobody takes them away.
    Poll {
        assigned: bool,
    },
    Polled {
        reads: Vec<Read>,
    },
    /// The consumer goes on at another place than where it was.
    Seek {
        partition: u32,
        offset: i64,
    },
    /// A member of a group commits: partition and offset.
    Commit {
        group: u32,
        generation: i32,
        offsets: Vec<(u32, i64)>,
        /// They may be forgotten by themselves at any time (`retention_time_ms`).
        #[serde(default, skip_serializing_if = "is_false")]
        expires: bool,
    },
    /// What a group has committed of partitions is deleted (OffsetDelete, DeleteGroups).
    Forget {
        group: u32,
        partitions: Vec<u32>,
    },
    /// The group's committed offsets are asked for.
    Ask {
        group: u32,
    },
    /// And told: partition and offset.
    Told {
        offsets: Vec<(u32, i64)>,
    },
    /// A member is told its partitions of a generation (`state` is ok).
    Assigned {
        group: u32,
        generation: i32,
        partitions: Vec<u32>,
        /// The member's `group.instance.id`: another with the same one has taken its place.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        instance: Option<String>,
    },
    /// The end of a partition is asked for (ListOffsets, latest).
    Latest {
        partition: u32,
    },
    /// And told: the offset behind the last committed record, as the leader of an epoch knew it.
    LatestIs {
        offset: i64,
        /// The epoch that the answer names.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        epoch: Option<i32>,
    },
    /// Records before an offset are deleted.
    Delete {
        partition: u32,
        before: i64,
    },
    /// A topic is created, a leader elected, and what else has no result to judge.
    Admin {
        what: String,
    },
    /// All of a partition, from its start to this end, has been read (`state` is ok): after the faults, by the last reader.
    End {
        partition: u32,
        offset: i64,
    },
    /// Nothing more to say: why it failed, or what is unknown.
    Error {
        why: String,
    },
    /// Done, and no more to say.
    Done,
}

/// An event of an operation.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Line {
    pub t: u64,
    pub client: u32,
    pub op: u64,
    pub state: State,
    #[serde(flatten)]
    pub act: Act,
}

/// A history.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct History {
    pub partitions: Vec<String>,
    pub groups: Vec<String>,
    /// Groups that may end and come again under their name: their generations begin anew, and the numbers say nothing.
    pub passing: Vec<u32>,
    pub lines: Vec<Line>,
}

#[derive(Serialize, Deserialize)]
struct Head {
    esker_history: u32,
    partitions: Vec<String>,
    groups: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    passing: Vec<u32>,
}

impl History {
    pub fn push(&mut self, t: u64, client: u32, op: u64, state: State, act: Act) {
        self.lines.push(Line { t, client, op, state, act });
    }

    /// Writes it as JSON lines.
    pub fn write(&self, to: &mut impl Write) -> io::Result<()> {
        let head = Head {
            esker_history: VERSION,
            partitions: self.partitions.clone(),
            groups: self.groups.clone(),
            passing: self.passing.clone(),
        };
        writeln!(to, "{}", serde_json::to_string(&head)?)?;
        self.lines.iter().try_for_each(|line| writeln!(to, "{}", serde_json::to_string(line)?))
    }

    /// Reads JSON lines; an error names the line.
    pub fn read(from: impl BufRead) -> Result<Self, String> {
        let mut history = Self::default();
        let mut is_headed = false;
        for (place, line) in from.lines().enumerate() {
            let line = line.map_err(|error| format!("line {}: {error}", place + 1))?;
            let wrong = |error| format!("line {}: {error}", place + 1);
            if place == 0 {
                let head: Head = serde_json::from_str(&line).map_err(wrong)?;
                if head.esker_history != VERSION {
                    return Err(format!(
                        "line 1: a history of version {}, this program reads {VERSION}",
                        head.esker_history
                    ));
                }
                history.partitions = head.partitions;
                history.groups = head.groups;
                history.passing = head.passing;
                is_headed = true;
            } else if !line.trim().is_empty() {
                history.lines.push(serde_json::from_str(&line).map_err(wrong)?);
            }
        }
        // An empty file has no anomalies, and says nothing of anybody.
        if is_headed { Ok(history) } else { Err("it is empty: the first line of a history says what it is".into()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let mut history = History { partitions: vec!["t-0".into()], groups: vec!["g".into()], ..History::default() };
        history.push(
            1,
            2,
            3,
            State::Invoke,
            Act::Send { partition: 0, values: vec![7], order: true, once: true, kept: false },
        );
        history.push(2, 2, 3, State::Ok, Act::Sent { offset: Some(4) });
        history.push(3, 2, 4, State::Ok, Act::Polled { reads: vec![Read { partition: 0, records: vec![(4, 7)] }] });
        history.push(4, 2, 5, State::Info, Act::Error { why: "timed out".into() });
        let mut text = Vec::new();
        history.write(&mut text).unwrap();
        assert_eq!(History::read(&text[..]), Ok(history));
        let text = String::from_utf8(text).unwrap();
        assert!(text.contains(r#"{"t":2,"client":2,"op":3,"state":"ok","do":"sent","offset":4}"#), "{text}");
    }

    #[test]
    fn a_wrong_line_is_named() {
        let text = "{\"esker_history\":1,\"partitions\":[],\"groups\":[]}\n{}\n";
        assert!(History::read(text.as_bytes()).unwrap_err().starts_with("line 2:"));
        assert!(History::read(&b""[..]).unwrap_err().contains("empty"));
        assert!(History::read(&b"{\"esker_history\":9,\"partitions\":[],\"groups\":[]}"[..]).is_err());
    }
}
