//! The drive loop of a node: an input in, all outputs out, then the next deadline. What a shell does, in virtual time.

use super::{Event, Kind, World};
use crate::disk::{Due, Loss};
use crate::net::{Conn, Way};
use crate::node::{Calling, Node, body};
use esker_core::id::CallId;
use esker_core::io::{Address, Input, Lane, Output, Reply};
use esker_core::wire::{Slip, calls};
use kafka_protocol::messages::{ApiKey, RequestKind};
use std::collections::VecDeque;
use std::fmt;

impl World {
    pub(super) fn on_start(&mut self, node: usize) {
        // A start that was due from before does not bring back who died for good (seed 912004222).
        if self.nodes[node].process.is_some() || self.perished == Some(node) {
            return;
        }
        self.trace.event(self.now).word(0x2000 + node as u64);
        self.nodes[node].start(&self.plan, self.now);
        self.watch.on_start(node, &self.nodes[node].disk);
        self.input(node, Input::Boot);
        self.look(node);
    }

    pub(super) fn on_disk(&mut self, node: usize, incarnation: u32, due: Due) {
        let own = &mut self.nodes[node];
        if own.incarnation != incarnation || own.process.is_none() {
            return;
        }
        let ended = own.disk.complete(due);
        if let (Some((tag, op)), Some(process)) = (own.disk.stuck(due), &own.process) {
            self.marks.on_stuck(tag, op, &process.broker);
        }
        if let Some((at, due)) = own.disk.begin(self.now, due) {
            self.queue.push(at, Event::Disk { node, incarnation, due });
        }
        let Some((tag, result)) = ended else { return };
        let left = self.nodes[node].disk.left.take().filter(|_| result.is_ok());
        self.watch.on_disk_done(node, tag, result.is_ok(), left);
        let digest = self.trace.event(self.now);
        digest.word(0x3000 + node as u64);
        digest.word(tag.serial);
        digest.word(result.is_ok().into());
        self.input(node, Input::Disk { tag, result });
    }

    pub(super) fn on_tick(&mut self, node: usize, incarnation: u32) {
        let own = &mut self.nodes[node];
        let Some(process) = own.process.as_mut().filter(|_| own.incarnation == incarnation) else { return };
        if process.tick_at.is_some_and(|at| at <= self.now) {
            process.tick_at = None;
        }
        match process.broker.next_deadline() {
            Some(deadline) if deadline <= own.clock.now(self.now).mono => {
                self.trace.event(self.now).word(0x4000 + node as u64);
                self.input(node, Input::Tick);
            }
            _ => self.schedule_tick(node),
        }
    }

    /// Hands an input to a node, unless its process is gone; one that stands still gets it later.
    pub(super) fn input(&mut self, node: usize, input: Input) {
        let own = &mut self.nodes[node];
        let Some(process) = &mut own.process else { return };
        if own.paused_until.is_some() {
            // A process that stands still wakes to one tick, not to all that it missed.
            if !matches!(input, Input::Tick) {
                own.inbox.push_back(input);
            }
            return;
        }
        if self.trace.wants_lines() {
            self.trace.line(self.now, format_args!("{} <", own.id), Whole(&input));
        }
        self.marks.on_input(&input, &process.broker);
        let now = own.clock.now(self.now);
        self.watch.begin(node, now);
        if let Input::Request(request) = &input {
            self.watch.on_request(node, request, process.broker.node());
        }
        let asked = if let Input::Request(request) = &input { Some((request.conn, request.seq)) } else { None };
        process.broker.handle(now, input);
        if let Some((conn, seq)) = asked.filter(|(conn, seq)| process.broker.puts_off(*conn, *seq)) {
            self.watch.on_put_off((conn, seq));
        }
        self.drain(node);
        self.schedule_tick(node);
        self.look_inside(node);
    }

    fn look_inside(&mut self, node: usize) {
        let own = &self.nodes[node];
        let Some(process) = &own.process else { return };
        process.broker.check();
        self.marks.after(&process.broker);
        if self.loss {
            return;
        }
        if let Err((property, what)) = self.watch.after(node, &self.nodes) {
            self.fail(Kind::Safety, property, format!("node {}: {what}", node + 1));
        }
    }

