//! When each broker was heard of last, and what speaks for its death: soft state of the active controller.
//!
//! A broker that is silent for `broker.session.timeout.ms` (9 s) is fenced. That alone is slow. A process that died
//! closes its connections and refuses new ones, and both are told at once. So, besides:
//!
//! 1. A broker is **suspected** when the connection on which its heartbeats came ends, or when this controller takes over
//!    and has not heard of it yet.
//! 2. A suspected broker is called every [`PROBE_EVERY`]. It is **unreachable** when calls have failed for [`GRACE`], at
//!    least twice, with not one success and not one heartbeat since the first; then it is fenced.
//! 3. A heartbeat, or a call that reaches it, ends the suspicion. Silence alone never begins one.
//! 4. A process that was fenced like this and is heard of again within [`CALM`] has its grace doubled, up to the session's
//!    time-out: a bad network makes it slow to fence, not flapping. A new process (a new incarnation) begins anew: the old
//!    one was dead indeed.
//!
//! A broker that is alive and cut off from the controller for longer than the grace is fenced too; it would have been anyway,
//! later. Fencing is safe at any time: it moves leaders within the in-sync set, and epochs fence the old one.

use crate::id::{ConnId, NodeId, Offset};
use crate::mutant::{self, Mutant};
use crate::time::{Mono, Span, earliest};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// How often a suspected broker is called.
pub const PROBE_EVERY: Span = Span::from_millis(200);
/// How long calls must have failed before the first fencing.
pub const GRACE: Span = Span::from_millis(600);
/// How long after such a fencing the next one needs twice the evidence.
pub const CALM: Span = Span::from_millis(60_000);

/// What is known of one registered broker.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Session {
    /// When it was heard of last, or when this controller began to wait for it.
    heard: Mono,
    /// The connection of its last heartbeat; `None`: not heard of yet, or that connection ended.
    conn: Option<ConnId>,
    /// How far it had applied the metadata.
    metadata: Offset,
    /// Its disk is full.
    full: bool,
    /// Where its fencing stands in the metadata: it serves again when it knows of it.
    fenced_at: Offset,
    /// The offset that all others must have applied before it may stop; set when its leaderships were moved away.
    leaving: Option<Offset>,
    suspicion: Option<Suspicion>,
    /// When it was fenced as unreachable last, and the grace that was given.
    burned: Option<(Mono, Span)>,
    /// It was fenced as unreachable, and has not been heard of since.
    gone: bool,
}

/// What speaks against a suspected broker.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Suspicion {
    /// The first failed call since it was heard of.
    failing_since: Option<Mono>,
    failures: u32,
    next_probe: Mono,
    /// A call is under way.
    calling: bool,
}

/// The sessions of all registered brokers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sessions {
    timeout: Span,
    by_node: BTreeMap<NodeId, Session>,
}

impl Sessions {
    pub const fn new(timeout: Span) -> Self {
        Self { timeout, by_node: BTreeMap::new() }
    }

    /// A broker registered, or this controller takes over and knows of it: its session begins. `suspect`: it has not
    /// been heard of by this controller.
    pub fn begin(&mut self, now: Mono, node: NodeId, suspect: bool) {
        let suspicion = suspect.then(|| Suspicion::new(now));
        let session = Session {
            heard: now,
            conn: None,
            metadata: Offset::NONE,
            full: false,
            fenced_at: Offset::NONE,
            leaving: None,
            suspicion,
            burned: None,
            gone: false,
        };
        self.by_node.insert(node, session);
    }

    pub fn end(&mut self, node: NodeId) {
        self.by_node.remove(&node);
    }

    /// A heartbeat came.
    pub fn on_heard(&mut self, now: Mono, node: NodeId, conn: ConnId, metadata: Offset) {
        let Some(session) = self.by_node.get_mut(&node) else { return };
        session.heard = now;
        session.conn = Some(conn);
        session.metadata = metadata;
        session.suspicion = None;
        session.gone = false;
    }

    /// A heartbeat said whether the broker's disk is full.
    pub fn set_full(&mut self, node: NodeId, full: bool) {
        if let Some(session) = self.by_node.get_mut(&node) {
            session.full = full;
        }
    }

    pub fn is_full(&self, node: NodeId) -> bool {
        self.by_node.get(&node).is_some_and(|session| session.full)
    }

