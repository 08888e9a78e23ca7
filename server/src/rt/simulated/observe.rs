//! What the simulation sees of the servers that run in it, and the wall clocks that it gives them.

use esker_core::io::Note;
use madsim::task::NodeId;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Something that happened.
#[derive(Debug)]
pub enum Seen<'a> {
    /// Bytes went out on a connection.
    Sent { from: SocketAddr, to: SocketAddr, bytes: &'a [u8] },
    /// A node noted something.
    Note { node: NodeId, note: &'a Note },
    /// A process ends without another word.
    EndsAtOnce { node: NodeId },
}

type Observer = Box<dyn FnMut(Seen<'_>)>;

thread_local! {
    static OBSERVER: RefCell<Option<Observer>> = const { RefCell::new(None) };
    /// How far each node's wall clock is off, in milliseconds.
    static WALL_OFFSETS: RefCell<BTreeMap<NodeId, i64>> = const { RefCell::new(BTreeMap::new()) };
}

/// Wall time of the world's beginning.
const EPOCH: Duration = Duration::from_millis(1_800_000_000_000);

/// Everything is shown to `observer` from now on.
pub fn observe(observer: impl FnMut(Seen<'_>) + 'static) {
    OBSERVER.set(Some(Box::new(observer)));
}

pub(super) fn show(seen: Seen<'_>) {
    OBSERVER.with_borrow_mut(|observer| {
        if let Some(observer) = observer {
            observer(seen);
        }
    });
}

/// The node that runs now notes something.
pub fn on_note(note: &Note) {
    show(Seen::Note { node: madsim::plugin::node(), note });
}

/// Puts a node's wall clock that far off the true time.
pub fn set_wall_offset(node: NodeId, ms: i64) {
    WALL_OFFSETS.with_borrow_mut(|offsets| offsets.insert(node, ms));
}

/// The time since the world's beginning: nobody's machine sleeps.
pub fn mono() -> Duration {
    madsim::time::TimeHandle::current().elapsed()
}

/// What the wall clock of the node says that runs now.
pub fn wall() -> SystemTime {
    let off = WALL_OFFSETS.with_borrow(|offsets| offsets.get(&madsim::plugin::node()).copied()).unwrap_or(0);
    let now = UNIX_EPOCH + EPOCH + mono();
    let by = Duration::from_millis(off.unsigned_abs());
    if off < 0 { now - by } else { now + by }
}
