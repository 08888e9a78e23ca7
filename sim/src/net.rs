//! The network: connections between nodes and clients that carry whole frames.
//!
//! A connection is first in, first out each way; connections race freely. A frame takes its link's delay; on a link that is
//! cut it waits until the cut heals. A connection that is reset loses any suffix of what was under way, either way, and so
//! does one whose process died; what was under way before may still arrive, at a peer that is long gone.

use crate::dice::{Dice, Stream};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// A place on the network: a node or a client, numbered through.
pub type Peer = u16;

/// How a link (one way between two peers) behaves while it is whole.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LinkProfile {
    /// Delay of a frame, in microseconds.
    pub min_us: u64,
    pub max_us: u64,
    /// One frame in so many is held up by `spike_us` (0: none).
    pub spike_one_in: u64,
    pub spike_us: u64,
}

/// Which way a frame goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    /// From the peer that opened the connection.
    Out,
    /// To it.
    Back,
}

/// A connection's number: never used twice in a run.
pub type Conn = u32;

/// The doors of a node: its listener for clients and brokers, and that of the controllers.
pub const DOOR_BROKER: u8 = 0;
pub const DOOR_CONTROLLER: u8 = 1;

/// A frame of a connection is due: to be handed to [`Net::deliver`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Arrival {
    pub conn: Conn,
    pub way: Way,
}

/// What arrives.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Delivery {
    Frame(Bytes),
    /// The connection ended; nothing comes after it.
    Closed,
    /// Not yet: ask again then.
    Later(u64),
    /// Nothing, or nobody is there any more to take it.
    Nothing,
}

#[derive(Debug)]
enum Item {
    Frame(Bytes),
    Close,
}

#[derive(Debug, Default)]
struct Lane {
    items: VecDeque<(u64, Item)>,
    last: u64,
    /// Arrivals that came while nothing got through: to be asked for again.
    stalled: u32,
    /// How many faults hold this way of this connection back now.
    holds: u32,
    /// Nothing more is taken from its sender meanwhile.
    full: bool,
}

#[derive(Debug)]
struct Pair {
    from: Peer,
    to: Peer,
    /// Which door of the acceptor: the world's business.
    door: u8,
    /// Whether the opener and the acceptor still hold their end.
    held: [bool; 2],
    lanes: [Lane; 2],
}

/// Where the dice of the links begin that came late: beyond all others.
const LATE: usize = 1 << 32;

#[derive(Clone, Copy, Debug)]
struct Link {
    profile: LinkProfile,
    /// Which of the seed's dice are its own.
    stream: u64,
    /// How many faults cut it now.
    cuts: u32,
    sent: u64,
}

/// All links and connections.
#[derive(Debug)]
pub struct Net {
    seed: u64,
    peers: usize,
    links: Vec<Link>,
    pairs: Vec<Pair>,
}

impl Way {
    const fn place(self) -> usize {
        match self {
            Self::Out => 0,
            Self::Back => 1,
        }
    }

    pub const fn other(self) -> Self {
        match self {
            Self::Out => Self::Back,
            Self::Back => Self::Out,
        }
    }
}

impl Net {
    /// `profile` says how each link behaves, by its ends. Links of the peers from `late` on have dice of their own: with them a plan
    /// means for the others what it meant before there were any.
    pub fn new(seed: u64, peers: usize, late: usize, profile: impl Fn(Peer, Peer) -> LinkProfile) -> Self {
        let ends = (0..peers * peers).map(|place| (place / peers, place % peers));
        let link = |(from, to): (usize, usize)| {
            let stream = if from.max(to) < late { from * late + to } else { LATE + from * peers + to };
            Link { profile: profile(from as Peer, to as Peer), stream: stream as u64, cuts: 0, sent: 0 }
        };
        let links = ends.map(link).collect();
        // Number 0 is to a broker its connection with itself (`ConnId::LOCAL`): nobody else has it.
        let own = Pair { from: 0, to: 0, door: 0, held: [false; 2], lanes: Default::default() };
        Self { seed, peers, links, pairs: vec![own] }
    }

    /// Opens a connection. It is not known whether anybody is there until something arrives.
    pub fn open(&mut self, from: Peer, to: Peer, door: u8) -> Conn {
        self.pairs.push(Pair { from, to, door, held: [true; 2], lanes: Default::default() });
        (self.pairs.len() - 1) as Conn
    }

    /// Who gets what goes this way.
    pub fn receiver(&self, arrival: Arrival) -> Peer {
        let pair = &self.pairs[arrival.conn as usize];
        match arrival.way {
            Way::Out => pair.to,
            Way::Back => pair.from,
        }
    }