    /// A connection ended.
    pub fn on_gone(&mut self, now: Mono, conn: ConnId) {
        for session in self.by_node.values_mut() {
            if session.conn == Some(conn) {
                session.conn = None;
                session.suspicion = Some(Suspicion::new(now));
            }
        }
    }

    /// The suspected brokers to call now; each is then waited for.
    pub fn take_probes(&mut self, now: Mono) -> Vec<NodeId> {
        let mut nodes = Vec::new();
        for (node, session) in &mut self.by_node {
            if let Some(suspicion) = &mut session.suspicion
                && !suspicion.calling
                && suspicion.next_probe <= now
            {
                suspicion.calling = true;
                nodes.push(*node);
            }
        }
        nodes
    }

    /// How a call to a suspected broker ended.
    pub fn on_probe(&mut self, now: Mono, node: NodeId, reached: bool) {
        let Some(session) = self.by_node.get_mut(&node) else { return };
        let Some(suspicion) = &mut session.suspicion else { return };
        if reached {
            session.suspicion = None;
            return;
        }
        suspicion.calling = false;
        suspicion.next_probe = now + PROBE_EVERY;
        suspicion.failures = suspicion.failures.saturating_add(1);
        suspicion.failing_since.get_or_insert(now);
    }

    /// Whether the broker's silence, or its closed door, has lasted long enough.
    pub fn lost(&self, now: Mono, node: NodeId) -> bool {
        self.by_node.get(&node).is_some_and(|session| self.silent(now, session) || self.unreachable(now, session))
    }

    fn silent(&self, now: Mono, session: &Session) -> bool {
        now >= session.heard + self.timeout && !mutant::is(Mutant::SilentNeverFenced)
    }

    fn unreachable(&self, now: Mono, session: &Session) -> bool {
        self.unreachable_at(session).is_some_and(|at| at <= now)
    }

    /// When failing calls are evidence enough, if nothing else is heard.
    fn unreachable_at(&self, session: &Session) -> Option<Mono> {
        let suspicion = session.suspicion.as_ref().filter(|suspicion| suspicion.failures >= 2)?;
        Some(suspicion.failing_since? + self.grace(session))
    }

    fn grace(&self, session: &Session) -> Span {
        match session.burned {
            Some((at, grace)) if session.heard < at + CALM => Span(grace.0.saturating_mul(2)).min(self.timeout),
            Some(_) | None => GRACE,
        }
    }

    /// The broker is fenced because it was lost: if as unreachable, the next time needs more.
    pub fn on_fenced(&mut self, now: Mono, node: NodeId) {
        let Some(session) = self.by_node.get(&node) else { return };
        let grace = self.unreachable(now, session).then(|| self.grace(session));
        if let Some(session) = self.by_node.get_mut(&node) {
            session.leaving = None;
            session.suspicion = None;
            if let Some(grace) = grace {
                session.burned = Some((now, grace));
                session.gone = true;
            }
        }
    }

    /// The metadata has it that the broker is fenced, at `offset` or before.
    pub fn must_learn(&mut self, node: NodeId, offset: Offset) {
        if let Some(session) = self.by_node.get_mut(&node) {
            session.fenced_at = offset;
        }
    }

    /// Whether the broker, which has applied the metadata up to `offset`, knows that it was fenced.
    pub fn has_learnt(&self, node: NodeId, offset: Offset) -> bool {
        self.by_node.get(&node).is_none_or(|session| session.fenced_at <= offset)
    }

    /// Whether the process that holds this id keeps another one from registering with it. It does while it is heard of on an
    /// open connection. One whose connection has ended makes room at once for a process that listens at `same_address`, where
    /// there cannot be two; and one that was fenced as unreachable, for a process that has the `same_folder`, and with it the
    /// lock that the other one held. The folder alone would prove nothing: a copy of it has the same id, and a lock of its own.
    pub fn guards(&self, now: Mono, node: NodeId, same_address: bool, same_folder: bool) -> bool {
        let Some(session) = self.by_node.get(&node) else { return false };
        let makes_room = session.conn.is_none() && same_address || session.gone && same_folder;
        !(self.lost(now, node) || makes_room)
    }

