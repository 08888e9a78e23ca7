//! Scripts: stories of requests, a line each.
//!
//! ```text
//! == story                                   a heading; connections end, variables are forgotten
//! Metadata 12 {topics: [{name: t}]}          a request and its answer
//! Metadata 0-8 {...}                         the same in each version; fields a version does not have are left out
//! eventually ...                             repeated while the answer has an error that passes
//! until topics.0.errorCode=3 ...             repeated until the answer says so
//! post ... / await                           send now, read later
//! @b ...                                     on another connection
//! let id = topics.0.topicId                  from the last answer; used as $id
//! cut=3 / extra=00 / as=0 ...                before the name: cut the body, add to it, read the answer in another version
//! raw 0012ffff                               a frame of these bytes
//! close                                      ends the connection
//! ```
//!
//! A line that begins with a space goes on with the one before.

use crate::bytes::unhex;
use crate::client::{Client, Oddity, Outcome, Pending};
use crate::notation;
use crate::schema::Schemas;
use serde_json::Value;
use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Requests that change metadata. Kafka answers them before the broker that was asked sees the change itself.
const CHANGES: [&str; 6] = ["Create", "Delete", "Alter", "Incremental", "Elect", "OffsetDelete"];
/// How long Kafka is given to see its own change.
const SEEN_AFTER: Duration = Duration::from_millis(300);

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long a condition may take to come true.
const LIMIT: Duration = Duration::from_secs(30);
/// Errors that pass: a leader, a coordinator or a topic that is not there yet.
const PASSING: [i64; 9] = [3, 5, 6, 9, 13, 14, 15, 16, 100];

#[derive(Debug, Clone)]
pub struct Script {
    pub stories: Vec<Story>,
}

#[derive(Debug, Clone)]
pub struct Story {
    pub name: String,
    lines: Vec<(usize, String)>,
}

/// What a story's requests came to: where, the request with its version, the outcome.
pub type Outcomes = Vec<(String, String, Outcome)>;

impl Script {
    /// Reads a script; `file` stands in messages.
    pub fn parse(file: &str, text: &str) -> Result<Self, String> {
        let mut stories: Vec<Story> = Vec::new();
        for (i, line) in text.lines().enumerate().filter(|(_, l)| !l.trim().is_empty() && !l.starts_with('#')) {
            let at = || format!("{file}:{}", i + 1);
            if let Some(name) = line.strip_prefix("== ") {
                stories.push(Story { name: format!("{file}: {name}"), lines: Vec::new() });
                continue;
            }
            let lines = &mut stories.last_mut().ok_or_else(|| format!("{}: before the first story", at()))?.lines;
            match lines.last_mut() {
                Some((_, last)) if line.starts_with(' ') => last.push_str(line),
                _ => lines.push((i + 1, line.to_owned())),
            }
        }
        Ok(Self { stories })
    }
}

impl Story {
    /// Plays the story to a broker. An error is the script's own.
    pub fn play(&self, schemas: &Schemas, broker: SocketAddr) -> Result<Outcomes, String> {
        let mut stage = Stage {
            schemas,
            broker,
            clients: BTreeMap::new(),
            vars: BTreeMap::new(),
            last: Value::Null,
            out: Vec::new(),
        };
        for (number, line) in &self.lines {
            stage.line(*number, line).map_err(|e| format!("{}, line {number}: {e}", self.name))?;
        }
        Ok(stage.out)
    }
}

struct Stage<'a> {
    schemas: &'a Schemas,
    broker: SocketAddr,
    clients: BTreeMap<String, (Client<'a>, VecDeque<(String, Pending)>)>,
    vars: BTreeMap<String, String>,
    last: Value,
    out: Outcomes,
}

/// When a request is sent again.
enum Again {
    Never,
    WhilePassing,
    Until(String, String),
}

