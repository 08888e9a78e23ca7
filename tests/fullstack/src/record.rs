//! What was seen of a run. There is one of it, in the one thread in which everything runs.

use esker_core::id::PartitionKey;
use esker_core::io::Note;
use esker_server::simulated::Seen;
use esker_sim::check::Anomaly;
use esker_sim::history::History;
use esker_sim::trace::{Digest, Keep, Trace};
use esker_sim::world::{Failure, Kind};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::net::{IpAddr, SocketAddr};
use tokio::sync::mpsc::UnboundedSender;

/// A process ended by itself.
#[derive(Debug)]
pub struct Ended {
    pub node: usize,
    /// Why, if not because it was asked to.
    pub fault: Option<String>,
}

/// What was seen.
#[derive(Debug)]
pub struct Record {
    pub trace: Trace,
    pub history: History,
    pub marks: BTreeMap<String, u64>,
    pub faults: BTreeMap<&'static str, u64>,
    pub failure: Option<Failure>,
    /// Who said last that it leads a partition, in the order in which the partitions were led first, and who that it leads the
    /// metadata: by node, from 0.
    pub leaders: Vec<(PartitionKey, usize)>,
    pub controller: Option<usize>,
    pub serving: Vec<bool>,
    /// What each client still misses.
    pub unsettled: BTreeMap<usize, String>,
    pub corrupt: Vec<String>,
}

thread_local! {
    static RECORD: RefCell<Option<Record>> = const { RefCell::new(None) };
}

/// Begins a new record.
pub fn begin(keep: Keep, nodes: usize, history: History) {
    RECORD.set(Some(Record {
        trace: Trace::new(keep),
        history,
        marks: BTreeMap::new(),
        faults: BTreeMap::new(),
        failure: None,
        leaders: Vec::new(),
        controller: None,
        serving: vec![false; nodes],
        unsettled: BTreeMap::new(),
        corrupt: Vec::new(),
    }));
}

/// Ends the record and gives it away.
pub fn take() -> Record {
    RECORD.take().expect("a record was begun")
}

pub fn with<T>(see: impl FnOnce(&mut Record) -> T) -> T {
    RECORD.with_borrow_mut(|record| see(record.as_mut().expect("a record was begun")))
}

/// Microseconds since the world's beginning.
pub fn now() -> u64 {
    madsim::time::TimeHandle::current().elapsed().as_micros() as u64
}

/// Where a node, and where a client lives: nodes from 10.0.0.1, clients from 10.0.1.1.
pub fn host(net: u8, place: usize) -> IpAddr {
    IpAddr::from([10, 0, net, place as u8 + 1])
}

/// The name of what lives at an address, for a reader.
fn name(at: SocketAddr) -> String {
    match at.ip() {
        IpAddr::V4(ip) if ip.octets()[2] == 0 => format!("n{}", ip.octets()[3]),
        IpAddr::V4(ip) => format!("c{}", ip.octets()[3]),
        IpAddr::V6(ip) => ip.to_string(),
    }
}

/// Takes what the servers and the sockets show.
pub fn on_seen(
    seen: Seen<'_>,
    node_of: impl Fn(madsim::task::NodeId) -> Option<usize>,
    ended: &UnboundedSender<Ended>,
) {
    let at = now();
    with(|record| match seen {
        Seen::Sent { from, to, bytes } => {
            let digest = record.trace.event(at);
            digest.word(u64::from(from.port()) << 16 | u64::from(to.port()));
            digest.bytes(name(from).as_bytes());
            digest.bytes(name(to).as_bytes());
            digest.bytes(bytes);
            if record.trace.wants_lines() {
                let line = format!(":{} > {}:{} {} bytes", from.port(), name(to), to.port(), bytes.len());
                record.trace.line(at, name(from), line);
            }
        }
        Seen::Note { node, note } => {
            let Some(node) = node_of(node) else { return };
            record.on_note(at, node, note);
        }
        Seen::EndsAtOnce { node } => {
            let Some(node) = node_of(node) else { return };
            record.mark("ended at once");
            record.tell(at, format_args!("n{}", node + 1), "ends at once");
            // The world is there as long as the run.
            let _ = ended.send(Ended { node, fault: None });
        }
    });
}

/// Text that only its hash is wanted of.
struct Hashed<'a>(&'a mut Digest);

impl fmt::Write for Hashed<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.bytes(text.as_bytes());
        Ok(())
    }
}

impl Record {
    fn on_note(&mut self, at: u64, node: usize, note: &Note) {
        let _ = write!(Hashed(self.trace.event(at)), "{note}");
        if self.trace.wants_lines() {
            self.trace.line(at, format_args!("n{}", node + 1), note);
        }
        let mark = match note {
            Note::LogOpened { cut_bytes, .. } if *cut_bytes > 0 => "log-opened-cut",
            Note::Leads { partition, .. } => {
                match self.leaders.iter_mut().find(|(known, _)| known == partition) {
                    Some((_, leader)) => *leader = node,
                    None => self.leaders.push((*partition, node)),
                }
                note.kind()
            }
            Note::Quorum { role, .. } => {
                if *role == "leader" {
                    self.controller = Some(node);
                }
                role
            }
            _ => note.kind(),
        };
        self.mark(mark);
    }

    pub fn mark(&mut self, what: &str) {
        match self.marks.get_mut(what) {
            Some(count) => *count += 1,
            None => drop(self.marks.insert(what.into(), 1)),
        }
    }

    /// Something of the run's own course: part of the trace, and a line of it.
    pub fn tell(&mut self, at: u64, who: impl std::fmt::Display, what: impl std::fmt::Display) {
        let digest = self.trace.event(at);
        // Writing to a digest cannot fail.
        let _ = write!(Hashed(digest), "{who} {what}");
        if self.trace.wants_lines() {
            self.trace.line(at, who, what);
        }
    }

    /// Notes a failure; the first is what counts.
    pub fn fail(&mut self, kind: Kind, property: &'static str, at: u64, what: impl Into<String>) {
        self.failure.get_or_insert_with(|| Failure { kind, anomaly: Anomaly::new(property, at, what) });
    }
}
