//! JSON with less ink, for scripts: `{topics: [{name: t, partitions: [0, 1]}], all: false}`.
//!
//! A word without quotes is a number, `true`, `false` or `null` where it reads as one, and text otherwise. Quotes work as in JSON.

use serde_json::{Map, Value};

/// Parses one value that fills the whole text.
pub fn parse(text: &str) -> Result<Value, String> {
    let mut rest = text;
    let value = value(&mut rest)?;
    match rest.trim_start() {
        "" => Ok(value),
        more => Err(format!("after the value stands: {more}")),
    }
}

fn value(rest: &mut &str) -> Result<Value, String> {
    *rest = rest.trim_start();
    match rest.chars().next() {
        None => Err("a value is missing".into()),
        Some('{') => {
            let mut object = Map::new();
            items(rest, '}', |rest| {
                let name = word(rest)?;
                let name = name.as_str().map_or_else(|| name.to_string(), str::to_owned);
                *rest = rest.trim_start().strip_prefix(':').ok_or_else(|| format!("`:` is missing after {name}"))?;
                object.insert(name, value(rest)?);
                Ok(())
            })?;
            Ok(Value::Object(object))
        }
        Some('[') => {
            let mut list = Vec::new();
            items(rest, ']', |rest| {
                list.push(value(rest)?);
                Ok(())
            })?;
            Ok(Value::Array(list))
        }
        Some(_) => word(rest),
    }
}

fn items(rest: &mut &str, close: char, mut item: impl FnMut(&mut &str) -> Result<(), String>) -> Result<(), String> {
    *rest = &rest[1..];
    loop {
        *rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
        if let Some(after) = rest.strip_prefix(close) {
            *rest = after;
            return Ok(());
        }
        if rest.is_empty() {
            return Err(format!("`{close}` is missing"));
        }
        item(rest)?;
    }
}

fn word(rest: &mut &str) -> Result<Value, String> {
    *rest = rest.trim_start();
    if rest.starts_with('"') {
        let mut stream = serde_json::Deserializer::from_str(rest).into_iter::<String>();
        let text = stream.next().ok_or("text is missing")?.map_err(|e| e.to_string())?;
        *rest = &rest[stream.byte_offset()..];
        return Ok(text.into());
    }
    let end = rest.find(|c: char| c.is_whitespace() || ",:{}[]".contains(c)).unwrap_or(rest.len());
    let (text, after) = rest.split_at(end);
    if text.is_empty() {
        return Err(format!("a word is missing before {after:?}"));
    }
    *rest = after;
    Ok(match text {
        "true" => true.into(),
        "false" => false.into(),
        "null" => Value::Null,
        t => t.parse::<i64>().map_or_else(|_| t.into(), Value::from),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn words_need_no_quotes() {
        let got =
            parse("{topics: [{name: a-b, partitions: [0, -1]}], flag: true, none: null, text: \"x, y: 1\", 5: \"5\"}");
        let want = json!({"topics": [{"name": "a-b", "partitions": [0, -1]}], "flag": true, "none": null, "text": "x, y: 1", "5": "5"});
        assert_eq!(got, Ok(want));
    }

    #[test]
    fn what_does_not_end_is_an_error() {
        for bad in ["{a: [1", "{a 1}", "{a: 1} b", "", "\"x", "{a:}"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
