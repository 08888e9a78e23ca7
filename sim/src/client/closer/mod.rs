//! A last client: when all is healed it asks one thing of each kind, in any version, of any node, many of them in a row on one
//! connection. Whatever the answer is (`check/now` judges it), there has to be one: a request that is held and then forgotten looks
//! like a slow node to clients that give up after a while, and this one does not.

mod questions;

use super::link::DATA;
use super::{Client, Ctx, Event, Heard, Link, Me};
use crate::dice::Dice;
use crate::net::Peer;
use kafka_protocol::messages::{ApiKey, RequestKind};

/// Beyond the end of any run.
const NEVER_US: u64 = 1 << 50;
/// After a connection was lost.
const RETRY_US: u64 = 200_000;

/// Something that is asked: in which version and how, once that is drawn. It is asked again as it was.
#[derive(Clone, Debug)]
struct Question {
    key: ApiKey,
    asked: Option<(i16, RequestKind)>,
}

/// Who asks last.
#[derive(Debug)]
pub struct Closer {
    me: Me,
    /// What is under way, and to whom.
    link: Link<(Question, Peer)>,
    /// What is to be asked, from when on.
    open: Vec<Question>,
    not_before: u64,
}

impl Closer {
    pub fn new(has_groups: bool, me: Me) -> Self {
        let of_groups = if has_groups { questions::OF_GROUPS } else { &[] };
        let keys = questions::ALL.iter().chain(of_groups);
        let open = keys.map(|key| Question { key: *key, asked: None }).collect();
        Self { link: Link::new(me.peer, "closer"), open, not_before: 0, me }
    }

    fn ask(&mut self, ctx: &mut Ctx<'_>) {
        if ctx.now < self.not_before {
            return;
        }
        for Question { key, asked } in std::mem::take(&mut self.open) {
            let mut dice: Dice = self.me.dice();
            let node = dice.below(ctx.plan.nodes.len() as u64) as Peer;
            let asked = asked.unwrap_or_else(|| questions::question(key, ctx.plan, &mut dice));
            let (version, request) = asked.clone();
            self.link.ask(
                ctx,
                (node, DATA),
                key,
                version,
                request,
                NEVER_US,
                (Question { key, asked: Some(asked) }, node),
            );
        }
    }
}

impl Client for Closer {
    fn on_event(&mut self, ctx: &mut Ctx<'_>, event: Event) {
        if let Heard::Lost(keys) = self.link.hear(ctx, event) {
            self.open.extend(keys.into_iter().map(|(question, _)| question));
            self.not_before = ctx.now + RETRY_US;
        }
        self.ask(ctx);
    }

    fn next_wake(&self) -> Option<u64> {
        (!self.open.is_empty()).then_some(self.not_before)
    }

    fn settled(&self, gone: Option<Peer>) -> Result<(), String> {
        if let Some(question) = self.open.first() {
            return Err(format!("{:?} is still to be asked", question.key));
        }
        let mut waits = self.link.open().filter(|(_, node)| Some(*node) != gone);
        waits.next().map_or(Ok(()), |(question, node)| {
            Err(format!("{:?} was asked of node {}, and never answered", question.key, node + 1))
        })
    }
}
