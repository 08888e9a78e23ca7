//! The words of a line.

use std::str::FromStr;

/// What is wrong with a line.
pub type Wrong = String;
/// What a verb has to say.
pub type Told = Result<Vec<String>, Wrong>;

/// What of a line is not yet read.
#[derive(Debug)]
pub struct Words {
    left: Vec<String>,
}

impl Words {
    /// Words are parted by blanks; what is in parentheses is for the reader.
    pub fn of(line: &str) -> Result<Self, Wrong> {
        let mut plain = String::new();
        let mut rest = line;
        while let Some((before, after)) = rest.split_once('(') {
            plain.push_str(before);
            rest = after.split_once(')').ok_or("a parenthesis is not closed")?.1;
        }
        plain.push_str(rest);
        Ok(Self { left: plain.split_whitespace().map(|word| word.trim_matches('"').to_string()).collect() })
    }

    /// The next word.
    pub fn word(&mut self, what: &str) -> Result<String, Wrong> {
        if self.left.is_empty() { Err(format!("{what} is missing")) } else { Ok(self.left.remove(0)) }
    }

    pub fn number<T: FromStr>(&mut self, what: &str) -> Result<T, Wrong> {
        let word = self.word(what)?;
        word.parse().map_err(|_| format!("{word} is not {what}"))
    }

    /// The word behind `key`, wherever it stands.
    pub fn after(&mut self, key: &str) -> Option<String> {
        let at = self.left.iter().position(|word| word == key)?;
        if at + 1 >= self.left.len() {
            return None;
        }
        self.left.remove(at);
        Some(self.left.remove(at))
    }

    pub fn number_after<T: FromStr>(&mut self, key: &str) -> Result<Option<T>, Wrong> {
        let Some(word) = self.after(key) else { return Ok(None) };
        word.parse().map(Some).map_err(|_| format!("{word} behind {key} is not a number"))
    }

    /// A span behind `key`, in microseconds.
    pub fn span_after(&mut self, key: &str) -> Result<Option<u64>, Wrong> {
        self.after(key).map(|word| span(&word)).transpose()
    }

    /// Whether the word is there.
    pub fn has(&mut self, flag: &str) -> bool {
        let at = self.left.iter().position(|word| word == flag);
        at.map(|at| self.left.remove(at)).is_some()
    }

    /// `name=value` words behind `with`.
    pub fn pairs(&mut self) -> Result<Vec<(String, String)>, Wrong> {
        let pair = |word: String| {
            let (name, value) = word.split_once('=').ok_or_else(|| format!("{word} is not name=value"))?;
            Ok((name.to_string(), value.to_string()))
        };
        let Some(at) = self.left.iter().position(|word| word == "with") else { return Ok(Vec::new()) };
        self.left.split_off(at).into_iter().skip(1).map(pair).collect()
    }

    /// All that is left.
    pub fn rest(&mut self) -> Vec<String> {
        std::mem::take(&mut self.left)
    }

    /// Nothing may be left.
    pub fn end(self) -> Result<(), Wrong> {
        if self.left.is_empty() { Ok(()) } else { Err(format!("{} means nothing here", self.left.join(" "))) }
    }
}

/// `3s` or `500ms`, in microseconds.
pub fn span(word: &str) -> Result<u64, Wrong> {
    let parse = |digits: &str, unit: u64| digits.parse::<u64>().ok().map(|number| number * unit);
    let read = match word.strip_suffix("ms") {
        Some(digits) => parse(digits, 1_000),
        None => word.strip_suffix('s').and_then(|digits| parse(digits, 1_000_000)),
    };
    read.ok_or_else(|| format!("{word} is not a time like 3s or 500ms"))
}

/// Numbers parted by commas.
pub fn list(word: &str) -> Result<Vec<i32>, Wrong> {
    word.split(',').map(|number| number.parse().map_err(|_| format!("{word} is not a list of nodes"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_where_they_stand() {
        let mut words = Words::of("produce t-0 \"a\" b acks all (quick) timeout 500ms &").unwrap();
        assert_eq!(words.word("a verb").unwrap(), "produce");
        assert_eq!((words.after("acks").unwrap(), words.has("&"), words.has("&")), ("all".into(), true, false));
        assert_eq!(words.span_after("timeout").unwrap(), Some(500_000));
        assert_eq!(words.number_after::<i32>("epoch"), Ok(None));
        assert_eq!(words.rest(), ["t-0", "a", "b"]);
        assert_eq!(words.end(), Ok(()));
        assert!(Words::of("crash 1 (power").is_err());
        assert_eq!((span("3s"), list("1,2")), (Ok(3_000_000), Ok(vec![1, 2])));
        assert!(span("3").is_err() && list("1;2").is_err());
    }
}