    fn drain(&mut self, node: usize) {
        loop {
            let own = &mut self.nodes[node];
            let Some(process) = &mut own.process else { return };
            let Some(output) = process.broker.poll_output() else { return };
            if self.trace.wants_lines() {
                self.trace.line(self.now, format_args!("{} >", own.id), WholeOutput(&output));
            }
            self.marks.on_output(&output, &process.broker);
            self.look_for_prey(node, &output);
            let own = &mut self.nodes[node];
            let Some(process) = &mut own.process else { return };
            match output {
                Output::Reply { conn, seq, reply } => {
                    self.watch.on_reply(node, (conn, seq), &reply, process.broker.node());
                    let conn = conn.0 as Conn;
                    let done = process.served.get_mut(&conn).map_or(Ok(()), |served| served.replies.done(seq, &reply));
                    if let Err(wrong) = done {
                        self.fail(Kind::Safety, "reply-unencodable", wrong.to_string());
                    }
                    self.send_replies(node, conn);
                }
                Output::Close { conn } => {
                    self.watch.on_close(conn);
                    let conn = conn.0 as Conn;
                    if process.served.remove(&conn).is_some() {
                        self.due.extend(self.net.close(self.now, conn, Way::Back));
                        let incarnation = own.incarnation;
                        self.queue.push(self.now + 1, Event::Gone { node, incarnation, conn });
                    }
                }
                Output::Call { call, to, lane, key, version, body } => {
                    self.watch.on_call(node, &body, process.broker.node());
                    self.call(node, call, to, lane, key, version, &body)
                }
                Output::Disk { tag, op } => {
                    self.watch.on_disk_op(node, tag, &op, &own.disk, process.broker.node());
                    if let Some((at, due)) = own.disk.submit(self.now, tag, op) {
                        self.queue.push(at, Event::Disk { node, incarnation: own.incarnation, due });
                    }
                }
                Output::Note(note) => self.watch.on_note(node, &note, &own.disk),
                Output::Ready => process.ready = true,
                Output::Stopped { clean, why } => return self.on_stopped(node, clean, &why),
            }
        }
    }

    fn call(
        &mut self,
        node: usize,
        call: CallId,
        to: Address,
        lane: Lane,
        key: ApiKey,
        version: i16,
        request: &RequestKind,
    ) {
        let own = &mut self.nodes[node];
        let Some(process) = &mut own.process else { return };
        let Some((peer, door)) = Node::find(&to).filter(|(peer, _)| (*peer as usize) < self.plan.nodes.len()) else {
            return self.fail(Kind::Safety, "call-to-nowhere", format!("node {} calls {to}", node + 1));
        };
        let net = &mut self.net;
        let calling = process.calling.entry((to, lane)).or_insert_with(|| Calling {
            conn: net.open(own.peer, peer, door),
            open: VecDeque::new(),
            correlation: 0,
        });
        calling.correlation += 1;
        let slip = Slip { key, version, correlation: calling.correlation };
        match calls::encode(slip, &lane.client_id(own.id), request) {
            Ok(frame) => {
                calling.open.push_back((call, slip, self.now));
                self.due.extend(net.send(self.now, calling.conn, Way::Out, body(&frame)));
            }
            Err(wrong) => self.fail(Kind::Safety, "call-unencodable", wrong.to_string()),
        }
    }

    fn on_stopped(&mut self, node: usize, clean: bool, why: &str) {
        if self.trace.wants_lines() {
            self.trace.line(
                self.now,
                format_args!("{} -", self.nodes[node].id),
                format_args!("stopped clean={clean} {why}"),
            );
        }
        // Nothing but its disk makes a node give itself up.
        if !clean && !self.nodes[node].disk.is_to_blame() {
            self.fail(
                Kind::Safety,
                "gave-up",
                format!("node {} gives itself up, and its disk is whole: {why}", node + 1),
            );
        }
        self.nodes[node].ended = Some(if clean { "in order".into() } else { why.to_string() });
        let down_us = if self.healed { 1 } else { self.nodes[node].down_us };
        self.kill(node, Loss::Nothing, true);
        self.queue.push(self.now + down_us, Event::Start(node));
    }

    /// The deadline of the node, as an event.
    pub(super) fn schedule_tick(&mut self, node: usize) {
        let own = &mut self.nodes[node];
        let Some(process) = &mut own.process else { return };
        let Some(deadline) = process.broker.next_deadline() else { return };
        let at = own.clock.when(deadline).max(self.now + 1);
        if process.tick_at.is_none_or(|known| at < known) {
            process.tick_at = Some(at);
            self.queue.push(at, Event::Tick { node, incarnation: own.incarnation });
        }
    }
}

/// As much of a message's body as a reader wants to see.
const BODY_CHARS: usize = 600;

fn write_body(f: &mut fmt::Formatter<'_>, body: &dyn fmt::Debug) -> fmt::Result {
    let text = format!("{body:?}").replace(", unknown_tagged_fields: {}", "");
    write!(f, " {}", text.chars().take(BODY_CHARS).collect::<String>())
}

/// An input with the body of its message.
struct Whole<'a>(&'a Input);

/// An output with the body of its message.
struct WholeOutput<'a>(&'a Output);

impl fmt::Display for Whole<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        match self.0 {
            Input::Request(request) => write_body(f, &request.body),
            Input::CallDone { result: Ok(body), .. } => write_body(f, body),
            Input::Boot
            | Input::Gone { .. }
            | Input::CallDone { .. }
            | Input::Disk { .. }
            | Input::Tick
            | Input::Room { .. }
            | Input::Stop => Ok(()),
        }
    }
}

impl fmt::Display for WholeOutput<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        match self.0 {
            Output::Reply { reply: Reply::Plain(body), .. } => write_body(f, body),
            Output::Reply { reply: Reply::Fetch { response, .. }, .. } => write_body(f, response),
            Output::Call { .. }
            | Output::Close { .. }
            | Output::Disk { .. }
            | Output::Note(_)
            | Output::Ready
            | Output::Reply { .. }
            | Output::Stopped { .. } => Ok(()),
        }
    }
}