    /// The broker may stop when all others have applied up to `offset`.
    pub fn leave_after(&mut self, node: NodeId, offset: Offset) {
        if let Some(session) = self.by_node.get_mut(&node) {
            session.leaving.get_or_insert(offset);
        }
    }

    pub fn leaving(&self, node: NodeId) -> Option<Offset> {
        self.by_node.get(&node).and_then(|session| session.leaving)
    }

    /// How far the broker had applied the metadata when it was heard of last.
    pub fn metadata(&self, node: NodeId) -> Option<Offset> {
        self.by_node.get(&node).map(|session| session.metadata)
    }

    /// This node itself stood still for `gap` (a stopped process, a long pause): nobody else is to blame for that.
    pub fn forgive(&mut self, gap: Span) {
        for session in self.by_node.values_mut() {
            session.heard = session.heard + gap;
            if let Some(suspicion) = &mut session.suspicion {
                suspicion.failing_since = suspicion.failing_since.map(|at| at + gap);
            }
        }
    }

    /// When to look again. A fenced broker's session wakes nobody: `watched` says whose do.
    pub fn next_deadline(&self, watched: impl Fn(NodeId) -> bool) -> Option<Mono> {
        let each = self.by_node.iter().filter(|(node, _)| watched(**node)).map(|(_, session)| {
            let probe = session.suspicion.as_ref().filter(|s| !s.calling).map(|s| s.next_probe);
            let soonest = earliest([probe, self.unreachable_at(session)]);
            soonest.map_or(session.heard + self.timeout, |at| at.min(session.heard + self.timeout))
        });
        each.min()
    }

    /// Suspicions of brokers that nobody watches (they are fenced already) are dropped.
    pub fn forget_suspicions(&mut self, watched: impl Fn(NodeId) -> bool) {
        for (node, session) in &mut self.by_node {
            if session.suspicion.is_some() && !watched(*node) {
                session.suspicion = None;
            }
        }
    }

    /// Asserts that no more brokers are in session than `registered`, and that evidence is counted.
    pub fn check(&self, registered: impl Fn(NodeId) -> bool) {
        for (node, session) in &self.by_node {
            assert!(registered(*node), "a session of broker {node}, which is not registered");
            let counted = session.suspicion.as_ref().is_none_or(|s| (s.failures > 0) == s.failing_since.is_some());
            assert!(counted, "failed calls to broker {node} are counted from the first");
        }
    }
}

