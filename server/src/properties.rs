//! Kafka's `server.properties`: Java's properties syntax.

use esker_core::config::Given;

/// The text of a file: UTF-8, with or without a mark at its beginning that says so, or, where it is none, Latin-1, which is what
/// `Properties.load` reads.
pub fn decode(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.strip_prefix('\u{feff}').unwrap_or(text).to_string(),
        Err(_) => bytes.iter().copied().map(char::from).collect(),
    }
}

/// Reads names and values. The last of several equal names counts, as in Java. `Err`: the number of a line (from 1) and
/// what is wrong with it.
pub fn parse(text: &str) -> Result<Given, (usize, String)> {
    let mut given = Given::new();
    let mut lines = text.lines().enumerate();
    while let Some((number, first)) = lines.next() {
        let mut line = first.trim_start().to_string();
        if line.is_empty() || line.starts_with(['#', '!']) {
            continue;
        }
        while goes_on(&line) {
            line.pop();
            match lines.next() {
                Some((_, more)) => line.push_str(more.trim_start()),
                None => break,
            }
        }
        let (name, value) = split(&line);
        let plain = |text: &str| unescape(text).map_err(|why| (number + 1, why));
        let name = plain(name)?;
        if name.is_empty() {
            return Err((number + 1, "a value without a name".into()));
        }
        given.insert(name, plain(value)?.trim_end().to_string());
    }
    Ok(given)
}

/// An odd number of backslashes at the end: the line goes on in the next one.
fn goes_on(line: &str) -> bool {
    line.bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 1
}

/// The name ends at the first `=`, `:` or white space that no backslash protects.
fn split(line: &str) -> (&str, &str) {
    let mut protected = false;
    let end = line.char_indices().find(|(_, char)| {
        let ends = !protected && (matches!(char, '=' | ':') || char.is_whitespace());
        protected = *char == '\\' && !protected;
        ends
    });
    let Some((at, _)) = end else { return (line, "") };
    let (name, rest) = line.split_at(at);
    let rest = rest.trim_start();
    (name, rest.strip_prefix(['=', ':']).unwrap_or(rest).trim_start())
}

fn unescape(text: &str) -> Result<String, String> {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        if char != '\\' {
            plain.push(char);
            continue;
        }
        match chars.next() {
            Some('t') => plain.push('\t'),
            Some('n') => plain.push('\n'),
            Some('r') => plain.push('\r'),
            Some('f') => plain.push('\u{c}'),
            Some('u') => {
                let digits: String = chars.by_ref().take(4).collect();
                let code = u32::from_str_radix(&digits, 16).ok().filter(|_| digits.len() == 4);
                plain.push(code.and_then(char::from_u32).ok_or_else(|| format!("\\u{digits} is no character"))?);
            }
            Some(other) => plain.push(other),
            None => {}
        }
    }
    Ok(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str, name: &str) -> Option<String> {
        parse(text).unwrap().get(name).cloned()
    }

    #[test]
    fn names_and_values() {
        let text = "# comment\n! too\n\n a=1\nb : 2\nc 3\nd=\ne\na=4\nf=x=y:z  \n";
        for (name, expected) in [("a", "4"), ("b", "2"), ("c", "3"), ("d", ""), ("e", ""), ("f", "x=y:z")] {
            assert_eq!(value(text, name).as_deref(), Some(expected), "{name}");
        }
        assert_eq!(parse(text).unwrap().len(), 6);
    }

    #[test]
    fn a_file_may_be_latin_1_or_begin_with_a_mark() {
        let broker = |bytes: &[u8]| value(&decode(bytes), "broker.rack");
        assert_eq!(broker(b"\xef\xbb\xbfbroker.rack=a").as_deref(), Some("a"));
        assert_eq!(broker("# süß\nbroker.rack=süß".as_bytes()).as_deref(), Some("süß"));
        assert_eq!(broker(b"# s\xfc\xdf\nbroker.rack=s\xfc\xdf").as_deref(), Some("süß"));
    }

    #[test]
    fn lines_go_on() {
        assert_eq!(value("a=1,\\\n   2,\\\r\n\t3\nb=4", "a").as_deref(), Some("1,2,3"));
        assert_eq!(value("a=1\\\\\nb=4", "a").as_deref(), Some("1\\"));
        assert_eq!(value("a=1\\", "a").as_deref(), Some("1"));
    }

    #[test]
    fn escapes() {
        assert_eq!(value("a\\=b=\\u0041\\t\\:", "a=b").as_deref(), Some("A\t:"));
        assert!(parse("a=\\u00").is_err());
        assert_eq!(parse("x=1\n=2").unwrap_err().0, 2);
    }
}