impl<'a> Stage<'a> {
    fn line(&mut self, number: usize, line: &str) -> Result<(), String> {
        let mut rest = line.trim();
        let mut who = "a".to_owned();
        let mut odd = Oddity::default();
        let (mut again, mut post) = (Again::Never, false);
        loop {
            let (word, after) = rest.split_once(' ').unwrap_or((rest, ""));
            match word {
                w if w.starts_with('@') => who = w[1..].to_owned(),
                "eventually" => again = Again::WhilePassing,
                "until" => {
                    let (condition, body) = after.split_once(' ').ok_or("until what?")?;
                    let (path, value) = condition.split_once('=').ok_or("until PATH=VALUE")?;
                    again = Again::Until(path.to_owned(), value.to_owned());
                    rest = body;
                    continue;
                }
                "post" => post = true,
                w if w.starts_with("cut=") => odd.cut = w[4..].parse().map_err(|_| "cut=N")?,
                w if w.starts_with("extra=") => odd.extra = unhex(&w[6..])?,
                w if w.starts_with("as=") => odd.read_as = Some(w[3..].parse().map_err(|_| "as=N")?),
                _ => break,
            }
            rest = after;
        }
        let (word, after) = rest.split_once(' ').unwrap_or((rest, ""));
        match word {
            "let" => {
                let (name, path) = after.split_once(" = ").ok_or("let NAME = PATH")?;
                let found =
                    at(&self.last, path).ok_or_else(|| format!("the last answer has no {path}: {}", self.last))?;
                let text = found.as_str().map_or_else(|| found.to_string(), str::to_owned);
                self.vars.insert(name.to_owned(), text);
            }
            "raw" => {
                let frame = unhex(after)?;
                let outcome = self.client(&who).0.raw(&frame, PATIENCE);
                self.out.push((format!("line {number}"), "raw".into(), outcome));
            }
            "close" => {
                self.clients.remove(&who);
            }
            "await" => {
                let entry = self.client(&who);
                let (name, pending) = entry.1.pop_front().ok_or("nothing was posted")?;
                let outcome = entry.0.take(&pending, PATIENCE)?;
                self.keep(number, name, outcome);
            }
            name => {
                let (versions, body) = after.split_once(' ').ok_or("NAME VERSION {…}")?;
                let body = notation::parse(&self.fill(body)?)?;
                let (first, last) = versions.split_once('-').unwrap_or((versions, versions));
                let number_of = |t: &str| t.parse::<i16>().map_err(|_| format!("not a version: {versions}"));
                for version in number_of(first)?..=number_of(last)? {
                    let body = if first == last { body.clone() } else { self.fit(name, version, &body)? };
                    self.ask(number, &who, name, version, &body, &odd, &again, post)?;
                }
            }
        }
        Ok(())
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one script line")]
    fn ask(
        &mut self,
        number: usize,
        who: &str,
        name: &str,
        version: i16,
        body: &Value,
        odd: &Oddity,
        again: &Again,
        post: bool,
    ) -> Result<(), String> {
        let label = format!("{name}-{version}");
        let end = Instant::now() + LIMIT;
        loop {
            let entry = self.client(who);
            let pending = entry.0.post(name, version, body, odd)?;
            if post {
                entry.1.push_back((label, pending));
                return Ok(());
            }
            let outcome = entry.0.take(&pending, PATIENCE)?;
            let once_more = match (again, &outcome) {
                (Again::Never, _) => false,
                (Again::WhilePassing, Outcome::Answer(v)) => passing(v),
                (Again::Until(path, value), Outcome::Answer(v)) => {
                    at(v, path).map_or("none".into(), |f| f.as_str().map_or_else(|| f.to_string(), str::to_owned))
                        != *value
                }
                (_, Outcome::Garbled(_) | Outcome::Lack(_)) => false,
            };
            if !once_more || Instant::now() >= end {
                if CHANGES.iter().any(|name| label.starts_with(name)) {
                    sleep(SEEN_AFTER);
                }
                self.keep(number, label, outcome);
                return Ok(());
            }
            sleep(Duration::from_millis(100));
        }
    }

    fn keep(&mut self, number: usize, label: String, outcome: Outcome) {
        if let Outcome::Answer(value) = &outcome {
            self.last = value.clone();
        }
        self.out.push((format!("line {number}"), label, outcome));
    }

    fn client(&mut self, who: &str) -> &mut (Client<'a>, VecDeque<(String, Pending)>) {
        let (schemas, broker) = (self.schemas, self.broker);
        self.clients.entry(who.to_owned()).or_insert_with(|| (Client::new(schemas, broker), VecDeque::new()))
    }

    /// Replaces `$name`.
    fn fill(&self, text: &str) -> Result<String, String> {
        let mut parts = text.split('$');
        let mut out = parts.next().unwrap_or("").to_owned();
        for part in parts {
            let end = part.find(|c: char| !c.is_alphanumeric()).unwrap_or(part.len());
            let value = self.vars.get(&part[..end]).ok_or_else(|| format!("${} was never set", &part[..end]))?;
            match value.parse::<i64>() {
                Ok(number) => out.push_str(&number.to_string()),
                Err(_) => out.push_str(&format!("{value:?}")),
            }
            out.push_str(&part[end..]);
        }
        Ok(out)
    }

    /// The value without the fields that the version does not have.
    fn fit(&self, name: &str, version: i16, body: &Value) -> Result<Value, String> {
        let message =
            self.schemas.get(&format!("{name}Request")).ok_or_else(|| format!("there is no {name}Request"))?;
        Ok(crate::codec::fit(&message.fields, version, body))
    }
}

/// `topics.0.name` in a value.
fn at<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    path.split('.').try_fold(value, |v, part| match v {
        Value::Array(items) => items.get(part.parse::<usize>().ok()?),
        other => other.get(part),
    })
}

fn passing(value: &Value) -> bool {
    match value {
        Value::Object(fields) => fields
            .iter()
            .any(|(n, v)| n == "errorCode" && v.as_i64().is_some_and(|e| PASSING.contains(&e)) || passing(v)),
        Value::Array(items) => items.iter().any(passing),
        _ => false,
    }
}
