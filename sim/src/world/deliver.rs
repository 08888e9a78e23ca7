//! What arrives: frames and ends of connections, at nodes and at clients.

use super::{Kind, World};
use crate::client;
use crate::net::{Arrival, Conn, Delivery, Way};
use crate::node::{body, listener};
use bytes::Bytes;
use esker_core::api::receive::{self, Received};
use esker_core::id::ConnId;
use esker_core::io::{CallFault, Input};
use esker_core::wire;

impl World {
    pub(super) fn on_arrival(&mut self, arrival: Arrival) {
        let receiver = self.net.receiver(arrival) as usize;
        let host_up = self.nodes.get(receiver).is_none_or(|node| node.host_up);
        match self.net.deliver(self.now, arrival, host_up, &mut self.due) {
            Delivery::Nothing => {}
            Delivery::Later(at) => self.due.push((at, arrival)),
            Delivery::Frame(frame) => {
                let digest = self.trace.event(self.now);
                digest.word(u64::from(arrival.conn) << 1 | u64::from(arrival.way == Way::Back));
                digest.bytes(&frame);
                if let Some(tapped) = &mut self.tapped {
                    tapped.push((arrival, listener(self.net.door(arrival.conn)), frame.clone()));
                }
                match (receiver < self.nodes.len(), arrival.way) {
                    (true, Way::Out) => self.on_request_frame(receiver, arrival.conn, frame),
                    (true, Way::Back) => self.on_answer_frame(receiver, arrival.conn, frame),
                    (false, _) => self.tell_client(self.seat_of(receiver), client::Event::Frame(arrival.conn, frame)),
                }
            }
            Delivery::Closed => {
                self.trace.event(self.now).word(u64::from(arrival.conn));
                match (receiver < self.nodes.len(), arrival.way) {
                    (true, Way::Out) => self.on_peer_gone(receiver, arrival.conn),
                    (true, Way::Back) => self.on_call_lost(receiver, arrival.conn),
                    (false, _) => self.tell_client(self.seat_of(receiver), client::Event::Closed(arrival.conn)),
                }
            }
        }
    }

    const fn seat_of(&self, peer: usize) -> usize {
        peer - self.nodes.len()
    }

    /// A request's frame reaches a node.
    fn on_request_frame(&mut self, node: usize, conn: Conn, frame: Bytes) {
        let door = self.net.door(conn);
        let opener = self.net.opener(conn);
        let own = &mut self.nodes[node];
        let Some(process) = &mut own.process else {
            // Nobody listens: the host says so, if it stands. The connection is no good for whoever listens later.
            let told = self.net.close(self.now, conn, Way::Back).filter(|_| own.host_up);
            self.due.extend(told);
            return;
        };
        let served = process.accept(conn, door, opener);
        if served.closing {
            return;
        }
        match receive::request(&frame, served.listener, ConnId(conn.into()), &served.host) {
            Ok(Received::Request { slip, mut request, .. }) => {
                request.seq = served.replies.open(slip);
                self.input(node, Input::Request(request));
            }
            Ok(Received::UnsupportedVersion { correlation }) => {
                served.replies.ready(wire::encode::unsupported_version(correlation));
                self.send_replies(node, conn);
            }
            Err(_) if self.bad_frames => self.on_peer_gone(node, conn),
            Err(bad) => self.fail(Kind::Safety, "bad-frame", format!("node {} cannot read a frame: {bad}", node + 1)),
        }
    }

    /// An answer's frame reaches the node that called.
    fn on_answer_frame(&mut self, node: usize, conn: Conn, frame: Bytes) {
        let Some(process) = &mut self.nodes[node].process else { return };
        let Some(calling) = process.calling.values_mut().find(|calling| calling.conn == conn) else { return };
        let Some((call, slip, _)) = calling.open.pop_front() else { return };
        match receive::reply(slip, &frame) {
            Ok((answer, checks)) => {
                self.input(node, Input::CallDone { call, result: Ok(Box::new(answer)), checks });
            }
            Err(bad) => self.fail(
                Kind::Safety,
                "bad-frame",
                format!("node {} cannot read the answer to {:?} v{}: {bad}", node + 1, slip.key, slip.version),
            ),
        }
    }

