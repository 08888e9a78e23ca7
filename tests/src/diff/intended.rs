//! The written list of differences that are meant: what is masked on both sides, and where Esker answers otherwise on purpose.
//!
//! ```text
//! mask FIELD KIND   why
//! differ REQUEST PATH KAFKA | ESKER   why
//! ```
//!
//! `*` stands for any run of characters, in the request (`Metadata-12`), the path and the values. A `differ` that never applied is an error.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// One difference between two answers; `-` stands for a value that is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    pub request: String,
    pub path: String,
    pub left: String,
    pub right: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} | {}", self.request, self.path, self.left, self.right)
    }
}

#[derive(Debug)]
struct Rule {
    text: String,
    request: String,
    path: String,
    left: String,
    right: String,
}

#[derive(Debug, Default)]
pub struct Intended {
    masks: BTreeMap<String, String>,
    rules: Vec<Rule>,
    used: RefCell<BTreeSet<usize>>,
}

impl Intended {
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut out = Self::default();
        for line in text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#')) {
            let wrong = || format!("not a rule with a reason: {line}");
            let mut words = line.split_whitespace();
            let mut next = || words.next().map(str::to_owned).ok_or_else(wrong);
            match next()?.as_str() {
                "mask" => {
                    out.masks.insert(next()?, next()?);
                }
                "differ" => {
                    let (request, path, left) = (next()?, next()?, next()?);
                    if next()? != "|" {
                        return Err(wrong());
                    }
                    out.rules.push(Rule { text: line.to_owned(), request, path, left, right: next()? });
                }
                _ => return Err(wrong()),
            }
            next()?;
        }
        Ok(out)
    }

    /// The kind of mask on a field.
    pub fn mask(&self, field: &str) -> Option<&str> {
        self.masks.get(field).map(String::as_str)
    }

    pub fn allows(&self, d: &Difference) -> bool {
        let fits = |r: &Rule| {
            glob(&r.request, &d.request) && glob(&r.path, &d.path) && glob(&r.left, &d.left) && glob(&r.right, &d.right)
        };
        let found = self.rules.iter().position(fits);
        self.used.borrow_mut().extend(found);
        found.is_some()
    }

    /// Rules that never applied.
    pub fn idle(&self) -> Vec<&str> {
        let used = self.used.borrow();
        self.rules.iter().enumerate().filter(|(i, _)| !used.contains(i)).map(|(_, r)| r.text.as_str()).collect()
    }
}

fn glob(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((head, tail)) => {
            let Some(rest) = text.strip_prefix(head) else { return false };
            (0..=rest.len()).filter(|i| rest.is_char_boundary(*i)).any(|i| glob(tail, &rest[i..]))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn difference(path: &str, left: &str, right: &str) -> Difference {
        Difference { request: "Metadata-12".into(), path: path.into(), left: left.into(), right: right.into() }
    }

    #[test]
    fn a_rule_allows_what_it_says_and_no_more() {
        let list = Intended::parse("# head\ndiffer Metadata-* topics[*].errorCode 3 | 5  because").expect("parses");
        assert!(list.allows(&difference("topics[a].errorCode", "3", "5")));
        assert!(!list.allows(&difference("topics[a].errorCode", "3", "6")));
        assert!(!list.allows(&difference("topics[a].name", "3", "5")));
        assert!(list.idle().is_empty());
    }

    #[test]
    fn a_rule_without_use_shows_and_one_without_reason_is_refused() {
        let list = Intended::parse("differ X-1 a 1 | 2 because").expect("parses");
        assert_eq!(list.idle(), ["differ X-1 a 1 | 2 because"]);
        assert!(Intended::parse("differ X-1 a 1 | 2").is_err());
        assert!(Intended::parse("mask a id").is_err());
    }
}
