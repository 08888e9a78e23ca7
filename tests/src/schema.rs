//! Kafka's message definitions, as its own jars carry them (`common/message/*.json`): which fields a message has in which version.

use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Versions from the first to the last, both included; empty where `first > last`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Versions {
    pub first: i16,
    pub last: i16,
}

impl Versions {
    pub const NONE: Self = Self { first: 1, last: 0 };
    const ALL: Self = Self { first: 0, last: i16::MAX };

    /// `3`, `3-7`, `3+`, `none`.
    fn parse(text: &str) -> Self {
        let number = |t: &str| t.parse().unwrap_or_else(|_| panic!("versions {text:?}"));
        match text {
            "none" => Self::NONE,
            t if t.ends_with('+') => Self { first: number(&t[..t.len() - 1]), last: i16::MAX },
            t => match t.split_once('-') {
                Some((a, b)) => Self { first: number(a), last: number(b) },
                None => Self { first: number(t), last: number(t) },
            },
        }
    }

    pub fn has(self, version: i16) -> bool {
        self.first <= version && version <= self.last
    }
}

#[derive(Debug, Clone)]
pub enum Type {
    Bool,
    Int8,
    Int16,
    Uint16,
    Int32,
    Uint32,
    Int64,
    Float64,
    Uuid,
    String,
    Bytes,
    Records,
    Array(Box<Type>),
    Struct(Vec<Field>),
}

#[derive(Debug, Clone)]
pub struct Field {
    /// As in scripts and answers: with a small first letter.
    pub name: String,
    pub kind: Type,
    pub versions: Versions,
    pub nullable: Versions,
    /// Tag and the versions in which the field is tagged.
    pub tagged: Option<(u32, Versions)>,
    /// Where the field's own flexibility differs from the message's: a header's client id.
    pub flexible: Option<Versions>,
    pub default: Value,
}

#[derive(Debug, Clone)]
pub struct Message {
    pub key: i16,
    pub valid: Versions,
    pub flexible: Versions,
    pub fields: Vec<Field>,
}

/// All messages, by the name that the definitions give them: `FetchRequest`, `FetchResponse`.
#[derive(Debug)]
pub struct Schemas(BTreeMap<String, Message>);

impl Schemas {
    /// Reads every definition in a folder.
    pub fn read(folder: &Path) -> Self {
        let mut all = BTreeMap::new();
        let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
        for path in entries.map(|e| e.expect("an entry").path()).filter(|p| p.extension().is_some_and(|e| e == "json"))
        {
            let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            let (name, message) = parse(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            all.insert(name, message);
        }
        Self(all)
    }

    pub fn get(&self, name: &str) -> Option<&Message> {
        self.0.get(name)
    }
}

/// One definition; lines that begin with `//` are comments.
pub fn parse(text: &str) -> Result<(String, Message), String> {
    let bare: String = text.lines().filter(|l| !l.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    let json: Value = serde_json::from_str(&bare).map_err(|e| e.to_string())?;
    let commons = json["commonStructs"].as_array().cloned().unwrap_or_default();
    let commons = commons.iter().map(|c| (c["name"].as_str().unwrap_or("").to_owned(), c["fields"].clone())).collect();
    let message = Message {
        key: json["apiKey"].as_i64().unwrap_or(-1) as i16,
        valid: json["validVersions"].as_str().map_or(Versions::NONE, Versions::parse),
        flexible: json["flexibleVersions"].as_str().map_or(Versions::NONE, Versions::parse),
        fields: fields(&json["fields"], &commons),
    };
    Ok((json["name"].as_str().ok_or("no name")?.to_owned(), message))
}

fn fields(json: &Value, commons: &BTreeMap<String, Value>) -> Vec<Field> {
    json.as_array().into_iter().flatten().map(|f| field(f, commons)).collect()
}

fn field(json: &Value, commons: &BTreeMap<String, Value>) -> Field {
    let text = |name: &str| json[name].as_str();
    let kind = kind(text("type").expect("a field's type"), &json["fields"], commons);
    let name = text("name").expect("a field's name");
    let mut letters = name.chars();
    let small = letters.next().map(|c| c.to_ascii_lowercase()).into_iter().chain(letters).collect();
    let tagged =
        json["tag"].as_u64().map(|tag| (tag as u32, text("taggedVersions").map_or(Versions::NONE, Versions::parse)));
    Field {
        name: small,
        versions: text("versions").map_or(Versions::ALL, Versions::parse),
        nullable: text("nullableVersions").map_or(Versions::NONE, Versions::parse),
        tagged,
        flexible: text("flexibleVersions").map(Versions::parse),
        default: default(&kind, &json["default"]),
        kind,
    }
}

fn kind(name: &str, inner: &Value, commons: &BTreeMap<String, Value>) -> Type {
    match name {
        "bool" => Type::Bool,
        "int8" => Type::Int8,
        "int16" => Type::Int16,
        "uint16" => Type::Uint16,
        "int32" => Type::Int32,
        "uint32" => Type::Uint32,
        "int64" => Type::Int64,
        "float64" => Type::Float64,
        "uuid" => Type::Uuid,
        "string" => Type::String,
        "bytes" => Type::Bytes,
        "records" => Type::Records,
        n if n.starts_with("[]") => Type::Array(Box::new(kind(&n[2..], inner, commons))),
        n => Type::Struct(fields(commons.get(n).filter(|_| !inner.is_array()).unwrap_or(inner), commons)),
    }
}

fn default(kind: &Type, json: &Value) -> Value {
    if json.as_str() == Some("null") {
        return Value::Null;
    }
    let number = || match json {
        Value::String(s) if s.starts_with("0x") => i64::from_str_radix(&s[2..], 16).unwrap_or(0).into(),
        Value::String(s) => s.parse::<i64>().unwrap_or(0).into(),
        Value::Number(n) => Value::Number(n.clone()),
        _ => 0.into(),
    };
    match kind {
        Type::Bool => Value::Bool(json.as_bool().unwrap_or(json.as_str() == Some("true"))),
        Type::String | Type::Bytes => json.as_str().unwrap_or("").into(),
        Type::Records => Value::Null,
        Type::Uuid => "AAAAAAAAAAAAAAAAAAAAAA".into(),
        Type::Array(_) => Value::Array(Vec::new()),
        Type::Struct(_) => Value::Object(serde_json::Map::new()),
        _ => number(),
    }
}