    pub fn door(&self, conn: Conn) -> u8 {
        self.pairs[conn as usize].door
    }

    /// The peer that opened the connection.
    pub fn opener(&self, conn: Conn) -> Peer {
        self.pairs[conn as usize].from
    }

    /// Sends a frame; says when it is due. `None`: the sender's end is gone.
    pub fn send(&mut self, now: u64, conn: Conn, way: Way, frame: Bytes) -> Option<(u64, Arrival)> {
        if !self.pairs[conn as usize].held[way.place()] {
            return None;
        }
        Some(self.put(now, conn, way, Item::Frame(frame)))
    }

    /// The end that sends `way` closes: the peer hears of it after all that was sent before.
    pub fn close(&mut self, now: u64, conn: Conn, way: Way) -> Option<(u64, Arrival)> {
        let pair = &mut self.pairs[conn as usize];
        if !std::mem::replace(&mut pair.held[way.place()], false) {
            return None;
        }
        Some(self.put(now, conn, way, Item::Close))
    }

    /// The connection breaks: each end hears of it after some first part of what was under way to it.
    pub fn reset(&mut self, now: u64, conn: Conn, dice: &mut Dice) -> Vec<(u64, Arrival)> {
        let mut due = Vec::new();
        for way in [Way::Out, Way::Back] {
            let pair = &mut self.pairs[conn as usize];
            if pair.held[way.other().place()] {
                let lane = &mut pair.lanes[way.place()];
                let kept = dice.below(lane.items.len() as u64 + 1) as usize;
                lane.items.truncate(kept);
                due.push(self.put(now, conn, way, Item::Close));
            }
        }
        due
    }

    /// The process at `peer` is gone, and its ends of all connections with it. `loud`: the others are told (the host still
    /// stands), otherwise they learn it when they send, or never.
    pub fn vanish(&mut self, now: u64, peer: Peer, loud: bool, dice: &mut Dice) -> Vec<(u64, Arrival)> {
        let mut due = Vec::new();
        for conn in 0..self.pairs.len() {
            let pair = &mut self.pairs[conn];
            let way = match (pair.from == peer, pair.to == peer) {
                (true, _) => Way::Out,
                (_, true) => Way::Back,
                (false, false) => continue,
            };
            if !std::mem::replace(&mut pair.held[way.place()], false) {
                continue;
            }
            let lane = &mut pair.lanes[way.place()];
            let kept = dice.below(lane.items.len() as u64 + 1) as usize;
            lane.items.truncate(kept);
            if loud {
                due.push(self.put(now, conn as Conn, way, Item::Close));
            }
        }
        due
    }

    /// Takes what is due. A frame for an end that is gone is answered with a reset, which `due` receives.
    pub fn deliver(&mut self, now: u64, arrival: Arrival, host_up: bool, due: &mut Vec<(u64, Arrival)>) -> Delivery {
        let Arrival { conn, way } = arrival;
        let pair = &mut self.pairs[conn as usize];
        let (from, to) = match way {
            Way::Out => (pair.from, pair.to),
            Way::Back => (pair.to, pair.from),
        };
        let cut = self.links[from as usize * self.peers + to as usize].cuts > 0;
        let lane = &mut pair.lanes[way.place()];
        let Some((at, _)) = lane.items.front() else { return Delivery::Nothing };
        if cut || lane.holds > 0 {
            lane.stalled += 1;
            return Delivery::Nothing;
        }
        if *at > now {
            return Delivery::Later(*at);
        }
        let receiver = way.other().place();
        match lane.items.pop_front() {
            Some((_, Item::Frame(frame))) if pair.held[receiver] => Delivery::Frame(frame),
            Some((_, Item::Frame(_))) => {
                if host_up && pair.held[way.place()] {
                    due.push(self.put(now, conn, way.other(), Item::Close));
                }
                Delivery::Nothing
            }
            Some((_, Item::Close)) => {
                if std::mem::replace(&mut pair.held[receiver], false) {
                    Delivery::Closed
                } else {
                    Delivery::Nothing
                }
            }
            None => Delivery::Nothing,
        }
    }

    /// Cuts the link from `from` to `to`, one way. Cuts add up.
    pub fn cut(&mut self, from: Peer, to: Peer) {
        self.links[from as usize * self.peers + to as usize].cuts += 1;
    }

