//! The clients of a script: whatever is handed in is sent, whatever is answered is kept until it is asked for.

use super::{Client, Ctx, Event, Heard, Link, Me};
use crate::net::{Peer, Way};
use bytes::Bytes;
use kafka_protocol::messages::{ApiKey, RequestKind, ResponseKind};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// What came of a request; `None`: the connection was lost, or nothing came in time.
pub type Answer = Option<ResponseKind>;

/// A request to be sent.
#[derive(Debug)]
pub struct Slip {
    /// Which of the script's clients asks: each has connections of its own.
    pub client: String,
    /// The node, and the lane to it.
    pub to: (Peer, u8),
    pub key: ApiKey,
    pub version: i16,
    pub body: RequestKind,
    pub timeout_us: u64,
}

#[derive(Debug, Default)]
struct Mail {
    out: Vec<(u64, Slip)>,
    answers: BTreeMap<u64, Answer>,
    /// Nodes to which all connections are to be let go.
    gone: Vec<Peer>,
    thrown: Vec<(Peer, u8, Bytes)>,
    tickets: u64,
}

/// All clients of a script. A clone is the script's own end of it.
#[derive(Clone, Debug, Default)]
pub struct Desk {
    mail: Rc<RefCell<Mail>>,
}

impl Desk {
    /// Hands a request in; the desk sends it when it is woken.
    pub fn put(&self, slip: Slip) -> u64 {
        let mut mail = self.mail.borrow_mut();
        mail.tickets += 1;
        let ticket = mail.tickets;
        mail.out.push((ticket, slip));
        ticket
    }

    /// Sends a frame as it is, over a connection of its own to one of the node's doors; nobody waits for an answer.
    pub fn throw(&self, node: Peer, door: u8, frame: Bytes) {
        self.mail.borrow_mut().thrown.push((node, door, frame));
    }

    /// The clients let go of their connections to a node, as one does that finds them dead.
    pub fn forget(&self, node: Peer) {
        self.mail.borrow_mut().gone.push(node);
    }

    /// The answer to a request, once there is one.
    pub fn take(&self, ticket: u64) -> Option<Answer> {
        self.mail.borrow_mut().answers.remove(&ticket)
    }

    /// What sits in the world.
    pub fn seat(&self, me: Me) -> impl Client + use<> {
        Clerk { me, mail: self.clone(), links: Vec::new() }
    }
}

struct Clerk {
    me: Me,
    mail: Desk,
    links: Vec<(String, Link<u64>)>,
}

impl Clerk {
    fn link(&mut self, client: &str) -> &mut Link<u64> {
        let place = self.links.iter().position(|(name, _)| name == client).unwrap_or_else(|| {
            self.links.push((client.to_string(), Link::new(self.me.peer, client)));
            self.links.len() - 1
        });
        &mut self.links[place].1
    }

    fn keep(&self, ticket: u64, answer: Answer) {
        self.mail.mail.borrow_mut().answers.insert(ticket, answer);
    }
}

impl Client for Clerk {
    fn on_event(&mut self, ctx: &mut Ctx<'_>, event: Event) {
        let conn = match &event {
            Event::Frame(conn, _) | Event::Closed(conn) => Some(*conn),
            Event::Wake | Event::Quiet => None,
        };
        let link = self.links.iter_mut().find(|(_, link)| conn.is_some_and(|conn| link.has(conn)));
        match link.map_or(Heard::Nothing, |(_, link)| link.hear(ctx, event)) {
            Heard::Answer(ticket, answer) => self.keep(ticket, Some(answer)),
            Heard::Lost(lost) => lost.into_iter().for_each(|ticket| self.keep(ticket, None)),
            Heard::Quiet | Heard::Nothing => {}
        }
        let gone = std::mem::take(&mut self.mail.mail.borrow_mut().gone);
        for node in gone {
            let lost: Vec<u64> = self.links.iter_mut().flat_map(|(_, link)| link.forget(node)).collect();
            lost.into_iter().for_each(|ticket| self.keep(ticket, None));
        }
        let thrown = std::mem::take(&mut self.mail.mail.borrow_mut().thrown);
        for (node, door, frame) in thrown {
            let conn = ctx.net.open(self.me.peer, node, door);
            ctx.due.extend(ctx.net.send(ctx.now, conn, Way::Out, frame));
        }
        let late: Vec<u64> = self.links.iter_mut().flat_map(|(_, link)| link.expire(ctx)).collect();
        late.into_iter().for_each(|ticket| self.keep(ticket, None));
        let out = std::mem::take(&mut self.mail.mail.borrow_mut().out);
        for (ticket, slip) in out {
            let Slip { client, to, key, version, body, timeout_us } = slip;
            self.link(&client).ask(ctx, to, key, version, body, timeout_us, ticket);
        }
    }

    fn next_wake(&self) -> Option<u64> {
        self.links.iter().filter_map(|(_, link)| link.next_deadline()).min()
    }
}
