//! The table of replies that wait. Waiting is data: a row can be printed, and there is no other place where a reply waits.
//!
//! A row ends in exactly one of these ways: whoever it waits for takes it ([`Table::take`]), its deadline passes
//! ([`Table::due`] names it, and it is taken), or its connection goes ([`Table::drop_connection`]).
//! A row may watch folders: [`Table::watchers`] names the rows to look at again when a log has moved.

use crate::id::{ConnId, DirId, HoldId};
use crate::io::Ask;
use crate::time::Mono;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

/// A waiting reply: where it goes, until when it waits, and what for.
#[derive(Debug)]
pub struct Row<W> {
    pub ask: Ask,
    pub since: Mono,
    /// When it stops waiting; `None`: somebody else keeps the time.
    pub deadline: Option<Mono>,
    pub waiting: W,
    watched: Vec<DirId>,
}

/// Rows in the order in which they came. `W` says what a row waits for.
#[derive(Debug)]
pub struct Table<W> {
    rows: BTreeMap<HoldId, Row<W>>,
    /// Every deadline of `rows`, soonest first.
    deadlines: BTreeSet<(Mono, HoldId)>,
    connections: BTreeSet<(ConnId, HoldId)>,
    watches: BTreeSet<(DirId, HoldId)>,
    last: u64,
}

impl<W> Default for Table<W> {
    fn default() -> Self {
        Self {
            rows: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            connections: BTreeSet::new(),
            watches: BTreeSet::new(),
            last: 0,
        }
    }
}

impl<W> Table<W> {
    pub fn insert(&mut self, ask: Ask, since: Mono, deadline: Option<Mono>, waiting: W) -> HoldId {
        self.last += 1;
        let id = HoldId(self.last);
        if let Some(at) = deadline {
            self.deadlines.insert((at, id));
        }
        self.connections.insert((ask.conn, id));
        self.rows.insert(id, Row { ask: ask.apart(), since, deadline, waiting, watched: Vec::new() });
        id
    }

    /// The row waits until `deadline` now.
    pub fn put_off(&mut self, id: HoldId, deadline: Mono) {
        let Some(row) = self.rows.get_mut(&id) else { return };
        if let Some(at) = row.deadline.replace(deadline) {
            self.deadlines.remove(&(at, id));
        }
        self.deadlines.insert((deadline, id));
    }

    /// From now on `id` is among the [`Table::watchers`] of `dir`.
    pub fn watch(&mut self, id: HoldId, dir: DirId) {
        if let Some(row) = self.rows.get_mut(&id)
            && self.watches.insert((dir, id))
        {
            row.watched.push(dir);
        }
    }

    /// The rows that watch `dir`, in the order in which they came.
    pub fn watchers(&self, dir: DirId) -> impl Iterator<Item = HoldId> + '_ {
        self.watches.range((dir, HoldId(0))..=(dir, HoldId(u64::MAX))).map(|(_, id)| *id)
    }

    pub fn get(&self, id: HoldId) -> Option<&Row<W>> {
        self.rows.get(&id)
    }

    pub fn get_mut(&mut self, id: HoldId) -> Option<&mut W> {
        self.rows.get_mut(&id).map(|row| &mut row.waiting)
    }

    /// Ends the row: its reply can now leave, once.
    pub fn take(&mut self, id: HoldId) -> Option<Row<W>> {
        let row = self.rows.remove(&id)?;
        if let Some(at) = row.deadline {
            self.deadlines.remove(&(at, id));
        }
        self.connections.remove(&(row.ask.conn, id));
        for dir in &row.watched {
            self.watches.remove(&(*dir, id));
        }
        Some(row)
    }

    /// A row whose deadline has passed, the most overdue first.
    pub fn due(&self, now: Mono) -> Option<HoldId> {
        self.deadlines.first().filter(|(at, _)| *at <= now).map(|(_, id)| *id)
    }

    pub fn next_deadline(&self) -> Option<Mono> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    /// Ends all rows of a connection that has gone, and hands them back: nobody will read their replies.
    pub fn drop_connection(&mut self, conn: ConnId) -> Vec<(HoldId, Row<W>)> {
        let ids: Vec<HoldId> =
            self.connections.range((conn, HoldId(0))..=(conn, HoldId(u64::MAX))).map(|(_, id)| *id).collect();
        ids.into_iter().filter_map(|id| self.take(id).map(|row| (id, row))).collect()
    }

    pub fn iter(&self) -> impl Iterator<Item = (HoldId, &Row<W>)> {
        self.rows.iter().map(|(id, row)| (*id, row))
    }

    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Asserts that the indexes name exactly the rows.
    pub fn check(&self) {
        assert_eq!(self.connections.len(), self.rows.len(), "hold: a row without its connection, or the reverse");
        let timed = self.rows.values().filter(|row| row.deadline.is_some()).count();
        assert_eq!(self.deadlines.len(), timed, "hold: a deadline without its row, or the reverse");
        let watched: usize = self.rows.values().map(|row| row.watched.len()).sum();
        assert_eq!(self.watches.len(), watched, "hold: a watch without its row, or the reverse");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::Listener;
    use alloc::vec;
    use bytes::Bytes;
    use kafka_protocol::protocol::StrBytes;

    fn ask(conn: u64) -> Ask {
        Ask {
            conn: ConnId(conn),
            seq: 0,
            version: 0,
            listener: Listener::Broker,
            door: 0,
            client_id: StrBytes::new(),
            client_host: StrBytes::new(),
        }
    }

    #[test]
    fn a_row_keeps_nothing_of_the_frame_that_asked() {
        let frame = Bytes::from(vec![b'c'; 1000]);
        let mut table = Table::default();
        let client_id = StrBytes::from_utf8(frame.slice(..10)).expect("UTF-8");
        let id = table.insert(Ask { client_id, ..ask(1) }, Mono(0), None, "waits");
        assert!(frame.is_unique());
        assert_eq!(table.get(id).map(|row| row.ask.client_id.as_str()), Some("cccccccccc"));
    }

    #[test]
    fn a_row_ends_once_and_leaves_nothing_behind() {
        let mut table = Table::default();
        let first = table.insert(ask(1), Mono(0), Some(Mono(10)), "first");
        let second = table.insert(ask(1), Mono(0), None, "second");
        table.watch(first, DirId(5));
        table.watch(first, DirId(5));
        table.watch(second, DirId(5));
        table.check();
        assert_eq!(table.watchers(DirId(5)).collect::<Vec<_>>(), [first, second]);
        assert_eq!(table.due(Mono(9)), None);
        assert_eq!(table.due(Mono(10)), Some(first));
        assert_eq!(table.take(first).map(|row| row.waiting), Some("first"));
        assert!(table.take(first).is_none());
        table.check();
        assert_eq!(table.next_deadline(), None);
        assert_eq!(table.drop_connection(ConnId(1)).len(), 1);
        assert!(table.is_empty() && table.watchers(DirId(5)).next().is_none());
        table.check();
    }
}