    /// A connection to the node ended.
    pub(super) fn on_peer_gone(&mut self, node: usize, conn: Conn) {
        let Some(process) = &mut self.nodes[node].process else { return };
        if process.served.remove(&conn).is_some() {
            self.due.extend(self.net.close(self.now, conn, Way::Back));
            self.input(node, Input::Gone { conn: ConnId(conn.into()) });
        }
    }

    /// A connection that the node had opened ended: so do the calls on it.
    pub(super) fn on_call_lost(&mut self, node: usize, conn: Conn) {
        let Some(process) = &mut self.nodes[node].process else { return };
        let Some(key) = process.calling.iter().find(|(_, calling)| calling.conn == conn).map(|(key, _)| key.clone())
        else {
            return;
        };
        let Some(calling) = process.calling.remove(&key) else { return };
        self.due.extend(self.net.close(self.now, conn, Way::Out));
        for (call, ..) in calling.open {
            self.input(node, Input::CallDone { call, result: Err(CallFault::Disconnected), checks: Vec::new() });
        }
    }

    /// Breaks the connections whose calls have waited too long for an answer.
    pub(super) fn sweep(&mut self) {
        for node in 0..self.nodes.len() {
            let Some(process) = &self.nodes[node].process else { continue };
            let late = |calling: &&crate::node::Calling| {
                calling.open.front().is_some_and(|(_, _, sent)| sent + self.plan.call_timeout_us < self.now)
            };
            let conns: Vec<Conn> = process.calling.values().filter(late).map(|calling| calling.conn).collect();
            for conn in conns {
                self.on_call_lost(node, conn);
            }
        }
    }

    /// Sends the replies that waited for a connection whose buffers were full.
    pub(super) fn send_waiting(&mut self, conn: Conn) {
        let node = self.net.receiver(Arrival { conn, way: Way::Out }) as usize;
        if node < self.nodes.len() && self.send(node, conn).is_err() {
            // A file is not what it was: that ends the connection, as in the server.
            self.on_peer_gone(node, conn);
        }
    }

    /// Sends the replies that are ready.
    pub(super) fn send_replies(&mut self, node: usize, conn: Conn) {
        if let Err(what) = self.send(node, conn) {
            self.fail(Kind::Safety, "reply-from-nowhere", what);
        }
    }

    /// Sends the replies that are ready, in the order of their requests. What they name of files is read now. Fails where it is not there.
    fn send(&mut self, node: usize, conn: Conn) -> Result<(), String> {
        if self.net.is_full(conn, Way::Back) {
            return Ok(());
        }
        let own = &mut self.nodes[node];
        let Some(process) = &mut own.process else { return Ok(()) };
        let Some(served) = process.served.get_mut(&conn) else { return Ok(()) };
        while let Some(frame) = served.replies.pop() {
            if frame.rest.is_empty() {
                self.due.extend(self.net.send(self.now, conn, Way::Back, body(&frame.head)));
                continue;
            }
            let mut bytes = Vec::with_capacity(frame.len());
            bytes.extend_from_slice(&frame.head);
            for segment in &frame.rest {
                match segment {
                    wire::Segment::Bytes(part) => bytes.extend_from_slice(part),
                    wire::Segment::File(range) => match own.disk.bytes(*range) {
                        Ok(part) if part.len() == range.len as usize => bytes.extend_from_slice(&part),
                        other => {
                            return Err(format!(
                                "a reply names {} at {} len {}, and there is {:?}",
                                range.file,
                                range.at,
                                range.len,
                                other.map(|part| part.len())
                            ));
                        }
                    },
                }
            }
            self.due.extend(self.net.send(self.now, conn, Way::Back, body(&Bytes::from(bytes))));
        }
        let close = served.closing && served.replies.is_empty();
        if close {
            self.on_peer_gone(node, conn);
        }
        Ok(())
    }
}