    /// Takes one cut away; what waited is due again.
    pub fn mend(&mut self, now: u64, from: Peer, to: Peer) -> Vec<(u64, Arrival)> {
        let link = &mut self.links[from as usize * self.peers + to as usize];
        link.cuts = link.cuts.saturating_sub(1);
        if link.cuts > 0 {
            return Vec::new();
        }
        let mut due = Vec::new();
        for (conn, pair) in self.pairs.iter_mut().enumerate() {
            for way in [Way::Out, Way::Back] {
                let ends = if way == Way::Out { (pair.from, pair.to) } else { (pair.to, pair.from) };
                let lane = &mut pair.lanes[way.place()];
                if ends == (from, to) {
                    let stalled = std::mem::take(&mut lane.stalled);
                    due.extend((0..stalled).map(|_| (now + 1, Arrival { conn: conn as Conn, way })));
                }
            }
        }
        due
    }

    /// Holds back what goes this way on one connection; others between the same peers go on. What its ends give up meanwhile arrives late.
    pub fn hold(&mut self, conn: Conn, way: Way) {
        self.pairs[conn as usize].lanes[way.place()].holds += 1;
    }

    /// Its buffers are full, until nothing holds it back any more.
    pub fn fill(&mut self, conn: Conn, way: Way) {
        self.pairs[conn as usize].lanes[way.place()].full = true;
    }

    pub fn is_full(&self, conn: Conn, way: Way) -> bool {
        self.pairs[conn as usize].lanes[way.place()].full
    }

    /// Takes one hold away; what waited is due again.
    pub fn release(&mut self, now: u64, conn: Conn, way: Way) -> Vec<(u64, Arrival)> {
        let lane = &mut self.pairs[conn as usize].lanes[way.place()];
        lane.holds = lane.holds.saturating_sub(1);
        lane.full &= lane.holds > 0;
        let stalled = if lane.holds > 0 { 0 } else { std::mem::take(&mut lane.stalled) };
        (0..stalled).map(|_| (now + 1, Arrival { conn, way })).collect()
    }

    /// All cuts are mended, and nothing is held back.
    pub fn heal(&mut self, now: u64) -> Vec<(u64, Arrival)> {
        let mut due = Vec::new();
        for conn in 0..self.pairs.len() {
            for way in [Way::Out, Way::Back] {
                let lane = &mut self.pairs[conn].lanes[way.place()];
                if lane.holds > 0 {
                    lane.holds = 1;
                    due.extend(self.release(now, conn as Conn, way));
                }
            }
        }
        for place in 0..self.links.len() {
            if self.links[place].cuts > 0 {
                self.links[place].cuts = 1;
                due.extend(self.mend(now, (place / self.peers) as Peer, (place % self.peers) as Peer));
            }
        }
        due
    }

    /// The connections of which both ends are held, between these two peers (either way), or of `one` with anybody.
    pub fn between(&self, one: Peer, other: Option<Peer>) -> impl Iterator<Item = Conn> {
        self.pairs.iter().enumerate().filter_map(move |(conn, pair)| {
            let ends = [pair.from, pair.to];
            let meant = ends.contains(&one) && other.is_none_or(|other| ends.contains(&other));
            (meant && pair.held == [true; 2]).then_some(conn as Conn)
        })
    }

