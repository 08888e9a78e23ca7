//! An answer as a list of `path = value` lines, in which two brokers can be compared: elements of lists are named by what
//! identifies them, and ids, times and addresses are masked.

use super::intended::Intended;
use serde_json::Value;
use std::collections::BTreeMap;

/// The names given to masked values of one broker: the first member seen is `member1` on either.
#[derive(Debug, Default)]
pub struct Names(BTreeMap<String, BTreeMap<String, usize>>);

impl Names {
    fn name(&mut self, kind: &str, value: &str) -> String {
        let known = self.0.entry(kind.to_owned()).or_default();
        let next = known.len() + 1;
        format!("<{kind}{}>", known.entry(value.to_owned()).or_insert(next))
    }
}

/// Fields that identify an element of a list, the best first.
const LABELS: [&str; 18] = [
    "name",
    "topic",
    "topicName",
    "groupId",
    "group",
    "key",
    "resourceName",
    "apiKey",
    "partitionIndex",
    "partition",
    "partitionId",
    "index",
    "configName",
    "nodeId",
    "brokerId",
    "errorCode",
    "base",
    "metadata",
];

/// Flattens an answer.
pub fn leaves(value: &Value, masks: &Intended, names: &mut Names) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    walk("", "", value, masks, names, &mut out);
    out
}

fn walk(
    path: &str,
    field: &str,
    value: &Value,
    masks: &Intended,
    names: &mut Names,
    out: &mut BTreeMap<String, String>,
) {
    match value {
        Value::Object(fields) => {
            for (name, v) in fields {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                walk(&path, name, v, masks, names, out);
            }
        }
        Value::Array(items) => {
            out.insert(format!("{path}.len"), items.len().to_string());
            let mut seen: BTreeMap<String, usize> = BTreeMap::new();
            for (i, item) in items.iter().enumerate() {
                let label = label(item).unwrap_or_else(|| i.to_string());
                let again = seen.entry(label.clone()).or_default();
                *again += 1;
                let label = if *again > 1 { format!("{label}#{again}") } else { label };
                walk(&format!("{path}[{label}]"), field, item, masks, names, out);
            }
        }
        leaf => {
            let text = leaf.as_str().map_or_else(|| leaf.to_string(), |s| format!("{s:?}"));
            out.insert(path.to_owned(), masked(field, leaf, masks, names).unwrap_or(text));
        }
    }
}

fn label(item: &Value) -> Option<String> {
    let fields = item.as_object()?;
    let value = LABELS.iter().find_map(|l| fields.get(*l).filter(|v| !v.is_null()))?;
    Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
}

/// What stands for a value whose field is masked. Values that mean "none" are compared as they are.
fn masked(field: &str, value: &Value, masks: &Intended, names: &mut Names) -> Option<String> {
    let kind = masks.mask(field)?;
    let none = match value {
        Value::String(s) => s.is_empty() || s == "AAAAAAAAAAAAAAAAAAAAAA",
        Value::Number(n) => n.as_i64().is_some_and(|n| n <= if kind == "time" { 1_000_000_000_000 } else { -1 }),
        _ => true,
    };
    match (none, kind) {
        (true, _) => None,
        (false, "id" | "time" | "text" | "number" | "address") => Some(format!("<{kind}>")),
        (false, _) => Some(names.name(kind, &value.as_str().map_or_else(|| value.to_string(), str::to_owned))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn masks() -> Intended {
        Intended::parse(
            "mask memberId member ids are random\nmask timeMs time clocks differ\nmask message text wording",
        )
        .expect("parses")
    }

    #[test]
    fn ids_are_numbered_as_they_come_and_times_are_hidden() {
        let mut names = Names::default();
        let value = json!({"rows": [{"memberId": "x1"}, {"memberId": "x2"}, {"memberId": "x1"}], "timeMs": 1_700_000_000_000_i64, "message": null});
        let got = leaves(&value, &masks(), &mut names);
        let want = [
            ("message", "null"),
            ("rows.len", "3"),
            ("rows[0].memberId", "<member1>"),
            ("rows[1].memberId", "<member2>"),
            ("rows[2].memberId", "<member1>"),
        ];
        let mut want: BTreeMap<String, String> = want.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        want.insert("timeMs".into(), "<time>".into());
        assert_eq!(got, want);
    }

    #[test]
    fn no_time_at_all_is_not_hidden() {
        let got = leaves(&json!({"timeMs": -1, "memberId": "AAAAAAAAAAAAAAAAAAAAAA"}), &masks(), &mut Names::default());
        assert_eq!((got["timeMs"].as_str(), got["memberId"].as_str()), ("-1", "\"AAAAAAAAAAAAAAAAAAAAAA\""));
    }

    #[test]
    fn the_order_of_named_elements_does_not_count() {
        let a = leaves(&json!({"t": [{"name": "a", "v": 1}, {"name": "b", "v": 2}]}), &masks(), &mut Names::default());
        let b = leaves(&json!({"t": [{"name": "b", "v": 2}, {"name": "a", "v": 1}]}), &masks(), &mut Names::default());
        assert_eq!(a, b);
    }
}