impl Suspicion {
    const fn new(now: Mono) -> Self {
        Self { failing_since: None, failures: 0, next_probe: now, calling: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: NodeId = NodeId(1);

    fn at(ms: u64) -> Mono {
        Mono(0) + Span::from_millis(ms)
    }

    fn sessions() -> Sessions {
        let mut sessions = Sessions::new(Span::from_millis(9000));
        sessions.begin(at(0), ONE, false);
        sessions.on_heard(at(0), ONE, ConnId(7), Offset(3));
        sessions
    }

    /// Calls that fail from `from` on, at the pace that the sessions ask for; when it is lost.
    fn fail_from(sessions: &mut Sessions, from: u64) -> u64 {
        (from..from + 20_000)
            .find(|ms| {
                for node in sessions.take_probes(at(*ms)) {
                    sessions.on_probe(at(*ms), node, false);
                }
                sessions.lost(at(*ms), ONE)
            })
            .expect("lost at last")
    }

    #[test]
    fn silence_takes_the_whole_session() {
        let sessions = sessions();
        assert!(!sessions.lost(at(8999), ONE));
        assert!(sessions.lost(at(9000), ONE));
        assert_eq!(sessions.next_deadline(|_| true), Some(at(9000)));
        assert_eq!(sessions.next_deadline(|_| false), None);
    }

    #[test]
    fn a_closed_connection_and_a_closed_door_take_the_grace() {
        let mut sessions = sessions();
        assert_eq!(sessions.take_probes(at(100)), []);
        sessions.on_gone(at(100), ConnId(8));
        assert_eq!(sessions.take_probes(at(100)), [], "another connection");
        sessions.on_gone(at(100), ConnId(7));
        assert_eq!(fail_from(&mut sessions, 100), 700);
        sessions.check(|_| true);
    }

    #[test]
    fn a_door_that_opens_or_a_heartbeat_ends_the_suspicion() {
        let mut sessions = sessions();
        sessions.on_gone(at(100), ConnId(7));
        for ms in [100, 300, 500] {
            assert_eq!(sessions.take_probes(at(ms)), [ONE]);
            sessions.on_probe(at(ms), ONE, false);
        }
        assert_eq!(sessions.take_probes(at(700)), [ONE]);
        sessions.on_probe(at(700), ONE, true);
        assert!(!sessions.lost(at(701), ONE));
        assert_eq!(sessions.take_probes(at(2000)), []);
        // A late answer to an old call says nothing.
        sessions.on_probe(at(2000), ONE, false);
        assert!(!sessions.lost(at(8000), ONE));

        sessions.on_heard(at(2000), ONE, ConnId(9), Offset(3));
        sessions.on_gone(at(2100), ConnId(9));
        assert_eq!(sessions.take_probes(at(2100)), [ONE]);
        sessions.on_probe(at(2100), ONE, false);
        sessions.on_heard(at(2200), ONE, ConnId(10), Offset(3));
        assert!(!sessions.lost(at(4000), ONE));
    }

    #[test]
    fn one_failed_call_is_no_evidence() {
        let mut sessions = sessions();
        sessions.on_gone(at(100), ConnId(7));
        sessions.take_probes(at(100));
        sessions.on_probe(at(100), ONE, false);
        // The second call hangs.
        assert_eq!(sessions.take_probes(at(300)), [ONE]);
        assert!(!sessions.lost(at(5000), ONE));
        assert!(sessions.lost(at(9000), ONE));
    }

    #[test]
    fn a_bad_network_makes_it_slow_not_flapping() {
        let mut sessions = sessions();
        let mut took = Vec::new();
        let mut ms = 100;
        for conn in 7..12 {
            sessions.on_heard(at(ms), ONE, ConnId(conn), Offset(3));
            sessions.on_gone(at(ms), ConnId(conn));
            let lost = fail_from(&mut sessions, ms);
            took.push(lost - ms);
            sessions.on_fenced(at(lost), ONE);
            ms = lost + 100;
        }
        assert_eq!(took, [600, 1200, 2400, 4800, 9000]);
        // After a calm minute all is forgotten.
        ms += 61_000;
        sessions.on_heard(at(ms), ONE, ConnId(20), Offset(3));
        sessions.on_gone(at(ms), ConnId(20));
        assert_eq!(fail_from(&mut sessions, ms) - ms, 600);
    }

    #[test]
    fn a_new_controller_suspects_everybody_it_has_not_heard_of() {
        let mut sessions = Sessions::new(Span::from_millis(9000));
        sessions.begin(at(0), ONE, true);
        assert_eq!(fail_from(&mut sessions, 0), 600);
    }

    #[test]
    fn an_id_is_guarded_while_its_holder_is_heard_of() {
        let mut sessions = sessions();
        assert!(sessions.guards(at(100), ONE, true, true), "an open connection guards even against the same address");
        sessions.on_gone(at(100), ConnId(7));
        assert!(sessions.guards(at(100), ONE, false, true), "a copy of the folder may be another process's");
        assert!(!sessions.guards(at(100), ONE, true, false), "restarted faster than it was missed");
        assert!(!sessions.guards(at(9000), ONE, false, false));
        assert!(!sessions.guards(at(100), NodeId(2), false, false));
    }

    #[test]
    fn a_holder_that_was_found_dead_makes_room_for_its_own_folder() {
        let mut sessions = sessions();
        sessions.on_gone(at(100), ConnId(7));
        assert_eq!(fail_from(&mut sessions, 100), 700);
        sessions.on_fenced(at(700), ONE);
        assert!(sessions.guards(at(700), ONE, false, false), "another folder waits for the whole session");
        assert!(!sessions.guards(at(700), ONE, false, true));
        sessions.on_heard(at(800), ONE, ConnId(8), Offset(3));
        assert!(sessions.guards(at(800), ONE, false, true), "it lives after all");
    }

    #[test]
    fn a_pause_of_our_own_is_nobody_elses_fault() {
        let mut sessions = sessions();
        sessions.forgive(Span::from_millis(60_000));
        assert!(!sessions.lost(at(68_999), ONE));
        assert!(sessions.lost(at(69_000), ONE));
    }
}