    fn put(&mut self, now: u64, conn: Conn, way: Way, item: Item) -> (u64, Arrival) {
        let pair = &mut self.pairs[conn as usize];
        let (from, to) = match way {
            Way::Out => (pair.from, pair.to),
            Way::Back => (pair.to, pair.from),
        };
        let place = from as usize * self.peers + to as usize;
        let link = &mut self.links[place];
        link.sent += 1;
        let mut dice = Dice::new(self.seed, Stream::Link, link.stream, link.sent);
        let mut delay = dice.between(link.profile.min_us, link.profile.max_us);
        if link.profile.spike_one_in > 0 && dice.chance(1, link.profile.spike_one_in) {
            delay += dice.below(link.profile.spike_us + 1);
        }
        let lane = &mut pair.lanes[way.place()];
        lane.last = lane.last.max(now + delay);
        lane.items.push_back((lane.last, item));
        (lane.last, Arrival { conn, way })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn net() -> Net {
        Net::new(5, 3, 3, |_, _| LinkProfile { min_us: 10, max_us: 500, spike_one_in: 5, spike_us: 10_000 })
    }

    /// Delivers all that is due, in order of time.
    fn drain(net: &mut Net, mut due: Vec<(u64, Arrival)>, host_up: bool) -> Vec<Delivery> {
        let mut got = Vec::new();
        while let Some(place) = (0..due.len()).min_by_key(|place| (due[*place].0, *place)) {
            let (at, arrival) = due.remove(place);
            match net.deliver(at, arrival, host_up, &mut due) {
                Delivery::Nothing => {}
                Delivery::Later(at) => due.push((at, arrival)),
                delivery => got.push(delivery),
            }
        }
        got
    }

    fn frame(n: u8) -> Bytes {
        Bytes::copy_from_slice(&[n])
    }

    #[test]
    fn one_connection_keeps_its_order_and_two_race() {
        let mut net = net();
        let conn = net.open(0, 1, 0);
        let due: Vec<_> = (0..50).filter_map(|n| net.send(u64::from(n), conn, Way::Out, frame(n))).collect();
        let got = drain(&mut net, due, true);
        assert_eq!(got, (0..50).map(|n| Delivery::Frame(frame(n))).collect::<Vec<_>>());

        let conns: Vec<_> = (0..20).map(|_| net.open(0, 1, 0)).collect();
        let due: Vec<_> = conns.iter().filter_map(|conn| net.send(0, *conn, Way::Out, frame(0))).collect();
        assert!(due.windows(2).any(|pair| pair[0].0 > pair[1].0));
    }

    #[test]
    fn a_cut_holds_frames_back_until_it_is_mended_and_is_one_way() {
        let mut net = net();
        let conn = net.open(0, 1, 0);
        net.cut(0, 1);
        net.cut(0, 1);
        let out = net.send(0, conn, Way::Out, frame(1)).unwrap();
        let back = net.send(0, conn, Way::Back, frame(2)).unwrap();
        assert_eq!(drain(&mut net, vec![out, back], true), [Delivery::Frame(frame(2))]);
        assert_eq!(net.mend(90_000, 0, 1), []);
        let due = net.mend(90_000, 0, 1);
        assert_eq!(drain(&mut net, due, true), [Delivery::Frame(frame(1))]);
    }

    #[test]
    fn a_connection_that_is_held_back_keeps_its_order_and_others_pass_it() {
        let mut net = net();
        let (slow, quick) = (net.open(0, 1, 0), net.open(0, 1, 0));
        net.hold(slow, Way::Out);
        let mut due: Vec<_> = (0..3).filter_map(|n| net.send(0, slow, Way::Out, frame(n))).collect();
        due.extend(net.send(1, quick, Way::Out, frame(9)));
        due.extend(net.close(2, slow, Way::Out));
        assert_eq!(drain(&mut net, due, true), [Delivery::Frame(frame(9))]);
        let due = net.release(90_000, slow, Way::Out);
        let late = [0, 1, 2].map(|n| Delivery::Frame(frame(n)));
        assert_eq!(drain(&mut net, due, true), [&late[..], &[Delivery::Closed]].concat());
    }

    #[test]
    fn a_reset_loses_a_suffix_and_tells_both() {
        let mut counts = std::collections::BTreeSet::new();
        for turn in 0..60 {
            let mut net = net();
            let conn = net.open(0, 1, 0);
            let mut due: Vec<_> = (0..5).filter_map(|n| net.send(0, conn, Way::Out, frame(n))).collect();
            due.extend(net.reset(5, conn, &mut Dice::new(turn, Stream::Fault, 0, 0)));
            let got = drain(&mut net, due, true);
            let frames: Vec<_> = got.iter().filter(|got| **got != Delivery::Closed).cloned().collect();
            assert_eq!(frames, (0..frames.len() as u8).map(|n| Delivery::Frame(frame(n))).collect::<Vec<_>>());
            assert_eq!(got.len() - frames.len(), 2, "each end is told once");
            counts.insert(frames.len());
            assert_eq!(net.send(9, conn, Way::Out, frame(9)), None);
        }
        assert_eq!(counts.len(), 6);
    }

    #[test]
    fn who_sends_to_a_vanished_process_is_refused_only_if_its_host_stands() {
        for host_up in [true, false] {
            let mut net = net();
            let conn = net.open(0, 1, 0);
            assert_eq!(net.vanish(0, 1, false, &mut Dice::new(0, Stream::Fault, 0, 0)), []);
            let due = net.send(1, conn, Way::Out, frame(1)).unwrap();
            let told = if host_up { vec![Delivery::Closed] } else { vec![] };
            assert_eq!(drain(&mut net, vec![due], host_up), told);
        }
    }

    #[test]
    fn a_close_comes_after_what_was_sent() {
        let mut net = net();
        let conn = net.open(0, 1, 0);
        let first = net.send(0, conn, Way::Back, frame(1)).unwrap();
        let second = net.close(0, conn, Way::Back).unwrap();
        assert_eq!(net.close(0, conn, Way::Back), None);
        assert_eq!(drain(&mut net, vec![first, second], true), [Delivery::Frame(frame(1)), Delivery::Closed]);
    }
}
